"""One contender, one child process, one measurement: the CPU, wall time and memory that the kernel counts for it.

In: a contender, a store. Out: a `Run`. CPU is user + system of the child and of every process it waited for
(`os.wait4`), so worker processes count; the store and this process never do. Images are counted twice: those the
contender says it has, and the JPEG files that lie in its folder afterwards. Imports nothing heavy, because a child's
peak memory starts at its parent's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crawl_store import Store

HERE = Path(__file__).parent
LIMIT_S = 1_800


@dataclass(frozen=True)
class Contender:
    """`reads` is 'pages' or 'list'; `keeps_images` is False where only pages are measured."""

    name: str
    script: str
    reads: str = "pages"
    keeps_images: bool = True
    python: str = sys.executable
    missing: str = ""


@dataclass(frozen=True)
class Usage:
    cpu_s: float
    system_s: float
    wall_s: float
    peak_mb: float
    said: str
    error: str


@dataclass(frozen=True)
class Run:
    """`startup_*` is the same contender's run against a store of one product: interpreter, imports, first files
    (half of what Scrapy and we import is imported late). It is part of `cpu_s` and `wall_s`; `system_s` is the kernel's
    part of `cpu_s`, most of it for files and sockets.

    `peak_mb` is the largest process's resident memory, 2**20 bytes. `asked` are the store's own counts of requests.
    """

    name: str
    cpu_s: float
    system_s: float
    wall_s: float
    peak_mb: float
    startup_cpu_s: float
    startup_wall_s: float
    images: int
    asked: dict[str, int]
    fault: str = ""

    @property
    def own_cpu_s(self) -> float:
        """Without start-up."""
        return self.cpu_s - self.startup_cpu_s

    @property
    def own_wall_s(self) -> float:
        return self.wall_s - self.startup_wall_s


def measure(contender: Contender, store: Store, tiny: Store, folder: Path, profile: Path | None = None) -> Run:
    """Run `contender` against `tiny` and `store` in an empty `folder`, which is deleted again."""
    start = spawn(_command(contender, tiny, folder / "tiny"), folder / "tiny.txt", tiny.trusted)
    store.asked()
    out = folder / "out"
    used = spawn(_command(contender, store, out, profile), folder / "said.txt", store.trusted)
    images, fault = _count(used, out) if contender.keeps_images else (0, used.error)
    expected = store.images if contender.keeps_images else 0
    asked = store.asked()
    if not fault and images != expected:
        fault = f"{images} of {expected} images"
    if not fault and contender.reads == "pages" and asked["pages"] < store.pages:
        fault = f"{asked['pages']} of {store.pages} pages"
    shutil.rmtree(out)
    return Run(
        contender.name, used.cpu_s, used.system_s, used.wall_s, used.peak_mb, start.cpu_s, start.wall_s, images, asked,
        fault or start.error,
    )  # fmt: skip


def _command(contender: Contender, store: Store, out: Path, profile: Path | None = None) -> list[str]:
    out.mkdir()
    words = ["--url", store.url, "--urls", store.urls, "--out", out, *(["--profile", profile] if profile else [])]
    return [contender.python, str(HERE / contender.script), contender.name, *(str(word) for word in words)]


def _count(used: Usage, out: Path) -> tuple[int, str]:
    if used.error:
        return 0, used.error
    said, kept = int(json.loads(used.said.splitlines()[-1])["images"]), jpegs(out)
    return kept, "" if said == kept else f"says {said} images, {kept} lie there"


def jpegs(folder: Path) -> int:
    """Files that begin as JPEGs do, under whatever names."""
    return sum(_is_jpeg(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def _is_jpeg(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\xff\xd8"


def spawn(command: Sequence[str], answer: Path, trusted: Path | None = None) -> Usage:
    """Run to the end, stdout into `answer`. A status other than 0, or LIMIT_S, is an `error` of one line."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
    environment |= {"SSL_CERT_FILE": str(trusted)} if trusted else {}
    errors = answer.with_suffix(".err")
    with answer.open("w") as out, errors.open("w") as err:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        alarm = threading.Timer(LIMIT_S, process.kill)
        alarm.start()
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begun
        alarm.cancel()
    process.returncode = code = os.waitstatus_to_exitcode(status)
    last = (errors.read_text(errors="replace").strip().splitlines() or [""])[-1]
    error = f"status {code}: {last}" if code else ""
    return Usage(used.ru_utime + used.ru_stime, used.ru_stime, wall_s, used.ru_maxrss / 1024, answer.read_text(), error)
