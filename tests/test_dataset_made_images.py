"""Pictures marked as made or changed by software are learned from at most: split and snapshot hold them off."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dataset.check import check
from dataset.errors import SnapshotError
from dataset.made_images import look_for_marks, made_images, without_made
from dataset.snapshot import create_snapshot
from dataset.splits import split
from dataset.workspace import Workspace

MARK = '<x Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{}"/>'


def photo(number: int, term: str = "") -> bytes:
    rgb = np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image = Image.fromarray(rgb).resize((96, 96), Image.Resampling.BICUBIC)
    text, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    if term:
        text.add_itxt("XML:com.adobe.xmp", MARK.format(term))
    image.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def fill(ws: Workspace, pictures: list[bytes], groups: list[int] | None = None) -> list[str]:
    """Fetched, checked and grouped; each in a group of its own unless `groups` says otherwise."""
    names = [ws.blobs.put(data) for data in pictures]
    ws.tables.append("fetches", [
        {"crawl_id": "1", "store": "s", "product_id": str(k), "url": str(k), "status": "ok", "sha256": name}
        for k, name in enumerate(names)
    ])  # fmt: skip
    check(ws)
    numbers = groups or list(range(len(names)))
    firsts = {number: names[numbers.index(number)] for number in numbers}
    ws.tables.append("groups", [
        {"sha256": name, "store": "s", "group_id": firsts[number], "cluster_id": name}
        for name, number in zip(names, numbers, strict=True)
    ])  # fmt: skip
    return names


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "w")


def parts(ws: Workspace) -> dict[str, str | None]:
    return {row["sha256"]: row["split"] for row in ws.tables.read("groups").to_pylist()}


def test_check_reads_the_mark_and_counts_what_is_made(ws: Workspace) -> None:
    names = fill(ws, [photo(0), photo(1, "composite"), photo(2, "digitalCapture")])
    assert made_images(ws) == {names[1]}
    told = {row["sha256"]: row["source_type"] for row in ws.tables.read("images").to_pylist()}
    assert [told[name] for name in names] == ["", "composite", "digitalCapture"]


def test_check_says_how_many_are_made(ws: Workspace) -> None:
    name = ws.blobs.put(photo(0, "trainedAlgorithmicMedia"))
    ws.tables.append("fetches", [{"crawl_id": "1", "store": "s", "url": "u", "status": "ok", "sha256": name}])
    assert "1 made or edited by software: train only" in check(ws).line()


@pytest.mark.parametrize("strategy", ["grouped", "random"])
def test_no_made_picture_reaches_validation_or_test(ws: Workspace, strategy: str) -> None:
    names = fill(ws, [photo(k, "composite" if k % 3 == 0 else "") for k in range(30)])
    found = split(ws, strategy=strategy, shares=(0.4, 0.3, 0.3))
    made = set(names[::3])
    assert {part for name, part in parts(ws).items() if name in made} == {"train"}
    assert {part for name, part in parts(ws).items() if name not in made} == {"train", "validation", "test"}
    assert "10 made or edited by software, in train alone" in found.line()


def test_an_edited_copy_of_a_test_photo_is_in_no_part(ws: Workspace) -> None:
    pictures = [photo(k, "composite" if k % 2 else "") for k in range(20)]
    names = fill(ws, pictures, groups=[k // 2 for k in range(20)])
    found = split(ws, shares=(0.5, 0.2, 0.3))
    told = parts(ws)
    for source, copy in zip(names[::2], names[1::2], strict=True):
        assert told[copy] == ("train" if told[source] == "train" else None)
    assert found.made_left_out == sum(told[name] != "train" for name in names[::2])
    assert found.leaks == 0


def test_an_edited_copy_that_comes_later_moves_no_photo(ws: Workspace) -> None:
    names = fill(ws, [photo(k) for k in range(20)])
    split(ws)
    before = parts(ws)
    copies = fill(ws, [photo(100 + k, "composite") for k in range(20)])
    rows = [row | {"group_id": names[copies.index(row["sha256"])]}
            for row in ws.tables.read("groups").to_pylist() if row["sha256"] in copies]  # fmt: skip
    ws.tables.upsert("groups", rows)
    for _ in range(2):
        split(ws)
        assert {name: parts(ws)[name] for name in names} == before


def test_a_given_test_part_does_not_carry_a_made_picture_in(ws: Workspace, tmp_path: Path) -> None:
    names = fill(ws, [photo(k, "algorithmicallyEnhanced" if k == 3 else "") for k in range(12)])
    (tmp_path / "given.csv").write_text("sha256,split\n" + "".join(f"{name},test\n" for name in names[:6]))
    split(ws, given=tmp_path / "given.csv")
    assert [parts(ws)[name] for name in names[:6]] == ["test", "test", "test", "train", "test", "test"]


def test_of_a_shop_that_is_held_out_a_made_picture_is_not_learned_from() -> None:
    rows = [{"sha256": name, "group_id": name} for name in ("a", "b")]
    assert without_made(rows, {"a": "train", "b": "test"}, {"a", "b"}, move=False) == ({"a": "train"}, 1)
    assert without_made(rows, {"a": "train", "b": "test"}, {"a", "b"}) == ({"a": "train", "b": "train"}, 0)


def test_a_snapshot_with_a_made_picture_in_test_is_refused(ws: Workspace) -> None:
    names = fill(ws, [photo(k, "composite" if k == 0 else "") for k in range(9)])
    split(ws)
    wrong = next(row for row in ws.tables.read("groups").to_pylist() if row["sha256"] == names[0])
    ws.tables.upsert("groups", [wrong | {"split": "test"}])
    with pytest.raises(SnapshotError, match="1 pictures made or changed by software") as caught:
        create_snapshot(ws, "bad")
    assert "modiste split" in str(caught.value)
    assert create_snapshot(ws, "photos", where="split <> 'test'").rows.num_rows > 0


def test_without_marked_pictures_the_fingerprint_is_what_it_was(ws: Workspace) -> None:
    fill(ws, [photo(k) for k in range(12)])
    split(ws)
    found = create_snapshot(ws, "plain").fingerprint
    rows = ws.tables.read("groups").to_pylist()
    lines = [f"{name}\x1f{{}}\x1f\x1f{part}\x1e" for name, part in sorted((r["sha256"], r["split"]) for r in rows)]
    assert found == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_images_checked_before_marks_were_read_are_looked_at_once(ws: Workspace) -> None:
    names = fill(ws, [photo(0), photo(1, "composite")])
    ws.tables.upsert("images", [row | {"source_type": None} for row in ws.tables.read("images").to_pylist()])
    assert made_images(ws) == set()
    assert look_for_marks(ws) == 2
    assert made_images(ws) == {names[1]}
    assert look_for_marks(ws) == 0
    kept = ws.tables.read("images").to_pylist()
    assert all(row["width"] == 96 and row["phash"] for row in kept)
