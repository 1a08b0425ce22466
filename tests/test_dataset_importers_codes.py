"""The codes of masks against known answers, and the JSON reader in small windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import SIZE, composite, garment, write
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from dataset.errors import DataError, MaskError
from dataset.importers import rle, stream
from dataset.importers.layout import Region
from dataset.importers.polygons import fill, fill_all, fill_centres, outlines, points_of
from dataset.importers.roles import masks_of, role_by
from dataset.importers.words import Words
from dataset.taxonomy import load_taxonomy

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_every_code_gives_back_every_pixel(mask: np.ndarray):
    size = (mask.shape[0], mask.shape[1])
    assert (rle.from_coco(rle.coco_counts(mask), size) == mask).all()
    assert (rle.from_label_studio(rle.label_studio_rle(mask), size) == mask).all()
    if mask.any():
        assert (rle.from_cvat(*rle.cvat_runs(mask), size) == mask).all()


def test_coco_codes_are_those_of_pycocotools():
    """What pycocotools 2.0.11 gives for this mask."""
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    mask[3, 4] = True
    assert rle.coco_counts(mask) == [5, 2, 2, 2, 2, 2, 4, 1]
    assert (rle.from_coco("5220002O", (4, 5)) == mask).all()


def test_label_studio_runs_longer_than_16_bits_are_cut_in_pieces():
    mask = np.zeros((200, 200), bool)
    mask[100:, 50:] = True
    assert (rle.from_label_studio(rle.label_studio_rle(mask), (200, 200)) == mask).all()


@pytest.mark.parametrize("code", [[], [0, 0, 0, 4], [255] * 40, [1, 2, "x"], [0, 0, 39, 16, 58, 35, 127, 128]])
def test_a_broken_brush_is_a_mask_error(code: list[int]):
    with pytest.raises(MaskError):
        rle.from_label_studio(code, (50, 50))


def test_a_cvat_box_outside_the_image_is_a_mask_error():
    with pytest.raises(MaskError, match="inside"):
        rle.from_cvat([0, 4], 9, 9, 2, 2, (10, 10))


def test_polygons_fill_as_pycocotools_fills_them():
    """Areas of pycocotools 2.0.11: a rectangle on whole pixels, one off the grid, one that leaves the image."""
    assert fill(points_of([2, 1, 6, 1, 6, 5, 2, 5]), (8, 8)).sum() == 16
    assert fill(points_of([1.5, 1.5, 5.5, 1.5, 5.5, 5.5, 1.5, 5.5]), (8, 8)).sum() == 16
    assert fill(points_of([-3, -3, 4, -3, 4, 4, -3, 4]), (8, 8)).sum() == 16
    assert fill_all([[0, 0, 2, 0, 2, 2, 0, 2], [4, 4, 6, 4, 6, 6, 4, 6]], (8, 8)).sum() == 8


def test_outlines_joined_by_cuts_give_holes_and_parts_back():
    drawn = np.zeros(SIZE, bool)
    for outline in outlines(garment()):
        drawn |= fill_centres(outline, SIZE)
    assert (drawn == garment()).all()


@pytest.mark.parametrize("flat", [[1, 2], [1, 2, 3, 4, 5], [0, 0, float("nan"), 1, 2, 2], ["a"] * 6])
def test_what_is_no_polygon_is_a_mask_error(flat: list[float]):
    with pytest.raises(MaskError):
        points_of(flat)


def test_shoes_and_hats_are_the_persons_and_not_the_garments():
    kinds = {"dress": "dress", "boots": "shoes", "sofa": None}
    assert [role_by(word, kinds.get(word)) for word in ("dress", "boots", "sofa", "hair", "Garment")] == [
        "garment", "worn", "other", "person", "garment",
    ]  # fmt: skip
    regions = [Region("dress", np.eye(6, dtype=bool)), Region("boots", np.fliplr(np.eye(6, dtype=bool)))]
    made = masks_of(regions, (6, 6), lambda word: role_by(word, kinds[word]), False)
    assert [mask.kind for mask in made] == ["labels", "garment"]
    assert [mask.kind for mask in masks_of(regions, (6, 6), lambda w: role_by(w, kinds[w]), True)][-1] == "composite"


def test_a_region_of_another_size_is_refused():
    with pytest.raises(MaskError, match="'dress'"):
        masks_of([Region("dress", composite()[:, :, 0] > 0)], (3, 3), lambda word: "garment", False)


def test_json_is_read_item_by_item_whatever_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = {
        "info": {"a": [1, {"b": "]"}]},
        "skipped": [1, 2],
        "images": [{"id": k, "n": 'é"}' * k} for k in range(30)],
        "x": 12,
    }
    path = write(tmp_path / "a.json", json.dumps(told, ensure_ascii=False, indent=2))
    for window in (1, 7, 4096):
        monkeypatch.setattr(stream, "_CHUNK", window)
        found = list(stream.items(path, ("images", "annotations")))
        assert [item for _, item, _ in found] == told["images"]
        assert all(json.loads(text) == item for _, item, text in found)
    numbers = write(tmp_path / "b.json", "[123, 4567, -8]")
    monkeypatch.setattr(stream, "_CHUNK", 2)
    assert list(stream.array(numbers)) == [123, 4567, -8]


def test_an_item_without_an_end_is_not_read_into_memory_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "MAX_ITEM_CHARS", 10_000)
    monkeypatch.setattr(stream, "_CHUNK", 1_000)
    path = write(tmp_path / "a.json", '{"images": ["' + "x" * 100_000 + '"]}')
    with pytest.raises(DataError, match="too long"):
        list(stream.items(path, ("images",)))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("short_sleeved_dress", "dress"),
        ("vest dress", "dress"),
        ("long sleeve outwear", "outwear"),
        ("shirt, blouse", "shirt"),
        ("top, t-shirt, sweatshirt", None),
        ("bag, wallet", "accessory"),
        ("gizmo", None),
    ],
)
def test_words_of_other_data_sets_find_their_type(word: str, value: str | None):
    words = Words(load_taxonomy("clothing"), None, "import:test")
    assert words.type_of(word) == value


def test_roles_are_told_where_a_type_is_not():
    words = Words(load_taxonomy("footwear"), None, "import:test")
    told = ("top, t-shirt, sweatshirt", "bag, wallet", "boots", "gizmo", "skin")
    assert [words.role_of(word) for word in told] == ["garment", "worn", "worn", "other", "person"]
