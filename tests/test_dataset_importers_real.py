"""`street` and `wardrobe` of the shared data: how many of what, and masks by the article's own arithmetic."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import truth, usable
from PIL import Image

from dataset.exporters.run import export
from dataset.importers.root import Root
from dataset.importers.run import READERS, import_data
from dataset.snapshot import create_snapshot
from dataset.taxonomy import load_taxonomy
from dataset.workspace import Workspace
from modiste.demo.photos import CLOTHES

DATA = Path(os.environ.get("MODISTE_DATA") or Path(__file__).parents[2] / "shared" / "data")


def folder(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {name} at {DATA}: set MODISTE_DATA")
    return DATA / name


def test_street_lists_675_photos_split_by_their_number():
    records = READERS["street"](Root(folder("street"))).records
    assert len(records) == 675
    parts = [record.split for record in records]
    assert [parts.count(part) for part in ("train", "validation", "test")] == [405, 135, 135]


def test_wardrobe_lists_3409_photos_in_ten_classes_with_a_tenth_of_train_for_the_test():
    records = READERS["wardrobe"](Root(folder("wardrobe"))).records
    assert len(records) == 3_068 + 341
    assert len({word for record in records for _, word in record.words}) == 10
    parts = [record.split for record in records]
    assert parts.count("validation") == 341
    assert 0.08 < parts.count("test") / 3_068 < 0.12


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Twenty street photos, ten of them frozen as snapshot `s`."""
    ws = Workspace.init(tmp_path_factory.mktemp("street") / "ws")
    result = import_data(ws, "street", folder("street"), limit=20)
    assert (result.images, result.masks, result.failed, result.bad_masks) == (20, 80, 0, 0)
    usable(ws, ("train", "test") * 10)
    create_snapshot(ws, "s", where="split = 'test'")
    return ws


def test_street_masks_follow_the_article(twenty: Workspace):
    street = folder("street")
    names = {int(value): name for value, name in json.loads((street / "labels.json").read_text()).items()}
    urls = {row["sha256"]: row["url"] for row in twenty.tables.read("fetches").to_pylist()}
    for sha256, found in truth(twenty).items():
        labels = np.asarray(Image.open(street / "labels" / f"{Path(urls[sha256]).stem}.png"))
        garment = np.isin(labels, [value for value, name in names.items() if name in CLOTHES])
        assert ((found[:, :, 2] == 255) == garment).all()
        assert ((found[:, :, 1] == 255) == ((labels > 0) & ~garment)).all()


@pytest.mark.parametrize("format_", ["coco", "yolo", "cvat", "labelstudio"])
@pytest.mark.parametrize("kind", ["composite", "labels"])
def test_masks_of_real_photos_go_out_and_back_pixel_for_pixel(
    twenty: Workspace, tmp_path: Path, format_: str, kind: str
):
    assert export(twenty, format_, "s", tmp_path / "out", masks=kind).with_masks == 10
    other = Workspace.init(tmp_path / "other")
    assert import_data(other, format_, tmp_path / "out").bad_masks == 0
    before, back = (
        {row["sha256"]: row["mask_sha256"] for row in ws.tables.read("masks", where=f"kind = '{kind}'").to_pylist()}
        for ws in (twenty, other)
    )
    assert len(back) == 10
    assert back.items() <= before.items()


def test_the_taxonomy_and_the_article_agree_on_what_is_a_garment():
    clothing = load_taxonomy("clothing")
    types = {word: (fields or {}).get("type") for word, fields in clothing.file.mappings["street"].items()}
    garments = {word for word, kind in types.items() if kind and kind not in ("shoes", "hat", "socks", "accessory")}
    assert garments == CLOTHES


def test_twenty_wardrobe_photos_are_labelled_by_their_folder(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    result = import_data(ws, "wardrobe", folder("wardrobe"), limit=20)
    assert (result.images, result.labels, result.unmapped) == (20, 20, {})
    assert set(ws.tables.read("labels")["value"].to_pylist()) == {"dress"}
