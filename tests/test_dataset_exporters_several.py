"""Several values of one field go out in every format, and come back as the same rows where there is a way back."""

from __future__ import annotations

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from exchange_drawn import copy_of, shop, usable

from dataset.exporters.run import export
from dataset.importers.run import import_data
from dataset.snapshot import create_snapshot, items
from dataset.workspace import Workspace

PAIR = ["cotton", "synthetic"]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four images: the first is of two materials, the second of one, the others of none that anybody named."""
    root = tmp_path_factory.mktemp("several")
    ws = copy_of(shop(root), root / "copy")
    first, second = sorted(ws.tables.read("images")["sha256"].to_pylist())[:2]
    base = {"field": "material", "source": "person", "confidence": 1.0, "created_at": datetime(2026, 5, 1, tzinfo=UTC)}
    told = [(first, "cotton"), (first, "synthetic"), (second, "wool")]
    ws.tables.append("labels", [base | {"sha256": sha, "value": value, "word": value} for sha, value in told])
    create_snapshot(ws, "several")
    return ws


def labels(ws: Workspace) -> list[Any]:
    return [json.loads(text) for text in items(ws)["labels"].to_pylist()]


def exported(ws: Workspace, format_: str, out: Path) -> Path:
    export(ws, format_, "several", out, masks="none")
    return out


def test_a_snapshot_holds_a_list_of_several_and_a_word_of_one(ws: Workspace):
    assert [each.get("material") for each in labels(ws)] == [PAIR, "wool", None, None]


@pytest.mark.parametrize("format_", ["coco", "cvat", "labelstudio"])
def test_values_survive_going_out_and_coming_back(ws: Workspace, tmp_path: Path, format_: str):
    other = Workspace.init(tmp_path / "other")
    result = import_data(other, format_, exported(ws, format_, tmp_path / "out"))
    assert (result.images, result.failed, result.labels) == (4, 0, 7)
    usable(other)
    assert labels(other) == labels(ws)
    create_snapshot(other, "several")
    again = Workspace.init(tmp_path / "again")
    import_data(again, format_, exported(other, format_, tmp_path / "second"))
    names = ["sha256", "field", "value", "word"]
    rows = [w.tables.read("labels", names).sort_by([(name, "ascending") for name in names]) for w in (other, again)]
    assert rows[0].equals(rows[1])


def test_label_studio_may_choose_many_only_where_an_image_has_several(ws: Workspace, tmp_path: Path):
    out = exported(ws, "labelstudio", tmp_path / "out")
    config = (out / "config.xml").read_text()
    assert '<Choices name="material" toName="image" choice="multiple"><Choice value="cotton"/>' in config
    assert '<Choices name="type" toName="image"><Choice' in config
    told = [r for task in json.loads((out / "tasks.json").read_text()) for r in task["annotations"][0]["result"]]
    assert sorted(r["value"]["choices"] for r in told if r["from_name"] == "material") == [PAIR, ["wool"]]


def test_cvat_has_a_tag_for_each_further_value(ws: Workspace, tmp_path: Path):
    text = (exported(ws, "cvat", tmp_path / "out") / "annotations.xml").read_text()
    one = '<attribute name="material">cotton</attribute><attribute name="type">dress</attribute></tag>'
    assert f'{one}\n<tag label="labels" source="manual"><attribute name="material">synthetic</attribute></tag>' in text
    assert text.count("<tag label") == 5


@pytest.mark.parametrize(("format_", "pattern"), [("parquet", "data/*.parquet"), ("huggingface", "data/*/*.parquet")])
def test_tables_join_several_values_in_one_text(ws: Workspace, tmp_path: Path, format_: str, pattern: str):
    files = exported(ws, format_, tmp_path / "out").glob(pattern)
    told = [value for path in files for value in pq.read_table(path)["label_material"].to_pylist()]
    assert sorted(told, key=str) == [None, None, "cotton|synthetic", "wool"]


def test_coco_and_webdataset_hold_lists(ws: Workspace, tmp_path: Path):
    coco = exported(ws, "coco", tmp_path / "coco") / "annotations"
    images = [image for path in coco.glob("*.json") for image in json.loads(path.read_text())["images"]]
    assert PAIR in [image["labels"].get("material") for image in images]
    held = []
    for path in exported(ws, "webdataset", tmp_path / "web").glob("*.tar"):
        with tarfile.open(path) as tar:
            held += [json.load(tar.extractfile(m))["labels"] for m in tar.getmembers() if m.name.endswith(".json")]
    assert sorted((each.get("material") for each in held), key=str) == [None, None, PAIR, "wool"]
