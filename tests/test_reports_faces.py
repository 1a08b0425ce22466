"""Report pictures with `--blur-faces`: thumbnails without faces, and nothing shown that could not be blurred."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import shop
from PIL import Image

from dataset import face_count
from dataset.face_boxes import Box
from dataset.images import decode
from dataset.package_files import MissingWeights
from dataset.workspace import Workspace
from reports.gallery import sheet
from reports.overview import report
from reports.pictures import Pictures

BOX = Box(15.0, 12.0, 30.0, 32.0, 0.9)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path)


@pytest.fixture
def one_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_count, "path_of", lambda name: Path(name))
    monkeypatch.setattr(face_count, "find_faces", lambda rgb: [BOX])


def pixels(uri: str | None) -> np.ndarray:
    assert uri is not None
    return decode(base64.b64decode(uri.partition(",")[2])).rgb.astype(int)


def test_thumbnails_and_overlays_show_no_face(ws: Workspace, one_face: None):
    row = ws.tables.read("masks", ["sha256", "mask_sha256"], "kind = 'composite'").to_pylist()[0]
    plain, blurred = Pictures(ws.blobs), Pictures(ws.blobs, faces_in=ws)
    before, after = pixels(plain.image(row["sha256"])), pixels(blurred.image(row["sha256"]))
    assert np.abs(before - after)[12:32, 15:30].mean() > 10
    assert np.abs(before - after)[50:].mean() < 5
    masked = pixels(plain.overlay(**{"sha256": row["sha256"], "mask_sha256": row["mask_sha256"]}))
    assert np.abs(masked - pixels(blurred.overlay(row["sha256"], row["mask_sha256"])))[12:32, 15:30].mean() > 5


def test_a_run_s_figures_are_hidden_and_counted(ws: Workspace, tmp_path: Path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "worst.png")
    pictures = Pictures(ws.blobs, faces_in=ws)
    assert (pictures.figure(tmp_path / "worst.png"), pictures.hidden) == (None, 1)
    assert Pictures(ws.blobs).figure(tmp_path / "worst.png") is not None


def test_a_picture_whose_faces_can_not_be_counted_is_not_shown(ws: Workspace, one_face: None):
    stray = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(stray, "PNG")
    pictures = Pictures(ws.blobs, faces_in=ws)
    assert pictures.image(ws.blobs.put(stray.getvalue())) is None  # in the blobs, never checked
    assert pictures.hidden == 1


def test_without_the_network_the_report_is_refused_and_not_shown_unblurred(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingWeights, match="modiste weights fetch"):
        report(ws, blur_faces=True)
    assert not (ws.reports / "overview.html").exists()


def test_the_page_says_that_faces_are_blurred(ws: Workspace, one_face: None):
    assert "Faces are blurred" in Path(report(ws, blur_faces=True).path).read_text()
    assert "Faces are blurred" not in Path(report(ws).path).read_text()


def test_a_contact_sheet_can_be_had_without_faces(ws: Workspace, one_face: None):
    names = ws.tables.read("images")["sha256"].to_pylist()
    assert sheet(ws, names) != sheet(ws, names, blur_faces=True)
