"""`modiste runs list | show | compare | tag | prune`: the runs of a workspace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform, tell

group = typer.Typer(help="Runs: list, show, compare, tag, prune.", no_args_is_help=True, rich_markup_mode=None)

RunIds = Annotated[list[str], typer.Argument(metavar="RUN…", help="Run ids, or 'latest:segmentation'.")]


@dataclass(frozen=True)
class Tagged:
    run: str
    tags: list[str]

    def line(self) -> str:
        return f"{self.run}: {', '.join(self.tags) or 'no tags'}"


@group.command("list")
def list_runs(workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Every run, oldest first: state, validation and test score, time, and what keeps it from being pruned.

    Example: modiste runs list -w shop
    """
    from train.run_shelf import shelf

    tell(shelf(open_workspace(workspace)), as_json)


@group.command()
def show(run: Annotated[str, typer.Argument(help="Run id or 'latest'.")], workspace: WorkspacePath = HERE) -> None:
    """The whole record of a run, as JSON.

    Example: modiste runs show latest -w shop
    """
    from train.record import SEALS, load

    found = load(open_workspace(workspace), run)
    told = {key: value for key, value in found.data.items() if key != SEALS}
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False))


@group.command()
def compare(runs: RunIds, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Rank runs by what they were judged on; those judged on other rows or classes are shown apart, never ranked.

    Example: modiste runs compare 20261121-0539-segmentation-fast-3da42d latest:segmentation -w shop
    """
    from train.record import load
    from train.run_compare import compare_runs

    ws = open_workspace(workspace)
    parts = [name.partition(":") for name in dict.fromkeys(runs)]
    tell(compare_runs([load(ws, word, task=task or None) for word, _, task in parts]), as_json)


@group.command()
def tag(
    run: Annotated[str, typer.Argument(help="Run id or 'latest'.")],
    words: Annotated[list[str], typer.Argument(metavar="TAG…", help="Tags; a tagged run is never pruned.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tags away.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Tag a run.

    Example: modiste runs tag latest paper-table-2 -w shop
    """
    from train.record import load
    from train.run_shelf import tag as step

    ws = open_workspace(workspace)
    chosen = load(ws, run).id
    tell(Tagged(chosen, step(ws, chosen, words, remove=remove)), as_json)


@group.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="Newest finished runs of each task that stay.")] = 3,
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Do it; without it only what would go is told.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Delete old runs, never one that is promoted, tagged, newest, at work, or needed by a snapshot or another run.

    Example: modiste runs prune -w shop --keep 3
    """
    from train.run_shelf import prune as step

    ws = open_workspace(workspace)
    perform("runs prune", lambda _: step(ws, keep=keep, yes=yes), as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="runs")
