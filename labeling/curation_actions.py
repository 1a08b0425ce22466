"""What the App's buttons do, one function a button; the command line calls the same ones.

In: a workspace and the sha256s chosen. Out: rows in the tables, then the samples brought up to date. Nothing here knows
of forms or panels. Judging by button records at once, so who and when are those of the click.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataset.errors import EmptyError, UsageError
from dataset.several import COMMA
from dataset.snapshot import create_snapshot
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling import curation, curation_annotate, curation_masks, curation_store
from labeling.curation import reviewer_name
from labeling.curation_masks import RebuildResult, methods
from labeling.curation_rows import multi_of, taxonomy_of
from labeling.review import ReviewResult, Verdict, record

TOOLS = curation_annotate.TOOLS
__all__ = ["TOOLS", "methods", "reviewer_name"]


@dataclass(frozen=True)
class Progress:
    """How far the review of a data set is; `last` names the newest review's verdict and reviewer."""

    samples: int
    reviewed: int
    contradicted: int
    last: str | None


def judge(ws: Workspace, sha256s: Sequence[str], verdict: str, *, reviewer: str) -> ReviewResult:
    """Accept or reject the masks shown; the sample tag says it in the App too."""
    result = record(ws, [Verdict(sha256, verdict) for sha256 in sha256s], reviewer=reviewer, source="fiftyone")
    _tag(ws, sha256s, verdict)
    curation.curate(ws)
    return result


def relabel(ws: Workspace, sha256s: Sequence[str], field: str, value: str, *, reviewer: str) -> ReviewResult:
    """Give a field one value, a multi field one or several with commas between. Raises UsageError for what the taxonomy
    does not know."""
    words = _words(ws)
    known, given = words.values(field), [part.strip() for part in value.split(COMMA)]
    if odd := [each for each in given if each not in known]:
        raise UsageError(f"'{odd[0]}' is no value of {field}", expected=", ".join(known))
    if len(given) > 1 and field not in multi_of(words):
        raise UsageError(f"{field} has one value", expected="one of " + ", ".join(given), where=value)
    answer = COMMA.join(sorted(set(given)))
    found = [Verdict(sha256, "relabel", field, answer) for sha256 in sha256s]
    result = record(ws, found, reviewer=reviewer, source="fiftyone")
    curation.curate(ws)
    return result


def rebuild(ws: Workspace, sha256s: Sequence[str], method: str, *, reviewer: str) -> RebuildResult:
    """Make masks by another of `methods`, to be reviewed, then bring the samples in step."""
    result = curation_masks.rebuild(ws, sha256s, method, reviewer=reviewer)
    curation.curate(ws)
    return result


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


def several(ws: Workspace) -> frozenset[str]:
    """Fields of the workspace's taxonomy that may have several values."""
    return multi_of(_words(ws))


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
