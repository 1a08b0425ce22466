"""Thresholds: changed without measuring again, per view; and tables that were written before a column existed."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from dataset import schema
from dataset.check import check
from dataset.columns import add_missing
from dataset.duplicates import dedup
from dataset.errors import SettingsError
from dataset.thresholds import THRESHOLDS, count_issues, issues, issues_sql, read_thresholds
from dataset.workspace import Workspace

A, B, C = "a" * 64, "b" * 64, "c" * 64
LATER = ("colour_grid", "overlay", "frame")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


@pytest.fixture
def older(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose `images` was written before the columns of checker 2."""
    fields = [field for field in schema.SCHEMAS["images"] if field.name not in LATER]
    with monkeypatch.context() as patch:
        patch.setitem(schema.SCHEMAS, "images", pa.schema(fields))
        row = {"status": "ok", "view": "scene", "checker": "1", "contrast": 0.3}
        ws.tables.append(
            "images", [row | {"sha256": A, "phash": "0" * 16}, row | {"sha256": B, "phash": "0" * 15 + "3"}]
        )
    return ws


def test_new_thresholds_count_all_images_and_measure_none(ws: Workspace, tmp_path: Path):
    rows = [("packshot", 0.30), ("scene", 0.30), ("scene", 0.60)]
    ws.tables.append(
        "images",
        [{"sha256": n, "status": "ok", "view": v, "contrast": c} for n, (v, c) in zip("abc", rows, strict=True)],
    )
    ws.tables.append("fetches", [{"url": "u", "status": "failed"}])
    assert count_issues(ws)["flat"] == 1
    (tmp_path / "t.yaml").write_text("scene: {contrast: 0.7}\n")
    limits = read_thresholds(tmp_path / "t.yaml")
    result = check(ws, thresholds=limits)
    assert (result.checked, result.all_issues["flat"]) == (0, 2)
    assert "flat 2" in result.line()
    assert limits["packshot"] == THRESHOLDS["packshot"]


def test_the_select_says_of_each_issue_whether_it_is_one_and_agrees_with_the_function(ws: Workspace):
    rows = [
        {"sha256": A, "view": "packshot", "frame": 0.5, "sharpness": 0.9},
        {"sha256": B, "view": "scene", "aspect": 0.1},
    ]
    ws.tables.append("images", [row | {"status": "ok"} for row in rows])
    told = {row["sha256"]: row for row in ws.tables.query(issues_sql()).to_pylist()}
    assert (told[A]["is_framed_issue"], told[A]["is_blurred_issue"], told[A]["is_flat_issue"]) == (True, False, None)
    for row in rows:
        assert issues(row) == [k[3:-6] for k, v in told[row["sha256"]].items() if v is True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenes: {contrast: 0.1}", r"unknown \['scenes'\]"),
        ("scene: {contrst: 0.1}", "contrst"),
        ("scene: {contrast: 7}", "scene.contrast.*7 is no limit"),
        ("scene: [1, 2]", "a mapping"),
        ("scene: {", "is not YAML"),
    ],
)
def test_a_bad_file_of_thresholds_says_where(tmp_path: Path, text: str, message: str):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(SettingsError) as told:
        read_thresholds(tmp_path / "t.yaml")
    assert re.search(message, str(told.value), re.DOTALL)
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        read_thresholds(tmp_path / "none.yaml")


def test_columns_of_a_table_written_before_them_read_as_null(older: Workspace):
    wanted = ["sha256", *LATER]
    (row, _) = older.tables.query(f"SELECT {', '.join(wanted)} FROM images ORDER BY sha256").to_pylist()
    assert row == {"sha256": A, "colour_grid": None, "overlay": None, "frame": None}
    assert older.tables.read("images", wanted).num_rows == 2
    assert dedup(older).duplicates == 1
    assert count_issues(older) == {**dict.fromkeys(count_issues(older), 0), "flat": 2}


def test_an_older_table_gets_the_columns_once_and_takes_new_rows(older: Workspace):
    before = older.tables.version("images")
    assert add_missing(older, "images") == list(LATER)
    assert add_missing(older, "images") == []
    older.tables.upsert("images", [{"sha256": C, "status": "ok", "frame": 0.5}])
    found = {row["sha256"]: row["frame"] for row in older.tables.read("images", ["sha256", "frame"]).to_pylist()}
    assert found == {A: None, B: None, C: 0.5}
    assert older.tables.read("images", ["sha256"], version=before).num_rows == 2
