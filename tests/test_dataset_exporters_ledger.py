"""What an export says of itself, and how a take-down finds it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from exchange_drawn import copy_of, shop, truth
from typer.testing import CliRunner

from dataset.errors import DataError, UsageError
from dataset.exporters.ledger import exports_with
from dataset.exporters.run import export
from dataset.workspace import Workspace


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shop(tmp_path_factory.mktemp("ledger"))


@pytest.fixture
def ws(template: Workspace, tmp_path: Path) -> Workspace:
    return copy_of(template, tmp_path / "shop")


def test_export_json_names_the_snapshot_its_fingerprint_and_the_counts(ws: Workspace, tmp_path: Path):
    result = export(ws, "coco", "spring", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (told["snapshot"], told["fingerprint"]) == ("spring", result.fingerprint)
    assert (told["images"], told["with_masks"], told["classes"]) == (4, 4, ["skin", "garment"])
    assert told["images_are"]["as it was"]["images"] == 4
    assert "4 images (train 2, validation 1, test 1), 4 with masks; as it was 4" in result.line()


def test_an_exported_shard_is_found_by_an_image_in_it_even_when_it_was_moved(ws: Workspace, tmp_path: Path):
    export(ws, "webdataset", "spring", tmp_path / "out")
    export(ws, "coco", "spring", tmp_path / "elsewhere")
    shutil.move(tmp_path / "out", tmp_path / "moved")
    (test,) = [row for row in ws.tables.read("groups").to_pylist() if row["split"] == "test"]
    found = {exported.format: exported for exported in exports_with(ws, [test["sha256"]])}
    assert sorted(found) == ["coco", "webdataset"]
    assert found["webdataset"].files[0].startswith("test-000000.tar/")
    assert found["webdataset"].folder == str(tmp_path / "out")
    assert exports_with(ws, ["0" * 64]) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("url", "import://pairs/images/look%202.webp"),
        ("domain", "pairs"),
        ("sha256", None),
    ],
)
def test_what_was_taken_down_after_the_snapshot_is_left_out(
    ws: Workspace, tmp_path: Path, kind: str, value: str | None
):
    shas = sorted(truth(ws))
    ws.tables.append("takedowns", [{"kind": kind, "value": value or shas[0], "reason": "asked"}])
    if kind == "domain":
        with pytest.raises(Exception, match="no image could be exported"):
            export(ws, "parquet", "spring", tmp_path / "out")
        return
    result = export(ws, "parquet", "spring", tmp_path / "out")
    assert (result.images, result.left_out) == (3, {"taken down": 1})


def test_an_export_made_before_a_takedown_is_not_called_the_same(ws: Workspace, tmp_path: Path):
    export(ws, "coco", "spring", tmp_path / "out")
    ws.tables.append("takedowns", [{"kind": "sha256", "value": sorted(truth(ws))[0], "reason": "asked"}])
    with pytest.raises(UsageError, match="not empty"):
        export(ws, "coco", "spring", tmp_path / "out")


def test_a_damaged_entry_of_the_ledger_is_named(ws: Workspace, tmp_path: Path):
    export(ws, "coco", "spring", tmp_path / "out")
    (entry,) = (ws.root / "exports").glob("*/index.parquet")
    entry.write_bytes(b"nothing")
    with pytest.raises(DataError, match="can't be read"):
        exports_with(ws, sorted(truth(ws)))


def test_unknown_formats_masks_and_snapshots_are_refused_by_name(ws: Workspace, tmp_path: Path):
    with pytest.raises(UsageError, match="no export 'excel'"):
        export(ws, "excel", "spring", tmp_path / "out")
    with pytest.raises(UsageError, match="no 'depth' masks"):
        export(ws, "coco", "spring", tmp_path / "out", masks="depth")
    with pytest.raises(DataError, match="no snapshot 'autumn'"):
        export(ws, "coco", "autumn", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_line_exports_and_prints_json(ws: Workspace, tmp_path: Path):
    from modiste.cli.exports import group

    told = ["cvat", "spring", "--out", str(tmp_path / "out"), "-w", str(ws.root), "--json"]
    result = CliRunner().invoke(group, told)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["images"] == 4
    assert (tmp_path / "out" / "annotations.xml").is_file()
