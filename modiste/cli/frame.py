"""How every command runs its step: a progress bar on stderr, one line of result (or JSON) on stdout.

In: a step taking a `Progress` and returning something with `.line()`. Out: that result, printed. Imports no room.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer

if TYPE_CHECKING:
    from dataset.progress import Progress
    from dataset.workspace import Workspace


class Outcome(Protocol):
    """What a step returns: a dataclass that can say itself in one line."""

    def line(self) -> str: ...


Result = TypeVar("Result", bound=Outcome)

WorkspacePath = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="MODISTE_WORKSPACE", help="The workspace folder.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
HERE = Path()


def open_workspace(path: Path) -> Workspace:
    """The workspace at `path`; its errors name the cure."""
    from dataset.workspace import Workspace

    return Workspace.open(path)


def perform(title: str, step: Callable[[Progress], Result], as_json: bool = False, quiet: bool = False) -> Result:
    """Run `step` under a progress bar and print what it returns, unless `quiet`."""
    result = _with_bar(title, step) if sys.stderr.isatty() else step(lambda done, total: None)
    if not quiet:
        tell(result, as_json)
    return result


def tell(result: Outcome, as_json: bool) -> None:
    """Print a result: its line, or its fields as JSON."""
    typer.echo(json.dumps(as_plain(result), ensure_ascii=False, default=str) if as_json else result.line())


def as_plain(result: Any) -> Any:
    """A dataclass as a dict of what JSON can hold, those inside lists too; an Arrow table or array is left out."""
    if isinstance(result, list | tuple):
        return [as_plain(each) for each in result]
    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        return result
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return {name: as_plain(value) for name, value in fields.items() if not hasattr(value, "schema")}


def _with_bar(title: str, step: Callable[[Progress], Result]) -> Result:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        return step(lambda done, total: bar.update(task, completed=done, total=total))
