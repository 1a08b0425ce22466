"""The step `label masks`: usable images get a person, a garment and a composite mask, from a cutout or from GrabCut.

In: the `images` table, the blobs, and a folder `<cutouts>/person|garment/<name>.png` where name is the image's sha256
or the file stem of its URL. Out: rows of `masks` and PNG blobs; what can't be used is a row with status `bad` and a
coded reason. A garment cutout alone is a packshot: person = garment. Never overwrites a better source, never stops at
a bad file.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from dataset.blobs import sha256_of
from dataset.errors import EmptyError, UsageError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling.cutting import Job, Outcome, cut
from labeling.workers import in_workers

COMMIT_EVERY = 200
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
METHODS = ("auto", "cutout", "grabcut")


@dataclass(frozen=True)
class MasksResult:
    """How many images got a composite by each source, how many could not and why; how many have one in all."""

    images: int
    cutout: int
    grabcut: int
    bad: int
    masked: int
    reasons: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(self.reasons.items()))
        new = f"{self.cutout} masks from cutouts, {self.grabcut} by GrabCut, {self.bad} bad{f' ({why})' if why else ''}"
        return f"{new}; {self.masked} of {self.images} images have one"


@dataclass(frozen=True)
class _Task:
    """One image to mask: `person` and `garment` are the cutout files' paths, both None for GrabCut."""

    sha256: str
    view: str
    person: Path | None = None
    garment: Path | None = None
    reason: str | None = None

    @property
    def source(self) -> str:
        return "grabcut" if self.person is None and self.garment is None else "cutout"

    def fingerprint(self) -> dict[str, str]:
        """sha256 of the cutout files: a file mended later has another and is read again."""
        files = {"person": self.person, "garment": self.garment}
        return {kind: sha256_of(path.read_bytes()) for kind, path in files.items() if path is not None}


def label_masks(
    ws: Workspace,
    *,
    cutouts: Path | None = None,
    method: str = "auto",
    workers: int | None = None,
    progress: Progress = silent,
) -> MasksResult:
    """Mask every usable image that lacks one. `method`: auto (a cutout, else GrabCut), cutout or grabcut alone.

    Raises EmptyError where `check` found no image, UsageError for an unknown method or a folder without cutouts.
    """
    images = ws.tables.read("images", ["sha256", "view"], "status = 'ok'").to_pylist()
    if not images:
        raise EmptyError("no usable image to mask", where=str(ws.root), cure="Run crawl and check first")
    known = _known_cutouts(ws)
    tasks = [task for task in _tasks(ws, images, cutouts, method) if not _is_done(task, known)]
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for done, outcome in enumerate(_outcomes(ws, tasks, workers), start=1):
        rows += _rows(ws, outcome)
        counts[outcome.reason or outcome.source] += 1
        if done % COMMIT_EVERY == 0 or done == len(tasks):
            ws.tables.upsert("masks", rows)
            rows = []
        progress(done, len(tasks))
    return _result(len(images), len(_masked(ws)), counts)


def _result(images: int, masked: int, counts: Counter[str]) -> MasksResult:
    reasons = {code: count for code, count in sorted(counts.items()) if code not in ("cutout", "grabcut")}
    return MasksResult(images, counts["cutout"], counts["grabcut"], sum(reasons.values()), masked, reasons)


def _masked(ws: Workspace) -> set[str]:
    """Images with a usable composite."""
    rows = ws.tables.read("masks", ["sha256"], "kind = 'composite' AND status = 'ok'")
    return set(rows["sha256"].to_pylist())


def _tasks(ws: Workspace, images: list[dict[str, Any]], cutouts: Path | None, method: str) -> list[_Task]:
    if method not in METHODS:
        raise UsageError(f"there is no mask method '{method}'", expected="one of " + ", ".join(METHODS))
    found = {} if method == "grabcut" or cutouts is None else find_cutouts(ws, cutouts)
    tasks = []
    for image in sorted(images, key=lambda row: row["sha256"]):
        pair = found.get(image["sha256"])
        if pair is not None:
            tasks.append(_Task(image["sha256"], image["view"] or "scene", pair.get("person"), pair.get("garment")))
        elif method != "cutout":
            tasks.append(_Task(image["sha256"], image["view"] or "scene"))
    return _without_better(ws, tasks)


def _without_better(ws: Workspace, tasks: list[_Task]) -> list[_Task]:
    """No GrabCut guess for an image that has any composite already."""
    masked = set(ws.tables.read("masks", ["sha256"], "kind = 'composite'")["sha256"].to_pylist())
    return [task for task in tasks if task.source != "grabcut" or task.sha256 not in masked]


def find_cutouts(ws: Workspace, folder: Path) -> dict[str, dict[str, Path]]:
    """{sha256: {"person" | "garment": file}} for the workspace's images; a URL's stem counts where it is unique."""
    if not any((folder / kind).is_dir() for kind in ("person", "garment")):
        raise UsageError("no folder 'person' or 'garment' here", where=str(folder),
                         expected="<cutouts>/person/<name>.png and <cutouts>/garment/<name>.png")  # fmt: skip
    names = _names(ws)
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for kind in ("person", "garment"):
        for path in sorted((folder / kind).glob("*")):
            if path.suffix.lower() in SUFFIXES and path.stem in names:
                found[names[path.stem]].setdefault(kind, path)
    return dict(found)


def _names(ws: Workspace) -> dict[str, str]:
    """{name: sha256}: every sha256 names itself, every unique URL stem its image."""
    rows = ws.tables.query("SELECT DISTINCT sha256, url FROM fetches WHERE sha256 IS NOT NULL").to_pylist()
    stems: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        stems[PurePosixPath(unquote(urlsplit(row["url"] or "").path)).stem].add(row["sha256"])
    names = {stem: next(iter(owners)) for stem, owners in stems.items() if stem and len(owners) == 1}
    images = ws.tables.read("images", ["sha256"])["sha256"].to_pylist()
    return names | {sha256: sha256 for sha256 in images}


def _is_done(task: _Task, known: dict[str, dict[str, str]]) -> bool:
    """True where these very cutout files were read before; GrabCut tasks were filtered already."""
    return task.source == "cutout" and known.get(task.sha256) == task.fingerprint()


def _known_cutouts(ws: Workspace) -> dict[str, dict[str, str]]:
    """{sha256: {kind: sha256 of the cutout file}} of what was read before, usable or not."""
    rows = ws.tables.read("masks", ["sha256", "method"], "kind = 'composite' AND source = 'cutout'").to_pylist()
    return {row["sha256"]: json.loads(row["method"] or "{}").get("files", {}) for row in rows}


def _outcomes(ws: Workspace, tasks: list[_Task], workers: int | None) -> Iterator[Outcome]:
    """Outcomes in the order of the tasks; bytes are read as the pool asks for them, so memory stays bounded."""
    return in_workers(cut, (_job(ws, task) for task in tasks), total=len(tasks), workers=workers)


def _job(ws: Workspace, task: _Task) -> Job:
    person = task.person.read_bytes() if task.person else None
    garment = task.garment.read_bytes() if task.garment else None
    return Job(task.sha256, task.source, task.view, ws.blobs.get(task.sha256), person, garment)


def _rows(ws: Workspace, outcome: Outcome) -> list[dict[str, Any]]:
    common = {
        "sha256": outcome.sha256,
        "source": outcome.source,
        "status": "bad" if outcome.reason else "ok",
        "reason": outcome.reason,
        "method": json.dumps(outcome.method, sort_keys=True),
        "width": outcome.width,
        "height": outcome.height,
        "quality": min(outcome.scores.values()) if outcome.scores else None,
        "scores": json.dumps(outcome.scores, sort_keys=True),
        "flags": outcome.flags,
        "created_at": datetime.now(UTC),
    }
    kinds = {"composite": None} if outcome.reason else {kind: ws.blobs.put(png) for kind, png in outcome.pngs.items()}
    return [common | {"kind": kind, "mask_sha256": blob} for kind, blob in kinds.items()]
