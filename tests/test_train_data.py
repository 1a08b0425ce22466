"""Batches: photos fitted and padded, masks moved with them, the same draw whatever the workers."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.errors import EmptyError
from dataset.label_space import load_space
from dataset.masks import from_index, to_png
from dataset.snapshot import create_snapshot, load_snapshot
from dataset.workspace import Workspace
from train.data import (
    EpochSampler,
    Photos,
    masked_rows,
    pipeline,
    rows_of,
    segmentation_arrays,
    train_loader,
    truth,
)
from train.letterbox import letterbox, place
from train.recipe import Augment

STILL = Augment(flip=0, scale=0, rotate=0, shift=0, colour=0)

THREE = load_space("street-3")


def scene(seed: int, height: int = 96, width: int = 64) -> tuple[np.ndarray, np.ndarray, str]:
    """A person on a noisy ground: RGB, class map, and the garment's colour as its tag."""
    draw = np.random.default_rng(seed)
    word, colour = [("red", (200, 40, 40)), ("blue", (40, 60, 200))][seed % 2]
    index = np.zeros((height, width), np.uint8)
    left = int(draw.integers(width // 5, width // 3))
    index[height // 10 : height // 4, left + 6 : left + 18] = 1
    index[height // 4 : height * 3 // 4, left : left + 24] = 2
    index[height * 3 // 4 : height * 19 // 20, left + 4 : left + 20] = 1
    ground = np.array([90, 110, 90]) + draw.integers(-20, 20, 3)
    rgb = np.stack([ground, np.array([225, 180, 150]), np.array(colour)])[index] + draw.integers(
        -12, 12, (height, width, 3)
    )
    return np.clip(rgb, 0, 255).astype(np.uint8), index, word


def words_of(index: np.ndarray) -> np.ndarray:
    """A map of words: 1 head, 2 dress, 3 leg."""
    legs = (index == 1) & (np.arange(len(index))[:, None] > len(index) // 2)
    return np.where(legs, 3, index).astype(np.uint8)


def drawn_workspace(root: Path, parts: dict[str, int], mask_source: str = "cutout") -> Workspace:
    """A workspace of drawn scenes with masks, maps of words and a tag 'colour' and its snapshot 'v1'."""
    ws, now = Workspace.init(root), datetime(2026, 1, 1, tzinfo=UTC)
    tables: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("fetches", "images", "groups", "masks", "labels")
    }
    for number, split in enumerate(part for part, count in parts.items() for _ in range(count)):
        rgb, index, word = scene(number)
        sha = ws.blobs.put(png(rgb))
        mask = ws.blobs.put(to_png(from_index(index)))
        size = {"width": rgb.shape[1], "height": rgb.shape[0]}
        tables["fetches"].append(
            {"crawl_id": "c", "store": "drawn", "product_id": str(number), "page_url": f"p{number}",
             "url": f"u{number}", "status": "ok", "sha256": sha, "position": 0, "fetched_at": now})  # fmt: skip
        tables["images"].append({"sha256": sha, "status": "ok", "view": "scene", "checked_at": now, **size})
        tables["groups"].append(
            {"sha256": sha, "store": "drawn", "group_id": sha, "cluster_id": sha, "split": split, "split_rule": "{}"}
        )
        tables["masks"].append(
            {"sha256": sha, "kind": "composite", "source": mask_source, "status": "ok", "mask_sha256": mask,
             "created_at": now, **size})  # fmt: skip
        words = {"kind": "labels", "method": json.dumps({"names": {"1": "head", "2": "dress", "3": "leg"}})}
        tables["masks"].append(
            {"sha256": sha, "source": mask_source, "status": "ok", "mask_sha256": ws.blobs.put(png(words_of(index))),
             "created_at": now, **words, **size})  # fmt: skip
        tables["labels"].append(
            {"sha256": sha, "field": "colour", "value": word, "word": word, "source": "store", "confidence": 1.0,
             "taxonomy": "clothing@1#abc", "created_at": now})  # fmt: skip
    for name, rows in tables.items():
        ws.tables.append(name, rows)
    create_snapshot(ws, "v1")
    return ws


def png(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_photo_is_padded_never_stretched() -> None:
    spot = place(825, 550, (288, 192))
    assert (spot.height, spot.width, spot.top, spot.left) == (288, 192, 0, 0)
    wide = place(100, 200, (64, 64))
    assert (wide.height, wide.width, wide.top, wide.left) == (32, 64, 16, 0)


def test_a_class_map_is_resized_by_nearest_and_padded_with_255() -> None:
    boxed = letterbox(np.array([[0, 2]] * 3, np.uint8), (32, 32), 255)
    assert set(np.unique(boxed)) == {0, 2, 255}
    assert (boxed[:, 0] == 255).all()


def test_one_pixel_fits_too() -> None:
    assert letterbox(np.full((1, 900, 3), 7, np.uint8), (32, 32)).shape == (32, 32, 3)


def test_a_mask_moves_with_its_photo() -> None:
    rgb = np.zeros((1, 64, 64, 3), np.uint8)
    rgb[:, 10:40, 20:50] = 250
    truth = (rgb[..., 0] > 0).astype(np.uint8)
    photos = Photos(rgb, truth, Augment(flip=1.0, scale=0.3, rotate=20, shift=0.1, colour=0), seed=3)
    for epoch in range(5):
        photo, mask = photos[epoch]
        agree = (photo[0] > 187) == (mask == 1)
        assert agree[mask != 255].float().mean() > 0.97


def test_a_closer_look_moves_photo_and_mask_alike() -> None:
    rgb = np.zeros((1, 64, 64, 3), np.uint8)
    rgb[:, 24:40, 24:40] = 250
    truth = (rgb[..., 0] > 0).astype(np.uint8)
    photos = Photos(rgb, truth, STILL.model_copy(update={"close": 1.0}), seed=1)
    areas = []
    for epoch in range(20):
        photo, mask = photos[epoch]
        known = mask != 255
        assert ((photo[0] > 187) == (mask == 1))[known].float().mean() > 0.95
        areas.append(int((mask == 1).sum()))
    assert 1.3 < max(areas) / 256 < 5.0  # 1.2 to 2.2 times the side, less what left the frame


@pytest.mark.parametrize("worse", ["small", "blur", "jpeg"])
def test_detail_goes_and_the_mask_stays(worse: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3)).astype(np.uint8)
    truth = (rgb[..., 0] > 99).astype(np.uint8)
    photo, mask = Photos(rgb, truth, STILL.model_copy(update={worse: 1.0}), seed=1)[0]
    assert np.array_equal(mask.numpy(), truth[0])
    steps = [
        float(np.abs(np.diff(each.astype(float), axis=1)).mean()) for each in (rgb[0], photo.permute(1, 2, 0).numpy())
    ]
    assert steps[1] < 0.9 * steps[0]


def test_a_step_left_out_draws_nothing() -> None:
    """What a recipe from before these keys drew, it draws today: the pipeline holds the same three steps."""
    assert len(pipeline(Augment()).transforms) == 3
    assert len(pipeline(Augment(small=0.1, jpeg=0.1)).transforms) == 5


def test_a_draw_depends_on_seed_epoch_and_place_alone() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3)).astype(np.uint8)
    truth = np.zeros((6, 32, 32), np.uint8)

    def epoch(workers: int, number: int) -> list[np.ndarray]:
        loader = train_loader(Photos(rgb, truth, Augment(), 5), 2, workers, 5)
        assert isinstance(loader.sampler, EpochSampler)
        loader.sampler.set_epoch(number)
        return [batch[0].numpy() for batch in loader]

    alone, helped, later = epoch(0, 1), epoch(2, 1), epoch(0, 2)
    assert all(np.array_equal(a, b) for a, b in zip(alone, helped, strict=True))
    assert not np.array_equal(alone[0], later[0])


def test_the_cache_holds_what_the_blobs_hold(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, {"train": 3, "validation": 1})
    frozen = load_snapshot(ws, "v1")
    rows = masked_rows(frozen, "train", ["cutout"], THREE)
    photos, masks = segmentation_arrays(ws, frozen, "train", rows, (96, 64), THREE)
    again, _ = segmentation_arrays(ws, frozen, "train", rows, (96, 64), THREE)
    rgb = np.asarray(Image.open(io.BytesIO(ws.blobs.get(rows[1]["sha256"]))))
    assert np.array_equal(photos[1], rgb)
    assert np.array_equal(photos, again)
    assert [int((masks == each).sum() > 0) for each in range(3)] == [1, 1, 1]


def test_an_empty_part_shows_the_counts(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, {"train": 2})
    with pytest.raises(EmptyError, match=r"no images in the test part.*'train': 2"):
        rows_of(load_snapshot(ws, "v1"), "test")


def test_a_truth_of_words_follows_its_label_space(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("classes: {background: [], leg: [leg], dress: [dress]}\ngarments: [dress]\n")
    ws, space = drawn_workspace(tmp_path / "w", {"train": 1}), load_space(str(tmp_path / "s.yaml"))
    row = masked_rows(load_snapshot(ws, "v1"), "train", ["cutout"], space)[0]
    expected = np.array([0, 255, 2, 1], np.uint8)[words_of(scene(0)[1])]  # nobody named the head: it is not counted
    assert np.array_equal(truth(ws, row, space), expected)


def test_grabcut_masks_are_left_out_unless_a_recipe_asks(tmp_path: Path) -> None:
    frozen = load_snapshot(drawn_workspace(tmp_path, {"train": 2}, "grabcut"), "v1")
    with pytest.raises(EmptyError, match="mask_sources"):
        masked_rows(frozen, "train", ["cutout", "review"], THREE)
    assert len(masked_rows(frozen, "train", ["cutout", "grabcut"], THREE)) == 2


def test_labels_come_as_a_dict(tmp_path: Path) -> None:
    rows = rows_of(load_snapshot(drawn_workspace(tmp_path, {"train": 2}), "v1"), "train")
    assert json.dumps(sorted(row["labels"]["colour"] for row in rows)) == '["blue", "red"]'
