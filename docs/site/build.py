"""Build the documentation site: pages as they stand in docs/, commands and code reference made from the code.

In: the repository. Out: build/site/, which needs no network to be read. `make docs` runs it; mkdocs is strict, so a
link that leads nowhere ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "build" / "docs"
ROOMS = {
    "crawlers": "Crawling",
    "dataset": "The data set",
    "labeling": "Labels",
    "train": "Training",
    "reports": "Reports",
    "modiste": "The front door",
}


def main() -> int:
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", STAGE, ignore=shutil.ignore_patterns("site", "*.py"))
    (STAGE / "commands.md").write_text(commands())
    (STAGE / "reference.md").write_text(reference())
    told = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", str(ROOT / "docs" / "site" / "mkdocs.yml")]
    done = subprocess.run(told, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    print(f"{sum(1 for _ in (ROOT / 'build' / 'site').rglob('*.html'))} pages in build/site")
    return done.returncode


def commands() -> str:
    """Every command's help, as typer writes it."""
    told = [
        sys.executable,
        "-m",
        "typer",
        "modiste.cli.main",
        "utils",
        "docs",
        "--name",
        "modiste",
        "--title",
        "Commands",
    ]
    return subprocess.run(told, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def reference() -> str:
    """A heading for each room, below it every public module, told by its docstrings."""
    parts = ["# Code", "Only what a script would import; everything else is private to its room."]
    for room, title in ROOMS.items():
        modules = [path for path in sorted((ROOT / room).glob("*.py")) if public(path)]
        parts += [f"\n# {title}", *(f"::: {room}.{path.stem}" for path in modules)]
    return "\n\n".join(parts) + "\n"


def public(path: Path) -> bool:
    """A module with a docstring and a public function or class of its own."""
    text = path.read_text()
    return path.stem != "__init__" and re.search(r"^(class|def|async def) [A-Za-z]", text, re.M) is not None


if __name__ == "__main__":
    raise SystemExit(main())
