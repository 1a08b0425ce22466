"""A selection goes to CVAT or Label Studio and comes back edited: pixel for pixel, holes too, and only the edits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from labeling_drawn import drawn_workspace

from dataset.errors import EmptyError, UsageError
from dataset.importers.rle import cvat_runs, from_cvat, from_label_studio, label_studio_rle
from dataset.masks import GARMENT, from_png
from dataset.workspace import Workspace
from labeling.curation_annotate import bring_back, send


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    found = drawn_workspace(tmp_path / "ws", 2)
    rows = [{"sha256": sha256, "group_id": sha256, "cluster_id": sha256, "split": "train"} for sha256 in images(found)]
    found.tables.upsert("groups", rows)
    return found


def images(ws: Workspace) -> list[str]:
    return sorted(ws.tables.read("images")["sha256"].to_pylist())


def garment(ws: Workspace, sha256: str, source: str) -> np.ndarray:
    where = f"sha256 = '{sha256}' AND source = '{source}' AND kind = 'composite'"
    row = ws.tables.read("masks", where=where).to_pylist()[0]
    return from_png(ws.blobs.get(row["mask_sha256"]))[:, :, GARMENT] == 255


def cut_hole_in_cvat(folder: Path) -> None:
    """What an annotator does: a hole of 10 x 8 px in the first garment, and another colour."""
    path = folder / "annotations.xml"
    tree = ElementTree.parse(path)
    image = next(tree.iter("image"))
    shape = next(found for found in image.findall("mask") if found.get("label") == "garment")
    size = (int(image.get("height") or 0), int(image.get("width") or 0))
    box = [int(shape.get(key) or 0) for key in ("left", "top", "width", "height")]
    mask = from_cvat([int(run) for run in (shape.get("rle") or "").split(",")], *box, size)
    mask[130:140, 96:104] = False
    runs, left, top, width, height = cvat_runs(mask)
    for key, value in zip(("left", "top", "width", "height"), (left, top, width, height), strict=True):
        shape.set(key, str(value))
    shape.set("rle", ", ".join(map(str, runs)))
    next(found for found in image.iter("attribute") if found.get("name") == "colour").text = "Blue"
    tree.write(path)


def cut_hole_in_label_studio(folder: Path) -> None:
    path = folder / "tasks.json"
    tasks = json.loads(path.read_text())
    results = tasks[0]["annotations"][0]["result"]
    brush = next(found for found in results if found["value"].get("brushlabels") == ["garment"])
    mask = from_label_studio(brush["value"]["rle"], (brush["original_height"], brush["original_width"])).copy()
    mask[130:140, 96:104] = False
    brush["value"]["rle"] = label_studio_rle(mask)
    next(found for found in results if found["from_name"] == "colour")["value"]["choices"] = ["blue"]
    path.write_text(json.dumps(tasks))


@pytest.mark.parametrize(("tool", "edit"), [("cvat", cut_hole_in_cvat), ("labelstudio", cut_hole_in_label_studio)])
def test_a_hole_cut_by_an_annotator_comes_back_exactly_and_alone(ws: Workspace, tmp_path: Path, tool: str, edit):
    sent = send(ws, images(ws), tool)
    assert (sent.images, sent.masks) == (2, 2)
    folder = shutil.copytree(sent.out, tmp_path / "returned")
    assert bring_back(ws, tool, folder, reviewer="ana").differences == []
    edit(folder)
    look = bring_back(ws, tool, folder, reviewer="ana", dry_run=True)
    assert ws.tables.read("reviews").num_rows == 0
    done = bring_back(ws, tool, folder, reviewer="ana")
    assert look.differences == done.differences
    (difference,) = done.differences
    assert (difference.pixels, difference.labels) == (80, {"colour": ("red", "blue")})
    changed = garment(ws, difference.sha256, "cutout") ^ garment(ws, difference.sha256, "review")
    assert changed.sum() == 80
    assert changed[130:140, 96:104].all()
    assert bring_back(ws, tool, folder, reviewer="ana").new == 0
    told = {(row["verdict"], row["field"], row["reviewer"]) for row in ws.tables.read("reviews").to_pylist()}
    assert told == {("accept", "mask", "ana"), ("relabel", "colour", "ana")}


def test_files_of_other_images_are_counted_and_left(ws: Workspace, tmp_path: Path):
    sent = send(ws, images(ws)[:1], "cvat")
    folder = shutil.copytree(sent.out, tmp_path / "returned")
    text = (folder / "annotations.xml").read_text()
    (folder / "annotations.xml").write_text(text.replace(images(ws)[0][:16], "0123456789abcdef"))
    with pytest.raises(EmptyError, match="no image of this workspace"):
        bring_back(ws, "cvat", folder, reviewer="ana")


def test_a_mask_of_another_word_or_size_is_left_aside(ws: Workspace, tmp_path: Path):
    sent = send(ws, images(ws), "cvat")
    folder = shutil.copytree(sent.out, tmp_path / "returned")
    text = (folder / "annotations.xml").read_text().replace('label="skin"', 'label="sofa"')
    (folder / "annotations.xml").write_text(text)
    found = bring_back(ws, "cvat", folder, reviewer="ana")
    assert (found.new, found.left_aside) == (0, {"mask: 'sofa' is neither skin nor garment": 2})


def test_an_unknown_tool_or_no_selection_is_refused(ws: Workspace):
    with pytest.raises(UsageError, match="no annotation tool 'paint'"):
        send(ws, images(ws), "paint")
    with pytest.raises(UsageError, match="0 images"):
        send(ws, [], "cvat")
    with pytest.raises(UsageError):
        send(ws, ["x' OR 'a'='a"], "cvat")


def test_the_same_selection_again_is_the_same_export(ws: Workspace):
    assert send(ws, images(ws), "cvat") == send(ws, images(ws), "cvat")
