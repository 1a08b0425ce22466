"""What a tagger answers, and what whoever asks may rely on: flows, the service and the commands know only this.

An `Answer` is all chances of one field for one photo; a `Predictor` gives answers, on torch, on onnxruntime or made up
by a test. Plain data and a protocol: nothing here computes or loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """`ranked` are (value, calibrated chance in [0, 1]), the surest first: of an exclusive field they sum to 1, of a
    multi field each stands alone. Under `floor`, chosen on validation, the tagger doesn't commit itself."""

    ranked: tuple[tuple[str, float], ...]
    floor: float = 0.0
    multi: bool = False

    @property
    def best(self) -> str:
        return self.ranked[0][0]

    @property
    def confidence(self) -> float:
        return self.ranked[0][1]

    @property
    def abstained(self) -> bool:
        return self.confidence < self.floor

    @property
    def said(self) -> tuple[str, ...]:
        """The values it commits itself to: none or one of an exclusive field, any number of a multi field."""
        if self.multi:
            return tuple(value for value, chance in self.ranked if chance >= self.floor)
        return () if self.abstained else (self.best,)


class Predictor(Protocol):
    """A loaded tagger. `values` are the words of each field; `taxonomy` is the reference it was trained under
    ('name@version#hash'), `fingerprint` the sha256 of its weights."""

    @property
    def values(self) -> Mapping[str, Sequence[str]]: ...

    @property
    def taxonomy(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        """(H, W, 3) uint8 RGB photos of any sizes, in one batch -> per photo, field -> answer."""
        ...

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        """(N, d) unit vectors of the backbone."""
        ...
