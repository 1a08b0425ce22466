"""GPS, serial numbers and every other trace of device and place never leave; the pixels do, unchanged."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from exchange_drawn import photo, shop, usable, write
from PIL import ExifTags, Image, PngImagePlugin

from dataset.blobs import sha256_of
from dataset.errors import ImageError
from dataset.exporters.metadata import clean
from dataset.exporters.run import WRITERS, export
from dataset.images import decode
from dataset.importers.run import import_data
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace

SERIAL = b"SN-4711-SECRET"
XMP = b"<x:xmpmeta>" + SERIAL + b"</x:xmpmeta>"


def exif(orientation: int = 1) -> Image.Exif:
    """GPS, body serial number, maker's note and owner's name."""
    found = Image.Exif()
    found[ExifTags.Base.Orientation] = orientation
    found[ExifTags.Base.Make] = SERIAL.decode()
    found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = SERIAL.decode()
    found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = SERIAL
    gps = found.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 12.0, 30.0)
    gps[ExifTags.GPS.GPSProcessingMethod] = SERIAL
    return found


def traced(kind: str, orientation: int = 1) -> bytes:
    """An image that tells a serial number wherever its format can."""
    more: dict[str, object] = {"exif": exif(orientation)}
    if kind == "JPEG":
        more |= {"comment": SERIAL, "xmp": XMP, "progressive": True, "icc_profile": b"no profile"}
    if kind == "PNG":
        more["pnginfo"] = PngImagePlugin.PngInfo()
        more["pnginfo"].add_text("Author", SERIAL.decode())  # type: ignore[attr-defined]
        more["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())  # type: ignore[attr-defined]
    if kind == "WEBP":
        more |= {"xmp": XMP, "lossless": True}
    return photo(3, kind, **more) + (SERIAL if kind in ("JPEG", "PNG", "WEBP") else b"")


def gps_of(data: bytes) -> dict[int, object]:
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_goes_and_the_compressed_pixels_stay(kind: str, orientation: int):
    data = traced(kind, orientation)
    assert SERIAL in data
    assert gps_of(data)
    found = clean(data)
    assert found.how == "metadata removed"
    assert SERIAL not in found.data
    assert gps_of(found.data) == {}
    before, after = decode(data), decode(found.data)
    assert (before.rgb == after.rgb).all()
    assert (after.orientation, after.format) == (orientation, kind)
    assert (after.width, after.height) == (before.width, before.height)


def test_of_exif_the_orientation_alone_is_left():
    with Image.open(io.BytesIO(clean(traced("JPEG", 6)).data)) as image:
        assert dict(image.getexif()) == {ExifTags.Base.Orientation: 6}


def test_a_colour_profile_stays_and_so_do_the_colours():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = photo(1, "JPEG", icc_profile=profile, exif=exif())
    assert decode(clean(data).data).icc_profile == profile


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_that_tells_nothing_leaves_as_it_was(kind: str):
    data = photo(5, kind)
    assert clean(data).how == "as it was"
    assert clean(data).data == data


def test_the_second_image_of_a_multi_picture_file_is_not_taken_along():
    buffer = io.BytesIO()
    first, second = (Image.open(io.BytesIO(photo(k))) for k in (1, 2))
    first.save(buffer, "MPO", save_all=True, append_images=[second], exif=exif())
    found = clean(buffer.getvalue())
    assert found.suffix == ".jpg"
    assert SERIAL not in found.data
    assert found.data.count(b"\xff\xd8\xff") == 1
    assert (decode(found.data).rgb == decode(buffer.getvalue()).rgb).all()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "BMP"])
def test_a_format_that_can_not_be_cleaned_is_written_anew_without_loss(kind: str):
    data = photo(2, kind) if kind == "BMP" else photo(2, kind, comment=SERIAL) if kind == "GIF" else traced("TIFF")
    found = clean(data)
    assert (found.how, found.suffix) == ("re-encoded as PNG", ".png")
    assert SERIAL not in found.data
    assert (decode(found.data).rgb == decode(data).rgb).all()


def test_fill_bytes_between_segments_are_no_broken_structure():
    data = photo(1, exif=exif())
    place = data.index(b"\xff\xdb")
    found = clean(data[:place] + b"\xff\xff\xff" + data[place:])
    assert (found.how, SERIAL in found.data) == ("metadata removed", False)
    assert (decode(found.data).rgb == decode(data).rgb).all()


def test_a_jpeg_of_broken_structure_is_written_anew_or_refused():
    data = photo(1)
    assert clean(data[:-2] + b"\x00\x00").how == "re-encoded as PNG"
    with pytest.raises(ImageError):
        clean(b"\xff\xd8" + b"\xff" * 40)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_files_are_cleaned_or_refused_and_never_more_than_that(kind: str):
    """150 files, each with a few bytes changed or its end cut off."""
    whole, random = traced(kind, 6), np.random.default_rng(0)
    for _ in range(50):
        data = bytearray(whole[: int(random.integers(20, len(whole) + 1))])
        for place in random.integers(0, len(data), 3):
            data[place] = int(random.integers(256))
        try:
            found = clean(bytes(data))
        except ImageError:
            continue
        assert SERIAL not in found.data


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A snapshot `s` of four images that tell where and by which device they were taken."""
    root = tmp_path_factory.mktemp("telling")
    ws = Workspace.init(root / "shop")
    for number, kind in enumerate(("JPEG", "PNG", "WEBP", "TIFF")):
        write(root / "dresses" / f"{number}.{kind.lower()}", traced(kind, 6))
    import_data(ws, "folder", root / "dresses")
    usable(ws)
    create_snapshot(ws, "s")
    return ws


@pytest.mark.parametrize("format_", sorted(WRITERS))
def test_no_export_of_any_format_holds_the_serial_number(telling: Workspace, tmp_path: Path, format_: str):
    ws = telling
    result = export(ws, format_, "s", tmp_path / "out")
    assert result.images_are == {"metadata removed": 3, "re-encoded as PNG": 1}
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert all(SERIAL not in path.read_bytes() for path in files)


def test_a_photo_on_its_side_and_its_mask_still_fit(tmp_path: Path):
    """The mask is of the photo as it is shown: 47 x 61 turned is 61 x 47."""
    ws = Workspace.init(tmp_path / "shop")
    data = photo(1, "JPEG", exif=exif(6))
    mask = np.zeros((47, 61), np.uint8)
    mask[5:20, 30:] = 255
    write(tmp_path / "in" / "images" / "a.jpg", data)
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    write(tmp_path / "in" / "masks" / "a.png", buffer.getvalue())
    assert import_data(ws, "masks", tmp_path / "in").bad_masks == 0
    usable(ws, ("train",))
    create_snapshot(ws, "s")
    assert ws.tables.read("images").to_pylist()[0]["width"] == 61
    other = Workspace.init(tmp_path / "other")
    export(ws, "yolo", "s", tmp_path / "out", masks="none")
    assert import_data(other, "yolo", tmp_path / "out").images == 1
    (row,) = ws.tables.read("fetches").to_pylist()
    assert row["sha256"] == sha256_of(data)


def test_an_export_tells_no_path_of_this_machine(tmp_path: Path):
    ws = shop(tmp_path)
    export(ws, "coco", "spring", tmp_path / "out")
    told = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert str(tmp_path).encode() not in told
