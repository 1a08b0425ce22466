"""`modiste takedown`, `snapshot diff` and `lineage` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dataset.errors import ModisteError, UsageError
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace
from modiste.cli import takedown, trace

A, B = "a" * 64, "b" * 64


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    takedown.register(app)
    trace.register(app)
    return app


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "ws")
    seen = {"crawl_id": "1", "store": "s.example", "product_id": "p", "page_url": "https://s.example/p"}
    rows = [seen | {"url": f"https://s.example/{sha}.jpg", "status": "ok", "sha256": sha} for sha in (A, B)]
    ws.tables.append("fetches", rows)
    ws.tables.append("images", [{"sha256": sha, "status": "ok"} for sha in (A, B)])
    ws.tables.append("groups", [{"sha256": sha, "group_id": A, "split": "train"} for sha in (A, B)])
    create_snapshot(ws, "one")
    create_snapshot(ws, "two", where=f"sha256 = '{A}'")
    return ws


def run(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if isinstance(result.exception, ModisteError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_yes_it_only_counts(app: typer.Typer, ws: Workspace) -> None:
    text = run(app, "takedown", "-w", str(ws.root), "--domain", "s.example", "--reason", "court")
    assert text.startswith("dry run of domain s.example: 2 images")
    assert ws.tables.read("images").num_rows == 2


def test_with_yes_it_is_done_and_told_as_json(app: typer.Typer, ws: Workspace) -> None:
    words = ["takedown", "-w", str(ws.root), "--sha256", A, "--reason", "asked", "--yes", "--json"]
    told = json.loads(run(app, *words))
    assert (told["before"]["images"], told["after"]["rows"], told["snapshots"]) == (1, 0, {"one": 1, "two": 1})
    assert [step["name"] for step in told["retrain"]] == ["one", "two"]
    report = json.loads((ws.root / "takedowns" / f"{told['takedown']}.json").read_text())
    assert report["status"] == "done"


@pytest.mark.parametrize("given", [[], ["--brand", "x", "--domain", "y"]])
def test_one_thing_at_a_time(app: typer.Typer, ws: Workspace, given: list[str]) -> None:
    with pytest.raises(UsageError, match="expected one of --domain") as error:
        run(app, "takedown", "-w", str(ws.root), *given, "--reason", "asked")
    assert error.value.exit_code == 2


def test_a_diff_and_a_snapshot_share_one_command(app: typer.Typer, ws: Workspace) -> None:
    assert json.loads(run(app, "snapshot", "diff", "one", "two", "-w", str(ws.root), "--json"))["removed"] == 1
    assert run(app, "snapshot", "three", "-w", str(ws.root)).startswith("snapshot three: 2 images")
    with pytest.raises(UsageError, match="diff and two"):
        run(app, "snapshot", "diff", "one", "-w", str(ws.root))


def test_lineage_answers_and_draws(app: typer.Typer, ws: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "one.html"
    text = run(app, "lineage", "one", "-w", str(ws.root), "--ask", "shops", "--out", str(out))
    assert text == "s.example: 2 images\n"
    assert "<svg" in out.read_text()
    with pytest.raises(UsageError, match="shops or weights"):
        run(app, "lineage", "one", "-w", str(ws.root), "--ask", "pages")


@pytest.mark.parametrize("command", ["takedown", "snapshot", "lineage"])
def test_every_command_shows_an_example(app: typer.Typer, command: str) -> None:
    assert f"Example: modiste {command}" in run(app, command, "--help")
