"""The shelf of runs: list them, tag them, and clear away what nothing points at.

In: a workspace. Out: a `Shelf` of lines, tags in `runs/<id>/tags.json`, or a `Pruned`. A promoted, tagged, newest or
needed run is never deleted, and nothing is deleted in a dry run.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass

from dataset.errors import UsageError
from dataset.marks import marks
from dataset.retrain import needs
from dataset.workspace import Workspace
from train import record
from train.promotion import pointers

TAGS = "tags.json"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Shown:
    """One run; `state` is done, running, cut off, edited or taken down; `keeps` says why prune leaves it."""

    run: str
    task: str
    recipe: str
    state: str
    score: float | None
    judged: float | None
    wall_s: float
    keeps: tuple[str, ...]

    def line(self) -> str:
        score = "    -" if self.score is None else f"{self.score:.3f}"
        judged = "    -" if self.judged is None else f"{self.judged:.3f}"
        return f"{self.run:52} {self.state:9} {score} {judged} {self.wall_s:7.0f} s  {', '.join(self.keeps)}".rstrip()


@dataclass(frozen=True)
class Shelf:
    runs: tuple[Shown, ...]

    def line(self) -> str:
        if not self.runs:
            return "no runs yet; train one: modiste train segmentation"
        head = f"{'run':52} {'state':9} valid. test    time"
        return "\n".join([head, *(each.line() for each in self.runs)])


@dataclass(frozen=True)
class Pruned:
    """`deleted` are what went, or in a dry run what would."""

    dry_run: bool
    deleted: tuple[str, ...]
    kept: int
    bytes: int

    def line(self) -> str:
        word = "would delete" if self.dry_run else "deleted"
        runs = "1 run" if len(self.deleted) == 1 else f"{len(self.deleted)} runs"
        text = f"{word} {runs} ({self.bytes / 1e6:.1f} MB), kept {self.kept}"
        tail = "; do it with --yes" if self.dry_run and self.deleted else ""
        return "\n".join([text + tail, *(f"  {each}" for each in self.deleted)])


def shelf(ws: Workspace) -> Shelf:
    """Every run, oldest first."""
    runs = record.list_runs(ws)
    why = reasons(ws, runs, keep=1)
    return Shelf(tuple(_shown(run, why[run.id]) for run in runs))


def tag(ws: Workspace, run: str, words: list[str], *, remove: bool = False) -> list[str]:
    """Add or remove tags; returns those it has now. A tagged run is never pruned. Raises UsageError, EmptyError."""
    if bad := [word for word in words if not _TAG.fullmatch(word)]:
        raise UsageError(f"'{bad[0]}' is no tag", expected="letters, digits, dot, dash and underscore")
    found = record.load(ws, run)
    now = sorted({*tags(found)} - {*words} if remove else {*tags(found), *words})
    record.write_json(found.folder / TAGS, {"tags": now})
    return now


def tags(run: record.Run) -> list[str]:
    """A file that can't be read counts as a tag: it was put there to keep the run."""
    try:
        return [str(word) for word in json.loads((run.folder / TAGS).read_text(encoding="utf-8"))["tags"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        return ["unreadable"]


def reasons(ws: Workspace, runs: list[record.Run], *, keep: int) -> dict[str, tuple[str, ...]]:
    """{run: why it stays}; empty for one that may go. Raises DataError for a pointer that can't be read."""
    promoted = {str(found["run"]): name for name, found in pointers(ws).items()}
    needed = {name for wanted in needs(ws).values() for kind, name in wanted if kind == "run"}
    newest = {run.id for task in {run.task for run in runs} for run in _newest(runs, task, keep)}
    found: dict[str, tuple[str, ...]] = {}
    for run in runs:
        why = [f"promoted as {promoted[run.id]}"] if run.id in promoted else []
        why += [f"tagged {word}" for word in tags(run)]
        why += ["newest"] if run.id in newest else []
        why += ["needed by a snapshot or run"] if run.id in needed else []
        found[run.id] = tuple(why)
    return found


def prune(ws: Workspace, *, keep: int = 3, yes: bool = False) -> Pruned:
    """Delete runs that are not promoted, tagged, needed, at work, or among the `keep` newest finished of their task.

    Killed half way, a run is whole or gone from the list; the rest of it goes the next time.
    """
    if keep < 1:
        raise UsageError(f"keep {keep}", expected="1 or more: the newest always stays")
    runs = record.list_runs(ws)
    why = reasons(ws, runs, keep=keep)
    going = [run for run in runs if not why[run.id] and _idle(run)]
    size = sum(path.stat().st_size for run in going for path in run.folder.rglob("*") if path.is_file())
    if yes:
        for run in going:
            _delete(ws, run)
        shutil.rmtree(ws.root / ".pruned", ignore_errors=True)
    return Pruned(not yes, tuple(run.id for run in going), len(runs) - len(going), size)


def _newest(runs: list[record.Run], task: str, keep: int) -> list[record.Run]:
    return [run for run in runs if run.task == task and run.done][-keep:]


def _idle(run: record.Run) -> bool:
    with record.locked(run.folder) as free:
        return free


def _delete(ws: Workspace, run: record.Run) -> None:
    """Out of `runs/` by one rename, so that no reader meets half a run."""
    away = ws.scratch(".pruned") / run.id
    shutil.rmtree(away, ignore_errors=True)
    run.folder.rename(away)
    shutil.rmtree(away)


def _shown(run: record.Run, why: tuple[str, ...]) -> Shown:
    state = "edited" if run.edited else "taken down" if marks(run.folder) else str(run.data["status"])
    if state == "running" and not record.at_work(run.folder):
        state = "cut off"
    rows = run.evaluation.get("rows") or [{}]
    return Shown(
        run.id, run.task, str(run.data["recipe"].get("name", "")), state, run.data["results"].get("score"),
        rows[0].get("value"), run.data["wall_s"], why,
    )  # fmt: skip
