"""A lineage as a picture: shops, pages, images, what was made of them, snapshots, runs, in columns from left to right.

In: a `Lineage`. Out: SVG, or one HTML page around it; no script, no file from elsewhere. A column shows its first
things and says how many more there are; the whole name of a box is its tooltip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from dataset.blobs import write_atomically
from dataset.errors import UsageError
from dataset.lineage import Lineage, Node

COLUMNS = ("shops", "pages", "images", "labels, masks, groups", "snapshots", "runs")
MOST = 9  # boxes of a column
BOX_W, BOX_H, GAP_X, GAP_Y, TOP = 204, 40, 56, 12, 84
COLOURS = ("#e8eef7", "#e6f3ee", "#fdf3dc", "#f3ecf8", "#fbe6e3", "#e3e7ea")
_INK, _FAINT, _MARK = "#22303c", "#5c6b78", "#b3261e"


@dataclass
class Graph:
    """`boxes[column]` maps a thing's key to (name, second line, marked); edges join (column, key) pairs."""

    boxes: list[dict[str, tuple[str, str, bool]]] = field(default_factory=lambda: [{} for _ in COLUMNS])
    edges: set[tuple[tuple[int, str], tuple[int, str]]] = field(default_factory=set)

    def box(self, column: int, key: str, name: str, second: str = "", marked: bool = False) -> tuple[int, str]:
        """Give a thing its box, once."""
        self.boxes[column].setdefault(key, (name, second, marked))
        return column, key


def draw(found: Lineage) -> str:
    """SVG of the first images' chains; the counts above the columns are of everything."""
    graph = _graph(found)
    place, rest = _places(graph)
    width = len(COLUMNS) * (BOX_W + GAP_X) - GAP_X + 40
    height = TOP + max(len(each) + bool(more) for each, more in zip(place, rest, strict=True)) * (BOX_H + GAP_Y) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="20" y="28" font-size="16" font-weight="600">{escape(_short(found.line(), 150))}</text>',
        *_lines(graph, place),
        *_boxes(graph, place, rest, found),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def write(found: Lineage, out: Path) -> Path:
    """Write `out` as .svg or .html. Raises UsageError for another suffix."""
    svg = draw(found)
    if out.suffix == ".html":
        title = escape(f"Lineage of {found.thing}")
        text = escape(found.text())
        svg = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f'<body style="margin:16px;overflow-x:auto;font-family:system-ui,sans-serif">{svg}'
            f"<details><summary>As text</summary><pre>{text}</pre></details></body></html>\n"
        )
    elif out.suffix != ".svg":
        raise UsageError(f"--out {out}", expected="a name that ends in .svg or .html")
    write_atomically(out, svg.encode())
    return out


def _graph(found: Lineage) -> Graph:
    graph = Graph()
    for image in found.root.children:
        if image.kind == "image":
            _add_image(graph, image, found)
    for name in found.snapshots:
        graph.box(4, name, name, f"{found.snapshots[name]} of these images")
    for run, count in found.weights.items():
        graph.box(5, run, run, f"{count} of these images")
    return graph


def _add_image(graph: Graph, image: Node, found: Lineage) -> None:
    """Its sources to the left; to the right what was made of it, as far as the thing asked for has to do with it."""
    size = f"{image.facts['width']} × {image.facts['height']}" if image.facts.get("width") else ""
    gone = bool(image.facts.get("taken down"))
    me = graph.box(2, image.name, image.name[:16], "taken down" if gone else size, gone)
    made = []
    for node in image.children:
        if node.kind in ("from", "made from"):
            graph.edges.add((_source(graph, node), me))
        elif node.kind in ("label", "mask", "group"):
            made.append(_made(graph, node))
            graph.edges.add((me, made[-1]))
        elif node.kind == "snapshot" and node.name in found.snapshots:
            snapshot = graph.box(4, node.name, node.name)
            for start in made or [me]:
                graph.edges.add((start, snapshot))
            for run in (each for each in node.children if each.name in found.weights):
                marked = str(run.facts.get("marked") or "")
                graph.edges.add((snapshot, graph.box(5, run.name, run.name, "marked" if marked else "", bool(marked))))


def _source(graph: Graph, node: Node) -> tuple[int, str]:
    if node.kind == "made from":
        return graph.box(1, node.name, f"made from {node.name[:12]}")
    page = node.children[0].name if node.children else node.name
    parts = urlsplit(page)
    box = graph.box(1, page, parts.path or page, str(node.facts.get("at") or "")[:10])
    if store := node.facts.get("store"):
        graph.edges.add((graph.box(0, str(store), str(store)), box))
    return box


def _made(graph: Graph, node: Node) -> tuple[int, str]:
    names = {"group": f"group {node.name[:12]}", "mask": f"{node.kind} {node.name}"}
    second = str(node.facts.get("split") or node.facts.get("source") or "")
    return graph.box(3, f"{node.kind} {node.name} {second}", names.get(node.kind, node.name), second)


def _places(graph: Graph) -> tuple[list[dict[str, int]], list[int]]:
    """Row of every shown box, and how many more a column has."""
    place = [{key: row for row, key in enumerate(list(boxes)[:MOST])} for boxes in graph.boxes]
    return place, [max(0, len(boxes) - MOST) for boxes in graph.boxes]


def _lines(graph: Graph, place: list[dict[str, int]]) -> Iterator[str]:
    for (start, key), (end, other) in sorted(graph.edges):
        if key in place[start] and other in place[end]:
            x, y = _at(start, place[start][key])
            to_x, to_y = _at(end, place[end][other])
            x, y, to_y = x + BOX_W, y + BOX_H // 2, to_y + BOX_H // 2
            bend = (to_x - x) // 2
            path = f"M{x} {y} C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
            yield f'<path d="{path}" fill="none" stroke="#9aa8b5" stroke-width="1.2"/>'


def _boxes(graph: Graph, place: list[dict[str, int]], rest: list[int], found: Lineage) -> Iterator[str]:
    totals = {0: len(found.shops), 2: found.images, 4: len(found.snapshots), 5: len(found.weights)}
    for column, title in enumerate(COLUMNS):
        x, _ = _at(column, 0)
        head = f"{title} ({totals[column]})" if column in totals else title
        yield f'<text x="{x}" y="{TOP - 16}" fill="{_FAINT}" font-weight="600">{escape(head)}</text>'
        for key, row in place[column].items():
            name, second, marked = graph.boxes[column][key]
            yield _box(*_at(column, row), column, key, name, second, marked or key == found.thing)
        more = max(rest[column], totals.get(column, 0) - len(place[column]))
        if more > 0:
            x, y = _at(column, len(place[column]))
            yield f'<text x="{x + 8}" y="{y + 18}" fill="{_FAINT}">and {more} more</text>'


def _box(x: int, y: int, column: int, key: str, name: str, second: str, marked: bool) -> str:
    stroke, width = (_MARK, 2) if marked else ("#b8c4cf", 1)
    top = y + 17 if second else y + 24
    below = f'<text x="{x + 8}" y="{y + 32}" font-size="10.5" fill="{_FAINT}">{escape(_short(second, 32))}</text>'
    return (
        f"<g><title>{escape(key)}</title>"
        f'<rect x="{x}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="6" fill="{COLOURS[column]}" '
        f'stroke="{stroke}" stroke-width="{width}"/>'
        f'<text x="{x + 8}" y="{top}">{escape(_short(name, 26))}</text>{below if second else ""}</g>'
    )


def _at(column: int, row: int) -> tuple[int, int]:
    return 20 + column * (BOX_W + GAP_X), TOP + row * (BOX_H + GAP_Y)


def _short(text: str, most: int) -> str:
    """The middle is left out: of addresses and run names both ends tell."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
