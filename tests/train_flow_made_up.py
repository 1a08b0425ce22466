"""Made-up predictors, photos and flow files for the tests of flows. A photo's first pixel says which row it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dataset.taxonomy import load_taxonomy
from train.answers import Answer, Float32, UInt8
from train.flow import Flow, load_flow

CLOTHING, FOOTWEAR = load_taxonomy("clothing"), load_taxonomy("footwear")


class MadeUp:
    """Answers by a table: photo number -> field -> chances. `shown` are the sizes of the batches it was asked for."""

    def __init__(
        self, rows: Sequence[Mapping[str, Mapping[str, float]]], taxonomy: str = CLOTHING.reference,
        fingerprint: str = "ab" * 32, floor: float = 0.0,
    ) -> None:  # fmt: skip
        self.rows, self.taxonomy, self.fingerprint, self.floor = rows, taxonomy, fingerprint, floor
        self.values = {
            field: list(dict.fromkeys(value for row in rows for value in row.get(field, {})))
            for field in dict.fromkeys(field for row in rows for field in row)
        }
        self.shown: list[list[int]] = []
        self.sizes: list[tuple[int, ...]] = []

    def answers(self, photos: Sequence[UInt8], fields: Sequence[str] | None = None) -> list[dict[str, Answer]]:
        numbers = [int(photo[0, 0, 0]) for photo in photos]
        self.shown.append(numbers)
        self.sizes += [photo.shape for photo in photos]
        if 255 in numbers:
            raise RuntimeError("the network choked")
        return [{field: self._answer(self.rows[n], field) for field in fields or self.values} for n in numbers]

    def _answer(self, row: Mapping[str, Mapping[str, float]], field: str) -> Answer:
        known = row.get(field, {})
        found = {value: known.get(value, 0.0) for value in self.values[field]}
        return Answer(tuple(sorted(found.items(), key=lambda pair: -pair[1])), self.floor)

    def vectors(self, photos: Sequence[UInt8]) -> Float32:
        return np.ones((len(photos), 1), np.float32)


def photo(number: int, height: int = 60, width: int = 40) -> UInt8:
    """All of one colour, which says its number."""
    return np.full((height, width, 3), number, np.uint8)


def flow_of(folder: Path, text: str, name: str = "made") -> Flow:
    """The flow in `text`; keys that every flow needs are added where they are missing."""
    head = "" if "\nname:" in f"\n{text}" else f"name: {name}\n"
    head += "" if "taxonomy:" in text.split("steps:")[0] else "taxonomy: clothing\n"
    path = folder / f"{name}.yaml"
    path.write_text(head + text)
    return load_flow(path)
