"""Exports with and without faces: blurred bytes, masks as they were, and a card that says which."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import photo, shop
from PIL import Image

from dataset import face_count
from dataset.errors import UsageError
from dataset.exporters.privacy import faceless, sentence
from dataset.exporters.run import WRITERS, export
from dataset.face_boxes import Box
from dataset.images import decode
from dataset.package_files import MissingWeights
from dataset.workspace import Workspace

BOX = Box(15.0, 12.0, 30.0, 32.0, 0.9)
INSIDE = (slice(12, 32), slice(15, 30))


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A snapshot of four images (JPEG, PNG, WebP, JPEG) whose faces were counted: one in each but the last."""
    ws = shop(tmp_path_factory.mktemp("faces"))
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_count, "path_of", lambda name: Path(name))
        patch.setattr(face_count, "find_faces", lambda rgb: [] if seen.append(1) or len(seen) == 4 else [BOX])
        face_count.count_faces(ws)
    return ws


def pictures(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: decode(path.read_bytes()).rgb for path in sorted((folder / "images").rglob("*.*"))}


@pytest.mark.parametrize("format_", sorted(WRITERS))
def test_every_format_blurs_and_says_so(spring: Workspace, tmp_path: Path, format_: str):
    result = export(spring, format_, "spring", tmp_path / "out", blur_faces=True)
    assert (result.images, result.with_masks, result.images_are["faces blurred"]) == (4, 4, 3)
    assert "faces blurred" in result.line()
    told = json.loads((tmp_path / "out" / "export.json").read_text())["privacy"]
    assert (told["faces_blurred"], told["faces"], told["images_with_faces"], told["images_not_counted"]) == (
        True,
        3,
        3,
        0,
    )
    assert "MIT" in told["network"]


def test_the_face_is_gone_and_the_rest_and_the_masks_are_as_they_were(spring: Workspace, tmp_path: Path):
    export(spring, "yolo", "spring", tmp_path / "plain")
    export(spring, "yolo", "spring", tmp_path / "blurred", blur_faces=True)
    before, after = pictures(tmp_path / "plain"), pictures(tmp_path / "blurred")
    assert before.keys() == after.keys()
    changed = [name for name in before if np.abs(before[name][INSIDE] - after[name][INSIDE].astype(int)).mean() > 10]
    assert len(changed) == 3
    assert all(np.abs(before[name][50:] - after[name][50:].astype(int)).mean() < 3 for name in before)
    masks = [
        {path.name: path.read_bytes() for path in (tmp_path / out / "masks").rglob("*.png")}
        for out in ("plain", "blurred")
    ]
    assert masks[0] == masks[1]


def test_the_card_says_when_faces_are_not_blurred(spring: Workspace, tmp_path: Path):
    export(spring, "huggingface", "spring", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "3 faces were found in 3 of 4 images" in card
    assert "They are NOT blurred" in card
    assert "EXIF" in card


def test_a_plain_export_is_no_blurred_one(spring: Workspace, tmp_path: Path):
    export(spring, "coco", "spring", tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        export(spring, "coco", "spring", tmp_path / "out", blur_faces=True)
    export(spring, "coco", "spring", tmp_path / "other", blur_faces=True)
    again = export(spring, "coco", "spring", tmp_path / "other", blur_faces=True)
    assert (again.was_there, again.faces_blurred) == (True, True)


def test_images_never_counted_are_counted_on_the_way_or_nothing_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = shop(tmp_path)
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingWeights, match="modiste weights fetch"):
        export(ws, "coco", "spring", tmp_path / "out", blur_faces=True)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(face_count, "path_of", lambda name: Path(name))
    monkeypatch.setattr(face_count, "find_faces", lambda rgb: [BOX])
    assert export(ws, "coco", "spring", tmp_path / "out", blur_faces=True).images_are == {"faces blurred": 4}


def test_an_image_that_can_not_be_counted_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = shop(tmp_path)
    monkeypatch.setattr(face_count, "path_of", lambda name: Path(name))
    monkeypatch.setattr(face_count, "find_faces", lambda rgb: [BOX])
    ws.blobs.delete(ws.tables.read("images")["sha256"][0].as_py())
    result = export(ws, "webdataset", "spring", tmp_path / "out", blur_faces=True)
    assert (result.images, result.left_out) == (3, {"faces can't be counted": 1})


def test_a_jpeg_stays_a_jpeg_and_no_thumbnail_of_the_face_goes_along():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = photo(1, "JPEG", exif=exif)
    found = faceless(data, [BOX])
    assert (found.suffix, found.how) == (".jpg", "faces blurred")
    with Image.open(io.BytesIO(found.data)) as image:
        assert (dict(image.getexif()), image.size) == ({}, (61, 47))
    assert faceless(data, []).how == "metadata removed"


def test_transparency_survives_the_blur():
    rgba = np.random.default_rng(0).integers(0, 255, (61, 47, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    found = decode(faceless(buffer.getvalue(), [BOX]).data)
    assert found.alpha is not None
    assert (found.alpha == rgba[..., 3]).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_an_animation_leaves_with_its_first_frame_alone(kind: str):
    """The other frames were never looked at, so a face may be in them."""
    frames = [Image.open(io.BytesIO(photo(k, "PNG"))) for k in (1, 2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    found = faceless(buffer.getvalue(), [])
    assert (found.how, found.suffix, decode(found.data).frames) == ("first frame alone", ".png", 1)


def test_the_sentence_tells_of_images_that_were_never_counted():
    told = {
        "metadata": "No EXIF", "faces_blurred": False, "images_counted": 2, "images_not_counted": 5,
        "images_with_faces": 1, "faces": 4, "network": "n", "caution": "c",
    }  # fmt: skip
    assert "4 faces were found in 1 of 2 images" in sentence(told)
    assert "5 images were never counted" in sentence(told)
