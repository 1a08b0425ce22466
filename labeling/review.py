"""What a person decided about an image, as rows of `reviews`, and what follows from it.

In: verdicts (accept, reject, relabel). Out: review rows, and their effects: a relabel is a label of source `person`;
an accepted
mask becomes a mask of source `review`; a rejected one is marked bad. The same verdict by the same person on the same
image
has the same id, so recording twice adds nothing. Never deletes what it overrules.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dataset.blobs import sha256_of
from dataset.errors import UsageError
from dataset.workspace import Workspace

VERDICTS = ("accept", "reject", "relabel")
TRUST = ("review", "cutout", "model", "grabcut")


@dataclass(frozen=True)
class Verdict:
    """`field` is `mask` or a taxonomy field; `value` only for a relabel."""

    sha256: str
    verdict: str
    field: str = "mask"
    value: str | None = None

    def review_id(self, reviewer: str, about: str | None) -> str:
        """Hash of the content; `about` is the mask judged, so that a new mask can be judged anew."""
        content = [self.sha256, self.verdict, self.field, self.value, reviewer, about]
        return sha256_of(json.dumps(content).encode())[:32]


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
    known = set(ws.tables.read("reviews", ["review_id"])["review_id"].to_pylist())
    masks = _best_composites(ws)
    now, rows, fresh = datetime.now(UTC), [], []
    for verdict in dict.fromkeys(verdicts):
        about = _about(verdict, masks)
        review_id = verdict.review_id(reviewer, about)
        if review_id not in known:
            fresh.append(verdict)
            rows.append(
                {"review_id": review_id, "sha256": verdict.sha256, "verdict": verdict.verdict, "field": verdict.field,
                 "value": verdict.value, "reviewer": reviewer, "source": source, "created_at": now}
            )  # fmt: skip
    labels, changed = _relabels(fresh, reviewer, now), _mask_rows(ws, fresh, masks, reviewer, now)
    for table, effect in (("labels", labels), ("masks", changed), ("reviews", rows)):
        if effect:
            ws.tables.upsert(table, effect)
    return ReviewResult(len(rows), len(labels), len({row["sha256"] for row in changed}))


def _check(verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.verdict not in VERDICTS or (verdict.verdict == "relabel") != (verdict.value is not None):
            raise UsageError(f"no such verdict: {verdict}", expected="accept, reject, or relabel with a value")


def _about(verdict: Verdict, masks: dict[str, list[dict[str, Any]]]) -> str | None:
    """The mask's blob a mask verdict is about: the one judged stays the same once it became a `review` mask."""
    rows = masks.get(verdict.sha256, [])
    return rows[0]["mask_sha256"] if verdict.field == "mask" and rows else None


def _best_composites(ws: Workspace) -> dict[str, list[dict[str, Any]]]:
    """{sha256: composite rows, the most trusted first}; rejected ones stay, so the same reject has the same id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ws.tables.read("masks", where="kind = 'composite'").to_pylist():
        if row["status"] == "ok" or row["reason"] == "rejected":
            found.setdefault(row["sha256"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: TRUST.index(row["source"].split(":")[0]))
    return found


def _relabels(verdicts: Sequence[Verdict], reviewer: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {"sha256": v.sha256, "field": v.field, "value": v.value, "word": f"said by {reviewer}", "source": "person",
         "confidence": 1.0, "taxonomy": None, "created_at": now}
        for v in verdicts
        if v.verdict == "relabel"
    ]  # fmt: skip


def _mask_rows(
    ws: Workspace, verdicts: Sequence[Verdict], masks: dict[str, list[dict[str, Any]]], reviewer: str, now: datetime
) -> list[dict[str, Any]]:
    """Rows for the masks judged, all kinds of that source: a copy of source `review`, or the row itself marked bad."""
    sources = {v.sha256: masks[v.sha256][0]["source"] for v in verdicts if v.field == "mask" and v.sha256 in masks}
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
