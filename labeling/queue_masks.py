"""The queue of masks to review: the worst first, no two of a kind.

In: `masks` with their scores, `reviews`, and embeddings where there are any. Out: a `QueueResult` whose `score` is how
bad the mask looks (1 minus its quality) times how unlike it is to those queued before. Test and validation images are
left out: a truth mended only where a rule found fault would be a truth of hard cases. Never changes a mask.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from dataset.errors import EmptyError, UsageError
from dataset.mask_sources import stands
from dataset.workspace import Workspace
from labeling.queue import QueueResult
from labeling.queue_pick import pick
from labeling.queue_pool import Pool, read_pool

COMPOSITES = """
SELECT sha256, quality, scores, flags, source, created_at FROM masks WHERE kind = 'composite' AND status = 'ok'
ORDER BY sha256
"""
JUDGED = "SELECT DISTINCT sha256 FROM reviews WHERE field = 'mask'"
DIVERSITY = 0.5  # exponent of the distance beside how bad a mask is: worst first, the picture only spreads equals


def queue_masks(ws: Workspace, *, n: int = 50, encoder: str | None = None) -> QueueResult:
    """The `n` masks a person should look at first; drawn without chance. Raises UsageError (n under 1, vectors of
    several encoders), EmptyError where no mask of the train part waits for a person."""
    if n < 1:
        raise UsageError(f"a queue of {n} masks", where="--n", expected="at least 1")
    pool = read_pool(ws, part="train", encoder=encoder)
    place, masks = pool.place, {}
    for sha256, rows in groupby(ws.tables.query(COMPOSITES).to_pylist(), key=itemgetter("sha256")):
        if sha256 in place:
            masks[place[sha256]] = min(rows, key=stands)
    _close(ws, pool, masks)
    if not pool.open.any():
        gone = ", ".join(f"{count} {why}" for why, count in pool.left_out.items() if count)
        cure = "Run: modiste label masks" if not masks else "Every mask was looked at"
        raise EmptyError(f"no mask to review ({gone or 'no images'})", where=str(ws.root), cure=cure)
    size = int(pool.open.sum())
    bad = np.zeros(len(pool.items))
    for number, row in masks.items():
        bad[number] = 1 - float(np.clip(row["quality"] if row["quality"] is not None else 0.0, 0, 1))
    picks = pick(bad, n, free=pool.open, rng=None, vectors=pool.vectors, copies=pool.copies, diversity=DIVERSITY)
    picks.sort(key=lambda each: -bad[each.place])
    images = [{"rank": rank, **_row(pool, masks[each.place], each)} for rank, each in enumerate(picks, start=1)]
    notes = [] if pool.vectors is not None else ["no embeddings: by quality only"]
    return QueueResult("masks", "train", "worst masks", size, dict(pool.left_out), notes, images)


def _close(ws: Workspace, pool: Pool, masks: dict[int, dict[str, Any]]) -> None:
    judged = set(ws.tables.query(JUDGED)["sha256"].to_pylist())
    names = [item.sha256 for item in pool.items]
    by_person = [name in judged or masks.get(k, {}).get("source") == "review" for k, name in enumerate(names)]
    pool.close(np.array(by_person, bool), "labelled")
    pool.close(np.array([k not in masks for k in range(len(names))], bool), "no_mask")


def _row(pool: Pool, mask: dict[str, Any], each: Any) -> dict[str, Any]:
    found = {rule: score for rule, score in json.loads(mask["scores"] or "{}").items() if score is not None}
    worst = min(found, key=lambda rule: found[rule]) if found else "unmeasured"
    why = f"{worst} {found[worst]:.2f}" if found else "no scores were kept"
    flags = f"; under its threshold: {', '.join(mask['flags'])}" if mask["flags"] else ""
    return {"sha256": pool.items[each.place].sha256, "score": round(each.score, 4), "reason": worst, "why": why + flags,
            "quality": mask["quality"], "diversity": round(each.distance, 4), "source": mask["source"]}  # fmt: skip
