"""Copies by their pixels: what hashes miss is joined, what only shares shapes, a logo or a backdrop is not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dataset.check import check
from dataset.copies import judged, look_of, verified_copies
from dataset.copies_align import align
from dataset.copies_candidates import candidates
from dataset.copies_kept import Kept
from dataset.copies_points import mirrored, points_of, working_copy
from dataset.copies_tone import beyond_tone
from dataset.duplicates import dedup
from dataset.leaks import find_leaks
from dataset.workspace import Workspace


def scene(seed: int, size: tuple[int, int] = (360, 480)) -> Image.Image:
    """A picture with corners everywhere: patches of many sizes and colours, a little blurred."""
    draw = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(draw.integers(60, 200, 3).tolist()))
    for _ in range(140):
        x, y, w, h = (draw.uniform(0, 1, 4) * [size[0], size[1], 60, 80]).tolist()
        kind = ImageDraw.Draw(image).ellipse if draw.random() < 0.5 else ImageDraw.Draw(image).rectangle
        kind((x, y, x + 6 + w, y + 6 + h), fill=tuple(draw.integers(30, 226, 3).tolist()))
    return image


def cut(image: Image.Image, share: float) -> Image.Image:
    dx, dy = round(image.width * share / 2), round(image.height * share / 2)
    return image.crop((dx, dy, image.width - dx, image.height - dy))


def toned(image: Image.Image) -> Image.Image:
    """Warmer, brighter and in a margin, as another shop might show it."""
    levels = np.arange(256) / 255
    curve = [round(255 * float(v)) for gain in (1.08, 1.0, 0.88) for v in np.clip(gain * levels**0.85, 0, 1)]
    paper = Image.new("RGB", (image.width + 80, image.height + 80), (240, 228, 222))
    paper.paste(image.point(curve), (40, 40))
    return paper


def verdict(one: Image.Image, other: Image.Image) -> str:
    return judged(look_of(np.asarray(one)), look_of(np.asarray(other)))[0].code


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def checked(ws: Workspace, *bodies: bytes) -> list[str]:
    names = [ws.blobs.put(body) for body in bodies]
    ws.tables.append("fetches", [{"url": n, "status": "ok", "sha256": n} for n in names])
    check(ws, workers=1)
    return names


def clusters_of(ws: Workspace) -> dict[str, str]:
    return {row["sha256"]: row["cluster_id"] for row in ws.tables.read("groups").to_pylist()}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


CHANGES = {
    "a fifth cropped away": lambda image: cut(image, 0.2),
    "turned by 10 degrees": lambda image: image.rotate(10),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "half the size": lambda image: image.resize((180, 240)),
    "in another shop's look": toned,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_copy_is_a_copy_whichever_comes_first(name: str):
    image = scene(1)
    copy = CHANGES[name](image)
    assert (verdict(image, copy), verdict(copy, image)) == ("copy", "copy")


def test_another_picture_does_not_align():
    found, places, _ = judged(look_of(np.asarray(scene(1))), look_of(np.asarray(scene(2))))
    assert (found.code, places, found.score) == ("not_aligned", 0, 0.0)


def test_the_garment_in_another_colour_is_no_copy():
    rgb = np.asarray(scene(3)).copy()
    rgb[100:380, 90:270] = rgb[100:380, 90:270][..., [1, 2, 0]]  # the channels change places there, shapes stay
    found = judged(look_of(np.asarray(scene(3))), look_of(rgb))[0]
    assert found.code == "other_colour"
    assert 0.1 < found.coloured < 0.6


def test_a_shared_size_chart_does_not_make_two_photos_one():
    pictures = [scene(4), scene(5)]
    for picture in pictures:
        picture.paste(scene(6).resize((360, 150)), (0, 330))
    found, places, _ = judged(*(look_of(np.asarray(picture)) for picture in pictures))
    assert places >= 15  # the chart itself aligns
    assert found.code == "small_overlap"


def test_a_crop_to_a_quarter_is_not_called_a_copy():
    assert verdict(scene(7), cut(scene(7), 0.5)) == "small_overlap"


def test_a_picture_of_one_colour_has_no_points_and_is_nobodys_copy():
    flat = Image.new("RGB", (300, 400), (200, 200, 200))
    points = points_of(working_copy(np.asarray(flat)))
    assert (len(points.places), points.width, points.height) == (0, 192, 256)
    assert verdict(flat, flat) == "not_aligned"
    assert candidates([points, points]) == []


def test_the_mirror_image_has_the_permuted_descriptors_at_mirrored_places():
    small = working_copy(np.asarray(scene(8)))
    there, made = points_of(np.ascontiguousarray(small[:, ::-1])), points_of(small).mirrored()
    found = align(made, there, least=15)
    assert found is not None
    assert not found.mirrored
    assert np.allclose(
        found.matrix, [[1, 0, 0], [0, 1, 0]], atol=0.6, rtol=0
    )  # OpenCV puts points a quarter of a pixel off
    assert np.array_equal(mirrored(mirrored(made.descriptors)), made.descriptors)


def test_alignment_tells_turn_and_scale():
    a, b = (points_of(working_copy(np.asarray(image))) for image in (scene(9), cut(scene(9), 0.2)))
    found = align(a, b, least=15)
    assert found is not None
    assert np.hypot(found.matrix[0, 0], found.matrix[0, 1]) == pytest.approx(1.25, abs=0.02)
    assert not found.mirrored


def test_a_tone_curve_explains_a_look_and_not_a_change_of_one_part():
    colours = np.random.default_rng(0).uniform(0.1, 0.9, (60, 3)).astype(np.float32)
    look = np.clip(colours**0.85 * [1.1, 1.0, 0.9], 0, 1).astype(np.float32)
    other = colours.copy()
    other[:20] = other[:20][:, [2, 0, 1]]
    assert beyond_tone(colours, look) <= 0.02
    assert beyond_tone(colours, other) > 0.2


def test_candidates_are_the_pictures_that_share_points():
    pictures = [scene(20), scene(21), cut(scene(20), 0.2), scene(22), CHANGES["mirrored"](scene(21))]
    found = candidates([points_of(working_copy(np.asarray(picture)), 96) for picture in pictures])
    assert {(0, 2), (1, 4)} <= set(found)
    assert len(found) <= 4


def test_dedup_joins_what_the_hash_misses_and_says_so(ws: Workspace):
    a, b, other = checked(ws, encoded(scene(1)), encoded(cut(scene(1), 0.2), quality=80), encoded(scene(2)))
    assert dedup(ws, copies=False).line().startswith("3 images: 0 near-duplicates")
    result = dedup(ws)
    assert (result.copies, result.duplicates, result.verdicts["copy"]) == (1, 1, 1)
    assert clusters_of(ws)[a] == clusters_of(ws)[b] != clusters_of(ws)[other]
    assert dedup(ws).changed == 0


def test_a_verified_copy_across_parts_is_a_leak(ws: Workspace):
    names = checked(ws, encoded(scene(1)), encoded(toned(cut(scene(1), 0.1)), quality=80))
    dedup(ws)
    rows = ws.tables.read("groups").to_pylist()
    parts = dict(zip(names, ("train", "test"), strict=True))
    ws.tables.upsert("groups", [row | {"split": parts[row["sha256"]]} for row in rows])
    assert find_leaks(ws).pairs == 1


def test_no_picture_is_read_and_no_pair_is_laid_together_twice(ws: Workspace):
    names = checked(ws, encoded(scene(1)), encoded(cut(scene(1), 0.2)))
    dedup(ws)
    for name in names:
        ws.blobs.delete(name)
    again = dedup(ws)
    assert (again.copies, again.unread) == (1, {})


def test_a_blob_that_is_gone_is_counted_and_tried_again_when_it_is_back(ws: Workspace):
    body = encoded(cut(scene(1), 0.2))
    names = checked(ws, encoded(scene(1)), body)
    ws.blobs.delete(names[1])
    result = dedup(ws)
    assert (result.copies, result.unread) == (0, {"blob_unreadable": 1})
    assert "1 could not be read" in result.line()
    ws.blobs.put(body)
    assert dedup(ws).copies == 1


def test_broken_tiny_flat_and_animated_pictures_are_coded_and_never_end_the_run(ws: Workspace):
    whole = encoded(scene(1))
    frames = [scene(1).resize((180, 240)), scene(2).resize((180, 240))]
    bodies = [
        encoded(scene(1)), encoded(Image.new("RGB", (1, 1)), "PNG"), encoded(Image.new("RGB", (90, 90), "grey"), "PNG"),
        whole[: len(whole) // 3], b"<html>", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
    ]  # fmt: skip
    names = [ws.blobs.put(body) for body in bodies]
    found = verified_copies(ws, names)
    assert found.unread == {"too_small": 1, "truncated": 1, "html": 1}
    assert [(names[i], names[j]) for i, j in zip(found.i.tolist(), found.j.tolist(), strict=True)] == [
        (names[0], names[5])
    ]
    kept = Kept(ws).points()
    assert kept[names[1]] is None
    assert len(kept[names[2]].places) == 0


def test_past_the_limit_copies_are_not_sought_unless_asked_for(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    checked(ws, encoded(scene(1)), encoded(cut(scene(1), 0.2)))
    monkeypatch.setattr("dataset.duplicates.COPIES_TO", 1)
    assert dedup(ws).copies is None
    assert "copies not sought" in dedup(ws).line()
    assert dedup(ws, copies=True).copies == 1
