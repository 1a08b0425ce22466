"""`modiste doctor` says what is missing, and what would bring it."""

from __future__ import annotations

import importlib.metadata
import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataset.workspace import Workspace
from modiste import doctor
from modiste.cli.main import app

ROOT = Path(__file__).parents[1]


def of(name: str, workspace: Path | None = None) -> doctor.Finding:
    return next(each for each in doctor.diagnose(workspace).findings if each.name == name)


def test_every_extra_that_a_command_needs_is_looked_for() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(doctor.EXTRAS) == set(declared) - {"dev", "docs"}


def test_a_package_older_than_asked_for_is_wrong_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0" if name == "numpy" else known(name))
    found = of("packages")
    assert (found.status, found.found) == ("wrong", "numpy 1.0 is not what was asked for")
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 1


def test_a_program_that_is_not_on_the_path_is_missing_and_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = doctor.diagnose()
    programs = {each.name: each.status for each in found.findings if each.name in ("chromium", "redis-server", "git")}
    assert set(programs.values()) == {"missing"}
    assert found.well


def test_a_program_that_fails_when_asked_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "does not answer" in of("git").found


def test_weights_that_were_not_fetched_are_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path))
    found = of("fetched weights")
    assert found.status == "missing"
    assert "selfie" in found.found
    assert found.cure == "modiste weights fetch --all"


def test_a_workspace_is_counted_and_none_is_wrong(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "ws")
    assert of("workspace", tmp_path / "ws").found.endswith("0 products, 0 images checked")
    assert of("workspace", tmp_path / "other").status == "wrong"


def test_json_holds_every_finding() -> None:
    told = CliRunner().invoke(app, ["doctor", "--json"])
    rows = json.loads(told.stdout)["findings"]
    assert {row["status"] for row in rows} <= {"ok", "missing", "wrong"}
    assert "python" in {row["name"] for row in rows}
