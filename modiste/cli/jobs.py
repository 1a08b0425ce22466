"""`modiste job lock | run | status`, `modiste retrain`: from data to a promoted model, and the same again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modiste.cli.frame import HERE, AsJson, WorkspacePath, open_workspace, perform, tell

group = typer.Typer(
    help="A chain snapshot, train, evaluate, gate, export, report from one YAML file.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip

JobFile = Annotated[Path, typer.Argument(metavar="FILE.yaml", help="The job file.")]


@group.command()
def lock(job: JobFile, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Freeze the job's data as a snapshot and write FILE.yaml.lock, whose diff in git is the change.

    Example: modiste job lock nightly.yaml -w shop
    """
    from train.job_lock import lock_job

    ws = open_workspace(workspace)
    perform("job lock", lambda _: lock_job(ws, job), as_json)


@group.command()
def run(
    job: JobFile,
    relock: Annotated[
        bool, typer.Option("--relock", help="Take a new lock first: data that moved are the data.")
    ] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Do what is left of the job; unchanged stages are skipped. Exit codes: 0 promoted, 3 no better, 1 failed.

    A stale lock stops it and says what moved. In cron: 0 3 * * * modiste job run nightly.yaml -w shop --relock

    Example: modiste job run nightly.yaml -w shop
    """
    from modiste.job import run_job

    ws = open_workspace(workspace)
    result = perform("job run", lambda progress: run_job(ws, job, relock=relock, progress=progress), as_json)
    raise typer.Exit(result.exit_code)


@group.command()
def status(job: JobFile, workspace: WorkspacePath = HERE, as_json: AsJson = False) -> None:
    """Tell what moved since the lock, which stages were done when, and what is promoted. Changes nothing.

    Example: modiste job status nightly.yaml -w shop
    """
    from modiste.job import job_status

    tell(job_status(open_workspace(workspace), job), as_json)


def retrain(
    run: Annotated[str, typer.Argument(help="Run id, 'latest', or the folder of a run from elsewhere.")],
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", "-s", help="Take this one in place of a lost one.")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Train though something differs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what differs.")] = False,
    workspace: WorkspacePath = HERE,
    as_json: AsJson = False,
) -> None:
    """Train a recorded run again and compare bit by bit; says first what differs from its record.

    Exit codes: 0 equal, 3 trained but unlike, 1 stopped because something differs.

    Example: modiste retrain latest -w shop --dry-run
    """
    from train.retrain import plan
    from train.retrain import retrain as step

    ws = open_workspace(workspace)
    if dry_run:
        found = plan(ws, run, snapshot=snapshot)
        tell(found, as_json)
        raise typer.Exit(found.exit_code)
    result = perform(
        "retrain", lambda progress: step(ws, run, snapshot=snapshot, anyway=anyway, progress=progress), as_json
    )
    raise typer.Exit(result.exit_code)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="job")
    app.command()(retrain)
