"""Training photos with blurred faces: scaled with a reduced decode, told from plain rows, masks untouched."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import face_count
from dataset.check import check
from dataset.errors import DataError
from dataset.face_boxes import Box
from dataset.workspace import Workspace
from train.data import Row, are_faceless, blur_key, faceless, photo
from train.recipe import segmentation_recipe, tagging_recipe

BOX = Box(80.0, 40.0, 160.0, 136.0, 0.9)


def shop(root: Path) -> tuple[Workspace, list[Row]]:
    """One noisy JPEG of 400 x 600, checked."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((400, 600), Image.Resampling.NEAREST).save(buffer, "JPEG", quality=95)
    ws = Workspace.init(root / "ws")
    name = ws.blobs.put(buffer.getvalue())
    ws.tables.append("fetches", [{"url": "http://s/1", "status": "ok", "sha256": name}])
    check(ws)
    return ws, [{"sha256": name, "width": 400, "height": 600}]


@pytest.fixture(autouse=True)
def one_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_count, "path_of", lambda name: Path(name))
    monkeypatch.setattr(face_count, "find_faces", lambda rgb: [BOX])


def test_only_rows_that_know_their_faces_are_blurred(tmp_path: Path):
    ws, rows = shop(tmp_path)
    blurred = faceless(ws, rows)
    plain, other = photo(ws, rows[0]).astype(int), photo(ws, blurred[0]).astype(int)
    assert np.abs(plain - other)[40:136, 80:160].mean() > 20
    assert np.abs(plain - other)[300:].max() == 0
    assert (are_faceless(rows), are_faceless(blurred), are_faceless([])) == (False, True, False)
    assert (blur_key(rows), blur_key(blurred)[:10]) == ("", "-faceless-")
    with pytest.raises(ValueError, match="some of the rows"):
        are_faceless([*rows, *blurred])


def test_the_boxes_shrink_with_a_reduced_decode(tmp_path: Path):
    ws, rows = shop(tmp_path)
    (row,) = faceless(ws, rows)
    plain, other = photo(ws, rows[0], 100).astype(int), photo(ws, row, 100).astype(int)
    assert plain.shape == (150, 100, 3)
    assert np.abs(plain - other)[10:34, 20:40].mean() > 20
    assert np.abs(plain - other)[80:].max() == 0


def test_an_image_that_can_not_be_counted_stops_the_run(tmp_path: Path):
    ws, rows = shop(tmp_path)
    with pytest.raises(DataError, match="faces can't be counted in 1 images"):
        faceless(ws, [*rows, {"sha256": "0" * 64, "width": 1, "height": 1}])


def test_a_recipe_says_whether_faces_are_blurred():
    assert segmentation_recipe("segmentation/tiny", None).blur_faces is False
    assert segmentation_recipe("segmentation/tiny", {"blur_faces": True}).blur_faces is True
    assert tagging_recipe("tagging/linear", {"blur_faces": True}).blur_faces is True
