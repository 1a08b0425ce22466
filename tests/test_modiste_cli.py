from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def modiste(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "modiste", *words], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_help_imports_no_heavy_library() -> None:
    heavy = ["torch", "cv2", "pandas", "scrapy", "pyarrow", "fiftyone", "pydantic"]
    code = f"import sys, modiste.cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


COMMANDS = ["init", "crawl", "extract", "check", "dedup", "split", "snapshot", "lineage", "evaluate", "cutout"]
GROUPED = [
    "report",
    "demo",
    "import urls",
    "label masks",
    "label tags",
    "curate",
    "curate pull",
    "train segmentation",
    "train tagging",
    *("job lock", "job run", "job status", "retrain"),
    *("runs list", "runs show", "runs compare", "runs tag", "runs prune"),
    *("taxonomy check", "taxonomy show", "taxonomy diff", "taxonomy map", "weights fetch", "faces", "queue", "embed"),
    *(f"report {name}" for name in ("overview", "catalogue", "watch", "data", "model", "compare", "gallery")),
]


@pytest.mark.parametrize("command", COMMANDS + GROUPED)
def test_every_commands_help_has_an_example(command: str) -> None:
    done = modiste(*command.split(), "--help")
    assert done.returncode == 0
    assert f"Example: modiste {command}" in done.stdout


def test_misuse_exits_with_two_and_names_the_option() -> None:
    done = modiste("split", "--strateg", "x")
    assert done.returncode == 2
    assert "--strateg" in done.stderr


def test_a_folder_that_is_no_workspace_exits_with_one_and_the_cure(tmp_path: Path) -> None:
    done = modiste("check", "-w", str(tmp_path))
    assert done.returncode == 1
    assert "modiste init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_exits_with_two(tmp_path: Path) -> None:
    (tmp_path / "modiste.yaml").write_text("purpse: training")
    done = modiste("check", "-w", str(tmp_path))
    assert (done.returncode, "did you mean 'purpose'" in done.stderr) == (2, True)


def test_ctrl_c_exits_with_one_and_says_that_the_same_command_goes_on(tmp_path: Path) -> None:
    code = (
        "import modiste.cli.main as m, modiste.cli.workspace as w\n"
        "def stop(*a, **k): raise KeyboardInterrupt\n"
        "w.tell = stop\n"
        f"m.sys.argv = ['modiste', 'init', {str(tmp_path / 'shop')!r}]\n"
        "m.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "run the same command again" in done.stderr) == (1, True), done.stderr


def test_json_prints_one_object(tmp_path: Path) -> None:
    done = modiste("init", str(tmp_path / "shop"), "--json")
    assert json.loads(done.stdout) == {"root": str(tmp_path / "shop"), "made": True, "kept": []}
