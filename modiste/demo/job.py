"""The demo: serve a shop on loopback and run the main job on it, each step a command in a process of its own.

In: a catalogue (drawn or photographed) and a folder. Out: a workspace with everything the job makes, and a `JobResult`.
It prints each command before it runs it, so what is seen is what a user would type. Never calls a room behind the
commands' back.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dataset.errors import ModisteError
from modiste.cli.frame import perform

if TYPE_CHECKING:
    from dataset.progress import Progress
    from modiste.demo.catalogue import Catalogue

GROUPS = ("label", "train", "evaluate")
SNAPSHOT, SINGLE = "demo", "single-garments"


@dataclass(frozen=True)
class Built:
    """A catalogue that can be printed as a result."""

    catalogue: Catalogue

    def line(self) -> str:
        return self.catalogue.line()


@dataclass(frozen=True)
class JobResult:
    """Seconds of each command, in order, and where to look."""

    workspace: str
    report: str
    cutouts: str
    seconds: dict[str, float]

    def line(self) -> str:
        slowest = max(self.seconds, key=lambda step: self.seconds[step])
        return (
            f"demo done in {sum(self.seconds.values()):.0f} s ({slowest} took {self.seconds[slowest]:.0f} s)\n"
            f"  report:   {self.report}\n  cutouts:  {self.cutouts}\n"
            f"  labels:   modiste curate --open -w {self.workspace}"
        )


def drawn_shop(folder: Path, products: int, seed: int, quiet: bool = False) -> Catalogue:
    """Draw the shop, or take the one that is there."""
    from modiste.demo.catalogue import build_drawn

    def step(progress: Progress) -> Built:
        return Built(build_drawn(folder, products=products, seed=seed, progress=progress))

    return perform("draw", step, quiet=quiet).catalogue


def photo_shop(photos: Path, folder: Path, limit: int | None, quiet: bool = False) -> Catalogue:
    """A shop of the photographs in `photos`, which stay where they are."""
    from modiste.demo.catalogue import build_photos

    def step(progress: Progress) -> Built:
        return Built(build_photos(photos, folder, limit=limit, progress=progress))

    return perform("read photos", step, quiet=quiet).catalogue


def serve(catalogue: Catalogue, folder: Path) -> None:
    """Serve until Ctrl-C."""
    with _open_store(catalogue, folder) as store, contextlib.suppress(KeyboardInterrupt):
        typer.echo(f"serving {store.url} until Ctrl-C")
        threading.Event().wait()


def commands(url: str, folder: Path, annotations: Path, recipe: str, epochs: int | None) -> list[list[str]]:
    """The main job, word for word."""
    photographed = (annotations / "splits.csv").exists()  # photographs come with their data sets' own split
    given = ["--given", str(annotations / "splits.csv")] if photographed else []
    # GrabCut's prior is a person in the middle. Photographs without a cutout are garments on beds and floors.
    method = ["--method", "cutout"] if photographed else []
    fewer = ["--set", f"epochs={epochs}"] if epochs else []
    # A street photo shows several garments; one field with one value is learned from photographs of one.
    single = [["snapshot", SINGLE, "--where", "product_id LIKE 'WR-%'"]] if photographed else []
    return [
        ["init", str(folder), "--contact", "https://example.org/modiste-demo"],
        ["crawl", url, "--store", "demo"],
        ["check"],
        ["dedup"],
        ["label", "masks", "--cutouts", str(annotations), *method],
        ["label", "tags"],
        ["split", *given],
        ["curate"],
        ["curate", "pull"],
        ["snapshot", SNAPSHOT],
        *single,
        ["train", "segmentation", "-s", SNAPSHOT, "-r", recipe, *fewer],
        ["train", "tagging", "-s", SINGLE if photographed else SNAPSHOT, "-r", "tagging/linear"],
        ["evaluate", "latest:segmentation"],
        ["evaluate", "latest:tagging"],
        ["cutout", str(folder / "samples"), "--out", str(folder / "cutouts"), "--white"],
        ["report", "--out", str(folder / "reports" / "demo.html")],
    ]


def run(catalogue: Catalogue, folder: Path, *, recipe: str, epochs: int | None, as_json: bool = False) -> JobResult:
    """Serve the shop and run every command in order; the first that fails ends it with its own exit code."""
    shop = folder / "shop"
    seconds: dict[str, float] = {}
    environment = os.environ | {"MODISTE_WORKSPACE": str(folder)}
    with _open_store(catalogue, shop) as store:
        for words in commands(store.url, folder, shop / "annotations", recipe, epochs):
            if words[0] == "cutout":
                take_samples(folder)
            step = " ".join(words[:2]) if words[0] in GROUPS else words[0]
            seconds[step] = seconds.get(step, 0.0) + _command(words, environment, as_json)
    return JobResult(str(folder), str(folder / "reports" / "demo.html"), str(folder / "cutouts"), seconds)


def take_samples(folder: Path, count: int = 12) -> None:
    """Copies of some held-out scenes under their sha256, as photos for `cutout`."""
    from dataset.snapshot import load_snapshot
    from dataset.workspace import Workspace

    ws = Workspace.open(folder)
    rows = load_snapshot(ws, SNAPSHOT).rows.to_pylist()
    held_out = [row for row in rows if row["split"] == "test" and row["mask_source"] in ("cutout", "review")]
    (folder / "samples").mkdir(exist_ok=True)
    for row in held_out[:count]:
        target = folder / "samples" / f"{row['sha256'][:16]}.{row['format'].lower()}"
        target.write_bytes(ws.blobs.get(row["sha256"]))


def _command(words: list[str], environment: dict[str, str], as_json: bool) -> float:
    """Run `modiste WORDS` in a child; seconds it took. -P: a folder named `train` where the user stands is not ours."""
    if not as_json:
        typer.secho(f"$ modiste {' '.join(map(_typed, words))}", bold=True)
    began = time.monotonic()
    shown = sys.stderr if as_json else None
    child = subprocess.Popen([sys.executable, "-P", "-m", "modiste", *words], env=environment, stdout=shown)
    try:
        code = child.wait()
    except KeyboardInterrupt:  # the terminal told the child too; it says so itself and ends its workers
        child.wait(timeout=30)
        raise
    if code:
        raise DemoStopped(f"'modiste {words[0]}' ended with exit code {code}", code)
    return round(time.monotonic() - began, 2)


def _typed(word: str) -> str:
    """A word as one would type it in a shell: in double quotes where they do, which read better than escapes."""
    if shlex.quote(word) == word or set(word) & set('"\\$`!'):
        return shlex.quote(word)
    return f'"{word}"'


class DemoStopped(ModisteError):
    """A step failed; it has said why on stderr. The demo ends with its exit code."""

    def __init__(self, what: str, code: int) -> None:
        self.exit_code = code if code in (1, 2) else 1
        super().__init__(what, cure="Its own message stands above; run the same command again to go on from there")


def _open_store(catalogue: Catalogue, folder: Path):  # type: ignore[no-untyped-def]  # imported late
    """The store on the port it had last time, so that a crawl that was cut goes on; else on a free one."""
    from modiste.demo.store import DemoStore

    remembered = folder / "port"
    port = int(remembered.read_text()) if remembered.exists() else 0
    try:
        store = DemoStore(catalogue, port=port)
    except OSError:
        store = DemoStore(catalogue, port=0)
    remembered.write_text(str(store.port))
    return store
