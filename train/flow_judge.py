"""Judge a flow: per node, per path, over the tree, and by what it cost.

In: the results of a flow and the true labels of its photos. Out: `Figure`s with n, 95 % interval and the majority's
answer beside them. Hierarchical precision, recall and F1 are those of Kiritchenko et al. (2005; Silla & Freitas 2011):
of the said and the true values together with all over them, counted over all photos. Severity is the height of the
lowest common ancestor of the said and the true value (Bertinetto et al., 2020). Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.taxonomy import Taxonomy
from train.figure import Figure
from train.flow import Flow, walk
from train.flow_answer import Decider, Tag
from train.flow_file import AnyNode, BranchNode, FlowNode, RuleNode, TaskNode
from train.flow_risk import ROOT, Name, Tree, tree_of
from train.flow_run import FlowResult
from train.metrics import Floats, bootstrap, wilson

Labels = Mapping[str, Any]  # field -> value, or list of values of a multi field


@dataclass(frozen=True)
class Judged:
    """One photo: `reached` and `due` are the tasks it went through and should have gone through, as node -> field (only
    those whose truth is known); `right` those of `reached` that were answered as the truth has it."""

    reached: dict[str, str]
    due: dict[str, str]
    right: frozenset[str]

    @property
    def whole(self) -> bool:
        return all(node in self.right for node in self.due)


def judge_flow(
    flow: Flow,
    taxonomy: Taxonomy,
    results: Sequence[FlowResult],
    truths: Sequence[Labels],
    *,
    part: str = "test",
    often: Mapping[str, str] | None = None,
) -> tuple[list[Figure], dict[str, Any]]:
    """`often` is the training part's most frequent value of each field, the trivial answer. Of nested flows those of
    the same taxonomy are judged. Photos without a true label on their path are left out."""
    judge = _Judge(flow, taxonomy, often or {})
    photos = [(result, judge.completed(truth)) for result, truth in zip(results, truths, strict=True)]
    judged = [judge.photo(result, truth) for result, truth in photos]
    kept = [(result, truth, each) for (result, truth), each in zip(photos, judged, strict=True) if each.due]
    figures = _of_paths(kept, judge, part) + _of_fields(kept, judge, part) + _of_nodes(kept, judge, part)
    if kept:
        figures += _of_tree(kept, judge, part) + _of_cost([result for result, _, _ in kept], part)
    told = {"photos": len(results), "judged": len(kept), "errors": sum(each.error is not None for each in results)}
    return figures, {**told, "per_photo": _per_photo(kept, judge)}


Kept = Sequence[tuple[FlowResult, Labels, Judged]]


class _Judge:
    def __init__(self, flow: Flow, taxonomy: Taxonomy, often: Mapping[str, str]) -> None:
        self.flow, self.taxonomy, self.often = flow, taxonomy, often
        self.decider = Decider(taxonomy, flow.file.decide)
        self.tasks = list(_tasks(flow, ""))
        self.fields = [
            field for field in dict.fromkeys(node.task for _, node in self.tasks) if field in taxonomy.fields
        ]
        asked = [node.above for _, node in self.tasks if node.above]
        self.all_fields = list(dict.fromkeys([*self.fields, *asked]))
        self._trees: dict[tuple[str, tuple[str, ...]], Tree] = {}

    def completed(self, truth: Labels) -> Labels:
        """The true labels with what follows from them."""
        found = dict(truth)
        for field, value in truth.items():
            if field in self.taxonomy.fields and isinstance(value, str) and value in self.taxonomy.values(field):
                found = self.taxonomy.implied(field, value) | found
        return found

    def photo(self, result: FlowResult, truth: Labels) -> Judged:
        went = {step.node for step in result.path}
        due: dict[str, str] = {}
        self._due(self.flow, self.flow.steps, truth, went, "", due)
        reached = {node: task.task for node, task in self.tasks if node in went and task.task in truth}
        right = {node for node, field in reached.items() if self.is_right(result.tags.get(field), truth[field])}
        return Judged(reached, due, frozenset(right))

    def _due(self, flow: Flow, node: AnyNode, truth: Labels, went: set[str], prefix: str, due: dict[str, str]) -> None:
        """The tasks on the way that the true labels lead; a rule on pixels goes as it went."""
        if isinstance(node, TaskNode):
            if node.task in truth:
                due[prefix + node.id] = node.task
        elif isinstance(node, BranchNode):
            value = truth.get(node.branch)
            tag = Tag(node.branch, value, 1.0) if isinstance(value, str) else None
            case, _ = self.decider.case(node, tag)
            child = node.cases[case] if case is not None else node.otherwise
            if child is not None and tag is not None:
                self._due(flow, child, truth, went, prefix, due)
        elif isinstance(node, FlowNode):
            inner = flow.inner[node.flow]
            if node.taxonomy is None:
                self._due(inner, inner.steps, truth, went, f"{prefix}{node.flow}/", due)
        else:
            for _, child in node.children():
                if not isinstance(node, RuleNode) or any(prefix + each.id in went for each in walk(child)):
                    self._due(flow, child, truth, went, prefix, due)

    def is_right(self, tag: Tag | None, truth: Any) -> bool:
        """The surest value is (one of) the true one's, or its nearest parent that the model knows where it doesn't know
        the value itself."""
        if tag is None or tag.label is None:
            return False
        words = {value for value, _ in tag.ranked} or {tag.label}
        wanted = truth if isinstance(truth, list) else [truth]
        return tag.label in {self._known(tag.field, str(value), words) for value in wanted}

    def _known(self, field: str, value: str, words: set[str]) -> str:
        if value in words or value not in self.taxonomy.values(field):
            return value
        return next((over for over in self.taxonomy.ancestors(field, value) if over in words), value)

    def above(self, field: str) -> str | None:
        """The field whose values lie over this one's: what most of its values imply."""
        implied = [other for value in self.taxonomy.fields[field].values for other in value.implies]
        return max(dict.fromkeys(implied), key=implied.count) if implied else None

    def tree(self, field: str, words: Sequence[str]) -> Tree | None:
        """Over all values that are said or true in the judged photos; None for a multi field or one without any."""
        if self.taxonomy.fields[field].kind == "multi" or not words:
            return None
        if (field, tuple(words)) not in self._trees:
            self._trees[field, tuple(words)] = tree_of(self.taxonomy, field, words, self.above(field))
        return self._trees[field, tuple(words)]

    def closure(self, field: str, value: str) -> set[Name]:
        """A value with all over it; of the field above, too, where the flow answers that."""
        found = {(field, each) for each in (value, *self.taxonomy.ancestors(field, value))}
        over = self.above(field)
        if over is not None and over in self.all_fields and (implied := self.taxonomy.implied(field, value).get(over)):
            found |= {(over, each) for each in (implied, *self.taxonomy.ancestors(over, implied))}
        return found


def _tasks(flow: Flow, prefix: str) -> Any:
    """(id with its flows' names before it, task) of this flow and those of its taxonomy below it."""
    for node in flow.nodes():
        if isinstance(node, TaskNode):
            yield prefix + node.id, node
        elif isinstance(node, FlowNode) and node.taxonomy is None:
            yield from _tasks(flow.inner[node.flow], f"{prefix}{node.flow}/")


def _share(
    metric: str, hits: Sequence[bool], part: str, base: tuple[str, Sequence[bool]] | None = None
) -> list[Figure]:
    n, right = len(hits), sum(hits)
    if not n:
        return []
    low, high = wilson(right, n)
    beside = (None, None) if base is None else (base[0], round(sum(base[1]) / n, 6))
    return [Figure(metric, round(right / n, 6), round(low, 6), round(high, 6), n, part, *beside)]


def _of_nodes(kept: Kept, judge: _Judge, part: str) -> list[Figure]:
    figures: list[Figure] = []
    for node, task in judge.tasks:
        field, often = task.task, judge.often.get(task.task)
        here = [(truth, each) for _, truth, each in kept if node in each.reached]
        for name, rows in (
            ("accuracy", here),
            ("accuracy given a right parent", [(truth, each) for truth, each in here if node in each.due]),
        ):
            hits = [node in each.right for _, each in rows]
            base = None if often is None else (f"always {often}", [_is(truth[field], often) for truth, _ in rows])
            figures += _share(f"{node} {name}", hits, part, base)
    return figures


def _of_fields(kept: Kept, judge: _Judge, part: str) -> list[Figure]:
    """Of every field over all photos whose true path asks it, whichever node did; none asked is none right."""
    figures: list[Figure] = []
    for field in judge.fields:
        here = [(result.tags.get(field), truth[field]) for result, truth, each in kept if field in each.due.values()]
        often = judge.often.get(field)
        base = None if often is None else (f"always {often}", [_is(truth, often) for _, truth in here])
        figures += _share(f"{field} accuracy", [judge.is_right(tag, truth) for tag, truth in here], part, base)
        firm = [judge.is_right(tag, truth) for tag, truth in here if tag is not None and tag.label is not None]
        if 0 < len(firm) < len(here):
            figures += _share(f"{field} answered", [tag is not None and tag.label is not None for tag, _ in here], part)
            figures += _share(f"{field} accuracy where answered", firm, part)
    return figures


def _per_photo(kept: Kept, judge: _Judge) -> dict[str, list[float]]:
    """Per judged photo, for paired comparisons: whole path right, right in each field, edges off in its tree."""
    found: dict[str, list[float]] = {"whole path": [float(each.whole) for _, _, each in kept]}
    for field in judge.fields:
        here = [(result, truth) for result, truth, each in kept if field in each.due.values()]
        found[field] = [float(judge.is_right(result.tags.get(field), truth[field])) for result, truth in here]
        tree = judge.tree(field, _words(judge, field, here))
        if tree is not None:
            found[f"{field} edges"] = [_distance(judge, tree, field, *pair)[1] for pair in here]
    return found


def _words(judge: _Judge, field: str, here: Sequence[tuple[FlowResult, Labels]]) -> list[str]:
    """Every value of a field that is said or true in any of these photos."""
    words = {str(truth[field]) for _, truth in here}
    return sorted(
        words | {tag.label for result, _ in here if (tag := result.tags.get(field)) and tag.label is not None}
    )


def _of_paths(kept: Kept, judge: _Judge, part: str) -> list[Figure]:
    often = [all(_is(truth[field], judge.often.get(field)) for field in each.due.values()) for _, truth, each in kept]
    base = ("majority of each field", often) if judge.often else None
    firm = [each.whole for result, _, each in kept if not result.abstained and result.error is None]
    silent = [bool(result.abstained) or result.error is not None for result, _, _ in kept]
    return [
        *_share("whole path accuracy", [each.whole for _, _, each in kept], part, base),
        *_share("whole path accuracy where nothing was left open", firm, part),
        *_share("share with an abstention", silent, part),
    ]


def _of_tree(kept: Kept, judge: _Judge, part: str) -> list[Figure]:
    counts = np.array([_overlap(judge, result, truth, each) for result, truth, each in kept], float)
    figures = [_drawn("hierarchical F1", counts, _f1, part)]
    figures += [
        _drawn(f"hierarchical {name}", counts, _ratio(over), part) for name, over in (("precision", 1), ("recall", 2))
    ]
    for field in judge.fields:
        figures += _severity(kept, judge, field, part)
    return figures


def _f1(summed: Floats) -> Floats:
    return np.asarray(2 * summed[..., 0] / np.maximum(summed[..., 1] + summed[..., 2], 1), dtype=float)


def _ratio(over: int) -> Callable[[Floats], Floats]:
    return lambda summed: np.asarray(summed[..., 0] / np.maximum(summed[..., over], 1), dtype=float)


def _drawn(metric: str, rows: Floats, measure: Callable[[Floats], Floats], part: str) -> Figure:
    """A measure of summed counts with its bootstrap interval over photos, 1,000 draws, seed 0."""
    low, high = bootstrap(rows, measure)
    return Figure(metric, round(float(measure(rows.sum(0))), 6), round(low, 6), round(high, 6), len(rows), part)


def _overlap(judge: _Judge, result: FlowResult, truth: Labels, each: Judged) -> tuple[int, int, int]:
    """(in both, said, true) names of one photo. An answer to a question that the truth doesn't ask counts as said; one
    whose truth nobody wrote down doesn't count."""
    true: set[Name] = set()
    for field in each.due.values():
        for value in truth[field] if isinstance(truth[field], list) else [truth[field]]:
            true |= judge.closure(field, str(value))
    plain = {field: value for field, value in truth.items() if isinstance(value, str)}
    said: set[Name] = set()
    for field in judge.all_fields:
        tag = result.tags.get(field)
        counted = field in truth or not judge.taxonomy.asked(field, plain)
        if counted and tag is not None and tag.label is not None:
            for label in tag.labels or (tag.label,):
                said |= judge.closure(field, label)
    return len(said & true), len(said), len(true)


def _severity(kept: Kept, judge: _Judge, field: str, part: str) -> list[Figure]:
    """Height of the lowest common ancestor over wrong or vague answers and over
    all, and edges between answer and truth over all, where who says nothing is at the root."""
    rows = [(result, truth) for result, truth, each in kept if field in each.due.values()]
    tree = judge.tree(field, _words(judge, field, rows))
    if tree is None:
        return []
    found = np.array([_distance(judge, tree, field, result, truth) for result, truth in rows], float)
    wrong = found[(found[:, 1] > 0) & (found[:, 2] > 0)]
    figures = [
        _drawn(f"{field} mean severity, all", np.column_stack([found[:, 0], np.ones(len(found))]), _mean, part),
        _drawn(f"{field} mean edges off, all", np.column_stack([found[:, 1], np.ones(len(found))]), _mean, part),
    ]
    if len(wrong):
        rows_of = np.column_stack([wrong[:, 0], np.ones(len(wrong))])
        figures.insert(0, _drawn(f"{field} mean mistake severity", rows_of, _mean, part))
    return figures


def _mean(summed: Floats) -> Floats:
    return np.asarray(summed[..., 0] / np.maximum(summed[..., 1], 1), dtype=float)


def _distance(judge: _Judge, tree: Tree, field: str, result: FlowResult, truth: Labels) -> tuple[int, int, int]:
    """(height of the lowest common ancestor, edges) between what was said and the truth, 0 for a right one; and whether
    anything was said."""
    said, true = tree.names.index(_said(judge, field, result, tree)), tree.names.index((field, str(truth[field])))
    tag = result.tags.get(field)
    if judge.is_right(tag, truth[field]):
        return 0, 0, 1
    meet = tree.meet(said, true)
    edges = tree.line(said).index(meet) + tree.line(true).index(meet)
    return tree.heights[meet], edges, int(tree.names[said] != ROOT)


def _said(judge: _Judge, field: str, result: FlowResult, tree: Tree) -> Name:
    """The finest thing said: the field's label, else that of the field above, else nothing."""
    for each in (field, judge.above(field)):
        tag = result.tags.get(each) if each is not None else None
        if each is not None and tag is not None and tag.label is not None:
            name = (each, tag.label)
            if name in tree.names:
                return name
    return ROOT


def _of_cost(results: Sequence[FlowResult], part: str) -> list[Figure]:
    calls = np.array([[len(result.models_called), 1] for result in results], float)
    return [_drawn("models called per photo", calls, _mean, part)]


def _is(truth: Any, value: str | None) -> bool:
    return value is not None and (value in truth if isinstance(truth, list) else truth == value)
