"""The button 'rebuild masks with another method': which methods there are, and masks made anew by one of them.

In: the images chosen and a method: GrabCut from each prior that is installed, from a packshot's backdrop, or the newest
finished segmentation run. Out: rows of `masks`; what stood before them is rejected, so that the new ones are shown, and
count once they are accepted. A run's network works in a process of its own (`modiste label masks`): rooms don't import
each other. Never touches the masks of an image for which the method found nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.errors import ModisteError, UsageError
from dataset.retrain import read_runs
from dataset.workspace import Workspace
from labeling import litert, priors
from labeling.cutting import Job, cut
from labeling.masks import mask_rows
from labeling.review import overrule
from labeling.second_opinion import composites, judged_anew, other_of
from labeling.workers import in_workers

BACKDROP = "backdrop"
ONE_PROCESS = 40  # images up to which no other process is started


@dataclass(frozen=True)
class RebuildResult:
    """Masks made anew, and images for which the method found nothing, by reason."""

    rebuilt: int
    failed: dict[str, int]

    def line(self) -> str:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(self.failed.items()))
        return f"{self.rebuilt} masks rebuilt, to be reviewed" + (f"; not: {why}" if why else "")


def methods(ws: Workspace) -> dict[str, str]:
    """{source of the masks to be: what a person reads}, the most promising first."""
    found = {f"model:{run}": f"the newest run: {run}" for run in _newest_run(ws)}
    for name, weights in priors.NEEDS.items():
        if not weights or (litert.is_installed() and all(map(priors.is_fetched, weights))):
            found[f"grabcut:{name}"] = f"GrabCut, prior: {name}"
    return found | {f"grabcut:{BACKDROP}": "GrabCut, a packshot before its backdrop"}


def rebuild(ws: Workspace, sha256s: Sequence[str], method: str, *, reviewer: str) -> RebuildResult:
    """Make masks by `method`, a key of `methods`; UsageError for another. A run's process that fails is a
    ModisteError with its last words, and nothing is changed."""
    if method not in (known := methods(ws)):
        raise UsageError(f"there is no method '{method}'", expected="one of " + ", ".join(known))
    start = datetime.now(UTC)
    if method.startswith("model:"):
        _by_run(ws, sha256s, method.removeprefix("model:"))
    else:
        _by_grabcut(ws, sha256s, method)
    made = _made(ws, sha256s, method, start)
    good = [row["sha256"] for row in made if row["status"] == "ok"]
    overrule(ws, dict.fromkeys(good, method), reviewer=reviewer, source="fiftyone")
    return RebuildResult(len(good), dict(Counter(row["reason"] for row in made if row["status"] != "ok")))


def _by_grabcut(ws: Workspace, sha256s: Sequence[str], source: str) -> None:
    prior = source.removeprefix("grabcut:")
    view = "packshot" if prior == BACKDROP else "scene"
    others = composites(ws, set(sha256s))
    jobs = (
        Job(sha256, source, view, ws.blobs.get(sha256), prior=prior, other=other_of(ws, others.get(sha256, ()), source))
        for sha256 in sha256s
    )
    outcomes = list(in_workers(cut, jobs, total=len(sha256s), workers=1 if len(sha256s) < ONE_PROCESS else None))
    rows = [row for outcome in outcomes for row in mask_rows(ws, outcome)]
    ws.tables.upsert("masks", rows + judged_anew(ws, others, outcomes))


def _by_run(ws: Workspace, sha256s: Sequence[str], run: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chosen = Path(folder) / "chosen.txt"
        chosen.write_text("\n".join(sha256s) + "\n", encoding="utf-8")
        told = ["-w", str(ws.root), "--method", "model", "--run", run, "--only", str(chosen)]
        command = [sys.executable, "-m", "modiste", "label", "masks", *told]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise ModisteError(f"masking by the run failed: {said}", where=run, cure="Run 'modiste label masks' to see why")


def _made(ws: Workspace, sha256s: Sequence[str], source: str, since: datetime) -> list[dict[str, Any]]:
    columns = ["sha256", "status", "reason", "created_at"]
    rows: Iterable[dict[str, Any]] = ws.tables.read(
        "masks", columns, f"kind = 'composite' AND source = '{source}'"
    ).to_pylist()
    wanted = set(sha256s)
    return [row for row in rows if row["sha256"] in wanted and row["created_at"] >= since]


def _newest_run(ws: Workspace) -> list[str]:
    """Id of the newest finished segmentation run, or nothing."""
    runs = read_runs(ws).items()
    done = [(str(told.get("started_at")), run) for run, told in runs
            if told.get("task") == "segmentation" and told.get("status") == "done"]  # fmt: skip
    return [max(done)[1]] if done else []
