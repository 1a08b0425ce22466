"""Faces: maps to boxes, boxes to a blur that can't be undone, and the step that counts them once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import face_count
from dataset.check import check
from dataset.errors import DataError, EmptyError
from dataset.face_blur import OUTER, blur_faces
from dataset.face_boxes import Box, as_text, decode, from_text, inside, merged, scaled
from dataset.face_count import count_faces, faces_of
from dataset.faces import WEIGHT, detector_name, find_faces
from dataset.package_files import MissingWeights, is_fetched
from dataset.workspace import Workspace

fetched = pytest.mark.skipif(not is_fetched(WEIGHT), reason=f"not fetched: modiste weights fetch {WEIGHT}")
BOX = Box(20.0, 10.0, 40.0, 34.0, 0.9)


def astronaut() -> np.ndarray:
    """A portrait of 512 x 512, public domain, that scikit-image ships."""
    return np.asarray(pytest.importorskip("skimage.data").astronaut())


def png(seed: int, size: tuple[int, int] = (60, 80)) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size).save(buffer, "PNG")
    return buffer.getvalue()


def shop(root: Path, *bodies: bytes) -> tuple[Workspace, list[str]]:
    """A workspace whose images are checked, and their sha256s."""
    ws = Workspace.init(root / "ws")
    names = [ws.blobs.put(body) for body in bodies]
    ws.tables.append("fetches", [{"url": f"http://s/{n}", "status": "ok", "sha256": n} for n in names])
    check(ws)
    return ws, names


@pytest.fixture
def one_face(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Every image has one face, at BOX, and no network is needed; the list holds the sizes looked at."""
    seen: list[tuple[int, ...]] = []
    monkeypatch.setattr(face_count, "path_of", lambda name: Path(name))
    monkeypatch.setattr(face_count, "find_faces", lambda rgb: seen.append(rgb.shape) or [BOX])
    return seen


def test_a_cell_of_the_heat_map_becomes_the_box_it_tells():
    heat, scale, offset = np.zeros((8, 8)), np.zeros((2, 8, 8)), np.zeros((2, 8, 8))
    heat[2, 5] = 0.8
    scale[:, 2, 5] = np.log([6.0, 4.0])  # 24 px high, 16 px wide
    offset[:, 2, 5] = [0.25, -0.5]
    (box,) = decode(heat, scale, offset, 0.4)
    assert box == pytest.approx([20 - 8, 11 - 12, 20 + 8, 11 + 12, 0.8])
    assert len(decode(heat, scale, offset, 0.81)) == 0


def test_the_surer_of_two_boxes_on_one_face_stays():
    boxes = np.array([[0, 0, 10, 10, 0.5], [1, 0, 11, 10, 0.9], [30, 0, 40, 10, 0.4]], np.float32)
    assert merged(boxes)[:, 4] == pytest.approx([0.9, 0.4])
    assert merged(np.zeros((0, 5), np.float32)).shape == (0, 5)


def test_a_part_of_a_face_inside_the_whole_is_no_face_of_its_own():
    whole, part, beside = [0, 0, 100, 100, 0.6], [10, 60, 60, 105, 0.8], [90, 0, 130, 40, 0.5]
    found = merged(np.array([part, whole, beside], np.float32))
    assert found[:, 4] == pytest.approx([0.6, 0.5])


def test_a_box_over_the_edge_is_cut_and_one_outside_dropped():
    boxes = np.array([[-5, 2, 10, 12, 0.5], [50, 0, 60, 10, 0.9]], np.float32)
    assert inside(boxes, 8, 40) == [Box(0, 2, 10, 8, 0.5)]
    assert scaled([Box(0, 2, 10, 8, 0.5)], 2, 0.5) == [Box(0, 1, 20, 4, 0.5)]


def test_boxes_survive_the_table_and_what_is_none_is_refused_with_a_cure():
    assert from_text(as_text([BOX, Box(1.24, 2, 3, 4, 0.12345)])) == [BOX, Box(1.2, 2, 3, 4, 0.123)]
    assert from_text(as_text([])) == []
    for text in ("{", "[[1, 2]]", "7"):
        with pytest.raises(DataError, match="modiste faces --again"):
            from_text(text)


def test_what_is_drawn_over_a_face_depends_on_coarse_means_alone():
    """Two faces that differ in every pixel but not in the tone of a cell come out as one."""
    rows, columns = np.mgrid[:60, :80]
    checks = np.where((rows + columns) % 2, 90, 150).astype(np.uint8)[..., None].repeat(3, 2)
    stripes = np.where(rows % 2, 90, 150).astype(np.uint8)[..., None].repeat(3, 2)
    box = Box(20, 10, 44, 42, 1.0)
    one, other = blur_faces(checks, [box]), blur_faces(stripes, [box])
    assert (one[10:42, 20:44] == other[10:42, 20:44]).all()
    assert np.ptp(one[10:42, 20:44]) == 0


def test_a_blur_is_repeatable_touches_nothing_far_off_and_leaves_its_input():
    rgb = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    before = rgb.copy()
    out = blur_faces(rgb, [BOX])
    assert (rgb == before).all()
    assert (out == blur_faces(rgb, [BOX])).all()
    rows, columns = np.nonzero((out != rgb).any(2))
    assert np.abs(columns + 0.5 - 30).max() <= OUTER * 20 + 1
    assert np.abs(rows + 0.5 - 22).max() <= OUTER * 24 + 1
    assert (out[10:34, 20:40] != rgb[10:34, 20:40]).any(2).mean() > 0.97


@pytest.mark.parametrize(
    "box", [Box(-5, -5, 6, 6, 1), Box(70, 50, 90, 80, 1), Box(3, 3, 3.5, 3.5, 1), Box(0, 0, 80, 60, 1)]
)
def test_a_face_at_the_edge_or_of_any_size_is_blurred_without_an_error(box: Box):
    rgb = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    out = blur_faces(rgb, [box])
    assert out.shape == rgb.shape
    assert (out != rgb).any()


@fetched
def test_the_face_of_a_portrait_is_found_and_gone_after_the_blur():
    rgb = astronaut()
    (box,) = find_faces(rgb)
    assert box.score > 0.8
    assert (box.x0 < 224 < box.x1, box.y0 < 120 < box.y1, box.y1 - box.y0 < 150) == (True, True, True)
    assert find_faces(blur_faces(rgb, [box])) == []


@fetched
def test_a_small_face_and_one_that_fills_the_photo_are_found():
    """24 px high in a wide scene; and cut close around."""
    rgb = astronaut()
    small = np.full((600, 600, 3), 120, np.uint8)
    small[200:303, 100:203] = np.asarray(Image.fromarray(rgb).resize((103, 103), Image.Resampling.LANCZOS))
    assert [round(box.y1 - box.y0, -1) for box in find_faces(small)] == [20]
    (close,) = find_faces(np.ascontiguousarray(rgb[59 - 12 : 180 + 12, 176 - 9 : 272 + 9]))
    assert close.y1 - close.y0 > 100


@fetched
def test_a_photo_on_its_side_has_its_boxes_in_the_pixels_it_is_shown_with(tmp_path: Path):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(astronaut()[:400])).save(buffer, "JPEG", quality=95, exif=exif)
    ws, (name,) = shop(tmp_path, buffer.getvalue())
    assert count_faces(ws).faces == 1
    (box,) = faces_of(ws, [name])[name]
    assert (box.x0 < 224 < box.x1, box.y0 < 120 < box.y1) == (True, True)


@fetched
def test_pictures_without_people_have_no_face():
    data = pytest.importorskip("skimage.data")
    assert [find_faces(np.asarray(getattr(data, name)())) for name in ("coffee", "rocket")] == [[], []]


def test_faces_are_counted_once_and_the_other_measures_stay(tmp_path: Path, one_face: list[tuple[int, ...]]):
    ws, names = shop(tmp_path, png(1), png(2))
    before = {row["sha256"]: row for row in ws.tables.read("images").to_pylist()}
    assert count_faces(ws).line().startswith("2 faces in 2 of 2 images")
    rows = ws.tables.read("images").to_pylist()
    assert {row["sha256"] for row in rows} == set(names)
    told = {"faces": 1, "face_boxes": as_text([BOX]), "face_detector": detector_name()}
    assert all(row == before[row["sha256"]] | told for row in rows)
    assert count_faces(ws).line() == "no new image to count faces in"
    assert len(one_face) == 2
    assert count_faces(ws, again=True).counted == 2


def test_a_count_by_another_detector_or_lost_to_a_new_check_is_made_again(
    tmp_path: Path, one_face: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
):
    ws, _ = shop(tmp_path, png(1))
    count_faces(ws)
    monkeypatch.setattr(face_count, "detector_name", lambda: "another")
    assert count_faces(ws).counted == 1
    monkeypatch.setattr("dataset.check.CHECKER", "next")
    assert check(ws).checked == 1
    assert ws.tables.read("images")["faces"].to_pylist() == [None]
    assert count_faces(ws).counted == 1


def test_an_image_without_its_blob_stays_uncounted_and_a_bad_one_is_never_asked(
    tmp_path: Path, one_face: list[tuple[int, ...]]
):
    ws, names = shop(tmp_path, png(1), png(2), b"<html>no image</html>")
    ws.blobs.delete(names[0])
    result = count_faces(ws)
    assert (result.counted, result.unreadable) == (1, 1)
    assert "1 with blobs gone or changed" in result.line()
    assert sorted(faces_of(ws, names)) == [names[1]]


def test_only_the_images_asked_for_are_counted_on_the_way(tmp_path: Path, one_face: list[tuple[int, ...]]):
    ws, names = shop(tmp_path, png(1), png(2), png(3))
    assert faces_of(ws, names[:2]) == {name: [BOX] for name in names[:2]}
    assert len(one_face) == 2
    assert faces_of(ws, []) == {}


@fetched
@pytest.mark.slow
def test_a_pool_of_processes_counts_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    buffer = io.BytesIO()
    Image.fromarray(astronaut()).resize((128, 128)).save(buffer, "PNG")
    ws, names = shop(tmp_path, buffer.getvalue(), png(1))
    monkeypatch.setattr(face_count, "_BATCH_ROWS", 1)
    assert count_faces(ws, workers=2).faces == 1
    assert [len(boxes) for boxes in faces_of(ws, names).values()].count(1) == 1


def test_without_the_network_the_error_says_how_to_fetch_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws, names = shop(tmp_path, png(1))
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingWeights, match="modiste weights fetch face-centerface"):
        faces_of(ws, names)
    with pytest.raises(EmptyError, match="modiste check"):
        count_faces(Workspace.init(tmp_path / "new"))


def test_an_older_table_without_the_columns_gets_them(tmp_path: Path, one_face: list[tuple[int, ...]]):
    from deltalake import write_deltalake

    ws, names = shop(tmp_path, png(1))
    older = ws.tables.read("images").drop_columns(["faces", "face_boxes", "face_detector"])
    write_deltalake(f"{ws.tables.root}/images", older, mode="overwrite", schema_mode="overwrite")
    assert count_faces(ws).counted == 1
    assert ws.tables.read("images")["faces"].to_pylist() == [1]
    assert faces_of(ws, names) == {names[0]: [BOX]}
