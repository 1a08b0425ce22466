"""Two methods' composites of one image, compared: where they disagree, a person should look.

In: what is in `masks`, and new outcomes. Out: whose composite a new one is compared with, and the rows of the old one
with that score. Both rows bear it, since the review queue asks about whichever stands first. A guess from skin colours
or from the centre rectangle is judged by others, but nothing is judged by it; what a person accepted or drew keeps its
scores.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from dataset.errors import DataError
from dataset.mask_sources import rank, stands
from dataset.workspace import Workspace
from labeling.cutting import Outcome
from labeling.mask_quality import flags

RULE = "disagreement"
COLUMNS = ["sha256", "source", "created_at", "mask_sha256"]
Rows = Sequence[Mapping[str, Any]]


def composites(ws: Workspace, wanted: Collection[str]) -> dict[str, Rows]:
    """{sha256: usable composites' rows (COLUMNS), the best first}, of the images `wanted`."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    where = "kind = 'composite' AND status = 'ok' AND mask_sha256 IS NOT NULL"
    for row in ws.tables.read("masks", COLUMNS, where).to_pylist() if wanted else ():
        if row["sha256"] in wanted:
            found[row["sha256"]].append(row)
    return {sha256: sorted(rows, key=stands) for sha256, rows in found.items()}


def opponent(rows: Rows, source: str) -> Mapping[str, Any] | None:
    """The composite that one of `source` is compared with: the best of another source that is worth hearing."""
    return next((row for row in rows if row["source"] != source and is_heard(row["source"])), None)


def other_of(ws: Workspace, rows: Rows, source: str) -> bytes | None:
    """The opponent's PNG; None where there is none, or its blob is gone: masks are made without a second opinion."""
    old = opponent(rows, source)
    try:
        return ws.blobs.get(old["mask_sha256"]) if old is not None else None
    except DataError:
        return None


def is_heard(source: str) -> bool:
    """Whether a mask of this source says anything about another one."""
    return rank(source) < rank("grabcut:skin")


def judged_anew(ws: Workspace, found: Mapping[str, Rows], outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Rows, of every kind, of the masks that `outcomes` were compared with, now bearing that score."""
    told = {}
    for outcome in outcomes:
        old = _to_tell(found.get(outcome.sha256, ()), outcome.source)
        if old is not None and RULE in outcome.scores:
            told[outcome.sha256, old] = outcome.scores[RULE]
    if not told:
        return []
    rows = ws.tables.read("masks", where="status = 'ok'").to_pylist()
    return [_with(row, told[key]) for row in rows if (key := (row["sha256"], row["source"])) in told]


def _to_tell(rows: Rows, source: str) -> str | None:
    """Source of the mask that one of `source` was compared with, unless a better one than this gave it its score."""
    old = opponent(rows, source)
    if old is None or old["source"] == "review" or not is_heard(source):
        return None
    now = opponent(rows, old["source"])
    better = now is not None and now["source"] != source and rank(now["source"]) < rank(source)
    return None if better else str(old["source"])


def _with(row: dict[str, Any], score: float) -> dict[str, Any]:
    """The row with this score; flags that no score makes (`weak`) stay."""
    scores = {rule: each for rule, each in json.loads(row["scores"] or "{}").items() if each is not None}
    others = set(row["flags"] or []) - set(flags(scores))
    scores[RULE] = score
    told = {"scores": json.dumps(scores, sort_keys=True), "quality": min(scores.values())}
    return row | told | {"flags": sorted({*flags(scores), *others})}
