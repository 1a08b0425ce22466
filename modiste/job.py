"""One job, run: snapshot -> train -> evaluate -> gate -> export -> report, skipping stages whose inputs are as before.

In: a workspace, a job file and its lock. Out: a `JobResult`, `jobs/<name>.json` with what each stage read and wrote,
and maybe another promoted model. Refuses a stale lock, and a workspace that another job is at. Never promotes past
the gate.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import sha256_of
from dataset.errors import SnapshotError, WorkspaceError
from dataset.marks import marks, said
from dataset.progress import Progress, silent
from dataset.snapshot import create_snapshot, list_snapshots, load_snapshot
from dataset.workspace import Workspace
from train import record
from train.code_state import hash_of
from train.job_file import Job, read_job, recipe_name
from train.job_gate import Judged, Verdict, decide, judged_of
from train.job_lock import lock_job, moved, read_lock, resolved
from train.promotion import pointer_path, promote, promoted_run

NO_BETTER = 3
LOCK_FILE = "job.lock"


@dataclass(frozen=True)
class JobResult:
    """`promoted`: the run is what models/<model>.json points at now. `skipped` are stages with inputs as before."""

    job: str
    run: str
    promoted: bool
    verdict: str
    skipped: tuple[str, ...]
    done: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.promoted else NO_BETTER

    def line(self) -> str:
        word = "promoted" if self.promoted else "not promoted"
        stages = f"did {', '.join(self.done) or 'nothing'}; skipped {', '.join(self.skipped) or 'nothing'}"
        return f"job {self.job}: {self.run} {word} ({self.verdict}); {stages}"


class _Stages:
    """What each stage read and wrote, on disk after every stage."""

    def __init__(self, ws: Workspace, name: str) -> None:
        self.ws, self.path = ws, ws.root / "jobs" / f"{name}.json"
        self.known: dict[str, Any] = _state(self.path)
        self.done: list[str] = []
        self.skipped: list[str] = []

    def stage(self, name: str, inputs: Any, step: Callable[[], tuple[dict[str, Any], list[str]]]) -> dict[str, Any]:
        """What `step` found: from the last time where inputs are equal and its outputs lie there unchanged."""
        old, key = self.known.get(name, {}), hash_of(inputs)
        if old.get("inputs") == key and old["outputs"] == _hashes(self.ws, old["outputs"]):
            self.skipped.append(name)
            return dict(old["found"])
        found, outputs = step()
        self.done.append(name)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        wrote = _hashes(self.ws, outputs)
        self.known[name] = {"inputs": key, "outputs": wrote, "found": found, "at": at}
        record.write_json(self.path, self.known)
        return found


def run_job(ws: Workspace, path: Path, *, relock: bool = False, progress: Progress = silent) -> JobResult:
    """Do what is left of the job. `relock` takes a new lock first, so that moved data are the data.

    Raises SnapshotError for a stale lock, naming each part that moved, WorkspaceError where another job is at work, and
    whatever a stage raises; what is finished by then is skipped the next time.
    """
    job = read_job(path)
    with workspace_held(ws, job.name):
        if relock:
            lock_job(ws, path)
        lock = read_lock(path)
        refuse_stale(ws, job, path, lock)
        return _Chain(ws, job, path, lock, progress).run()


def refuse_stale(ws: Workspace, job: Job, path: Path, lock: dict[str, Any]) -> None:
    if found := moved(ws, lock, resolved(ws, job, path)):
        raise SnapshotError(
            "the lock is stale: " + " | ".join(each.line() for each in found),
            where=str(path),
            cure=f"If that is meant: modiste job lock {path}, and commit the diff; or modiste job run --relock",
        )


@contextlib.contextmanager
def workspace_held(ws: Workspace, job: str) -> Iterator[None]:
    """This process alone runs a job here. Let go of by the system when it dies. Raises WorkspaceError with the pid."""
    with open(ws.root / LOCK_FILE, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            told = file.read().strip() or "another process"
            cure = "Wait for it to end; what it finishes is skipped then"
            raise WorkspaceError(f"a job is at work here: {told}", where=str(ws.root), cure=cure) from error
        file.truncate(0)
        file.write(f"pid {os.getpid()}, job {job}, since {datetime.now(UTC).isoformat(timespec='seconds')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


class _Chain:
    """The stages in order; each hands the next what it found."""

    def __init__(self, ws: Workspace, job: Job, path: Path, lock: dict[str, Any], progress: Progress) -> None:
        self.ws, self.job, self.path, self.lock, self.progress = ws, job, path, lock, progress
        self.stages = _Stages(ws, job.name)
        self.made = {"code": lock["code"]["files_sha256"], "dependency": lock["dependency"]}

    def run(self) -> JobResult:
        data = {key: self.lock["data"][key] for key in ("where", "fingerprint", "snapshot")}
        snapshot = self.stages.stage("snapshot", data, self._snapshot)["snapshot"]
        learning = {"data": data, "recipe": self.lock["recipe"], **self.made}
        run = self.stages.stage("train", learning, lambda: self._train(snapshot))["run"]
        weights = record.load(self.ws, run).data["results"]["weights"]
        part = self.job.gate.part
        judging = {"weights": weights, "data": data, "part": part, **self.made}
        self.stages.stage("evaluate", judging, lambda: self._evaluate(run, part))
        verdict, promoted = self._gate(record.load(self.ws, run))
        if promoted and self.job.export:
            inputs = {"weights": weights, "variant": self.job.export.variant, "code": self.made["code"]}
            self.stages.stage("export", inputs, lambda: self._export(run, weights))
        if self.job.report:
            told = {"judging": judging, "promoted": promoted, "verdict": verdict}
            self.stages.stage("report", told, self._report)
        return JobResult(self.job.name, run, promoted, verdict, tuple(self.stages.skipped), tuple(self.stages.done))

    def _snapshot(self) -> tuple[dict[str, Any], list[str]]:
        name = self.lock["data"]["snapshot"]
        if name not in list_snapshots(self.ws):
            create_snapshot(self.ws, name, where=self.lock["data"]["where"])
        frozen = load_snapshot(self.ws, name)
        return {"snapshot": name, "rows": frozen.rows.num_rows}, [f"snapshots/{name}.json"]

    def _train(self, snapshot: str) -> tuple[dict[str, Any], list[str]]:
        result = self._trained(snapshot, again=False)
        if result.how.startswith("trained already") and not self._same_made(result.run):
            result = self._trained(snapshot, again=True)
        return {"run": result.run, "score": result.score}, [f"runs/{result.run}/model.safetensors"]

    def _trained(self, snapshot: str, *, again: bool) -> Any:
        train, recipe = self.job.train, recipe_name(self.job, self.path)
        known: dict[str, Any] = {"snapshot": snapshot, "recipe": recipe, "overrides": train.set, "device": train.device}
        if self.lock["recipe"]["task"] == "segmentation":
            from train.segmentation import train_segmentation

            return train_segmentation(self.ws, **known, again=again, progress=self.progress)
        from train.tagging import train_tagging

        return train_tagging(self.ws, **known, field=train.field, again=again, progress=self.progress)

    def _same_made(self, run: str) -> bool:
        """A run made by hand counts only if code and packages were those of the lock."""
        data = record.load(self.ws, run).data
        same_code = data.get("code_state", {}).get("files_sha256") == self.made["code"]
        return bool(same_code and data.get("versions") == self.lock["dependency"]["versions"])

    def _evaluate(self, run: str, part: str) -> tuple[dict[str, Any], list[str]]:
        from train.evaluate import evaluate

        result = evaluate(self.ws, run=run, part=part, progress=self.progress)
        return {"headline": result.rows[0].line()}, [f"runs/{run}/evaluation.json"]

    def _gate(self, run: record.Run) -> tuple[str, bool]:
        """(why, whether the run is promoted now). Cheap but for a promoted model to be judged anew, which is kept."""
        current = promoted_run(self.ws, self.job.model_name)
        if found := marks(run.folder):
            return f"it {said(found)}", False
        if current and current.id == run.id:
            return "it is the promoted model already", True
        verdict = self._verdict(run, None if current and marks(current.folder) else current)
        self.stages.done.append("gate")
        if verdict.passed:
            promote(self.ws, self.job.model_name, run, {"job": self.job.name, **asdict(verdict)})
        return verdict.line(), verdict.passed

    def _verdict(self, run: record.Run, current: record.Run | None) -> Verdict:
        from train.judge_again import judge_again, learned_from

        frozen, part = load_snapshot(self.ws, run.data["snapshot"]), self.job.gate.part
        mine = judged_of(run.evaluation) or judge_again(self.ws, run, frozen, part)
        if current is None:
            return decide(mine, None, self.job.gate, baseline=float(run.evaluation["rows"][0]["baseline"] or 0))
        theirs: Judged | None = judged_of(current.evaluation)
        if theirs is None or (theirs.fingerprint, theirs.metric) != (mine.fingerprint, mine.metric):
            theirs = judge_again(self.ws, current, frozen, part, progress=self.progress)
        return decide(mine, theirs, self.job.gate, learned=learned_from(self.ws, current))

    def _export(self, run: str, weights: str) -> tuple[dict[str, Any], list[str]]:
        from train.export import export_onnx

        variant = self.job.export.variant if self.job.export else "fp32"
        out = self.ws.root / "models" / "onnx" / f"{self.job.model_name}-{variant}-{weights[:12]}.onnx"
        result = export_onnx(self.ws.runs / run, out, variant=variant, ws=self.ws, progress=self.progress)
        return asdict(result), [str(out.relative_to(self.ws.root))]

    def _report(self) -> tuple[dict[str, Any], list[str]]:
        from reports.overview import report

        path = Path(report(self.ws).path)
        inside = path.is_relative_to(self.ws.root)
        return {"path": str(path)}, [str(path.relative_to(self.ws.root))] if inside else []


@dataclass(frozen=True)
class JobStatus:
    """`moved` is empty where the lock is fresh; `stages` are {stage: when it was last done}."""

    job: str
    moved: tuple[str, ...]
    stages: dict[str, str]
    promoted: str | None

    def line(self) -> str:
        fresh = "the lock is fresh" if not self.moved else "the lock is stale"
        lines = [f"job {self.job}: {fresh}; promoted: {self.promoted or 'none yet'}"]
        return "\n".join(
            lines + [f"  moved {each}" for each in self.moved] + [f"  {k} {v}" for k, v in self.stages.items()]
        )


def job_status(ws: Workspace, path: Path) -> JobStatus:
    """What moved since the lock and which stages were done. Trains and writes nothing."""
    job = read_job(path)
    found = moved(ws, read_lock(path), resolved(ws, job, path))
    stages = {name: str(each["at"]) for name, each in _state(ws.root / "jobs" / f"{job.name}.json").items()}
    pointer = pointer_path(ws, job.model_name)
    promoted = str(json.loads(pointer.read_text())["run"]) if pointer.is_file() else None
    return JobStatus(job.name, tuple(each.line() for each in found), stages, promoted)


def _state(path: Path) -> dict[str, Any]:
    """Nothing where it is missing or damaged: every stage is done again then, which is only slower."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _hashes(ws: Workspace, outputs: Any) -> dict[str, str | None]:
    """{path below the workspace: sha256, None where it is gone}."""
    places = {name: ws.root / name for name in outputs}
    return {name: sha256_of(path.read_bytes()) if path.is_file() else None for name, path in places.items()}
