"""Run a flow over many photos: node by node, each model asked in batches and once per photo and crop.

In: a flow that `check_flow` let pass, photos, a predictor per model, functions that find boxes and that answer rules.
Out: a `FlowResult` per photo, in their order: tags, the path with its reasons, the models called. Only the photos that
get to a node are shown to its model. A photo that is none, or that a model fails on, has its `error` and leaves the
others alone. Never loads a weight, never imports what detects or measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset.errors import ModisteError, UsageError
from dataset.taxonomy import Taxonomy
from train.answers import Answer, Predictor, UInt8
from train.flow import Flow
from train.flow_answer import Decider, Tag, tag_of
from train.flow_check import taxonomies_of
from train.flow_file import (
    PLAIN_RULES,
    AnyNode,
    BranchNode,
    DetectNode,
    FlowNode,
    ListNode,
    RuleNode,
    TaskNode,
)
from train.flow_models import as_pinned

Box = tuple[int, int, int, int]  # left, top, right, bottom, px of the photo
Finder = Callable[[UInt8], Box | None]
Rule = Callable[[UInt8, Mapping[str, Tag]], Answer | None]
NOTHING_FOUND = "nothing_found"
BATCH = 32


@dataclass(frozen=True)
class Step:
    """One node that a photo went through; `why` says what was decided there and on what ground."""

    node: str
    kind: str
    field: str | None = None
    label: str | None = None
    confidence: float | None = None
    why: str = ""


@dataclass
class FlowResult:
    """`models_called` names a model once for each crop of this photo it was shown. `error` says what went wrong with
    this photo; the tags until then stay."""

    tags: dict[str, Tag] = field(default_factory=dict)
    path: list[Step] = field(default_factory=list)
    models_called: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def abstained(self) -> list[str]:
        """Fields that were asked and got no answer."""
        return [name for name, tag in self.tags.items() if tag.label is None]

    def as_json(self) -> dict[str, Any]:
        """`tags`, `path`, `models_called`, as the service answers them; `error` where there is one."""
        plain = {
            "tags": {name: tag.as_json() for name, tag in self.tags.items()},
            "path": [vars(step) for step in self.path],
            "models_called": self.models_called,
        }
        return plain if self.error is None else {**plain, "error": self.error}


@dataclass(frozen=True)
class _At:
    """A photo on its way: its place among the photos, and the crop that is looked at."""

    place: int
    box: Box | None = None


def run_flow(
    flow: Flow,
    photos: Sequence[UInt8],
    predictors: Mapping[str, Predictor],
    *,
    taxonomy: Taxonomy,
    finders: Mapping[str, Finder] | None = None,
    rules: Mapping[str, Rule] | None = None,
    batch: int = BATCH,
    decide: str | None = None,
) -> list[FlowResult]:
    """`photos` are (H, W, 3) uint8 RGB of any sizes; `predictors` by the flow's model names; `finders` by 'garment' and
    'person'; `rules` by name; `decide` ('argmax', 'risk') is for tasks that say nothing themselves, instead of the
    flow's word. Raises UsageError where a model, finder or rule of the flow is not handed in."""
    _all_there(flow, predictors, finders or {}, rules or {})
    runner = _Runner(flow, photos, predictors, taxonomy, finders or {}, rules or {}, max(1, batch), decide)
    return runner.run()


class _Runner:
    def __init__(
        self, flow: Flow, photos: Sequence[UInt8], predictors: Mapping[str, Predictor], taxonomy: Taxonomy,
        finders: Mapping[str, Finder], rules: Mapping[str, Rule], batch: int, decide: str | None,
    ) -> None:  # fmt: skip
        self.root, self.photos, self.finders, self.rules, self.batch = flow, photos, finders, rules, batch
        pins = flow.models
        self.predictors = {name: as_pinned(pins[name], predictors[name]) for name in pins if name in predictors}
        self.asked = {name: flow.fields_of(name) for name in pins}
        self.deciders = {
            each.path: Decider(words, decide or each.file.decide)
            for each, words in taxonomies_of(flow, taxonomy).values()
        }
        self.results = [FlowResult(error=_wrong(photo)) for photo in photos]
        self.known: dict[tuple[str, _At], dict[str, Answer]] = {}

    def run(self) -> list[FlowResult]:
        self.go(self.root, self.root.steps, [_At(place) for place in range(len(self.photos))], "")
        return self.results

    def go(self, flow: Flow, node: AnyNode, at: Sequence[_At], prefix: str) -> None:
        at = [each for each in at if self.results[each.place].error is None]
        if not at:
            return
        if isinstance(node, ListNode):
            for child in node.list:
                self.go(flow, child, at, prefix)
        elif isinstance(node, TaskNode):
            self._task(flow, node, at, prefix)
        elif isinstance(node, BranchNode):
            self._branch(flow, node, at, prefix)
        elif isinstance(node, DetectNode):
            self._detect(flow, node, at, prefix)
        elif isinstance(node, RuleNode):
            self._rule(flow, node, at, prefix)
        elif isinstance(node, FlowNode):
            self._note(at, Step(prefix + node.id, "flow", why=f"goes on in {node.flow}"))
            inner = flow.inner[node.flow]
            self.go(inner, inner.steps, at, f"{prefix}{node.flow}/")

    def _task(self, flow: Flow, node: TaskNode, at: Sequence[_At], prefix: str) -> None:
        self._ask(node.model, at)
        decider = self.deciders[flow.path]
        for each in at:
            result = self.results[each.place]
            if result.error is None:
                tags, why = decider.tags(node, self.known[node.model, each][node.task], result.tags)
                result.tags |= tags
                said = next((tag for tag in tags.values() if tag.label is not None), tags[node.task])
                result.path.append(Step(prefix + node.id, "task", said.field, said.label, said.confidence, why))

    def _ask(self, model: str, at: Sequence[_At]) -> None:
        """Show a model what it has not seen yet, a batch at a time; all its heads that the flow asks answer at once."""
        new = [each for each in at if (model, each) not in self.known]
        for start in range(0, len(new), self.batch):
            part = new[start : start + self.batch]
            try:
                self._keep(model, part)
            except Exception:  # one of them: each alone then, to know which
                for each in part:
                    self._each(each, model, self._keep, model, [each])

    def _keep(self, model: str, part: Sequence[_At]) -> None:
        found = self.predictors[model].answers([self._crop(each) for each in part], self.asked[model])
        if len(found) != len(part):
            raise UsageError(f"the model '{model}' gave {len(found)} answers to {len(part)} photos")
        for each, answers in zip(part, found, strict=True):
            self.known[model, each] = answers
            self.results[each.place].models_called.append(model)

    def _branch(self, flow: Flow, node: BranchNode, at: Sequence[_At], prefix: str) -> None:
        ways: dict[str | None, list[_At]] = {}
        for each in at:
            result = self.results[each.place]
            tag = result.tags.get(node.branch)
            case, why = self.deciders[flow.path].case(node, tag)
            ways.setdefault(case, []).append(each)
            label, confidence = (None, None) if tag is None else (tag.label, tag.confidence)
            result.path.append(Step(prefix + node.id, "branch", node.branch, label, confidence, why))
        for case, child in node.cases.items():
            self.go(flow, child, ways.get(case, []), prefix)
        if node.otherwise is not None:
            self.go(flow, node.otherwise, ways.get(None, []), prefix)

    def _detect(self, flow: Flow, node: DetectNode, at: Sequence[_At], prefix: str) -> None:
        cut: list[_At] = []
        for each in at:
            found = self._each(each, node.detect, self.finders[node.detect], self._crop(each))
            box = None if found is None else _grown(found, self._crop(each).shape, node.margin)
            why = f"{NOTHING_FOUND}: goes on with the whole photo" if box is None else f"cut to {box}"
            self._note([each], Step(prefix + node.id, "detect", label=None if box is None else node.detect, why=why))
            cut.append(each if box is None else _At(each.place, _inside(each.box, box)))
        self.go(flow, node.then, cut, prefix)

    def _rule(self, flow: Flow, node: RuleNode, at: Sequence[_At], prefix: str) -> None:
        if node.rule == "pixels":
            return self._pixels(flow, node, at, prefix)
        for each in at:
            result = self.results[each.place]
            if node.rule == "implied":
                more = self.deciders[flow.path].implied(result.tags)
                result.tags |= more
                told = ", ".join(f"{name} {tag.label}" for name, tag in more.items()) or "nothing follows"
                result.path.append(Step(prefix + node.id, "rule", why=told))
                continue
            answer = self._each(each, node.rule, self.rules[node.rule], self._crop(each), result.tags)
            if result.error is None and node.field is not None:
                tag = Tag(node.field, None, 0.0) if answer is None else tag_of(node.field, answer)
                why = "nothing to measure" if answer is None else "measured"
                result.tags[node.field] = tag
                result.path.append(Step(prefix + node.id, "rule", node.field, tag.label, tag.confidence, why))
        return None

    def _pixels(self, flow: Flow, node: RuleNode, at: Sequence[_At], prefix: str) -> None:
        kept: dict[bool, list[_At]] = {True: [], False: []}
        for each in at:
            facts = facts_of(self._crop(each))
            under = [
                f"{name} {facts[name]:g} is under {least:g}"
                for name, least in node.at_least.items()
                if facts[name] < least
            ]
            over = [
                f"{name} {facts[name]:g} is over {most:g}" for name, most in node.at_most.items() if facts[name] > most
            ]
            kept[not under + over].append(each)
            self._note([each], Step(prefix + node.id, "rule", why="; ".join(under + over) or "within bounds"))
        for fits, child in ((True, node.then), (False, node.otherwise)):
            if child is not None:
                self.go(flow, child, kept[fits], prefix)

    def _each(self, at: _At, what: str, step: Callable[..., Any], *given: Any) -> Any:
        """Run one photo's step; what goes wrong is that photo's alone."""
        try:
            return step(*given)
        except Exception as error:
            said = str(error) if isinstance(error, ModisteError) else f"{type(error).__name__}: {error}"
            self.results[at.place].error = f"{what}: {said}"
            return None

    def _note(self, at: Sequence[_At], step: Step) -> None:
        for each in at:
            self.results[each.place].path.append(step)

    def _crop(self, at: _At) -> UInt8:
        photo = self.photos[at.place]
        if at.box is None:
            return photo
        left, top, right, bottom = at.box
        return np.ascontiguousarray(photo[top:bottom, left:right])


def facts_of(photo: UInt8) -> dict[str, float]:
    """What the rule `pixels` may ask of a photo or crop: width, height and shorter side in px, megapixels, aspect."""
    height, width = photo.shape[:2]
    return {
        "width": width, "height": height, "shorter": min(width, height), "megapixels": width * height / 1e6,
        "aspect": width / height,
    }  # fmt: skip


def _wrong(photo: Any) -> str | None:
    """What is wrong with a photo; None for (H, W, 3) uint8 with any pixels."""
    if not isinstance(photo, np.ndarray):
        return f"is no photo but {type(photo).__name__}" if not isinstance(photo, Exception) else str(photo)
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        return f"is {photo.dtype} of shape {photo.shape}, expected (H, W, 3) uint8"
    return None


def _grown(box: Box, shape: tuple[int, ...], margin: float) -> Box | None:
    """A finder's box with a margin, within the photo; None for one without pixels."""
    left, top, right, bottom = (round(side) for side in box)
    if right <= left or bottom <= top:
        return None
    more = round(margin * max(right - left, bottom - top))
    found = max(0, left - more), max(0, top - more), min(shape[1], right + more), min(shape[0], bottom + more)
    return found if found[2] > found[0] and found[3] > found[1] else None


def _inside(outer: Box | None, box: Box) -> Box:
    """A box of a crop in the photo's own px."""
    x, y = (0, 0) if outer is None else outer[:2]
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _all_there(
    flow: Flow, predictors: Mapping[str, Predictor], finders: Mapping[str, Finder], rules: Mapping[str, Rule]
) -> None:
    wanted: list[tuple[str, str, Mapping[str, Any]]] = []
    for each in flow.flows():
        for node in each.nodes():
            if isinstance(node, TaskNode):
                wanted.append(("model", node.model, predictors))
            elif isinstance(node, DetectNode):
                wanted.append(("finder", node.detect, finders))
            elif isinstance(node, RuleNode) and node.rule not in PLAIN_RULES:
                wanted.append(("rule", node.rule, rules))
    missing = list(dict.fromkeys(f"{what} '{name}'" for what, name, given in wanted if name not in given))
    if missing:
        raise UsageError(f"the flow needs the {', '.join(missing)}", where=flow.path.name)
