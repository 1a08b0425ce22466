"""Jobs: many images under one id, worked on while the client does something else.

In: an owner, the number of images, what makes a result of each. Out: progress, and the results from a file on disk, so
that what was done doesn't fill memory. A job is seen by the key that started it alone; cancelled by DELETE; forgotten
some time after it has ended, the oldest first.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modiste.api_problems import Problem, problem_of

KEPT = 32
KEPT_S = 3_600.0
Chunks = Callable[[], AsyncIterator[list[dict[str, Any]]]]


@dataclass
class Job:
    """`done` of `total` images have results, which lie in `path`, a line each."""

    id: str
    owner: str
    total: int
    path: Path
    models: list[dict[str, str]]
    status: str = "running"
    done: int = 0
    error: dict[str, Any] | None = None
    ended_at: float | None = None
    task: asyncio.Task[None] | None = None

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"id": self.id, "status": self.status, "done": self.done, "total": self.total}
        return {**plain, "error": self.error} if self.error else plain

    def parts(self) -> Iterator[str]:
        """The whole answer, piece by piece: what `as_json` says, and the results where it is done."""
        head = json.dumps({**self.as_json(), "models": self.models})
        yield head[:-1] + ', "results": ['
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                yield ("," if number else "") + line.rstrip("\n")
        yield "]}"


@dataclass
class Jobs:
    """At most `most` run at a time."""

    most: int
    _jobs: dict[str, Job] = field(default_factory=dict)
    _folder: Any = None

    @property
    def running(self) -> int:
        return sum(job.status == "running" for job in self._jobs.values())

    def refuse_full(self) -> None:
        if self.running >= self.most:
            raise Problem("busy", f"{self.running} jobs are running", retry_after_s=10)

    def start(self, owner: str, total: int, models: list[dict[str, str]], chunks: Chunks) -> Job:
        """Raises Problem `busy`."""
        self.refuse_full()
        self._forget()
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="modiste-jobs-")
        job_id = secrets.token_urlsafe(16)
        job = Job(job_id, owner, total, Path(self._folder.name) / f"{secrets.token_hex(8)}.jsonl", models)
        job.path.touch()
        self._jobs[job_id] = job
        job.task = asyncio.create_task(self._run(job, chunks))
        return job

    def get(self, job_id: str, owner: str) -> Job:
        """Raises Problem `not_found`, for another's job too."""
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise Problem("not_found", "no such job", cure="Jobs are kept for an hour after their end")
        return job

    async def cancel(self, job: Job) -> None:
        if job.task and not job.task.done():
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
            self._end(job, "cancelled")  # a task cancelled before its first step runs no handler of its own

    async def close(self) -> None:
        await asyncio.gather(*(self.cancel(job) for job in list(self._jobs.values())))
        if self._folder is not None:
            self._folder.cleanup()

    async def _run(self, job: Job, chunks: Chunks) -> None:
        try:
            async for results in chunks():
                lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in results)
                await asyncio.to_thread(_append, job.path, lines)
                job.done += len(results)
            self._end(job, "done")
        except Exception as error:
            job.error = problem_of(error).body()
            self._end(job, "failed")

    def _end(self, job: Job, status: str) -> None:
        if job.status == "running":
            job.status, job.ended_at = status, time.monotonic()

    def _forget(self) -> None:
        ended = sorted((job.ended_at, job.id) for job in self._jobs.values() if job.ended_at is not None)
        now = time.monotonic()
        for place, (ended_at, job_id) in enumerate(ended):
            if now - ended_at > KEPT_S or place < len(ended) - KEPT:
                self._jobs.pop(job_id).path.unlink(missing_ok=True)


def _append(path: Path, lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(lines)
