"""Processes of a shop: run to the end, or serve on a free loopback port until the block ends. Ended by their id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

UP_WITHIN_S = 180.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(words: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, feed: str = "") -> str:
    """stdout of a command. Ends the benchmark with the command's own last words where it fails."""
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, env={**os.environ, **(env or {})}, input=feed, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2_000:]
        raise SystemExit(f"{words[0]} ended with {done.returncode} in {cwd}:\n{said}")
    return done.stdout


@contextmanager
def running(
    words: Sequence[str | Path], *, cwd: Path, log: Path, up: Callable[[], bool],
    env: Mapping[str, str] | None = None, user: str | None = None, stop: int = signal.SIGTERM,
) -> Iterator[int]:  # fmt: skip
    """The process id, once `up()` is true. Its whole group is ended with the block."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            [str(w) for w in words], cwd=cwd, env={**os.environ, **(env or {})}, stdout=out, stderr=out, user=user,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(child, up, log)
        yield child.pid
    finally:
        _end(child, stop)


def _wait(child: subprocess.Popen[bytes], up: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + UP_WITHIN_S
    while not up():
        if child.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{child.args!r} did not come up:\n{log.read_text(errors='replace')[-2_000:]}")
        time.sleep(0.2)


def _end(child: subprocess.Popen[bytes], stop: int) -> None:
    for sign, patience_s in ((stop, 20), (signal.SIGKILL, 5)):
        try:
            os.killpg(child.pid, sign)
            child.wait(timeout=patience_s)
            return
        except ProcessLookupError:
            child.wait(timeout=5)
            return
        except subprocess.TimeoutExpired:
            continue


def answers(url: str) -> bool:
    """Whether `url` answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
