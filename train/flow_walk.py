"""Walk every way through a flow and find what can't be right on it.

In: the taxonomy of each flow, the predictors by model. Out: `Fault`s. Along a way is known which fields may have been
answered and with which values; a branch narrows that, and its ways flow together after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from dataset.taxonomy import Taxonomy
from train.answers import Predictor
from train.flow import Flow
from train.flow_faults import Fault
from train.flow_file import (
    PLAIN_RULES,
    AnyNode,
    BranchNode,
    DetectNode,
    ListNode,
    RuleNode,
    TaskNode,
)

Way = dict[str, frozenset[str]]  # field -> the values it may have been answered with


class Walker:
    """`flow` walks one flow; `faults` then holds what was found."""

    def __init__(
        self, words: Mapping[Path, Taxonomy], predictors: Mapping[str, Predictor], rules: Collection[str] | None
    ) -> None:
        self.words, self.predictors, self.rules = words, predictors, rules
        self.faults: list[Fault] = []

    def flow(self, flow: Flow) -> None:
        self._go(flow, flow.steps, {})

    def _go(self, flow: Flow, node: AnyNode, way: Way) -> Way:
        """What may have been answered after a node, given what was before it."""
        if isinstance(node, ListNode):
            for child in node.list:
                way = self._go(flow, child, way)
            return way
        if isinstance(node, TaskNode):
            return self._task(flow, node, way)
        if isinstance(node, BranchNode):
            return self._branch(flow, node, way)
        if isinstance(node, RuleNode):
            return self._rule(flow, node, way)
        if isinstance(node, DetectNode):
            return self._go(flow, node.then, way)
        inner = flow.inner[node.flow]
        return self._go(inner, inner.steps, way)

    def _task(self, flow: Flow, node: TaskNode, way: Way) -> Way:
        taxonomy = self.words[flow.path]
        if node.model not in flow.file.models:
            known = ", ".join(flow.file.models) or "none"
            self._fault(flow, node, f"there is no model '{node.model}' (known: {known})")
        if not self._field(flow, node, node.task) or not self._new(flow, node, node.task, way):
            return way
        values = self._values(flow, node)
        self._asked(flow, node, node.task, way)
        if node.given is not None and node.given not in way:
            self._fault(flow, node, f"given {node.given}, which nothing before it answers")
        after = {**way, node.task: values}
        if node.above is not None and self._field(flow, node, node.above) and self._new(flow, node, node.above, way):
            over = {taxonomy.implied(node.task, value).get(node.above) for value in values}
            said = frozenset(value for value in over if value is not None)
            if not said:
                self._fault(flow, node, f"no value of {node.task} implies one of {node.above}")
            after[node.above] = said | {each for value in said for each in taxonomy.ancestors(node.above, value)}
        self._costs(flow, node, values)
        return after

    def _values(self, flow: Flow, node: TaskNode) -> frozenset[str]:
        """The values a task may answer; faults for those the taxonomy doesn't have."""
        taxonomy, known = self.words[flow.path], set(self.words[flow.path].values(node.task))
        predictor = self.predictors.get(node.model)
        if predictor is None:
            return frozenset(known)
        if node.task not in predictor.values:
            heads = ", ".join(predictor.values)
            self._fault(flow, node, f"the model '{node.model}' has no head for {node.task} (it has: {heads})")
            return frozenset(known)
        found = set(predictor.values[node.task])
        if strange := sorted(found - known):
            told = ", ".join(strange)
            self._fault(flow, node, f"the model '{node.model}' says {told}, which {taxonomy.reference} doesn't have")
        found &= known
        return frozenset(found | {over for value in found for over in taxonomy.ancestors(node.task, value)})

    def _costs(self, flow: Flow, node: TaskNode, values: frozenset[str]) -> None:
        if isinstance(node.costs, str):
            return
        taxonomy = self.words[flow.path]
        over = set(taxonomy.values(node.above)) if node.above in taxonomy.fields and node.above else set()
        words = {*node.costs, *(truth for row in node.costs.values() for truth in row)}
        if strange := sorted(words - values - over):
            self._fault(flow, node, f"costs name {', '.join(strange)}, which {node.task} can't be here")

    def _branch(self, flow: Flow, node: BranchNode, way: Way) -> Way:
        if not self._field(flow, node, node.branch):
            return way
        taxonomy = self.words[flow.path]
        if taxonomy.fields[node.branch].kind == "multi":
            self._fault(flow, node, f"{node.branch} may have several values at once: a branch needs one")
            return way
        if node.branch not in way:
            self._fault(flow, node, f"nothing before it answers {node.branch}")
        possible = way.get(node.branch, frozenset(taxonomy.values(node.branch)))
        ways: list[Way] = []
        covered: set[str] = set()
        for value, child in node.cases.items():
            if value not in taxonomy.values(node.branch):
                what = f"case {value} is no value of {node.branch} in {taxonomy.reference}"
                self._fault(flow, node, what)
                continue
            under = frozenset(each for each in possible if value in (each, *taxonomy.ancestors(node.branch, each)))
            self._overlap(flow, node, value)
            if not under:
                self._fault(flow, node, f"case {value} can never be reached: {node.branch} is never that here")
            covered |= under
            ways.append(self._go(flow, child, {**way, node.branch: under or frozenset({value})}))
        rest = possible - covered
        if node.otherwise is not None:
            ways.append(self._go(flow, node.otherwise, {**way, node.branch: rest}))
        elif rest:
            what = f"no case for {', '.join(sorted(rest))} and no otherwise: the path ends there"
            self._fault(flow, node, what, "warning")
        return _together([way, *ways])

    def _overlap(self, flow: Flow, node: BranchNode, value: str) -> None:
        for over in self.words[flow.path].ancestors(node.branch, value):
            if over in node.cases:
                self._fault(flow, node, f"the cases {value} and {over} overlap: {value} is a kind of {over}")

    def _rule(self, flow: Flow, node: RuleNode, way: Way) -> Way:
        taxonomy = self.words[flow.path]
        if node.rule == "pixels":
            children = (node.then, node.otherwise)
            return _together([way, *(self._go(flow, child, way) for child in children if child is not None)])
        if node.rule == "implied":
            after = dict(way)
            for field, values in way.items():
                for value in values if field in taxonomy.fields else ():
                    for other, said in taxonomy.implied(field, value).items():
                        if other not in way:
                            after[other] = after.get(other, frozenset()) | {said}
            return after
        if self.rules is not None and node.rule not in self.rules:
            known = ", ".join([*PLAIN_RULES, *sorted(self.rules)])
            self._fault(flow, node, f"there is no rule '{node.rule}' (known: {known})")
        if node.field is None or not self._field(flow, node, node.field) or not self._new(flow, node, node.field, way):
            return way
        self._asked(flow, node, node.field, way)
        return {**way, node.field: frozenset(taxonomy.values(node.field))}

    def _field(self, flow: Flow, node: AnyNode, field: str) -> bool:
        taxonomy = self.words[flow.path]
        if field not in taxonomy.fields:
            known = ", ".join(taxonomy.fields)
            self._fault(flow, node, f"there is no field '{field}' in {taxonomy.reference} (known: {known})")
        return field in taxonomy.fields

    def _new(self, flow: Flow, node: AnyNode, field: str, way: Way) -> bool:
        if field in way:
            self._fault(flow, node, f"{field} may have been answered before it")
        return field not in way

    def _asked(self, flow: Flow, node: AnyNode, field: str, way: Way) -> None:
        """What the taxonomy says of when a field is asked at all, against what is known on this way."""
        taxonomy = self.words[flow.path]
        for other, wanted in taxonomy.fields[field].asked_when.items():
            if other not in way:
                self._fault(
                    flow, node, f"{field} is asked when {other} is known, which nothing before answers", "warning"
                )
                continue
            fits = {each for each in way[other] if {each, *taxonomy.ancestors(other, each)} & set(wanted)}
            if not fits:
                told = f"{field} is asked only when {other} is {', '.join(wanted)}: never here"
                self._fault(flow, node, told)
            elif way[other] - fits:
                told = ", ".join(sorted(way[other] - fits))
                self._fault(flow, node, f"{field} isn't asked when {other} is {told}, as it may be here", "warning")

    def _fault(self, flow: Flow, node: AnyNode, what: str, level: Literal["error", "warning"] = "error") -> None:
        self.faults.append(Fault(level, flow.path.name, node.line, node.id, what))


def _together(ways: list[Way]) -> Way:
    """What may have been answered after any of several ways."""
    found: Way = {}
    for way in ways:
        for field, values in way.items():
            found[field] = found.get(field, frozenset()) | values
    return found
