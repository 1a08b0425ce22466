"""A trained tagger in use: photos in, calibrated answers out.

In: a backend (torch or onnxruntime) that gives feature maps' means and logits at the network's input size, and the
facts of its weight. Out: `train.answers.Answer`s, unit vectors, feature maps for heat maps. numpy and cv2 only: where
the backend is onnxruntime's, no torch is loaded. Never trains, never writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dataset.errors import UsageError
from train.answers import Answer
from train.letterbox import UInt8, letterbox
from train.recipe import TaggingRecipe

Float32 = npt.NDArray[np.float32]
BATCH = 16  # photos that a backend is given at once: about 150 MB of activations at 256 px


class Seen(NamedTuple):
    """What a network made of N squares: `vectors` (N, d) of unit length; `logits` {field: (N, K)}; `maps` {field:
    (N, K, h, w)} where asked for, what each place adds to a logit: their mean over places is the logit less bias."""

    vectors: Float32
    logits: dict[str, Float32]
    maps: dict[str, Float32] | None = None


class Backend(Protocol):
    """What computes."""

    def see(self, squares: UInt8, flips: bool, maps: bool = False) -> Seen:
        """(N, S, S, 3) uint8 RGB of the network's size; `flips` averages the mirrored photos. Raises TrainingError for
        maps of a network whose answer is no mean over places."""
        ...

    @property
    def parameters(self) -> int: ...


@dataclass(frozen=True)
class Tagger:
    """A loaded tagger, a `train.answers.Predictor`. `facts` says what it is: recipe, snapshot, fingerprint, taxonomy,
    values, multi, temperature, floor, weights."""

    backend: Backend
    recipe: TaggingRecipe
    facts: dict[str, Any]

    @property
    def values(self) -> dict[str, list[str]]:
        return {field: list(words) for field, words in self.facts["values"].items()}

    @property
    def multi(self) -> frozenset[str]:
        return frozenset(self.facts.get("multi", ()))  # weights from before multi fields: none

    @property
    def floors(self) -> dict[str, float]:
        known = self.facts.get("floor", {})
        return {field: float(known.get(field, 0.0)) for field in self.facts["values"]}

    @property
    def taxonomy(self) -> str:
        return str(self.facts.get("taxonomy", ""))

    @property
    def fingerprint(self) -> str:
        return str(self.facts.get("weights", ""))

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        """(H, W, 3) uint8 RGB photos of any sizes -> per photo, field -> answer, the fields in the order asked. Raises
        UsageError for a field it has no head for."""
        wanted = self._known(fields)
        chances = self.chances(photos)
        return [{field: self._answer(field, chances[field][row]) for field in wanted} for row in range(len(photos))]

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        """(N, d) unit vectors of the backbone; (0, 0) for no photos."""
        found = [seen.vectors for seen in self._seen(photos)]
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def chances(self, photos: Sequence[UInt8]) -> dict[str, Float32]:
        """{field: (N, K) calibrated}: of an exclusive field rows sum to 1, of a multi field each stands alone."""
        seen = list(self._seen(photos))
        nothing = {field: np.zeros((0, len(words)), np.float32) for field, words in self.values.items()}
        logits = {field: np.concatenate([each.logits[field] for each in seen]) for field in self.values if seen}
        return {field: self.calibrated(field, values) for field, values in (logits or nothing).items()}

    def calibrated(self, field: str, logits: Float32) -> Float32:
        """(N, K) logits -> (N, K) chances."""
        return chances_of(logits, float(self.facts["temperature"][field]), field in self.multi).astype(np.float32)

    def probabilities(self, rgb: UInt8) -> dict[str, Float32]:
        """(H, W, 3) uint8 RGB -> {field: (K,) float32 calibrated}."""
        return {field: found[0] for field, found in self.chances([rgb]).items()}

    def tags(self, rgb: UInt8) -> dict[str, tuple[str, float]]:
        """{field: (surest value, confidence in [0, 1])}, whatever the floor."""
        return {field: (answer.best, answer.confidence) for field, answer in self.answers([rgb])[0].items()}

    def square(self, rgb: UInt8) -> UInt8:
        """(H, W, 3) -> (S, S, 3), fitted in and padded."""
        return letterbox(rgb, (self.recipe.side, self.recipe.side))

    def _seen(self, photos: Sequence[UInt8]) -> Iterator[Seen]:
        for start in range(0, len(photos), BATCH):
            squares = np.stack([self.square(rgb) for rgb in photos[start : start + BATCH]])
            yield self.backend.see(squares, self.recipe.flips)

    def _known(self, fields: Sequence[str] | None) -> list[str]:
        wanted = list(self.values if fields is None else fields)
        strange = [field for field in wanted if field not in self.facts["values"]]
        if strange:
            raise UsageError(f"this tagger has no head for {', '.join(strange)}", expected=", ".join(self.values))
        return wanted

    def _answer(self, field: str, chances: Float32) -> Answer:
        words = self.facts["values"][field]
        order = np.argsort(-chances, kind="stable")
        ranked = tuple((str(words[place]), float(chances[place])) for place in order)
        return Answer(ranked, self.floors[field], field in self.multi)


def chances_of(logits: npt.NDArray[Any], temperature: float, multi: bool) -> npt.NDArray[Any]:
    """(N, K) logits / temperature -> (N, K) in [0, 1]: softmax over the last axis, of a multi field a sigmoid each."""
    scaled = logits / temperature
    if multi:
        return np.asarray(1 / (1 + np.exp(-np.clip(scaled, -60, 60))))
    grown = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(grown / grown.sum(-1, keepdims=True))
