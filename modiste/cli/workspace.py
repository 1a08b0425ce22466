"""`modiste init`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import AsJson, tell


@dataclass(frozen=True)
class InitResult:
    """`kept` names the settings that were asked for otherwise than the workspace, already there, has them."""

    root: str
    made: bool
    kept: list[str] = field(default_factory=list)

    def line(self) -> str:
        left = f"; its {' and '.join(self.kept)} stay as they are: change them in modiste.yaml" if self.kept else ""
        return f"{'made' if self.made else 'already there'}: workspace {self.root}{left}"


def init(
    path: Annotated[Path, typer.Argument(help="Folder to make.")],
    purpose: Annotated[
        str | None,
        typer.Option(help="'training' or 'price-report'; opt-outs bind 'training', which it is unless said."),
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Address or URL that the crawler shows to shops.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a workspace.

    Example: modiste init shop --contact https://example.org/about-our-crawler
    """
    from dataset.workspace import SETTINGS_FILE, Workspace

    made = not (path / SETTINGS_FILE).exists()
    asked = {key: value for key, value in (("purpose", purpose), ("contact", contact)) if value is not None}
    ws = Workspace.init(path, **asked)
    kept = [key for key, value in asked.items() if getattr(ws.settings, key) != value]
    tell(InitResult(str(ws.root), made, kept), as_json)


def register(app: typer.Typer) -> None:
    app.command()(init)
