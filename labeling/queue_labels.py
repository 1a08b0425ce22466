"""What has been said about one taxonomy field so far: by people, by sources less sure than people, by runs.

In: `labels` and `reviews` of the field, the taxonomy. Out: a `Said` over the pool's places. A person's word is a label
of source `person`, an importer's annotator, or an accepted review; a run's predictions never teach the committee that
judges what to ask next. Values of which one is the other's kind (a blazer is outerwear) don't contradict each other,
nor do several values of a multi field that one source gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset.several import MULTI, Label, values_in
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling.queue_pool import Pool
from labeling.queue_scores import Bools, Floats, Ints, split_vote

WEAK_TRUST = 0.5  # of a shop's or a rule's label beside a person's, times its own confidence
TRUST = ("person", "import", "store", "rule")

LABELS = "SELECT sha256, value, source, confidence FROM labels WHERE field = ? AND value IS NOT NULL ORDER BY ALL"
VERDICTS = """
SELECT sha256, arg_max(verdict, created_at) AS verdict FROM reviews WHERE field = ? GROUP BY sha256 ORDER BY sha256
"""


@dataclass(frozen=True)
class Said:
    """`values` are the words, in order; the rest is by place (N,): `given` the best value's number or -1, its
    `confidence`, `by_person`, the sources' `contradiction` in [0, 1], a run's own `unsure` (1 - confidence; nan: none),
    and the text of each contradiction."""

    values: list[str]
    given: Ints
    confidence: Floats
    by_person: Bools
    contradiction: Floats
    unsure: Floats
    words: dict[int, str]

    @property
    def teaches(self) -> Ints:
        """Places whose value is known well enough to learn from."""
        return np.flatnonzero(self.given >= 0)

    @property
    def trust(self) -> Floats:
        """(N,) 1 for a person's word, half its confidence for any other."""
        return np.where(self.by_person, 1.0, WEAK_TRUST * self.confidence)

    def counts(self) -> Floats:
        """(K,) how often each value was given, weighted by trust."""
        seen = self.teaches
        return np.asarray(np.bincount(self.given[seen], self.trust[seen], len(self.values)), np.float64)


def read_said(ws: Workspace, pool: Pool, field: str, words: Taxonomy) -> Said:
    place = pool.place
    by_image: dict[int, list[dict[str, Any]]] = {}
    for row in ws.tables.query(LABELS, parameters=[field]).to_pylist():
        if row["sha256"] in place:
            by_image.setdefault(place[row["sha256"]], []).append(row)
    verdicts = {
        place[row["sha256"]]: row["verdict"]
        for row in ws.tables.query(VERDICTS, parameters=[field]).to_pylist()
        if row["sha256"] in place
    }
    best = {number: found for number, rows in by_image.items() if (found := _best(rows))}
    values = sorted({row["value"] for row in best.values()})
    n, number_of = len(pool.items), {value: number for number, value in enumerate(values)}
    said = Said(values, np.full(n, -1, np.int64), np.zeros(n), np.zeros(n, bool), np.zeros(n), np.full(n, np.nan), {})
    for number, row in best.items():
        said.given[number], said.confidence[number] = number_of[row["value"]], _sure(row)
        said.by_person[number] = _kind(row) in ("person", "import")
    for number, rows in by_image.items():
        said.contradiction[number], said.words[number] = _contradiction(rows, field, words)
        runs = [_sure(row) for row in rows if _kind(row) == "model"]
        said.unsure[number] = 1 - max(runs) if runs else np.nan
    for number, verdict in verdicts.items():
        _heed(said, number, verdict)
    return said


def _heed(said: Said, number: int, verdict: str) -> None:
    """An accepted value is a person's; a rejected one teaches nothing, and is the first to ask about again."""
    if verdict == "reject" and not said.by_person[number]:
        said.given[number], said.contradiction[number] = -1, 1.0
        said.words[number] = "a person rejected the value it has"
    elif verdict == "accept":
        said.by_person[number] = True


def _kind(row: dict[str, Any]) -> str:
    return str(row["source"]).split(":")[0]


def _sure(row: dict[str, Any]) -> float:
    sure = row["confidence"]
    return 1.0 if sure is None or not np.isfinite(sure) else float(np.clip(sure, 0, 1))


def _best(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    taught = [row for row in rows if _kind(row) != "model"]
    order = {kind: number for number, kind in enumerate(TRUST)}
    return min(taught, key=lambda r: (order.get(_kind(r), len(TRUST)), -_sure(r), r["value"])) if taught else None


def _contradiction(rows: list[dict[str, Any]], field: str, words: Taxonomy) -> tuple[float, str]:
    """How evenly the sources stand behind values that exclude each other, and the two surest of them in words."""
    several = field in words.fields and words.fields[field].kind == MULTI
    apart = sorted((_sides if several else _leaves)(rows, field, words), key=_sure, reverse=True)
    said = " but ".join(f"{_kind(row)} says {row['value']} {_sure(row):.2f}" for row in apart[:2])
    return split_vote([_sure(row) for row in apart]), said


def _leaves(rows: list[dict[str, Any]], field: str, words: Taxonomy) -> list[dict[str, Any]]:
    """The surest row of each value that is no kind of another one."""
    surest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=_sure):
        surest[row["value"]] = row
    kinds = {above for value in surest for above in _above(words, field, value)}
    return [row for value, row in surest.items() if value not in kinds]


def _sides(rows: list[dict[str, Any]], field: str, words: Taxonomy) -> list[dict[str, Any]]:
    """The surest row of each side of a multi field: sources that have a value in common are one side."""
    sides: list[list[dict[str, Any]]] = []
    for source in sorted({row["source"] for row in rows}):
        mine = [row for row in rows if row["source"] == source]
        alike = [side for side in sides if any(_agree(a, b, field, words) for a in mine for b in side)]
        sides = [side for side in sides if side not in alike] + [mine + [row for side in alike for row in side]]
    return [max(side, key=_sure) for side in sides]


def _agree(one: dict[str, Any], other: dict[str, Any], field: str, words: Taxonomy) -> bool:
    a, b = one["value"], other["value"]
    return a == b or a in _above(words, field, b) or b in _above(words, field, a)


def related(values: list[str], field: str, words: Taxonomy) -> Bools:
    """(K, K) True where one value is the other, or its kind."""
    above = [{value, *_above(words, field, value)} for value in values]
    found = np.array([[b in above[i] or a in above[j] for j, b in enumerate(values)] for i, a in enumerate(values)])
    return found.reshape(len(values), len(values))


def _above(words: Taxonomy, field: str, value: str) -> list[str]:
    """A value's kinds; none for a field or value that this taxonomy doesn't hold."""
    known = words.fields.get(field)
    if known is None or value not in {each.id for each in known.values}:
        return []
    return words.ancestors(field, value)


def not_asked(pool: Pool, field: str, words: Taxonomy) -> Bools:
    """(N,) images whose other labels say that the field is no question of theirs; one without them may be asked."""
    if field not in words.fields or not words.fields[field].asked_when:
        return np.zeros(len(pool.items), bool)
    others = set(words.fields[field].asked_when)

    def unasked(labels: dict[str, Label]) -> bool:
        known = all(_holds(words, other, labels.get(other)) for other in others)
        return known and not words.asked(field, labels)

    return np.array([unasked(item.labels) for item in pool.items], bool)


def _holds(words: Taxonomy, field: str, label: Label | None) -> bool:
    """Whether the taxonomy knows every value of the label."""
    if label is None or field not in words.fields:
        return False
    return set(values_in(label)) <= {each.id for each in words.fields[field].values}
