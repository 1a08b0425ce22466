"""Before a take-down deletes the App's database, what was typed there is counted, or pulled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from labeling_drawn import drawn_workspace
from labeling_mongo import Mongo, named
from typer.testing import CliRunner

from dataset.errors import StorageError, UsageError
from dataset.workspace import Workspace
from labeling.curation import curate, dataset_name
from labeling.curation_store import connect
from modiste.cli.main import app
from modiste.curation_last_pull import pull_last, verdicts_waiting

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mongo() -> Iterator[Mongo]:
    with named() as server:
        yield server


@pytest.fixture(scope="module")
def typed(mongo: Mongo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn images in the App; somebody rejected the second and called the third green."""
    ws = drawn_workspace(tmp_path_factory.mktemp("drawn") / "ws", 3)
    curate(ws)
    samples = list(connect(ws).load_dataset(dataset_name(ws)).sort_by("sha256"))
    for sample, tag in zip(samples[1:], ("reject", "relabel:colour=green"), strict=True):
        sample.tags = [tag]
        sample.save()
    (ws.root / "fiftyone").mkdir()
    return ws.root


def verdicts(ws: Workspace) -> list[str]:
    return sorted(ws.tables.read("reviews")["verdict"].to_pylist())


def test_a_take_down_counts_what_waits_and_pulls_it_before_the_database_goes(typed: Path):
    ws = Workspace.open(typed)
    first = sorted(ws.tables.read("images")["sha256"].to_pylist())[0]
    told = ["takedown", "-w", str(typed), "--sha256", first, "--reason", "a letter"]
    dry = CliRunner().invoke(app, told)
    assert (dry.exit_code, verdicts(ws)) == (0, [])
    assert "2 verdicts in the App wait to be pulled" in dry.output
    done = CliRunner().invoke(app, [*told, "--yes"])
    assert (done.exit_code, verdicts(ws)) == (0, ["reject", "relabel"])
    assert "2 verdicts were pulled from the App first" in done.output
    assert not (typed / "fiftyone").exists()
    assert ws.tables.read("images").num_rows == 2


def test_without_a_database_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = Workspace.init(tmp_path / "ws")
    monkeypatch.setattr("modiste.curation_last_pull.ProcessPoolExecutor", None)
    assert (verdicts_waiting(ws), pull_last(ws)) == (0, 0)


def test_while_the_app_is_open_nothing_is_pulled(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    (ws.root / "fiftyone").mkdir()
    (ws.root / "fiftyone" / "mongod.lock").write_text(f"{os.getpid()}\n")
    with pytest.raises(UsageError, match="App is open"):
        pull_last(ws)


def test_a_database_that_cant_be_asked_stops_the_take_down_and_loses_nothing(typed: Path, tmp_path: Path):
    ws = Workspace.open(shutil.copytree(typed, tmp_path / "ws"))
    (ws.root / "fiftyone").mkdir(exist_ok=True)
    before = os.environ["FIFTYONE_DATABASE_URI"]
    os.environ["FIFTYONE_DATABASE_URI"] = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=500"
    try:
        with pytest.raises(StorageError, match="can't be read"):
            pull_last(ws)
    finally:
        os.environ["FIFTYONE_DATABASE_URI"] = before
    assert (ws.root / "fiftyone").is_dir()
