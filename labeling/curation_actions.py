"""What the App's buttons do, one function a button; the command line calls the same ones.

In: a workspace and the sha256s chosen. Out: rows in the tables, then the samples brought up to date. Nothing here knows
of forms or panels. Judging by button records at once, so who and when are those of the click.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dataset.errors import EmptyError, UsageError
from dataset.snapshot import create_snapshot
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling import curation, curation_annotate, curation_store
from labeling.curation import reviewer_name
from labeling.curation_rows import taxonomy_of
from labeling.cutting import Job, Outcome, cut
from labeling.review import ReviewResult, Verdict, record
from labeling.workers import in_workers

TOOLS = curation_annotate.TOOLS
METHODS = {"grabcut-scene": "scene", "grabcut-packshot": "packshot"}
__all__ = ["METHODS", "TOOLS", "reviewer_name"]


@dataclass(frozen=True)
class Progress:
    """How far the review of a data set is; `last` names the newest review's verdict and reviewer."""

    samples: int
    reviewed: int
    contradicted: int
    last: str | None


@dataclass(frozen=True)
class RebuildResult:
    """Masks made anew, and images for which the method found nothing, by reason."""

    rebuilt: int
    failed: dict[str, int]

    def line(self) -> str:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(self.failed.items()))
        return f"{self.rebuilt} masks rebuilt, to be reviewed" + (f"; not: {why}" if why else "")


def judge(ws: Workspace, sha256s: Sequence[str], verdict: str, *, reviewer: str) -> ReviewResult:
    """Accept or reject the masks shown; the sample tag says it in the App too."""
    result = record(ws, [Verdict(sha256, verdict) for sha256 in sha256s], reviewer=reviewer, source="fiftyone")
    _tag(ws, sha256s, verdict)
    curation.curate(ws)
    return result


def relabel(ws: Workspace, sha256s: Sequence[str], field: str, value: str, *, reviewer: str) -> ReviewResult:
    """Give a field one value. Raises UsageError for what the taxonomy does not know."""
    if value not in (known := _words(ws).values(field)):
        raise UsageError(f"'{value}' is no value of {field}", expected=", ".join(known))
    found = [Verdict(sha256, "relabel", field, value) for sha256 in sha256s]
    result = record(ws, found, reviewer=reviewer, source="fiftyone")
    curation.curate(ws)
    return result


def rebuild(ws: Workspace, sha256s: Sequence[str], method: str, *, reviewer: str) -> RebuildResult:
    """Make masks by another method. The mask shown is rejected where it would stand before the new one, which is shown
    from then on and counts once it is accepted. Raises UsageError for an unknown method."""
    if method not in METHODS:
        raise UsageError(f"there is no method '{method}'", expected="one of " + ", ".join(METHODS))
    jobs = (Job(sha256, "grabcut", METHODS[method], ws.blobs.get(sha256)) for sha256 in sha256s)
    outcomes = list(in_workers(cut, jobs, total=len(sha256s), workers=1 if len(sha256s) < 40 else None))
    good = [outcome for outcome in outcomes if not outcome.reason]
    failed: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.reason:
            failed[outcome.reason] = failed.get(outcome.reason, 0) + 1
    _overrule(ws, [outcome.sha256 for outcome in good], reviewer)
    ws.tables.upsert("masks", [row for outcome in good for row in _mask_rows(ws, outcome, reviewer)])
    curation.curate(ws)
    return RebuildResult(len(good), failed)


def send(ws: Workspace, sha256s: Sequence[str], tool: str) -> curation_annotate.SendResult:
    """Export the selection for an annotation tool, into the workspace."""
    return curation_annotate.send(ws, sha256s, tool)


def bring_back(ws: Workspace, tool: str, path: str, *, reviewer: str) -> curation_annotate.BackResult:
    """Take over what annotators changed, then bring the samples in step."""
    result = curation_annotate.bring_back(ws, tool, path, reviewer=reviewer)
    curation.curate(ws)
    return result


def freeze(ws: Workspace, name: str, sha256s: Sequence[str] | None = None) -> str:
    """Freeze a snapshot of the workspace or of the images chosen; its line."""
    where = curation_annotate.among(sha256s) if sha256s is not None else None
    return create_snapshot(ws, name, where=where).line()


def pull_and_refresh(ws: Workspace, *, reviewer: str) -> curation.PullResult:
    result = curation.pull(ws, reviewer=reviewer)
    curation.curate(ws)
    return result


def vocabulary(ws: Workspace) -> dict[str, list[str]]:
    """{field: its values} of the workspace's taxonomy."""
    words = _words(ws)
    return {field: words.values(field) for field in words.fields}


def not_too_many(sha256s: Sequence[str], most: int) -> list[str]:
    """Raises EmptyError for none, UsageError for more than `most`: a click on everything is a slip."""
    if not sha256s:
        raise EmptyError("no image is chosen", cure="Select samples in the grid")
    if len(sha256s) > most:
        raise UsageError(
            f"{len(sha256s)} images", expected=f"at most {most}", cure="Select samples, or narrow the view"
        )
    return list(sha256s)


def progress_of(dataset: Any) -> Progress:
    """Counts of a data set, by three queries."""
    found = dataset._sample_collection
    last = next(iter(found.find({"reviewed_at": {"$ne": None}}).sort("reviewed_at", -1).limit(1)), None)
    told = f"{last['review']} by {last['reviewer']}, {last['reviewed_at']:%Y-%m-%d %H:%M} UTC" if last else None
    reviewed = found.count_documents({"review": {"$ne": None}})
    contradicted = found.count_documents({"disagreements.0": {"$exists": True}})
    return Progress(len(dataset), reviewed, contradicted, told)


def _words(ws: Workspace) -> Taxonomy:
    if (found := taxonomy_of(ws)) is None:
        raise UsageError("the workspace's taxonomy can't be read", where=ws.settings.taxonomy)
    return found


def _overrule(ws: Workspace, sha256s: list[str], reviewer: str) -> None:
    sql = """SELECT DISTINCT sha256 FROM masks WHERE kind = 'composite' AND status = 'ok' AND source <> 'grabcut'
             AND sha256 IN (SELECT unnest(?::VARCHAR[]))"""
    for _ in range(3):  # a review, the cutout below it, a model's below that
        better = ws.tables.query(sql, parameters=[sha256s])["sha256"].to_pylist()
        if not better:
            return
        record(ws, [Verdict(sha256, "reject") for sha256 in better], reviewer=reviewer, source="fiftyone")


def _mask_rows(ws: Workspace, made: Outcome, reviewer: str) -> list[dict[str, Any]]:
    method = json.dumps(made.method | {"asked_by": reviewer}, sort_keys=True)
    return [
        {"sha256": made.sha256, "kind": kind, "source": made.source, "status": "ok", "reason": None,
         "mask_sha256": ws.blobs.put(png), "method": method, "width": made.width, "height": made.height,
         "quality": min(made.scores.values()), "scores": json.dumps(made.scores, sort_keys=True), "flags": made.flags,
         "created_at": datetime.now(UTC)}
        for kind, png in made.pngs.items()
    ]  # fmt: skip


def _tag(ws: Workspace, sha256s: Sequence[str], verdict: str) -> None:
    """Say in the App what was judged, as already pulled."""
    dataset = curation.load(curation_store.connect(ws), ws)
    known = curation_store.documents(dataset, "tags", "synced", "mask_sha256")
    changes = {}
    for sha256 in sha256s:
        tags = [tag for tag in known[sha256].get("tags") or [] if tag not in ("accept", "reject")] + [verdict]
        pulled = (known[sha256].get("synced") or {}).get("tags") or []
        noted = [tag for tag in pulled if tag not in ("accept", "reject")] + [verdict]
        changes[sha256] = {"tags": tags, "synced.tags": noted, "judged_mask": known[sha256].get("mask_sha256")}
    curation_store.write_fields(dataset, changes, known)
