"""A job beside what can go wrong around it: an edited record, a killed holder, two at once as real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_modiste_jobs import place, promoted, with_recipe, written  # noqa: F401  # two are fixtures

from dataset.errors import TrainingError
from dataset.workspace import Workspace
from modiste.job import run_job
from train.job_lock import lock_job
from train.promotion import read_pointer

pytestmark = pytest.mark.slow
HOLD = """import sys, time; from modiste.job import workspace_held; from dataset.workspace import Workspace
with workspace_held(Workspace.open(sys.argv[1]), "weekly"): print("held", flush=True); time.sleep(600)"""


def edited(path: Path, key: str) -> None:
    data = json.loads(path.read_text())
    data[key] = 12345.0
    path.write_text(json.dumps(data))


def test_a_record_edited_by_hand_is_neither_promoted_nor_compared_with(place: tuple[Workspace, Path]) -> None:  # noqa: F811
    ws, path = place
    run = str((read_pointer(ws, "nightly") or {})["run"])
    edited(ws.runs / run / "run.json", "wall_s")
    with pytest.raises(TrainingError, match=f"run {run}: its record was edited by hand: wall_s"):
        run_job(ws, path)
    written(path.parent, train=with_recipe(epochs=1))
    lock_job(ws, path)
    with pytest.raises(TrainingError, match="edited by hand: wall_s"):
        run_job(ws, path)
    assert (read_pointer(ws, "nightly") or {})["run"] == run


def test_a_killed_holder_lets_go_of_the_workspace(place: tuple[Workspace, Path]) -> None:  # noqa: F811
    ws, path = place
    with subprocess.Popen([sys.executable, "-P", "-c", HOLD, str(ws.root)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "held"
        words = [sys.executable, "-P", "-m", "modiste", "job", "run", str(path), "-w", str(ws.root)]
        refused = subprocess.run(words, capture_output=True, text=True, check=False)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=30)
    assert (refused.returncode, f"a job is at work here: pid {child.pid}, job weekly" in refused.stderr) == (1, True)
    assert run_job(ws, path).exit_code == 0


def test_of_two_jobs_started_together_none_breaks_the_other(place: tuple[Workspace, Path]) -> None:  # noqa: F811
    ws, path = place
    written(path.parent, train=with_recipe(epochs=2, learning_rate=0.003))
    words = [sys.executable, "-P", "-m", "modiste", "job", "run", str(path), "-w", str(ws.root), "--relock", "--json"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate(timeout=200) for each in both]
    codes = [each.returncode for each in both]
    ended = [json.loads(out) for (out, _), code in zip(said, codes, strict=True) if code in (0, 3)]
    assert ended, said
    assert len({each["run"] for each in ended}) == 1
    assert all("a job is at work here: pid" in err for (_, err), code in zip(said, codes, strict=True) if code == 1)
    assert set(codes) <= {0, 1, 3}
    assert len([run for run in ws.runs.iterdir() if (run / "run.json").is_file()]) == 2  # the promoted and the new one
