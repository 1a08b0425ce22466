"""`modiste init`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import AsJson, tell


@dataclass(frozen=True)
class InitResult:
    root: str
    made: bool

    def line(self) -> str:
        return f"{'made' if self.made else 'already there'}: workspace {self.root}"


def init(
    path: Annotated[Path, typer.Argument(help="Folder to make.")],
    purpose: Annotated[str, typer.Option(help="'training' or 'price-report'; opt-outs bind 'training'.")] = "training",
    contact: Annotated[str, typer.Option(help="Address or URL that the crawler shows to shops.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a workspace.

    Example: modiste init shop --contact https://example.org/about-our-crawler
    """
    from dataset.workspace import SETTINGS_FILE, Workspace

    made = not (path / SETTINGS_FILE).exists()
    ws = Workspace.init(path, purpose=purpose, contact=contact)
    tell(InitResult(str(ws.root), made), as_json)


def register(app: typer.Typer) -> None:
    app.command()(init)
