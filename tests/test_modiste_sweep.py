"""`modiste sweep` as it is typed: the line, JSON, exit codes, Ctrl-C and kill -9."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_train_data import drawn_workspace
from test_train_segmentation import PARTS, SMALL

from dataset.workspace import Workspace

# The command may be registered already; typer takes the last of two by one name.
CODE = "import sys; from modiste.cli import main, sweep; sweep.register(main.app); main.main()"
FIXED = {key: value for key, value in SMALL.items() if key != "learning_rate"} | {"epochs": 4}
SET = [word for key, value in FIXED.items() for word in ("--set", f"{key}={json.dumps(value)}")]
OVER = ["--over", "learning_rate=1e-3..8e-3:log", "--over", "dice=0.5,1,2", "-r", "tiny", "--device", "cpu"]


def words(ws: Workspace, *more: str) -> list[str]:
    return [
        sys.executable,
        "-P",
        "-c",
        CODE,
        "sweep",
        "segmentation",
        "-w",
        str(ws.root),
        "-s",
        "v1",
        *OVER,
        *SET,
        *more,
    ]


def said(ws: Workspace, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(ws, *more), capture_output=True, text=True, check=False)


def hear_ctrl_c() -> None:
    """A suite that was started in the background has SIGINT ignored, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def epochs_of(folder: Path) -> list[str]:
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return [row["epoch"] for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_was_stopped_goes_on_by_the_same_command(tmp_path: Path, number: signal.Signals) -> None:
    ws = drawn_workspace(tmp_path, PARTS)
    with subprocess.Popen(
        words(ws, "--trials", "1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as child:
        ended = time.monotonic() + 200
        while child.poll() is None and time.monotonic() < ended and not list(ws.runs.glob("*/last.ckpt")):
            time.sleep(0.02)
        child.send_signal(number)
        _, stderr = child.communicate(timeout=60)
    assert child.returncode == (1 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert stderr.strip().endswith("run the same command again to go on from there.")
    done = said(ws, "--trials", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["state"] for row in found["trials"]] == ["done"]
    assert found["best"]["score"] == max(row["score"] for row in found["trials"])
    assert [epochs_of(ws.runs / row["run"]) for row in found["trials"]] == [["1", "2", "3", "4"]]
    assert not list(ws.runs.glob("*/evaluation.json"))


def test_a_wrong_key_ends_with_exit_code_2_and_the_nearest(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "w")
    done = said(ws, "--over", "learning_rat=1e-4..1e-2")
    assert done.returncode == 2
    assert "did you mean 'learning_rate'" in done.stderr
    assert not (ws.root / "sweeps").exists()


def test_the_help_has_an_example_and_a_space_is_asked_for(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-P", "-c", CODE, "sweep", "--help"], capture_output=True, text=True, check=True
    )
    assert "Example: modiste sweep segmentation" in " ".join(shown.stdout.split())
    ws = Workspace.init(tmp_path / "w")
    bare = [sys.executable, "-P", "-c", CODE, "sweep", "tagging", "-w", str(ws.root), "-s", "v1"]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert (done.returncode, "nothing to vary" in done.stderr) == (2, True)
