"""What the service has to work with: tagger, segmenter, flows, the index of similar products, each there or missing.

In: loaded models. Out: `Parts`, and how an answer is told. Loads and computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from train.answers import Answer, Predictor, UInt8

if TYPE_CHECKING:
    from dataset.similar import Hit
    from train.flow_run import FlowResult

Explain = Callable[[UInt8, list[str]], dict[str, bytes]]  # photo, fields -> PNG files
Look = Callable[[UInt8], Any]  # photo -> train.closer.Seen
RunFlow = Callable[[list[UInt8]], "list[FlowResult]"]


class Searcher(Protocol):
    """Similar products of a photo."""

    @property
    def encoder(self) -> str: ...

    def search(self, data: bytes, k: int, where: str | None) -> list[Hit]:
        """`data` is an image file. Raises ImageError."""
        ...

    def picture(self, sha256: str) -> bytes | None:
        """A small JPEG; None where the picture is gone or may not be shown."""
        ...


@dataclass(frozen=True)
class FlowPart:
    """A flow that fits its models. `nodes` describe its tree for /v1/models."""

    name: str
    taxonomy: str
    nodes: list[dict[str, Any]]
    run: RunFlow
    models: list[tuple[str, str]]


@dataclass
class Parts:
    """`missing`: part -> what would bring it. `cards` are what /v1/models shows of each model."""

    tagger: Predictor | None = None
    explain: Explain | None = None
    look: Look | None = None
    segmenter_name: tuple[str, str] = ("", "")
    flows: dict[str, FlowPart] = field(default_factory=dict)
    similar: Searcher | None = None
    cards: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def card_of(self, name: str, task: str, fingerprint: str, facts: Mapping[str, Any]) -> None:
        values = facts.get("values") or {}
        self.cards.append(
            {"name": name, "task": task, "fingerprint": fingerprint, "taxonomy": str(facts.get("taxonomy") or ""),
             "fields": {each: list(words) for each, words in values.items()}, "card": dict(facts)}
        )  # fmt: skip


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """A tag of the contract: {label, confidence, ranked, labels (multi)}."""
    said = answer.said
    plain = {
        "label": said[0] if said else None,
        "confidence": _rounded(answer.confidence),
        "ranked": [{"label": word, "confidence": _rounded(chance)} for word, chance in answer.ranked],
    }
    return {**plain, "labels": list(said)} if answer.multi else plain


def _rounded(chance: float) -> float:
    return round(float(np.clip(chance, 0, 1)), 6)
