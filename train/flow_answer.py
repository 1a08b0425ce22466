"""From a model's answer to a tag, and from a tag to the way a branch goes: a flow's decisions, a photo at a time.

In: a node, an `Answer`, the tags so far. Out: `Tag`s and the reason in words. Asks no model, sees no photo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.taxonomy import Taxonomy
from train.answers import Answer
from train.flow_file import BranchNode, TaskNode
from train.flow_risk import ROOT, Decision, Floats, Tree, costs_of, decide, tree_of

Ranked = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Tag:
    """`label` is None where nothing is answered; `confidence` in [0, 1] is the chance of `label`, or of the surest
    value where there is none; `labels` are all values of a multi field."""

    field: str
    label: str | None
    confidence: float
    ranked: Ranked = ()
    labels: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        ranked = [{"label": value, "confidence": round(chance, 6)} for value, chance in self.ranked]
        plain = {"label": self.label, "confidence": round(self.confidence, 6), "ranked": ranked}
        return plain if self.labels is None else {**plain, "labels": list(self.labels)}


def tag_of(field: str, answer: Answer, floor: float | None = None) -> Tag:
    """The most likely value, or none under the floor (the answer's own, or the one given)."""
    floor = answer.floor if floor is None else floor
    answer = Answer(answer.ranked, floor, answer.multi)
    said = answer.said
    return Tag(field, said[0] if said else None, answer.confidence, answer.ranked, said if answer.multi else None)


class Decider:
    """The decisions of one flow under its taxonomy. `how` is what tasks do that don't say it: 'argmax' or 'risk'."""

    def __init__(self, taxonomy: Taxonomy, how: str) -> None:
        self.taxonomy, self.how = taxonomy, how
        self._trees: dict[tuple[str, tuple[str, ...]], tuple[Tree, Floats]] = {}

    def tags(self, node: TaskNode, answer: Answer, known: Mapping[str, Tag]) -> tuple[dict[str, Tag], str]:
        """field -> tag (with `above`: both fields), and why."""
        answer, why = self._given(node, answer, known)
        if (node.decide or self.how) == "risk" and not answer.multi:
            tags, reason = self._risk(node, answer)
            return tags, f"{why}{reason}"
        tag = tag_of(node.task, answer, node.floor)
        floor = answer.floor if node.floor is None else node.floor
        reason = f"{tag.confidence:.2f}, floor {floor:.2f}"
        if tag.label is None:
            reason = f"{answer.best} {answer.confidence:.2f} is under the floor {floor:.2f}"
        tags = {node.task: tag}
        if node.above is not None:
            tags = {**self._over(node, tag), **tags}
        return tags, f"{why}{reason}"

    def implied(self, known: Mapping[str, Tag]) -> dict[str, Tag]:
        """What the taxonomy says follows from the tags, in fields that have none yet."""
        found: dict[str, Tag] = {}
        for field, tag in known.items():
            if tag.label is not None and field in self.taxonomy.fields and not tag.labels:
                for other, value in self.taxonomy.implied(field, tag.label).items():
                    if (known.get(other) or found.get(other)) is None:
                        found[other] = Tag(other, value, tag.confidence)
        return found

    def case(self, node: BranchNode, tag: Tag | None) -> tuple[str | None, str]:
        """The case that a tag goes to, None for `otherwise`, and why."""
        rest = "otherwise" if node.otherwise is not None else "ends here"
        if tag is None or tag.label is None:
            return None, f"{node.branch} has no answer: {rest}"
        if tag.confidence < node.floor:
            return None, f"{tag.label} {tag.confidence:.2f} is under the floor {node.floor:.2f}: {rest}"
        for value in (tag.label, *self.taxonomy.ancestors(node.branch, tag.label)):
            if value in node.cases:
                return value, f"case {value}" if value == tag.label else f"case {value}, over {tag.label}"
        return None, f"{tag.label} has no case: {rest}"

    def _given(self, node: TaskNode, answer: Answer, known: Mapping[str, Tag]) -> tuple[Answer, str]:
        """Chances of the values that agree with an earlier answer, added up to 1 anew."""
        tag = None if node.given is None else known.get(node.given)
        if node.given is None or tag is None or tag.label is None:
            return answer, ""
        kept = [pair for pair in answer.ranked if self._agrees(node.task, pair[0], node.given, tag.label)]
        total = sum(chance for _, chance in kept)
        if total <= 0:
            return answer, f"no value agrees with {node.given} {tag.label}; "
        ranked = tuple((value, chance if answer.multi else chance / total) for value, chance in kept)
        return Answer(ranked, answer.floor, answer.multi), f"given {node.given} {tag.label}: "

    def _agrees(self, field: str, value: str, other: str, label: str) -> bool:
        said = self.taxonomy.implied(field, value).get(other)
        return said is None or self.taxonomy.agree(other, said, label)

    def _risk(self, node: TaskNode, answer: Answer) -> tuple[dict[str, Tag], str]:
        tree, costs, chances = self._weighed(node, answer)
        found = decide(tree, chances, costs, node.inner)
        label = found.name[1] if found.name[0] == node.task else None
        if node.floor is not None and found.chance < node.floor:
            label, found = None, Decision(ROOT, found.chance, found.cost, found.likely, found.likely_cost)
        tags = {node.task: Tag(node.task, label, found.chance if label else answer.confidence, answer.ranked)}
        if node.above is not None:
            tags = {**self._over_risk(node, tree, chances, found), **tags}
        why = f"expected cost {found.cost:.2f}"
        if found.name != found.likely:
            why += f", of {found.likely[1]} {found.likely_cost:.2f}"
        return tags, why + ("" if found.name != ROOT else ": no answer")

    def _weighed(self, node: TaskNode, answer: Answer) -> tuple[Tree, Floats, Floats]:
        """Tree, costs and chances; the tree depends on the values alone, so it is built once for many photos."""
        by_value = dict(answer.ranked)
        values = tuple(sorted(by_value))
        key = (node.id, values)
        if key not in self._trees:
            tree = tree_of(self.taxonomy, node.task, values, node.above)
            self._trees[key] = tree, costs_of(tree, node.costs)
        tree, costs = self._trees[key]
        chances = np.array([by_value[value] for value in values], float)
        return tree, costs, chances / max(float(chances.sum()), 1e-12)

    def _over(self, node: TaskNode, tag: Tag) -> dict[str, Tag]:
        """The value of the field above that the tag's label implies; chances of the values under it added up."""
        assert node.above is not None  # the caller looked
        over: dict[str, float] = {}
        for value, chance in tag.ranked:
            implied = self.taxonomy.implied(node.task, value).get(node.above)
            if implied is not None:
                over[implied] = over.get(implied, 0.0) + chance
        label = None if tag.label is None else self.taxonomy.implied(node.task, tag.label).get(node.above)
        ranked = _ranked(over)
        confidence = over.get(label, 0.0) if label else (ranked[0][1] if ranked else 0.0)
        return {node.above: Tag(node.above, label, confidence, ranked)}

    def _over_risk(self, node: TaskNode, tree: Tree, chances: Floats, found: Decision) -> dict[str, Tag]:
        assert node.above is not None  # the caller looked
        line = [tree.names[place] for place in tree.line(tree.names.index(found.name))]
        said = next((value for field, value in line if field == node.above), None)
        places = [place for place, (field, _) in enumerate(tree.names) if field == node.above]
        over = {tree.names[place][1]: float(chances[tree.under[place]].sum()) for place in places}
        ranked = _ranked(over)
        confidence = over[said] if said is not None else (ranked[0][1] if ranked else 0.0)
        return {node.above: Tag(node.above, said, confidence, ranked)}


def _ranked(chances: Mapping[str, float]) -> Ranked:
    pairs: Sequence[tuple[str, float]] = sorted(chances.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((value, min(1.0, chance)) for value, chance in pairs)
