"""A flow: its file, the flows it calls, and the models of them all.

In: the name of a shipped flow, or a YAML file. Out: a `Flow`, whose nested flows are read too. A circle of flows is
refused, spelled out. Loads no weight; whether a flow fits its taxonomy and its models is `flow_check`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataset.errors import SettingsError
from train.flow_file import AnyNode, FlowFile, FlowNode, ModelPin, TaskNode, read_flow_file

SHIPPED = Path(__file__).with_name("flows")


@dataclass(frozen=True)
class Flow:
    """`inner` are the flows that its own nodes call, by name."""

    file: FlowFile
    path: Path
    inner: dict[str, Flow] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def taxonomy(self) -> str:
        return self.file.taxonomy

    @property
    def steps(self) -> AnyNode:
        return self.file.steps

    def nodes(self) -> Iterator[AnyNode]:
        """Its own nodes, parents first."""
        return walk(self.steps)

    def flows(self) -> Iterator[Flow]:
        """Itself and every flow below it, each once."""
        found = {self.path: self}
        for each in self.inner.values():
            found |= {flow.path: flow for flow in each.flows()}
        return iter(found.values())

    @property
    def models(self) -> dict[str, ModelPin]:
        """Of this flow and those below. Raises SettingsError where one name is pinned two ways."""
        found: dict[str, tuple[Flow, ModelPin]] = {}
        for flow in self.flows():
            for name, pin in flow.file.models.items():
                other, known = found.setdefault(name, (flow, pin))
                if known.model_dump() != pin.model_dump():
                    raise SettingsError(
                        f"line {pin.line}: the model '{name}' is another one than in {other.path.name}:{known.line}",
                        where=flow.path.name,
                        cure="Give one of them another name, or pin both alike",
                    )
        return {name: pin for name, (_, pin) in found.items()}

    def fields_of(self, model: str) -> list[str]:
        """The fields that any task of this flow or those below asks of a model, in their order."""
        asked = [
            node.task for flow in self.flows() for node in flow.nodes()
            if isinstance(node, TaskNode) and node.model == model
        ]  # fmt: skip
        return list(dict.fromkeys(asked))


def walk(node: AnyNode) -> Iterator[AnyNode]:
    """A node and all below it in the same file, parents first."""
    yield node
    for _, child in node.children():
        yield from walk(child)


def load_flow(name_or_path: str | Path) -> Flow:
    """A shipped flow by name, or any YAML file by path. Raises SettingsError: no such flow, a fault with its line, a
    circle of flows."""
    return _load(path_of(name_or_path), ())


def _load(path: Path, above: tuple[tuple[Path, str], ...]) -> Flow:
    file = read_flow_file(path)
    chain = (*above, (path.resolve(), file.name))
    inner: dict[str, Flow] = {}
    for node in walk(file.steps):
        if isinstance(node, FlowNode) and node.flow not in inner:
            inner[node.flow] = _called(node, path, chain)
    flow = Flow(file, path, inner)
    _ = flow.models
    return flow


def _called(node: FlowNode, path: Path, chain: tuple[tuple[Path, str], ...]) -> Flow:
    """The flow that a node calls: beside the file first, then among those that ship."""
    where = f"{path.name}, line {node.line}, {node.id}"
    beside = path.parent / (node.flow if node.flow.endswith((".yaml", ".yml")) else f"{node.flow}.yaml")
    try:
        other = beside if beside.is_file() else path_of(node.flow)
    except SettingsError as error:
        raise SettingsError(error.what, where=where, expected=error.expected) from error
    known = [each for each, _ in chain]
    if other.resolve() in known:
        names = [name for _, name in chain[known.index(other.resolve()) :]]
        raise SettingsError(
            f"the flows go in a circle: {' -> '.join([*names, names[0]])}", where=where, cure="Take one call out"
        )
    return _load(other, chain)


def path_of(name_or_path: str | Path) -> Path:
    """The YAML file of a shipped name, or a path."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = SHIPPED / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(shipped())
        raise SettingsError(f"there is no flow '{name_or_path}'", expected=f"a YAML file, or one of {known}")
    return path


def shipped() -> list[str]:
    """Names of the flows that come with Modiste."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))
