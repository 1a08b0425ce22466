"""People who wear what is not theirs, at the photo's size, and people made of training photos: pixels and lineage."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from test_train_data import drawn_workspace
from test_train_generation import PARTS, train

from dataset.errors import UsageError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.generate import Generated, generate
from modiste.generate_large import grown, laid_on, without_padding
from train import record
from train.generation_data import rows_for
from train.generation_samples import load_maker


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    for recipe in ("garment-to-model", "pix2pix-canvas"):
        train(found, recipe)
    return found


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rgba = np.zeros((90, 70, 4), np.uint8)
    rgba[5:85, 5:65] = (10, 200, 40, 255)
    path = tmp_path_factory.mktemp("cutout") / "green.png"
    Image.fromarray(rgba).save(path)
    return path


def of(ws: Workspace, recipe: str) -> str:
    return next(run.id for run in record.list_runs(ws) if run.data["recipe"]["name"] == f"generation/{recipe}")


def made(ws: Workspace, recipe: str, out: Path, **words: Any) -> Generated:
    return generate(ws, of(ws, recipe), out=out, device="cpu", **words)


def told(found: Generated) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(Path(found.lineage).read_text())["pictures"]
    return rows


def training(ws: Workspace, recipe: str) -> set[str]:
    maker = load_maker(record.load(ws, of(ws, recipe)).folder)
    return {str(row["sha256"]) for row in rows_for(load_snapshot(ws, "v1"), "train", maker.recipe, maker.classes)}


@pytest.mark.parametrize("recipe", ["garment-to-model", "pix2pix-canvas"])
def test_at_the_photos_size_the_garment_is_there_in_its_own_pixels(
    ws: Workspace, recipe: str, green: Path, tmp_path: Path
) -> None:
    small = made(ws, recipe, tmp_path / "a", n=1, garment=green, region="garment", seed=2)
    large = made(ws, recipe, tmp_path / "b", n=1, garment=green, region="garment", seed=2, size="photo")
    person = told(large)[0]["person"]
    photo = Image.open(io.BytesIO(ws.blobs.get(person)))
    shown = [np.asarray(Image.open(Path(each.out) / each.files[0])) for each in (small, large)]
    greens = [(each == (10, 200, 40)).all(-1).mean() for each in shown]
    assert shown[1].shape[:2] == (photo.height, photo.width)
    assert min(greens) > 0.03
    assert abs(greens[1] - greens[0]) < 0.1
    assert b"compositeWithTrainedAlgorithmicMedia" in (tmp_path / "b" / large.files[0]).read_bytes()


def test_a_canvas_says_whose_pixels_are_in_it_and_they_are_training_photos(ws: Workspace, tmp_path: Path) -> None:
    found = made(ws, "pix2pix-canvas", tmp_path, n=3)
    learned = training(ws, "pix2pix-canvas")
    assert all(row["pixels_of"] and set(row["pixels_of"]) <= learned for row in told(found))
    assert not {row["map_of"] for row in told(found)} & learned
    assert b"compositeWithTrainedAlgorithmicMedia" in (tmp_path / found.files[0]).read_bytes()


def test_a_map_of_a_file_is_drawn_on_a_canvas_the_same_each_time(ws: Workspace, tmp_path: Path) -> None:
    regions = np.zeros((60, 60), np.uint8)
    regions[20:50, 20:40] = 2
    Image.fromarray(regions).save(tmp_path / "map.png")
    one, two = (made(ws, "pix2pix-canvas", tmp_path / name, maps=[tmp_path / "map.png"]) for name in "ab")
    assert told(one)[0]["sha256"] == told(two)[0]["sha256"]


def test_a_person_on_a_canvas_wears_a_garment_and_names_its_donors(ws: Workspace, green: Path, tmp_path: Path) -> None:
    row = told(made(ws, "pix2pix-canvas", tmp_path, n=1, garment=green))[0]
    assert row["garment"] == "green.png"
    assert set(row["pixels_of"]) <= training(ws, "pix2pix-canvas")


def test_sizes_that_are_not_known_or_have_nobody_to_dress_are_refused(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of network, photo"):
        made(ws, "garment-to-model", tmp_path, n=1, size="huge")
    with pytest.raises(UsageError, match="a garment that is worn"):
        made(ws, "pix2pix-canvas", tmp_path, n=1, size="photo")


def test_a_soft_edge_lies_outside_alone() -> None:
    under, clothes = np.full((20, 20, 3), 100, np.uint8), np.zeros((20, 20, 4), np.uint8)
    clothes[5:15, 5:15] = np.random.default_rng(0).integers(0, 255, (10, 10, 4))
    clothes[5:15, 5:15, 3] = 255
    out = laid_on(under, clothes, 3)
    assert np.array_equal(out[5:15, 5:15], clothes[5:15, 5:15, :3])
    assert (out[:1] == 100).all()
    assert (out[4, 5:15] != 100).any()
    hard = laid_on(under, clothes, 0)
    assert (hard[4] == 100).all()
    assert np.array_equal(laid_on(under, np.zeros_like(clothes), 3), under)


def test_what_was_padded_is_cut_off_before_it_is_enlarged() -> None:
    photo = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (160, 80, 3), np.uint8), (0, 0), 6)
    drawn = np.full((32, 32, 3), 124, np.uint8)
    drawn[:, 8:24] = cv2.resize(photo, (16, 32), interpolation=cv2.INTER_AREA)
    out = without_padding(drawn, (160, 80))
    assert out.shape == (160, 80, 3)
    assert np.abs(out.astype(int) - photo).mean() < 4
    assert grown(photo, (40, 20)).shape == (40, 20, 3)
