"""The step `label masks`: usable images get person, garment and composite masks, by cutout, model or GrabCut.

In: the `images` table, the blobs, and a folder `<cutouts>/person|garment/<name>.png` where name is the image's sha256
or the file stem of its URL. Out: rows of `masks` and PNG blobs; what can't be used is a row with status `bad` and a
coded reason. A garment cutout alone is a packshot: person = garment. Never overwrites a better source, never stops at
a bad file.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from dataset.blobs import sha256_of
from dataset.engine import LOCAL, Engine
from dataset.errors import EmptyError, UsageError
from dataset.mask_sources import rank
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling.cutting import Job, Outcome, Probabilities, cut, packed
from labeling.priors import NEEDS, best_installed, check_installed
from labeling.second_opinion import Rows, composites, judged_anew, other_of
from labeling.workers import in_workers

COMMIT_EVERY = 200
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
METHODS = ("auto", "cutout", "grabcut", "model")
# Best first; a guess is made only for an image without a composite that is as good. `backdrop` is a packshot's.


@dataclass(frozen=True)
class Model:
    """A trained run, handed in by whoever may import `train`: its id and what it says of a photo."""

    run: str
    probabilities: Probabilities


@dataclass(frozen=True)
class MasksResult:
    """How many images got a composite by each way, how many could not and why; how many have one in all. `prior` is
    the one that GrabCut was given for people's photos, `advice` how to get a better one."""

    images: int
    cutout: int
    grabcut: int
    bad: int
    masked: int
    reasons: dict[str, int] = field(default_factory=dict)
    model: int = 0
    prior: str = ""
    advice: str = ""

    def line(self) -> str:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(self.reasons.items()))
        by_model = f"{self.model} by the model, " if self.model else ""
        by_grabcut = f"{self.grabcut} by GrabCut{f' (prior: {self.prior})' if self.grabcut and self.prior else ''}"
        new = f"{self.cutout} masks from cutouts, {by_model}{by_grabcut}, {self.bad} bad{f' ({why})' if why else ''}"
        return f"{new}; {self.masked} of {self.images} images have one{self.advice and '. ' + self.advice}"


@dataclass(frozen=True)
class _Guess:
    """How an image without a cutout is masked: by the model where there is one, else by GrabCut from `prior`."""

    prior: str
    model: Model | None = None

    def source(self, view: str) -> str:
        if self.model is not None:
            return f"model:{self.model.run}"
        return "grabcut:backdrop" if view == "packshot" else f"grabcut:{self.prior}"

    def advice(self) -> str:
        better = best_installed()
        if self.model is not None or self.prior not in ("skin", "rectangle") or better not in ("skin", "rectangle"):
            return ""
        return f"'modiste weights fetch {' '.join(NEEDS['combined'])}' gives a better prior"


@dataclass(frozen=True)
class _Task:
    """One image to mask: `person` and `garment` are the cutout files' paths, both None where it is guessed."""

    sha256: str
    view: str
    source: str
    person: Path | None = None
    garment: Path | None = None

    def fingerprint(self) -> dict[str, str]:
        """sha256 of the cutout files: a file mended later has another and is read again."""
        files = {"person": self.person, "garment": self.garment}
        return {kind: sha256_of(path.read_bytes()) for kind, path in files.items() if path is not None}


def label_masks(
    ws: Workspace,
    *,
    cutouts: Path | None = None,
    method: str = "auto",
    prior: str = "auto",
    model: Model | None = None,
    only: Collection[str] | None = None,
    workers: int | None = None,
    engine: Engine = LOCAL,
    progress: Progress = silent,
) -> MasksResult:
    """Mask every usable image that lacks a mask as good as this would make; of `only` (sha256s), each is guessed anew
    whatever masks it has: a person asked for these.

    `method`: auto (a cutout, else the model where one is given, else GrabCut), or cutout, model, grabcut alone.
    `prior` is GrabCut's: auto takes the best that is installed. Raises EmptyError where `check` found no image,
    UsageError for an unknown method or prior, a folder without cutouts or a model asked for and not given,
    MissingWeights for a prior whose weights were not fetched.
    """
    guess = _guess(method, prior, model)
    images = ws.tables.read("images", ["sha256", "view"], "status = 'ok'").to_pylist()
    if not images:
        raise EmptyError("no usable image to mask", where=str(ws.root), cure="Run crawl and check first")
    chosen = None if only is None else set(only)
    images = [image for image in images if chosen is None or image["sha256"] in chosen]
    known = _known_cutouts(ws)
    tasks = _tasks(ws, images, cutouts, method, guess, anew=chosen is not None)
    tasks = [task for task in tasks if not _is_done(task, known)]
    others = composites(ws, {task.sha256 for task in tasks})
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    judged: list[Outcome] = []
    for done, outcome in enumerate(_outcomes(ws, tasks, guess, others, workers, engine), start=1):
        rows += mask_rows(ws, outcome)
        judged.append(replace(outcome, pngs={}))
        counts[outcome.reason or outcome.source.split(":")[0]] += 1
        if done % COMMIT_EVERY == 0 or done == len(tasks):
            ws.tables.upsert("masks", rows + judged_anew(ws, others, judged))
            rows, judged = [], []
        progress(done, len(tasks))
    return _result(len(images), len(_masked(ws)), counts, guess)


def _guess(method: str, prior: str, model: Model | None) -> _Guess:
    """Every setting is judged before the first image is."""
    if method not in METHODS:
        raise UsageError(f"there is no mask method '{method}'", expected="one of " + ", ".join(METHODS))
    by_model = method == "model" or prior == "model"
    if by_model and model is None:
        raise UsageError("a model's masks were asked for, but no run was given", cure="Add --run RUN or --run latest")
    if prior not in ("auto", "model"):
        check_installed(prior)
    if model is not None and (by_model or (method, prior) == ("auto", "auto")):
        return _Guess("model", model)
    return _Guess(best_installed() if prior == "auto" else prior)


def _result(images: int, masked: int, counts: Counter[str], guess: _Guess) -> MasksResult:
    reasons = {code: count for code, count in sorted(counts.items()) if code not in ("cutout", "grabcut", "model")}
    bad = sum(reasons.values())
    advice = guess.advice() if counts["grabcut"] else ""
    return MasksResult(
        images, counts["cutout"], counts["grabcut"], bad, masked, reasons, counts["model"], guess.prior, advice
    )


def _masked(ws: Workspace) -> set[str]:
    """Images with a usable composite."""
    rows = ws.tables.read("masks", ["sha256"], "kind = 'composite' AND status = 'ok'")
    return set(rows["sha256"].to_pylist())


def _tasks(
    ws: Workspace, images: list[dict[str, Any]], cutouts: Path | None, method: str, guess: _Guess, *, anew: bool
) -> list[_Task]:
    found = {} if method in ("grabcut", "model") or cutouts is None else find_cutouts(ws, cutouts)
    tasks = []
    for image in sorted(images, key=lambda row: row["sha256"]):
        sha256, view, pair = image["sha256"], image["view"] or "scene", found.get(image["sha256"])
        if pair is not None:
            tasks.append(_Task(sha256, view, "cutout", pair.get("person"), pair.get("garment")))
        elif method != "cutout":
            tasks.append(_Task(sha256, view, guess.source(view)))
    return tasks if anew else _without_better(ws, tasks)


def _without_better(ws: Workspace, tasks: list[_Task]) -> list[_Task]:
    """No guess for an image with a composite as good, nor a second one of the same source. A new run's comes beside."""
    have: dict[str, set[str]] = defaultdict(set)
    for row in ws.tables.read("masks", ["sha256", "source"], "kind = 'composite'").to_pylist():
        have[row["sha256"]].add(row["source"])

    def is_new(task: _Task) -> bool:
        others = have[task.sha256]
        if task.source.startswith("model:"):
            return task.source not in others and all(rank(other) >= rank(task.source) for other in others)
        return all(rank(other) > rank(task.source) for other in others)

    return [task for task in tasks if task.source == "cutout" or is_new(task)]


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
    """True where these very cutout files were read before; guesses were filtered already."""
    return task.source == "cutout" and known.get(task.sha256) == task.fingerprint()


def _known_cutouts(ws: Workspace) -> dict[str, dict[str, str]]:
    """{sha256: {kind: sha256 of the cutout file}} of what was read before, usable or not."""
    rows = ws.tables.read("masks", ["sha256", "method"], "kind = 'composite' AND source = 'cutout'").to_pylist()
    return {row["sha256"]: json.loads(row["method"] or "{}").get("files", {}) for row in rows}


def _outcomes(
    ws: Workspace,
    tasks: list[_Task],
    guess: _Guess,
    others: Mapping[str, Rows],
    workers: int | None,
    engine: Engine,
) -> Iterator[Outcome]:
    """Outcomes in the order of the tasks; bytes are read as the pool asks for them, so memory stays bounded."""
    jobs = (_job(ws, task, guess, others.get(task.sha256, ())) for task in tasks)
    return in_workers(cut, jobs, total=len(tasks), workers=workers, engine=engine)


def _job(ws: Workspace, task: _Task, guess: _Guess, others: Rows) -> Job:
    """The model, which may be a large one, runs in this process; what follows it in a worker."""
    person = task.person.read_bytes() if task.person else None
    garment = task.garment.read_bytes() if task.garment else None
    photo = ws.blobs.get(task.sha256)
    by_model = guess.model is not None and task.source != "cutout"
    said = packed(photo, guess.model.probabilities) if by_model and guess.model else None
    other = other_of(ws, others, task.source)
    return Job(task.sha256, task.source, task.view, photo, person, garment, guess.prior, said, other)


def mask_rows(ws: Workspace, outcome: Outcome) -> list[dict[str, Any]]:
    """The rows of one image's outcome; its PNGs go to the blobs."""
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
