"""Every format that claims exactness, pixel for pixel, on masks with holes, islands and disjoint parts."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from exchange_drawn import copy_of, shop, truth
from PIL import Image

from dataset.blobs import sha256_of
from dataset.errors import EmptyError, UsageError
from dataset.exporters.run import WRITERS, export
from dataset.importers.run import import_data
from dataset.masks import from_index
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shop(tmp_path_factory.mktemp("exchange"))


@pytest.mark.parametrize("format_", ["coco", "yolo", "cvat", "labelstudio"])
def test_masks_labels_and_split_survive_going_out_and_coming_back(ws: Workspace, tmp_path: Path, format_: str):
    assert export(ws, format_, "spring", tmp_path / "out").with_masks == 4
    other = Workspace.init(tmp_path / "other")
    result = import_data(other, format_, tmp_path / "out")
    assert (result.images, result.failed, result.bad_masks) == (4, 0, 0)
    back, before = truth(other), truth(ws)
    assert sorted(back) == sorted(before)
    assert all((back[sha256] == before[sha256]).all() for sha256 in before)
    given = dict(line.split(",") for line in (other.root / str(result.split)).read_text().splitlines()[1:])
    assert given == {row["sha256"]: row["split"] for row in ws.tables.read("groups").to_pylist()}
    words = other.tables.read("labels", ["field", "value", "word"]).to_pylist()
    assert words == ([] if format_ == "yolo" else 4 * [{"field": "type", "value": "dress", "word": "dress"}])


def test_webdataset_samples_hold_image_mask_and_facts_under_one_key(ws: Workspace, tmp_path: Path):
    export(ws, "webdataset", "spring", tmp_path / "out")
    before, seen = truth(ws), {}
    for path in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
        for name in [name for name in members if name.endswith(".json")]:
            told, key = json.loads(members[name]), name.removesuffix(".json")
            assert told["split"] == path.name.split("-")[0]
            seen[told["sha256"]] = np.asarray(Image.open(io.BytesIO(members[f"{key}.seg.png"])))
    assert sorted(seen) == sorted(before)
    assert all((from_index(seen[sha256]) == before[sha256]).all() for sha256 in before)


def test_the_same_snapshot_gives_the_same_shards_byte_for_byte(ws: Workspace, tmp_path: Path):
    for name in ("a", "b"):
        export(ws, "webdataset", "spring", tmp_path / name)
    shards = sorted(path.name for path in (tmp_path / "a").glob("*.tar"))
    assert shards == ["test-000000.tar", "train-000000.tar", "validation-000000.tar"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in shards)


def test_parquet_rows_hold_the_image_and_its_exact_mask(ws: Workspace, tmp_path: Path):
    export(ws, "parquet", "spring", tmp_path / "out")
    before = truth(ws)
    table = pq.read_table(tmp_path / "out" / "data" / "train-00000.parquet")
    assert json.loads(table.schema.metadata[b"classes"]) == ["background", "skin", "garment"]
    rows = table.to_pylist()
    assert len(rows) == 2
    for row in rows:
        assert (from_index(np.asarray(Image.open(io.BytesIO(row["mask"]["bytes"])))) == before[row["sha256"]]).all()
        assert row["label_type"] == "dress"


def test_hugging_face_metadata_names_files_that_are_there(ws: Workspace, tmp_path: Path):
    export(ws, "huggingface", "spring", tmp_path / "out")
    before, found = truth(ws), 0
    for path in (tmp_path / "out" / "data").glob("*/metadata.parquet"):
        for row in pq.read_table(path).to_pylist():
            mask = np.asarray(Image.open(path.parent / row["mask_file_name"]))
            assert (from_index(mask) == before[row["sha256"]]).all()
            found += Image.open(path.parent / row["file_name"]).size == (row["width"], row["height"])
    assert found == 4


@pytest.mark.parametrize("format_", ["coco", "yolo", "cvat", "labelstudio", "huggingface"])
def test_every_name_in_the_index_is_the_image_it_says(ws: Workspace, tmp_path: Path, format_: str):
    export(ws, format_, "spring", tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "index.parquet").to_pylist()
    assert len(rows) == 4
    for row in rows:
        path = tmp_path / "out" / row["file"]
        assert path.stem == row["sha256"][:16]
        assert sha256_of(path.read_bytes()) == row["exported_sha256"]


def test_yolo_polygons_say_by_how_many_pixels_they_miss(ws: Workspace, tmp_path: Path):
    export(ws, "yolo", "spring", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "export.json").read_text())["polygons"]
    assert told["px_of_masks"] == sum(int((mask[:, :, 1:] == 255).sum()) for mask in truth(ws).values())
    assert told["px_off"] <= 0.01 * told["px_of_masks"]
    for path in (tmp_path / "out" / "masks").rglob("*.png"):
        path.unlink()
    other = Workspace.init(tmp_path / "other")
    import_data(other, "yolo", tmp_path / "out")
    off = sum(int((truth(other)[sha256] != mask).any(axis=2).sum()) for sha256, mask in truth(ws).items())
    assert off <= 2 * told["px_off"]


@pytest.mark.parametrize("format_", sorted(WRITERS))
def test_exporting_again_changes_nothing_and_another_export_is_refused(ws: Workspace, tmp_path: Path, format_: str):
    first = export(ws, format_, "spring", tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = export(ws, format_, "spring", tmp_path / "out")
    assert again.was_there
    assert (again.images, again.parts) == (first.images, {"train": 2, "validation": 1, "test": 1})
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times
    with pytest.raises(UsageError, match="not empty"):
        export(ws, format_, "spring", tmp_path / "out", masks="none")


def test_a_map_of_labels_goes_out_and_back_with_its_own_words(ws: Workspace, tmp_path: Path):
    export(ws, "coco", "spring", tmp_path / "first")
    for path in (tmp_path / "first" / "annotations").glob("*.json"):
        path.write_text(path.read_text().replace('"name": "skin"', '"name": "wallet"'))
    middle = Workspace.init(tmp_path / "middle")
    import_data(middle, "coco", tmp_path / "first")
    middle.tables.upsert("images", ws.tables.read("images"))
    middle.tables.upsert("groups", ws.tables.read("groups"))
    create_snapshot(middle, "s")
    result = export(middle, "cvat", "s", tmp_path / "second", masks="labels")
    assert result.with_masks == 4
    last = Workspace.init(tmp_path / "last")
    import_data(last, "cvat", tmp_path / "second")
    maps = [
        {row["sha256"]: row["mask_sha256"] for row in w.tables.read("masks", where="kind = 'labels'").to_pylist()}
        for w in (middle, last)
    ]
    assert len(maps[0]) == 4
    assert maps[0] == maps[1]


def test_an_interrupted_export_leaves_nothing_behind(ws: Workspace, tmp_path: Path):
    def stop(done: int, total: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(ws, "coco", "spring", tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_image_whose_blob_is_gone_is_left_out_and_counted(ws: Workspace, tmp_path: Path):
    ws = copy_of(ws, tmp_path / "shop")
    shas = sorted(truth(ws))
    ws.blobs.delete(shas[0])
    result = export(ws, "coco", "spring", tmp_path / "out")
    assert (result.images, result.left_out) == (3, {"image gone or changed": 1})
    for sha256 in shas[1:]:
        ws.blobs.delete(sha256)
    with pytest.raises(EmptyError, match="no image could be exported"):
        export(ws, "coco", "spring", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_image_without_its_mask_goes_out_without_objects(ws: Workspace, tmp_path: Path):
    ws = copy_of(ws, tmp_path / "shop")
    row = ws.tables.read("masks", where="kind = 'composite'").to_pylist()[0]
    ws.blobs.delete(row["mask_sha256"])
    result = export(ws, "webdataset", "spring", tmp_path / "out")
    assert (result.images, result.with_masks, result.left_out) == (4, 3, {"mask gone or changed": 1})
