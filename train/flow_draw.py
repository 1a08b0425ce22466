"""A flow as a picture: nodes in columns from left to right, a branch's cases on its arrows.

In: a `Flow`. Out: one SVG without script or other files, Mermaid text, or an indented tree. A nested flow is drawn as
one box. Layout: a tree whose leaves stand under each other, every node beside the middle of what follows it. Never
looks at weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from train.flow import Flow
from train.flow_file import AnyNode, BranchNode, DetectNode, FlowNode, ListNode, RuleNode, TaskNode

BOX_W, BOX_H, GAP_X, GAP_Y, TOP, LEFT = 156, 44, 72, 14, 76, 20
COLOURS = {
    "task": "#e6f3ee", "branch": "#fdf3dc", "detect": "#f3ecf8", "rule": "#e8eef7", "flow": "#fbe6e3",
    "start": "#e3e7ea", "end": "#ffffff",
}  # fmt: skip
MEANING = (
    ("task", "asks a model"), ("branch", "goes on by an answer"), ("detect", "cuts to a box"),
    ("rule", "measures or follows"), ("flow", "another flow"),
)  # fmt: skip
_INK, _FAINT, _LINE = "#22303c", "#5c6b78", "#9aa8b5"


@dataclass
class Box:
    """`words` on two lines; `then` are (what stands on the arrow, box). Places are filled in by `_lay_out`, px."""

    kind: str
    words: tuple[str, str]
    then: list[tuple[str, Box]] = field(default_factory=list)
    x: int = 0
    y: float = 0.0


def draw(flow: Flow) -> str:
    """The whole SVG."""
    root = _graph(flow)
    rows = _lay_out(root, 0, 0)
    boxes = list(_all(root))
    width = max(box.x for box in boxes) + BOX_W + LEFT
    width = max(width, LEFT * 2 + 150 * len(MEANING))
    height = int(TOP + rows * (BOX_H + GAP_Y) + 44)
    title = f"{flow.name} · taxonomy {flow.taxonomy}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="30" font-size="16" font-weight="600">{escape(title)}</text>',
        f'<text x="{LEFT}" y="50" fill="{_FAINT}">{escape(_short(flow.file.description, width // 7))}</text>',
        *(line for box in boxes for line in _arrows(box)),
        *(_drawn(box) for box in boxes),
        *_legend(height - 22),
        "</svg>",
    ]) + "\n"  # fmt: skip


def mermaid(flow: Flow) -> str:
    """A Mermaid flowchart, as GitHub and most wikis draw it."""
    boxes = list(_all(_graph(flow)))
    number = {id(box): f"n{place}" for place, box in enumerate(boxes)}
    lines = ["flowchart LR"]
    for box in boxes:
        words = "<br/>".join(escape(word) for word in box.words if word)
        shape = f'{{"{words}"}}' if box.kind == "branch" else f'["{words}"]'
        lines.append(f"  {number[id(box)]}{shape}")
        for label, other in box.then:
            arrow = f'-->|"{escape(label)}"|' if label else "-->"
            lines.append(f"  {number[id(box)]} {arrow} {number[id(other)]}")
    return "\n".join(lines) + "\n"


def as_text(flow: Flow) -> str:
    """An indented tree for the terminal."""
    head = f"{flow.name} (taxonomy {flow.taxonomy}): {flow.file.description}"
    models = [f"  model {name}: {pin_words(flow, name)}" for name in flow.models]
    return "\n".join([head, *models, *_lines(flow, flow.steps, 1)]) + "\n"


def pin_words(flow: Flow, name: str) -> str:
    """Where a model comes from, in a few words."""
    pin = flow.models[name]
    source = pin.weights or (f"run {pin.run}" if pin.run else "") or ("ships with Modiste" if pin.shipped else "")
    pinned = f", pinned {pin.fingerprint[:12]}" if pin.fingerprint else ""
    return f"{source or f'bring {pin.bring}'}{pinned}"


def _lines(flow: Flow, node: AnyNode, deep: int) -> Iterator[str]:
    """A node's line and those below it; lists have none of their own."""
    if isinstance(node, ListNode):
        for child in node.list:
            yield from _lines(flow, child, deep)
        return
    first, second = _words(node)
    yield f"{'  ' * deep}{node.kind} {first}{f' ({second})' if second else ''}"
    for label, after in _ways(node):
        yield f"{'  ' * (deep + 1)}{label}:"
        below = list(_lines(flow, after, deep + 2)) if after is not None else []
        yield from below or [f"{'  ' * (deep + 2)}nothing more"]


def _words(node: AnyNode) -> tuple[str, str]:
    if isinstance(node, TaskNode):
        how = f", {node.decide}" if node.decide else ""
        return node.name or node.task, f"by {node.model}{how}"
    if isinstance(node, BranchNode):
        return node.name or f"{node.branch}?", f"floor {node.floor:g}" if node.floor else ""
    if isinstance(node, DetectNode):
        return node.name or node.detect, "or else the whole photo"
    if isinstance(node, RuleNode):
        bounds = [f"{name} ≥ {bound:g}" for name, bound in node.at_least.items()]
        bounds += [f"{name} ≤ {bound:g}" for name, bound in node.at_most.items()]
        plain = "what the taxonomy says" if node.rule == "implied" else "measured"
        return node.name or node.field or node.rule, ", ".join(bounds) or plain
    assert isinstance(node, FlowNode)  # the one kind that is left
    return node.name or node.flow, node.taxonomy or "another flow"


def _ways(node: AnyNode) -> Iterator[tuple[str, AnyNode | None]]:
    """(what stands on the arrow, what it leads to)."""
    if isinstance(node, BranchNode):
        yield from node.cases.items()
        yield "otherwise", node.otherwise
    elif isinstance(node, DetectNode):
        yield "then", node.then
    elif isinstance(node, RuleNode) and node.rule == "pixels":
        yield "within", node.then
        yield "otherwise", node.otherwise


def _graph(flow: Flow) -> Box:
    root = Box("start", ("photo", ""))
    root.then = _after(flow.steps)
    return root


def _after(node: AnyNode | None) -> list[tuple[str, Box]]:
    """The boxes that follow: a list's stand beside each other, for all of them are run."""
    if node is None:
        return []
    if isinstance(node, ListNode):
        return [pair for child in _chained(node.list) for pair in child]
    box = Box(node.kind, _words(node))
    for label, child in _ways(node):
        found = _after(child)
        if not found and isinstance(node, BranchNode):
            found = [("", Box("end", ("nothing more", "")))]
        box.then += [(label, other) for _, other in found]
    return [("", box)]


def _chained(nodes: list[AnyNode]) -> Iterator[list[tuple[str, Box]]]:
    """A branch hangs on the task whose answer it goes by, so that the arrow says what is meant."""
    asked: dict[str, Box] = {}
    for node in nodes:
        found = _after(node)
        if isinstance(node, TaskNode):
            asked[node.task] = found[0][1]
        if isinstance(node, BranchNode) and node.branch in asked:
            asked[node.branch].then += found
        else:
            yield found


def _lay_out(box: Box, deep: int, row: float) -> float:
    """Place a box and all after it from `row` on; how many rows they take."""
    box.x = LEFT + deep * (BOX_W + GAP_X)
    taken = 0.0
    for _, other in box.then:
        taken += _lay_out(other, deep + 1, row + taken)
    taken = max(taken, 1.0)
    ends = [other.y for _, other in box.then] or [TOP + row * (BOX_H + GAP_Y)]
    box.y = (ends[0] + ends[-1]) / 2
    return taken


def _all(box: Box) -> Iterator[Box]:
    yield box
    for _, other in box.then:
        yield from _all(other)


def _arrows(box: Box) -> Iterator[str]:
    x, y = box.x + BOX_W, box.y + BOX_H / 2
    for label, other in box.then:
        to_x, to_y = other.x, other.y + BOX_H / 2
        bend = (to_x - x) // 2
        path = f"M{x} {y:g} C{x + bend} {y:g} {to_x - bend} {to_y:g} {to_x} {to_y:g}"
        yield f'<path d="{path}" fill="none" stroke="{_LINE}" stroke-width="1.2"/>'
        if label:
            yield (
                f'<text x="{to_x - 6}" y="{to_y - 5:g}" text-anchor="end" font-size="11" font-weight="600" '
                f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(_short(label, 11))}</text>'
            )


def _drawn(box: Box) -> str:
    first, second = box.words
    dashed = ' stroke-dasharray="4 3"' if box.kind == "end" else ""
    place = f'x="{box.x + 10}" y="{box.y + 34:g}"'
    below = f'<text {place} font-size="10.5" fill="{_FAINT}">{escape(_short(second, 28))}</text>'
    return (
        f"<g><title>{escape(f'{box.kind} {first} {second}'.strip())}</title>"
        f'<rect x="{box.x}" y="{box.y:g}" width="{BOX_W}" height="{BOX_H}" rx="{18 if box.kind == "branch" else 6}" '
        f'fill="{COLOURS[box.kind]}" stroke="#b8c4cf"{dashed}/>'
        f'<text x="{box.x + 10}" y="{box.y + (19 if second else 27):g}">{escape(_short(first, 24))}</text>'
        f"{below if second else ''}</g>"
    )


def _legend(y: int) -> Iterator[str]:
    for place, (kind, meaning) in enumerate(MEANING):
        x = LEFT + place * 150
        rx = 6 if kind == "branch" else 2
        yield f'<rect x="{x}" y="{y - 10}" width="14" height="12" rx="{rx}" fill="{COLOURS[kind]}" stroke="#b8c4cf"/>'
        yield f'<text x="{x + 20}" y="{y}" font-size="11" fill="{_FAINT}">{meaning}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
