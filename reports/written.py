"""How the newer reports are put together and written: one HTML file and what lies beside it.

In: a template, its values, a place. Out: the file, written whole or not at all, and a `Written` that says so in one
line. Every report comes with the same head, contents and foot; one without data says what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.workspace import Workspace
from reports.page import render
from reports.wording import size

_PLURAL = re.compile(r"s\b")
BASE: dict[str, Any] = {"warnings": [], "empty": "", "pictures": None, "contents": []}


@dataclass(frozen=True)
class Written:
    """`files` lie beside the page: CSV, Parquet, feeds. `said` are counts, in the order they are told."""

    path: str
    bytes: int
    said: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def line(self) -> str:
        told = ", ".join(_said(count, name) for name, count in self.said.items()) or "nothing to report yet"
        beside = "".join(f", {Path(file).name}" for file in self.files)
        return f"report: {told} -> {self.path} ({size(self.bytes)}){beside}"


def _said(count: int, names: str) -> str:
    """'1 shop', '2 shops', '1 change in the feeds'."""
    return f"{count} {_PLURAL.sub('', names, count=1) if count == 1 else names}"


def place(ws: Workspace, out: Path | None, name: str) -> Path:
    """Where a report goes: `out`, or `reports/<name>.html` of the workspace."""
    return (out or ws.reports / f"{name}.html").resolve()


def write(
    out: Path,
    template: str,
    values: dict[str, Any],
    said: dict[str, int] | None = None,
    files: list[Path] | None = None,
) -> Written:
    """Render without scripts and write."""
    page = render(template, {**BASE, **values}, charts=False).encode("utf-8", "replace")
    write_atomically(out, page)
    return Written(str(out), len(page), said or {}, [str(file) for file in files or ()])


def made_at() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
