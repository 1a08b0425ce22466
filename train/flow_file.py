"""What stands in a flow's YAML: the models and the nodes, and a strict reader that names lines.

In: a YAML file. Out: a `FlowFile` whose nodes know their line and their id ('task style'). A key that stands twice, a
key nobody knows, a node of no kind and a model without a source are refused. Never looks at whether fields, values,
models or other flows exist: `flow_check` and `flow` do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PrivateAttr, Tag, ValidationError
from pydantic import model_validator as validator

from dataset.errors import SettingsError
from dataset.taxonomy_file import read_strict

ID = r"^[a-z0-9][a-z0-9._-]*$"
FACTS = ("width", "height", "shorter", "megapixels", "aspect")  # of a photo or crop, px; aspect is width / height
SOURCES = ("weights", "run", "shipped", "bring")
Fact = Literal["width", "height", "shorter", "megapixels", "aspect"]
Costs = Literal["height", "edges"] | dict[str, dict[str, float]]


class ModelPin(BaseModel):
    """One model, from exactly one source: `weights` (a file, relative to the flow's), `run` of the workspace, `shipped`
    with the package, or one that the user has to `bring` (says what it must be). `fingerprint` is the sha256 of its
    weights or 12 or more of its first hex digits. `trained_under` accepts another taxonomy reference beside the flow's;
    `map` says there what its words mean here: field -> its value -> value of the flow's taxonomy."""

    model_config = ConfigDict(extra="forbid")
    weights: str | None = None
    run: str | None = None
    shipped: bool = False
    bring: str | None = None
    fingerprint: str | None = Field(default=None, pattern=r"^[0-9a-f]{12,64}$")
    trained_under: str | None = None
    map: dict[str, dict[str, str]] = Field(default_factory=dict)
    _line: int = PrivateAttr(0)

    @validator(mode="after")
    def _one_source(self) -> ModelPin:
        given = [name for name in SOURCES if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"has {' and '.join(given) or 'no source'}, expected one of {', '.join(SOURCES)}")
        if self.fingerprint is None and (self.weights or self.run):
            raise ValueError(
                "has no fingerprint: 12 or more hex digits of its weights' sha256, as the card or the record says"
            )
        return self

    @property
    def line(self) -> int:
        return self._line


class Node(BaseModel):
    """What all nodes have. `name` is how the path in a result calls it; otherwise its kind and subject do."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1)
    _line: int = PrivateAttr(0)
    _id: str = PrivateAttr("")

    @property
    def line(self) -> int:
        return self._line

    @property
    def id(self) -> str:
        return self._id

    @property
    def kind(self) -> str:
        return type(self).__name__.removesuffix("Node").lower()

    @property
    def subject(self) -> str:
        return str(getattr(self, self.kind, ""))

    def children(self) -> Iterator[tuple[tuple[str | int, ...], AnyNode]]:
        """(where in the YAML, node) of the nodes below this one, in the order they run."""
        yield from ()


class TaskNode(Node):
    """Ask `model` for field `task`. `decide` is 'argmax' or 'risk' (the answer of least expected cost over the
    taxonomy's tree). For risk: `costs` is 'edges', 'height' or said -> truth -> cost; `inner` allows a parent as the
    answer; `above` is a field whose values lie over this one's (category over type) and is answered with it. `given`
    leaves only values that agree with an earlier answer; `floor` replaces the model's own."""

    task: str
    model: str
    decide: Literal["argmax", "risk"] | None = None
    costs: Costs = "edges"
    inner: bool = True
    above: str | None = None
    given: str | None = None
    floor: float | None = Field(default=None, ge=0, le=1)


class ListNode(Node):
    """Run all of them, one after the other. A plain YAML list is one, too."""

    list: list[AnyNode]

    @property
    def subject(self) -> str:
        return ""

    def children(self) -> Iterator[tuple[tuple[str | int, ...], AnyNode]]:
        yield from ((("list", place), node) for place, node in enumerate(self.list))


class BranchNode(Node):
    """Go on by the answer of field `branch`: the case of its value or of the value's parent. An answer under `floor`,
    none at all, or one that no case covers goes to `otherwise`."""

    branch: str
    floor: float = Field(default=0.0, ge=0, le=1)
    cases: dict[str, AnyNode] = Field(min_length=1)
    otherwise: AnyNode | None = None

    def children(self) -> Iterator[tuple[tuple[str | int, ...], AnyNode]]:
        yield from ((("cases", value), node) for value, node in self.cases.items())
        if self.otherwise is not None:
            yield ("otherwise",), self.otherwise


class DetectNode(Node):
    """Cut to the garment or the person before `then`; where there is none, `then` sees the whole photo. `margin` is
    added on every side, as a share of the box's longer one."""

    detect: Literal["garment", "person"]
    margin: float = Field(default=0.05, ge=0, le=1)
    then: AnyNode

    def children(self) -> Iterator[tuple[tuple[str | int, ...], AnyNode]]:
        yield ("then",), self.then


class RuleNode(Node):
    """An answer without a model. `implied` fills what the taxonomy says follows; `pixels` goes to `then` where the
    photo's facts keep within `at_least` and `at_most`, else to `otherwise`; any other name is a function handed in,
    which answers `field`."""

    rule: str
    field: str | None = None
    at_least: dict[Fact, float] = Field(default_factory=dict)
    at_most: dict[Fact, float] = Field(default_factory=dict)
    then: AnyNode | None = None
    otherwise: AnyNode | None = None

    @validator(mode="after")
    def _fits(self) -> RuleNode:
        gate, own = bool(self.at_least or self.at_most or self.then or self.otherwise), self.rule in PLAIN_RULES
        if gate != (self.rule == "pixels") or (self.rule == "pixels" and not (self.at_least or self.at_most)):
            raise ValueError("at_least, at_most, then and otherwise belong to the rule pixels, which needs a bound")
        if own == (self.field is not None):
            raise ValueError(f"the rule {self.rule} {'answers no field of its own' if own else 'needs a field'}")
        return self

    def children(self) -> Iterator[tuple[tuple[str | int, ...], AnyNode]]:
        for key, node in (("then", self.then), ("otherwise", self.otherwise)):
            if node is not None:
                yield (key,), node


class FlowNode(Node):
    """Another flow by name: a file beside this one, or one that ships. A flow of another taxonomy must be named
    together with it (`taxonomy: footwear`)."""

    flow: str
    taxonomy: str | None = None


PLAIN_RULES = ("implied", "pixels")
KINDS = ("task", "list", "branch", "detect", "rule", "flow")


def _kind_of(found: Any) -> str | None:
    if isinstance(found, Node):
        return f"{found.kind}-node"
    named = [kind for kind in KINDS if isinstance(found, dict) and kind in found]
    return f"{named[0]}-node" if len(named) == 1 else None


def _as_node(found: Any) -> Any:
    return {"list": found} if isinstance(found, list) else found


_Union = Annotated[
    Annotated[TaskNode, Tag("task-node")]
    | Annotated[ListNode, Tag("list-node")]
    | Annotated[BranchNode, Tag("branch-node")]
    | Annotated[DetectNode, Tag("detect-node")]
    | Annotated[RuleNode, Tag("rule-node")]
    | Annotated[FlowNode, Tag("flow-node")],
    Discriminator(
        _kind_of,
        custom_error_type="no_node",
        custom_error_message=f"is no node: it needs exactly one of the keys {', '.join(KINDS)}",
    ),
]
AnyNode = Annotated[_Union, BeforeValidator(_as_node)]


class FlowFile(BaseModel):
    """The whole file. `taxonomy` is a name, `name@version` or a whole reference. `decide` is what tasks do that don't
    say it themselves."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=ID)
    description: str = ""
    taxonomy: str = Field(min_length=1)
    decide: Literal["argmax", "risk"] = "argmax"
    models: dict[str, ModelPin] = Field(default_factory=dict)
    steps: AnyNode


for _model in (ListNode, BranchNode, DetectNode, RuleNode, FlowFile):
    _model.model_rebuild()


def read_flow_file(path: Path) -> FlowFile:
    """Raises SettingsError naming each fault by line and key."""
    content, tree = read_strict(path), _tree(path)
    try:
        file = FlowFile.model_validate(content)
    except ValidationError as error:
        told = "; ".join(dict.fromkeys(_told(dict(fault), tree) for fault in error.errors()))
        raise SettingsError(told, where=path.name) from error
    for name, pin in file.models.items():
        pin._line = _line_of(tree, ("models", name))
    _place(file.steps, ("steps",), tree, {}, path)
    return file


def _place(node: AnyNode, loc: tuple[str | int, ...], tree: yaml.Node, seen: dict[str, int], path: Path) -> None:
    """Give a node and all below it their lines and ids, unique within the file."""
    node._line = _line_of(tree, loc)
    word = node.name or f"{node.kind} {node.subject}".strip()
    seen[word] = seen.get(word, 0) + 1
    if node.name and seen[word] > 1:
        raise SettingsError(f"line {node.line}: the name '{word}' stands twice", where=path.name)
    node._id = word if seen[word] == 1 else f"{word} {seen[word]}"
    for step, child in node.children():
        _place(child, (*loc, *step), tree, seen, path)


def _tree(path: Path) -> yaml.Node:
    return cast(yaml.Node, yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))


def _line_of(tree: yaml.Node, loc: tuple[str | int, ...]) -> int:
    """Line (from 1) of the deepest thing on the way; what is not written down (a tag of a union) is passed over."""
    here, line = tree, tree.start_mark.line if tree else 0
    for part in loc:
        if isinstance(here, yaml.MappingNode):
            for key, value in here.value:
                if key.value == str(part):
                    here, line = value, key.start_mark.line
        elif isinstance(here, yaml.SequenceNode) and isinstance(part, int) and part < len(here.value):
            here = here.value[part]
            line = here.start_mark.line
    return line + 1


def _told(fault: dict[str, Any], tree: yaml.Node) -> str:
    """'line 7: steps.0.floor: what is wrong', without the tags of unions."""
    tags = [part for part in fault["loc"] if str(part).endswith("-node")]
    loc = [str(part) for part in fault["loc"]]
    short = [part for place, part in enumerate(loc) if not (part == "list" and loc[place - 1] == "list-node")]
    key = ".".join(part for part in short if not part.endswith("-node"))
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        known = sorted(_known(tags[-1] if tags else "", fault["loc"]))
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        message = f"unknown key{f', did you mean {near[0]}?' if near else ''} (known: {', '.join(known)})"
    return f"line {_line_of(tree, fault['loc'])}: {key}: {message}"


def _known(tag: str, loc: tuple[str | int, ...]) -> list[str]:
    classes: tuple[type[BaseModel], ...] = (TaskNode, ListNode, BranchNode, DetectNode, RuleNode, FlowNode)
    kinds = dict(zip((f"{kind}-node" for kind in KINDS), classes, strict=True))
    model: type[BaseModel] = ModelPin if loc[0] == "models" else kinds.get(tag, FlowFile)
    return list(model.model_fields)
