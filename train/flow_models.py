"""The models of a flow: found, loaded, told in the words of the flow's taxonomy.

In: a flow, the workspace its runs are in, and what the user brings. Out: `Predictor`s by name, and the names of those
that are missing. Whether they are the pinned ones is `flow_check`'s. torch is loaded for safetensors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataset.errors import ModisteError, TrainingError, UsageError
from dataset.workspace import Workspace
from train import record
from train.answers import Answer, Float32, Predictor, UInt8
from train.flow import Flow
from train.flow_file import ModelPin

Loader = Callable[[Path], Predictor]


@dataclass(frozen=True)
class Renamed:
    """A predictor whose words are translated by a pin's `map`; chances of values that become one are added up (of a
    multi field: the surest counts). A value that the map doesn't name keeps its word."""

    inner: Predictor
    words: Mapping[str, Mapping[str, str]]

    @property
    def values(self) -> dict[str, list[str]]:
        return {
            field: list(dict.fromkeys(self._word(field, value) for value in values))
            for field, values in self.inner.values.items()
        }

    @property
    def taxonomy(self) -> str:
        return self.inner.taxonomy

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        found = self.inner.answers(photos, fields)
        return [{field: self._renamed(field, answer) for field, answer in each.items()} for each in found]

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        return self.inner.vectors(photos)

    def _word(self, field: str, value: str) -> str:
        return self.words.get(field, {}).get(value, value)

    def _renamed(self, field: str, answer: Answer) -> Answer:
        chances: dict[str, float] = {}
        for value, chance in answer.ranked:
            word = self._word(field, value)
            known = chances.get(word, 0.0)
            chances[word] = max(known, chance) if answer.multi else min(1.0, known + chance)
        ranked = tuple(sorted(chances.items(), key=lambda pair: -pair[1]))
        return Answer(ranked, answer.floor, answer.multi)


def as_pinned(pin: ModelPin, predictor: Predictor) -> Predictor:
    """The predictor in the words of the flow's taxonomy."""
    return Renamed(predictor, pin.map) if pin.map else predictor


@dataclass(frozen=True)
class Models:
    """`missing` says for each model that isn't there why, and what to do."""

    found: dict[str, Predictor] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def load_models(
    flow: Flow, ws: Workspace | None = None, brought: Mapping[str, str] | None = None, load: Loader | None = None
) -> Models:
    """`brought` says model name -> weight file, run folder or run id, instead of the pin's source. Raises UsageError
    for a name that the flow doesn't have; a weight that can't be loaded is among `missing`, with its error."""
    brought, pins = brought or {}, flow.models
    strange = sorted(set(brought) - set(pins))
    if strange:
        raise UsageError(f"{flow.name} has no model '{strange[0]}'", expected=", ".join(pins) or "none")
    found: dict[str, Predictor] = {}
    missing: dict[str, str] = {}
    for name, pin in pins.items():
        try:
            path = _path(pin, _file_of(flow, name).parent, ws, brought.get(name))
            found[name] = (load or _load)(path) if path is not None else _shipped()
        except ModisteError as error:
            missing[name] = str(error)
    return Models(found, missing)


def _file_of(flow: Flow, model: str) -> Path:
    return next(each.path for each in flow.flows() if model in each.file.models)


def _path(pin: ModelPin, folder: Path, ws: Workspace | None, brought: str | None) -> Path | None:
    """The weight file or run folder; None for the one that ships."""
    if brought is not None and Path(brought).exists():
        return Path(brought)
    if brought is None and pin.bring is not None:
        raise TrainingError(f"not here: the flow needs {pin.bring}", cure="Give one: --model NAME=FILE or RUN")
    if brought is None and pin.shipped:
        return None
    if brought is None and pin.weights is not None:
        path = folder / pin.weights
        if not path.exists():
            raise TrainingError("there is no such weight file", where=str(path))
        return path
    run = brought or str(pin.run)
    if ws is None:
        raise UsageError(f"run '{run}' belongs to a workspace", expected="-w WORKSPACE")
    return record.load(ws, run, task="tagging").folder


def _load(path: Path) -> Predictor:
    from train.tagging_weights import load_tagger

    return load_tagger(path)


def _shipped() -> Predictor:
    from train.onnx_tagger import shipped_tagger

    return shipped_tagger()
