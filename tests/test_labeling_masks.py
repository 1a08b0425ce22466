"""The step `label masks`: rows for every image, idempotent, better sources added, bad files named."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from labeling_drawn import checked_workspace, cutout, drawn_cutouts, encoded, iou, masks, photo
from PIL import Image

from dataset.errors import EmptyError, UsageError
from dataset.masks import binary_from_png, from_png
from dataset.workspace import Workspace
from labeling.masks import label_masks


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched on this machine must not change what a test sees."""
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "cache"))


def rows(ws: Workspace, where: str) -> list[dict]:
    return ws.tables.read("masks", where=where).to_pylist()


def test_a_cutout_pair_becomes_three_masks_and_the_rest_is_guessed(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 3)
    result = label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(2)))
    assert (result.cutout, result.grabcut, result.bad) == (2, 1, 0)
    assert len(rows(ws, "status = 'ok'")) == 9
    person = rows(ws, "kind = 'person' AND source = 'cutout'")[0]
    assert iou(binary_from_png(ws.blobs.get(person["mask_sha256"])), masks()[0]) > 0.985
    composite = from_png(ws.blobs.get(rows(ws, "kind = 'composite'")[0]["mask_sha256"]))
    assert composite.shape == (300, 200, 3)


def test_a_second_run_writes_nothing_and_a_cutout_that_comes_later_is_added(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 2)
    label_masks(ws)
    version = ws.tables.version("masks")
    assert label_masks(ws).masked == 2
    assert ws.tables.version("masks") == version
    label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(1)))
    assert sorted(r["source"] for r in rows(ws, "kind = 'composite'")) == ["cutout", "grabcut:skin", "grabcut:skin"]


def test_a_bad_cutout_is_a_row_with_its_reason_until_the_file_is_mended(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    folder = drawn_cutouts(tmp_path / "cut", range(1))
    good = (folder / "garment" / "look-0.jpg").read_bytes()
    (folder / "garment" / "look-0.jpg").write_bytes(encoded(cutout(photo(), masks()[1])[:-5]))
    assert label_masks(ws, cutouts=folder).reasons == {"size_mismatch": 1}
    assert [r["status"] for r in rows(ws, "true")] == ["bad"]
    assert label_masks(ws, cutouts=folder).bad == 0  # the same file is not tried again
    (folder / "garment" / "look-0.jpg").write_bytes(good)
    assert label_masks(ws, cutouts=folder).cutout == 1
    assert {r["status"] for r in rows(ws, "true")} == {"ok"}


def bad_file(kind: str) -> bytes:
    """A garment cutout of the drawn photo that can't be used."""
    dress, pixels = masks()[1], io.BytesIO()
    if kind == "sixteen_bit":
        Image.fromarray((dress * 65535).astype(np.uint16)).save(pixels, "PNG")
    elif kind == "palette":
        Image.fromarray(cutout(photo(), dress)).quantize(16).save(pixels, "PNG")
    elif kind == "class_index":
        return encoded((dress * 2).astype(np.uint8))
    elif kind == "empty_cutout":
        return encoded(np.full((300, 200, 3), 255, np.uint8))
    elif kind == "swapped":
        return encoded(cutout(photo(), masks()[0]))
    return pixels.getvalue() or b"<html>gone</html>"


@pytest.mark.parametrize("kind", ["sixteen_bit", "palette", "class_index", "empty_cutout", "swapped", "unreadable"])
def test_every_unusable_cutout_is_a_row_with_its_reason_beside_a_good_one(tmp_path: Path, kind: str):
    ws, folder = checked_workspace(tmp_path / "ws", 2), drawn_cutouts(tmp_path / "cut", range(2))
    (folder / "garment" / "look-0.jpg").write_bytes(bad_file(kind))
    if kind == "swapped":
        (folder / "person" / "look-0.jpg").write_bytes(encoded(cutout(photo(), masks()[1])))
    result = label_masks(ws, cutouts=folder)
    assert (result.cutout, result.reasons) == (1, {kind: 1})
    (bad,) = rows(ws, "status = 'bad'")
    assert (bad["reason"], bad["mask_sha256"], bad["kind"]) == (kind, None, "composite")
    assert json.loads(bad["method"])["error"]


def test_a_garment_larger_than_its_person_joins_the_person_and_is_flagged(tmp_path: Path):
    ws, folder = checked_workspace(tmp_path / "ws", 1), drawn_cutouts(tmp_path / "cut", range(1))
    person, dress = masks()
    wider = dress | np.roll(dress, 12, axis=1)
    (folder / "garment" / "look-0.jpg").write_bytes(encoded(cutout(photo(), wider)))
    label_masks(ws, cutouts=folder)
    (row,) = rows(ws, "kind = 'composite'")
    assert "garment_outside_person" in row["flags"]
    assert json.loads(row["method"])["repair"]["garment_outside_px"] == pytest.approx((wider & ~person).sum(), rel=0.05)
    assert set(np.unique(from_png(ws.blobs.get(row["mask_sha256"])))) == {0, 255}


def test_a_garment_cutout_alone_is_a_packshot_and_a_person_alone_lacks_its_garment(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 2)
    folder = drawn_cutouts(tmp_path / "cut", range(2))
    (folder / "person" / "look-0.jpg").unlink()
    (folder / "garment" / "look-1.jpg").unlink()
    assert label_masks(ws, cutouts=folder).reasons == {"missing_garment": 1}
    composite = from_png(ws.blobs.get(rows(ws, "kind = 'composite' AND status = 'ok'")[0]["mask_sha256"]))
    assert (composite[..., 1] == 0).all()


def test_workers_give_the_same_masks_as_this_process(tmp_path: Path):
    one, two = (checked_workspace(tmp_path / name, 3) for name in ("one", "two"))
    label_masks(one, workers=1)
    label_masks(two, workers=2)
    blobs = [sorted(r["mask_sha256"] for r in rows(ws, "true")) for ws in (one, two)]
    assert blobs[0] == blobs[1]


def test_scores_and_what_was_done_are_kept(tmp_path: Path):
    ws = checked_workspace(tmp_path / "ws", 1)
    label_masks(ws)
    row = rows(ws, "kind = 'composite'")[0]
    assert "weak" in row["flags"]
    assert json.loads(row["method"])["prior"] == "rectangle"
    assert row["quality"] == pytest.approx(min(json.loads(row["scores"]).values()))


def test_misuse_is_an_error_with_its_cure(tmp_path: Path):
    with pytest.raises(EmptyError, match="Run crawl and check first"):
        label_masks(Workspace.init(tmp_path / "empty"))
    ws = checked_workspace(tmp_path / "ws", 1)
    with pytest.raises(UsageError, match="no mask method 'magic'"):
        label_masks(ws, method="magic")
    with pytest.raises(UsageError, match="no folder 'person' or 'garment'"):
        label_masks(ws, cutouts=tmp_path / "nowhere")
