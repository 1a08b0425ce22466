"""What a tagger's heads answer: fields, their values, and each row's truth as numbers. numpy only.

In: rows of a snapshot, whose labels are words, or lists of words of a multi field. Out: one matrix of targets: a column
an exclusive field (the place of its value), a column a value of a multi field (1 or 0). A row without a label in a
field, or whose other labels say that the field is no question of it, is left out there. Never trains.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.errors import EmptyError
from dataset.several import values_in
from dataset.taxonomy import Taxonomy
from train.tagger import chances_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
MISSING, UNSEEN = -1, -2  # no label: left out; a value that training never saw: counts as a mistake


@dataclass(frozen=True)
class Heads:
    """`values` are the words of each field in the order of its logits; `multi` the fields that may have several."""

    values: Mapping[str, Sequence[str]]
    multi: frozenset[str] = frozenset()

    @property
    def columns(self) -> dict[str, slice]:
        """Where in a row of targets each field stands."""
        found, start = {}, 0
        for field, words in self.values.items():
            width = len(words) if field in self.multi else 1
            found[field], start = slice(start, start + width), start + width
        return found

    @property
    def counts(self) -> dict[str, int]:
        return {field: len(words) for field, words in self.values.items()}

    def truth(self, targets: Any, field: str) -> Any:
        """(N, width) targets, an array or a tensor -> (N,) places of an exclusive field, (N, K) of a multi one."""
        found = targets[:, self.columns[field]]
        return found if field in self.multi else found[:, 0]


def heads_of(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], where: str = "") -> Heads:
    """The heads that training rows ask for; a field is multi where its labels are lists. Raises EmptyError for a field
    with fewer than two values."""
    labels = {field: [row["labels"][field] for row in rows if field in row["labels"]] for field in fields}
    multi = frozenset(field for field, said in labels.items() if any(isinstance(each, list) for each in said))
    values = {field: sorted({word for each in said for word in values_in(each)}) for field, said in labels.items()}
    for field, found in values.items():
        if len(found) < 2:
            what = f"field '{field}' has {len(found)} values in the train part"
            raise EmptyError(what, where=where, expected="two or more")
    return Heads(values, multi)


def target_matrix(
    rows: Sequence[Mapping[str, Any]], values: Mapping[str, Sequence[str]], multi: Collection[str] = ()
) -> Ints:
    """(N, width) targets: MISSING where a row has no label, UNSEEN where training never saw its exclusive value. Of
    several words the first known one is an exclusive head's truth."""
    heads = Heads(values, frozenset(multi))
    found = np.full((len(rows), sum(each.stop - each.start for each in heads.columns.values())), MISSING, np.int64)
    for field, columns in heads.columns.items():
        places = {word: place for place, word in enumerate(values[field])}
        for number, row in enumerate(rows):
            if field not in row["labels"]:
                continue
            said = values_in(row["labels"][field])
            if field in heads.multi:
                found[number, columns] = [int(word in said) for word in places]
            else:
                found[number, columns] = next((places[word] for word in said if word in places), UNSEEN)
    return found


def asked_rows(rows: Sequence[dict[str, Any]], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """The rows, less labels in fields that the taxonomy doesn't ask for what else the row is labelled as (a hat's
    sleeve). A condition on a field without a label is taken as met: nothing speaks against it."""
    return [
        {**row, "labels": {field: label for field, label in row["labels"].items() if _asked(taxonomy, field, row)}}
        for row in rows
    ]


def _asked(taxonomy: Taxonomy, field: str, row: Mapping[str, Any]) -> bool:
    conditions = taxonomy.fields[field].asked_when if field in taxonomy.fields else {}
    for other, wanted in conditions.items():
        known = [word for word in values_in(row["labels"].get(other, [])) if word in taxonomy.values(other)]
        kinds = {kind for word in known for kind in (word, *taxonomy.ancestors(other, word))}
        if known and not kinds & set(wanted):
            return False
    return True


def temperature_of(logits: Floats, truth: Ints) -> float:
    """The T in [0.05, 20] with the least negative log likelihood of the chances of logits / T (Guo et al., 2017).
    `truth` (N,) places of an exclusive field, or (N, K) ones and zeros of a multi field; below 0 is left out."""
    from scipy.optimize import minimize_scalar

    if not (truth >= 0).any():
        return 1.0
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, truth, float(np.exp(log_t))), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(found.x))


def negative_log_likelihood(logits: Floats, truth: Ints, temperature: float) -> float:
    """Mean over what has a truth."""
    multi = truth.ndim == 2
    chances = np.clip(chances_of(logits.astype(np.float64), temperature, multi), 1e-12, 1 - 1e-12 if multi else 1)
    seen = truth >= 0
    if multi:
        return float(-np.log(np.where(truth == 1, chances, 1 - chances)[seen]).mean())
    return float(-np.log(chances[seen][np.arange(seen.sum()), truth[seen]]).mean())
