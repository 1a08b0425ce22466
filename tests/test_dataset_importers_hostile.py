"""Data sets that would lead out of their folder, fill the memory or break a decoder: coded rows and clear errors."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import HEIGHT, WIDTH, composite, photo, png, write

from dataset.errors import DataError
from dataset.importers import archive, bring_in
from dataset.importers.root import Root, Unreadable, safe_name
from dataset.importers.run import import_data
from dataset.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def fates(ws: Workspace) -> dict[str, tuple[str, str | None]]:
    rows = ws.tables.read("fetches").to_pylist()
    return {row["url"].rsplit("/", 1)[-1]: (row["status"], row["reason"]) for row in rows}


def coco_of(*names: str) -> str:
    images = [{"id": k, "file_name": name, "height": HEIGHT, "width": WIDTH} for k, name in enumerate(names)]
    return json.dumps({"images": images, "annotations": [], "categories": []})


def test_names_that_point_outside_are_refused_rows_and_never_opened(ws: Workspace, tmp_path: Path):
    secret = write(tmp_path / "secret.jpg", photo(1))
    names = ("../secret.jpg", str(secret), "a/../../secret.jpg", "C:\\secret.jpg", "..\\secret.jpg", "good.jpg")
    write(tmp_path / "in" / "all.json", coco_of(*names))
    write(tmp_path / "in" / "good.jpg", photo(2))
    result = import_data(ws, "coco", tmp_path / "in")
    assert (result.images, result.failed, result.reasons) == (1, 5, {"outside_folder": 5})
    assert {row["status"] for row in ws.tables.read("fetches", where="sha256 IS NULL").to_pylist()} == {"refused"}
    assert all(str(tmp_path) not in url for url in ws.tables.read("fetches")["url"].to_pylist())
    assert len(list(ws.blobs)) == 1


def test_a_symbolic_link_out_of_the_folder_is_refused(ws: Workspace, tmp_path: Path):
    write(tmp_path / "outside" / "secret.jpg", photo(1))
    write(tmp_path / "in" / "all.json", coco_of("link.jpg", "folder/secret.jpg"))
    os.symlink(tmp_path / "outside" / "secret.jpg", tmp_path / "in" / "link.jpg")
    os.symlink(tmp_path / "outside", tmp_path / "in" / "folder")
    import_data(ws, "coco", tmp_path / "in")
    assert fates(ws)["link.jpg"] == ("refused", "outside_folder")
    assert fates(ws)["secret.jpg"][0] in ("refused", "failed")
    assert list(ws.blobs) == []


def test_a_pipe_or_a_folder_in_an_images_place_is_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    root = Root(tmp_path)
    for name in ("pipe.jpg", "folder.jpg"):
        with pytest.raises(Unreadable) as error:
            root.read(name)
        assert error.value.code == "not_a_file"


@pytest.mark.parametrize("name", ["/etc/passwd", "..", "a/..", "a\\..\\b", "c:x", "a\0b", "\\\\server\\x"])
def test_safe_name_refuses(name: str):
    with pytest.raises(Unreadable):
        safe_name(name)


def test_every_kind_of_bad_image_is_a_row_and_the_good_ones_stay(ws: Workspace, tmp_path: Path):
    good = photo(1)
    bad = {
        "html.jpg": b"<!doctype html><p>not found", "empty.jpg": b"", "cut.jpg": photo(2)[:200], "text.png": b"hello",
        "dot.png": png(np.zeros((1, 1), np.uint8)),
    }  # fmt: skip
    for name, data in {"good.jpg": good, **bad}.items():
        write(tmp_path / "in" / "dress" / name, data)
    result = import_data(ws, "folder", tmp_path / "in")
    assert (result.images, result.failed) == (1, 5)
    assert {name: fates(ws)[name][1] for name in bad} == {
        "html.jpg": "html", "empty.jpg": "empty", "cut.jpg": "truncated", "text.png": "not_an_image",
        "dot.png": "too_small",
    }  # fmt: skip
    assert "5 not had (" in result.line()


def test_missing_and_ambiguous_images_are_counted(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "annotations" / "all.json", coco_of("gone.jpg", "twice.jpg"))
    for folder in ("one", "two"):
        write(tmp_path / "in" / folder / "twice.jpg", photo(1))
    assert import_data(ws, "coco", tmp_path / "in").reasons == {"missing_file": 1, "ambiguous_file": 1}


def test_a_mask_of_another_size_is_a_bad_row_and_the_image_stays(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "images" / "a.jpg", photo(1))
    write(tmp_path / "in" / "masks" / "a.png", png(composite()[:-1]))
    write(tmp_path / "in" / "images" / "b.jpg", photo(2))
    write(tmp_path / "in" / "masks" / "b.png", b"no image at all")
    result = import_data(ws, "masks", tmp_path / "in")
    assert (result.images, result.masks, result.mask_reasons) == (2, 2, {"unfit": 1, "not_an_image": 1})
    assert {row["status"] for row in ws.tables.read("masks").to_pylist()} == {"bad"}


BROKEN = [
    {"size": [HEIGHT, WIDTH], "counts": [5, 5]},
    {"size": [10**6, 10**6], "counts": [10**12]},
    {"size": [HEIGHT, WIDTH], "counts": "~~~~"},
    {"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]},
    {"size": [HEIGHT, WIDTH], "counts": ["x"]},
    [[1, 2, 3]],
    [[0, 0, 1e300, 5, 3, 3]],
    [["x", 1, 2, 3, 4, 5]],
    [{"x": 1}],
    "polygon",
]


def test_broken_codes_and_polygons_are_bad_rows_and_the_rest_goes_on(ws: Workspace, tmp_path: Path):
    good = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT, 5, HEIGHT * (WIDTH - 1) - 5]}
    drawn = [*BROKEN, good]
    images = [{"id": k, "file_name": f"{k}.jpg", "height": HEIGHT, "width": WIDTH} for k in range(len(drawn))]
    annotations = [{"id": k, "image_id": k, "category_id": 1, "segmentation": told} for k, told in enumerate(drawn)]
    told = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dress"}]}
    write(tmp_path / "in" / "all.json", json.dumps(told))
    for number in range(len(drawn)):
        write(tmp_path / "in" / f"{number}.jpg", photo(number))
    result = import_data(ws, "coco", tmp_path / "in")
    assert (result.images, result.mask_reasons) == (11, {"unfit": 10})
    assert ws.tables.read("masks", where="status = 'ok' AND kind = 'garment'").num_rows == 1


@pytest.mark.parametrize(
    "text", ['{"images": [', "{nonsense", '{"images": [{"id": 1}]}', '{"images": [[[' + "[" * 100_000]
)
def test_broken_json_is_named_by_file(ws: Workspace, tmp_path: Path, text: str):
    write(tmp_path / "in" / "all.json", text)
    write(tmp_path / "in" / "a.jpg", photo(1))
    with pytest.raises(DataError, match=r"all\.json"):
        import_data(ws, "coco", tmp_path / "in")


def test_one_broken_annotation_of_many_costs_one_mask_and_not_the_import(ws: Workspace, tmp_path: Path):
    for number, text in enumerate(("0 0.1 0.1 0.9 0.1 0.9 0.9", "0 zero", "0 0.1", "0 nan nan nan nan nan nan")):
        write(tmp_path / "in" / "images" / f"{number}.jpg", photo(number))
        write(tmp_path / "in" / "labels" / f"{number}.txt", text)
    write(tmp_path / "in" / "data.yaml", "names: [dress]")
    result = import_data(ws, "yolo", tmp_path / "in")
    assert (result.images, result.failed, result.mask_reasons) == (4, 0, {"unreadable": 3})
    assert ws.tables.read("masks", where="status = 'ok' AND kind = 'garment'").num_rows == 1


def test_xml_with_entities_is_refused(ws: Workspace, tmp_path: Path):
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>'
    write(tmp_path / "in" / "annotations.xml", bomb)
    with pytest.raises(DataError, match="document type or entities"):
        import_data(ws, "cvat", tmp_path / "in")


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as file:
        for member in members:
            member.size = 3 if member.isreg() else 0
            file.addfile(member, io.BytesIO(b"abc"))
    return path


def test_a_zip_of_a_data_set_is_imported_and_its_scratch_goes_away(ws: Workspace, tmp_path: Path):
    path = zipped(tmp_path / "closet.zip", {"train/dress/a.jpg": photo(1), "train/hat/b.jpg": photo(2)})
    result = import_data(ws, "folder", path)
    assert (result.images, result.store) == (2, "closet")
    assert [entry.name for entry in (ws.root / "imports").iterdir()] == ["closet-folder-split.csv"]


@pytest.mark.parametrize("name", ["../../evil.jpg", "/evil.jpg", "a/../../evil.jpg"])
def test_a_zip_that_leads_outside_is_refused_whole(ws: Workspace, tmp_path: Path, name: str):
    path = zipped(tmp_path / "bad.zip", {"dress/good.jpg": photo(1), name: photo(2)})
    with pytest.raises(DataError, match="points outside the archive"):
        import_data(ws, "folder", path)
    assert ws.tables.versions() == {}
    assert list(tmp_path.rglob("evil.jpg")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_tar_with_a_link_or_device_is_refused(ws: Workspace, tmp_path: Path, kind: bytes):
    member = tarfile.TarInfo("dress/a.jpg")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(DataError, match="a link or a device"):
        import_data(ws, "folder", tarred(tmp_path / "bad.tar", tarfile.TarInfo("dress/b.jpg"), member))


def test_a_zip_link_is_refused(ws: Workspace, tmp_path: Path):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as file:
        member = zipfile.ZipInfo("dress/a.jpg")
        member.external_attr = 0o120777 << 16
        file.writestr(member, "/etc/passwd")
    with pytest.raises(DataError, match="a link or a device"):
        import_data(ws, "folder", path)


def test_a_bomb_is_refused_before_it_is_unpacked(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "_RATIO_FROM_BYTES", 1_000_000)
    path = zipped(tmp_path / "bomb.zip", {"dress/a.jpg": bytes(5_000_000)})
    with pytest.raises(DataError, match="5000000 bytes"):
        import_data(ws, "folder", path)


def test_broken_archives_and_files_that_are_none_say_so(ws: Workspace, tmp_path: Path):
    whole = zipped(tmp_path / "a.zip", {"dress/a.jpg": photo(1)}).read_bytes()
    broken = write(tmp_path / "broken.zip", whole[:40] + b"\0" * 60 + whole[100:])
    with pytest.raises(DataError, match=r"broken\.zip"):
        import_data(ws, "folder", broken)
    with pytest.raises(DataError, match="no folder, zip or tar"):
        import_data(ws, "folder", write(tmp_path / "notes.txt", "hello"))


def test_what_was_taken_down_is_not_imported_again(ws: Workspace, tmp_path: Path):
    write(tmp_path / "in" / "dress" / "a.jpg", photo(1))
    write(tmp_path / "in" / "dress" / "b.jpg", photo(2))
    import_data(ws, "folder", tmp_path / "in")
    (row,) = [row for row in ws.tables.read("fetches").to_pylist() if row["url"].endswith("a.jpg")]
    ws.tables.append("takedowns", [{"kind": "sha256", "value": row["sha256"], "reason": "asked"}])
    ws.blobs.delete(row["sha256"])
    result = import_data(ws, "folder", tmp_path / "in")
    assert (result.images, result.reasons) == (1, {"taken_down": 1})
    assert not ws.blobs.has(row["sha256"])


def test_an_interrupted_import_goes_on_and_doubles_nothing(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bring_in, "_BATCH", 2)
    for number in range(7):
        write(tmp_path / "in" / "dress" / f"{number}.jpg", photo(number))

    def stop(done: int, total: int | None) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_data(ws, "folder", tmp_path / "in", progress=stop)
    assert ws.tables.read("fetches").num_rows == 4
    assert import_data(ws, "folder", tmp_path / "in").new == 3
    assert ws.tables.read("fetches").num_rows == ws.tables.read("labels").num_rows == 7
