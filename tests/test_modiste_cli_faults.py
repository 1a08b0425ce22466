"""What a wrong call, a wrong file or the system's refusal says: one line, an exit code, and nothing half made."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError
from PIL import Image

from crawlers.sqlite_queue import SqliteQueue
from dataset.errors import ImageError, StorageError
from dataset.tables import _is_of_storage
from dataset.workspace import Workspace
from labeling.curation_service import hearing_ctrl_c
from modiste.search import _like_picture
from train import record
from train.job_gate import Verdict
from train.run_shelf import shelf


def modiste(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "modiste", *words]
    environment = {**os.environ, **env}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def in_process(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command run in this process; its exit code."""
    from modiste.cli.main import main

    monkeypatch.setattr(sys, "argv", ["modiste", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.mark.parametrize("where", ["afile", "afile/below"])
def test_a_workspace_is_not_made_where_a_file_stands(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "afile").write_text("mine")
    assert in_process(monkeypatch, "init", str(tmp_path / where)) == 1
    assert "Choose another" in capsys.readouterr().err
    assert (tmp_path / "afile").read_text() == "mine"


def test_a_path_that_cannot_be_a_workspace_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(monkeypatch, "init", str(tmp_path / "shop [old]")) == 1
    assert "holds [ ]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_init_of_a_workspace_that_is_there_says_which_settings_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = str(tmp_path / "shop")
    assert in_process(monkeypatch, "init", shop, "--contact", "a@shop.example") == 0
    assert in_process(monkeypatch, "init", shop, "--contact", "b@shop.example") == 0
    assert "its contact stay" in capsys.readouterr().out


def test_what_the_system_refuses_is_one_line_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", "/srv/shop/lock")

    monkeypatch.setattr("modiste.cli.workspace.tell", refuse)
    assert in_process(monkeypatch, "init", str(tmp_path / "shop")) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: /srv/shop/lock: Permission denied. Mend that")
    assert len(said.splitlines()) == 1


def test_a_reader_that_stops_reading_is_no_error() -> None:
    command = f"{sys.executable} -P -m modiste taxonomy show clothing | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()[-1][-1]) == ("", "0")


def test_a_name_that_is_no_utf8_is_escaped_and_the_json_stays_whole(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/nonutf\xff8.png"
    Image.new("RGB", (64, 64), "red").save(os.fsdecode(odd), format="png")
    done = modiste("flow", "run", "clothing", str(tmp_path), "--json", PYTHONIOENCODING="utf-8:strict")
    assert "Traceback" not in done.stderr
    assert "nonutf\udcff8.png" in json.loads(done.stdout)["results"][0]["image"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "segmentation", "-s", "x", "--set", "logger=[csv"), "--set logger=[csv"),
        (("extract", "page.html", "--url", "shop"), "--url shop"),
    ],
)
def test_a_value_that_makes_no_sense_exits_with_two_and_is_named(
    tmp_path: Path,
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    in_process(monkeypatch, "init", ".")
    assert in_process(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err


def test_a_yaml_fault_is_told_on_one_line_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "modiste.yaml").write_text("name: shop\ncrawl: [1\n")
    assert in_process(monkeypatch, "check", "-w", str(tmp_path)) == 2
    assert "is not YAML: expected ',' or ']', but got '<stream end>' in line 3, column 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("split", "--stratify", "nosuch"), "--stratify nosuch: no image has a label in it"),
        (("evaluate", "latest", "--part", "nosuch"), "--part nosuch (expected test or validation)"),
        (("queue", "--field", "type", "--for", "nosuch"), "expected one of train, validation, test, masks"),
        (("label", "tags", "--taxonomy", "bad.yaml"), "is not YAML: expected the node content, but found"),
        (("crawl", "http://127.0.0.1:1", "--frontier", "nonsense"), "--frontier nonsense"),
        (("check", "--thresholds", "."), "can't be read: Is a directory"),
    ],
)
def test_a_word_that_is_not_known_here_exits_with_two_and_names_what_is(
    tmp_path: Path,
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("a: [")
    in_process(monkeypatch, "init", ".")
    ws = Workspace.open(tmp_path)
    ws.tables.append("images", [{"sha256": "a" * 64, "status": "ok"}])
    ws.tables.append("groups", [{"sha256": "a" * 64, "group_id": "a", "store": "shop"}])
    assert in_process(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err


def test_a_picture_that_cannot_be_searched_for_is_named(tmp_path: Path) -> None:
    class Nothing:
        def like_picture(self, *asked: object) -> None:
            raise ImageError("not_an_image", "no known image format")

    with pytest.raises(ImageError, match=r"notes\.txt: no known image format"):
        _like_picture(Nothing(), b"", "notes.txt", 3, None)  # type: ignore[arg-type]


def test_a_killed_run_is_listed_as_cut_off_and_one_at_work_as_running(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path)
    run = record.new_run(
        ws,
        task="tagging",
        recipe={"name": "x/y"},
        snapshot="s",
        fingerprint="f",
        taxonomy="clothing",
        seeds={},
        counts={},
    )
    assert "cut off" in shelf(ws).line()
    with record.locked(run.folder):
        assert "running" in shelf(ws).line()


def test_a_flow_ends_with_one_line_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    assert in_process(monkeypatch, "flow", "run", "clothing", str(tmp_path)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "flow clothing: 1 of 2 images, 1 failed"


def test_ctrl_c_that_an_import_swallows_is_raised_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), hearing_ctrl_c(), suppress(BaseException):
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_queue_on_a_full_disk_says_so_and_lets_go_of_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def executescript(self, sql: str) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", lambda *place, **more: Full())
        with pytest.raises(StorageError, match=r"disk is full\. Free some space"):
            SqliteQueue(tmp_path / "shop.sqlite")
    SqliteQueue(tmp_path / "shop.sqlite").close()


def test_a_table_that_may_not_be_made_is_a_storage_error() -> None:
    told = DeltaError("Could not create local directory: /x Error: Os { code: 30, kind: ReadOnlyFilesystem }")
    assert _is_of_storage(told)
    assert not _is_of_storage(DeltaError("Invalid data"))


def test_a_candidate_above_its_baseline_on_too_few_photos_is_not_called_worse() -> None:
    told = Verdict(False, ("10 photos can't tell",), "mean IoU", 10, 0.47, None, 0.22, 0.25, None, None, 0, ())
    assert told.line().startswith("held back: mean IoU 0.4700 (n = 10) beside 0.2200")
    assert "no better" not in told.line()


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_record_that_is_none_is_named_with_its_cure(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Workspace.init(tmp_path)
    for place in ("runs/x/run.json", "snapshots/spring.json"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    assert in_process(monkeypatch, "runs", "list", "-w", str(tmp_path)) == 1
    assert "run.json: can't be read. Delete the run folder" in capsys.readouterr().err
    assert in_process(monkeypatch, "export", "coco", "spring", "--out", str(tmp_path / "o"), "-w", str(tmp_path)) == 1
    assert "spring.json: was edited or cut short" in capsys.readouterr().err
