"""What a person decided about an image, as rows of `reviews`, and what follows from it.

In: verdicts (accept, reject, relabel) and corrected masks. Out: review rows, and their effects: a relabel is a label of
source `person`; an accepted or corrected mask becomes a mask of source `review`; a rejected one is marked bad. The same
verdict as the last one of that person on that field has the same id, so recording twice adds nothing, and changing
one's mind and back is three rows. Never deletes what it overrules.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dataset.blobs import sha256_of
from dataset.errors import MaskError, UsageError
from dataset.mask_sources import stands
from dataset.masks import GARMENT, SKIN, binary_png, to_png, validate
from dataset.several import COMMA, PERSON
from dataset.workspace import Workspace
from labeling.mask_quality import flags, measure

VERDICTS = ("accept", "reject", "relabel")


@dataclass(frozen=True)
class Verdict:
    """`field` is `mask` or a taxonomy field; `value` only for a relabel: one value, or the several of a multi field,
    sorted, with commas between. They are the whole answer: values said before no longer hold."""

    sha256: str
    verdict: str
    field: str = "mask"
    value: str | None = None

    def review_id(self, reviewer: str, about: str | None, turn: int = 0) -> str:
        """Hash of the content; `about` is the mask judged, so that a new mask can be judged anew; `turn` counts the
        person's earlier verdicts on this field, so that a mind changed and changed back is told."""
        content = [self.sha256, self.verdict, self.field, self.value, reviewer, about]
        return sha256_of(json.dumps([*content, turn] if turn else content).encode())[:32]


@dataclass(frozen=True)
class CorrectedMask:
    """A composite that a person drew: (H, W, 3) uint8, one-hot in {0, 255}, the image's own size."""

    sha256: str
    composite: np.ndarray
    method: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReviewResult:
    """Verdicts that were new, and the rows they changed."""

    new: int
    labels: int
    masks: int

    def line(self) -> str:
        return f"{self.new} new verdicts: {self.labels} labels and {self.masks} masks changed"


def record(ws: Workspace, verdicts: Sequence[Verdict], *, reviewer: str, source: str) -> ReviewResult:
    """Add the verdicts that are not there yet and carry them out.

    The log is written last: a killed run is repeated whole.
    """
    _check(verdicts)
    turns = _turns(ws, reviewer)
    masks = _best_composites(ws) if any(verdict.field == "mask" for verdict in verdicts) else {}
    now, rows, fresh = datetime.now(UTC), [], []
    for verdict in dict.fromkeys(verdicts):
        row = _row(verdict, turns, _about(verdict, masks), reviewer, source, now)
        if row is not None:
            fresh.append(verdict)
            rows.append(row)
    labels, changed = _relabels(fresh, reviewer, now), _mask_rows(ws, fresh, masks, reviewer, now)
    for table, effect in (("labels", labels), ("masks", changed), ("reviews", rows)):
        if effect:
            ws.tables.upsert(table, effect)
    return ReviewResult(len(rows), len(labels), len({row["sha256"] for row in changed}))


def record_masks(ws: Workspace, found: Sequence[CorrectedMask], *, reviewer: str, source: str) -> ReviewResult:
    """Keep masks that a person drew, as masks of source `review` that this person accepts. Raises MaskError for one
    that is no partition; then nothing is written."""
    turns, now, rows, reviews = _turns(ws, reviewer), datetime.now(UTC), [], []
    for mask in found:
        try:
            validate(mask.composite)
        except MaskError as error:
            raise MaskError(error.what, where=mask.sha256, expected=error.expected) from error
        drawn = _drawn_rows(ws, mask, reviewer, source, now)
        verdict = Verdict(mask.sha256, "accept")
        if (row := _row(verdict, turns, drawn[0]["mask_sha256"], reviewer, source, now)) is not None:
            rows += drawn
            reviews.append(row)
    for table, effect in (("masks", rows), ("reviews", reviews)):
        if effect:
            ws.tables.upsert(table, effect)
    return ReviewResult(len(reviews), 0, len(reviews))


def overrule(ws: Workspace, shown: Mapping[str, str], *, reviewer: str, source: str) -> int:
    """Reject every mask that stands before the one of source `shown[sha256]`, so that this one is seen and judged next;
    one review an image. Returns how many images had such masks."""
    gone: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = [row for row in ws.tables.read("masks", where="status = 'ok'").to_pylist() if row["sha256"] in shown]
    new = {row["sha256"]: row for row in rows if row["source"] == shown[row["sha256"]] and row["kind"] == "composite"}
    for row in rows:
        sha256 = row["sha256"]
        if sha256 in new and row["source"] != shown[sha256] and stands(row) < stands(new[sha256]):
            gone[sha256].append(row)
    turns, now = _turns(ws, reviewer), datetime.now(UTC)
    abouts = {sha256: min(rows, key=stands)["mask_sha256"] for sha256, rows in gone.items()}
    reviews = [_row(Verdict(sha256, "reject"), turns, about, reviewer, source, now) for sha256, about in abouts.items()]
    masks = [row | {"status": "bad", "reason": "rejected", "created_at": now} for rows in gone.values() for row in rows]
    for table, effect in (("masks", masks), ("reviews", [row for row in reviews if row])):
        if effect:
            ws.tables.upsert(table, effect)
    return len(gone)


def _turns(ws: Workspace, reviewer: str) -> dict[tuple[str, str], list[str]]:
    """{(sha256, field): ids of this person's verdicts, in order}."""
    sql = "SELECT sha256, field, review_id FROM reviews WHERE reviewer = ? ORDER BY created_at, review_id"
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in ws.tables.query(sql, parameters=[reviewer]).to_pylist():
        found[row["sha256"], row["field"]].append(row["review_id"])
    return found


def _row(
    verdict: Verdict,
    turns: dict[tuple[str, str], list[str]],
    about: str | None,
    reviewer: str,
    source: str,
    now: datetime,
) -> dict[str, Any] | None:
    """The review's row, or None where the person's last verdict on this field is this very one."""
    before = turns[verdict.sha256, verdict.field]
    if before and before[-1] == verdict.review_id(reviewer, about, len(before) - 1):
        return None
    review_id = verdict.review_id(reviewer, about, len(before))
    before.append(review_id)
    return {
        "review_id": review_id, "sha256": verdict.sha256, "verdict": verdict.verdict, "field": verdict.field,
        "value": verdict.value, "reviewer": reviewer, "source": source, "created_at": now,
    }  # fmt: skip


def _drawn_rows(ws: Workspace, mask: CorrectedMask, reviewer: str, source: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of the composite, the garment and the person that it shows."""
    garment = mask.composite[:, :, GARMENT] == 255
    person = garment | (mask.composite[:, :, SKIN] == 255)
    scores = measure(mask.composite, person=person, garment=garment)
    pngs = {"composite": to_png(mask.composite), "garment": binary_png(garment), "person": binary_png(person)}
    method = json.dumps(mask.method | {"drawn_by": reviewer, "in": source}, sort_keys=True)
    height, width = garment.shape
    return [
        {"sha256": mask.sha256, "kind": kind, "source": "review", "status": "ok", "reason": None,
         "mask_sha256": ws.blobs.put(png), "method": method, "width": width, "height": height,
         "quality": min(scores.values()), "scores": json.dumps(scores, sort_keys=True), "flags": flags(scores),
         "created_at": now}
        for kind, png in pngs.items()
    ]  # fmt: skip


def _check(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.verdict not in VERDICTS or (verdict.verdict == "relabel") != (verdict.value is not None):
            raise UsageError(f"no such verdict: {verdict}", expected="accept, reject, or relabel with a value")


def _about(verdict: Verdict, masks: dict[str, list[dict[str, Any]]]) -> str | None:
    """The mask's blob a mask verdict is about: the one judged stays the same once it became a `review` mask."""
    rows = masks.get(verdict.sha256, [])
    return _meant(verdict, rows)["mask_sha256"] if verdict.field == "mask" and rows else None


def _meant(verdict: Verdict, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The composite a mask verdict means, of rows as `_best_composites` sorts them: who accepts saw no rejected one."""
    live = [row for row in rows if row["status"] == "ok"] if verdict.verdict == "accept" else []
    return (live or rows)[0]


def _best_composites(ws: Workspace) -> dict[str, list[dict[str, Any]]]:
    """{sha256: composite rows, the most trusted first}; rejected ones stay, so the same reject has the same id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ws.tables.read("masks", where="kind = 'composite'").to_pylist():
        if row["status"] == "ok" or row["reason"] == "rejected":
            found.setdefault(row["sha256"], []).append(row)
    for rows in found.values():
        rows.sort(key=stands)
    return found


def _relabels(verdicts: Sequence[Verdict], reviewer: str, now: datetime) -> list[dict[str, Any]]:
    """A row a value, all of one sitting: the same `created_at`, by which readers tell them from what was said before.
    The word is part of a row's key, so the further values' differ."""
    return [
        {"sha256": v.sha256, "field": v.field, "value": value, "source": PERSON, "confidence": 1.0, "taxonomy": None,
         "word": f"said by {reviewer}" + (f": {value}" if place else ""), "created_at": now}
        for v in verdicts
        if v.verdict == "relabel"
        for place, value in enumerate(str(v.value).split(COMMA))
    ]  # fmt: skip


def _mask_rows(
    ws: Workspace, verdicts: Sequence[Verdict], masks: dict[str, list[dict[str, Any]]], reviewer: str, now: datetime
) -> list[dict[str, Any]]:
    """Rows for the masks judged, all kinds of that source: a copy of source `review`, or the row itself marked bad."""
    about_masks = [v for v in verdicts if v.field == "mask" and v.sha256 in masks]
    sources = {v.sha256: _meant(v, masks[v.sha256])["source"] for v in about_masks}
    judged = {v.sha256: v.verdict for v in verdicts if v.sha256 in sources and v.field == "mask"}
    if not judged:
        return []
    rows = [row for row in ws.tables.read("masks").to_pylist() if sources.get(row["sha256"]) == row["source"]]
    return [_judged(row, judged[row["sha256"]], reviewer, now) for row in rows]


def _judged(row: dict[str, Any], verdict: str, reviewer: str, now: datetime) -> dict[str, Any]:
    if verdict == "reject":
        return row | {"status": "bad", "reason": "rejected", "created_at": now}
    method = json.loads(row["method"] or "{}") | {"accepted_by": reviewer, "made_by": row["source"]}
    accepted = {"source": "review", "status": "ok", "reason": None, "method": json.dumps(method, sort_keys=True)}
    return row | accepted | {"created_at": now}
