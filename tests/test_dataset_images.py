from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from dataset.errors import ImageError
from dataset.images import REASONS, decode

RED = (200, 30, 40)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (40, 20), RED)
    image.paste((0, 0, 255), (0, 0, 10, 20))  # blue on the left, which orientation 6 turns to the top
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode(encoded(image, "PNG", exif=exif))
    assert (found.width, found.height, found.orientation) == (20, 40, 6)
    assert found.rgb[0, 0].tolist() == [0, 0, 255]
    assert found.rgb[-1, -1].tolist() == list(RED)


def test_transparency_is_laid_on_white_and_kept_beside() -> None:
    image = Image.new("RGBA", (8, 8), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    found = decode(encoded(image, "PNG"))
    assert found.rgb[0, 0].tolist() == [255, 255, 255]
    assert found.rgb[0, 7].tolist() == list(RED)
    assert found.alpha is not None
    assert found.alpha[0].tolist() == [0] * 4 + [255] * 4


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, -1).repeat(4, axis=0)
    found = decode(encoded(Image.fromarray(ramp), "PNG"))
    assert found.rgb[0, :, 0].tolist() == pytest.approx(list(range(256)), abs=1)


def test_cmyk_becomes_rgb() -> None:
    found = decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert found.rgb.shape == (8, 8, 3)
    assert found.rgb[4, 4, 0] > 200 > 60 > found.rgb[4, 4, 1]


def test_an_animation_gives_its_first_frame_and_the_count() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 255, 0), (0, 0, 255))]
    found = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found.frames == 3
    assert found.rgb[0, 0, 0] > 150


def test_a_colour_profile_is_turned_to_srgb() -> None:
    grey = Image.new("RGB", (8, 8), (120, 120, 120))
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert decode(encoded(grey, "PNG", icc_profile=lab_like)).rgb.shape == (8, 8, 3)


def test_a_reduced_decode_keeps_the_short_side_wanted() -> None:
    photo = encoded(Image.new("RGB", (1600, 2400), RED), "JPEG")
    found = decode(photo, shorter_side_px=300)
    assert (found.width, found.height) == (1600, 2400)
    assert 300 <= min(found.rgb.shape[:2]) < 700


def bomb(width: int, height: int) -> bytes:
    """A PNG header that promises more pixels than it has."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = b"IDAT" + zlib.compress(b"")
    chunks = b"".join(len(c[4:]).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in (header, data))
    return b"\x89PNG\r\n\x1a\n" + chunks


PHOTO = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n <!DOCTYPE html><html></html>", "html"),
        (b"not an image at all", "not_an_image"),
        (PHOTO[: len(PHOTO) // 2], "truncated"),
        (bomb(65_000, 65_000), "too_many_pixels"),
        (encoded(Image.new("RGB", (1, 9)), "PNG"), "too_small"),
    ],
)
def test_what_is_no_usable_image_is_refused_with_a_code(data: bytes, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert caught.value.code == code
    assert code in REASONS


@given(st.integers(0, len(PHOTO) - 1), st.binary(max_size=40))
def test_damaged_bytes_give_an_image_or_a_coded_refusal_and_nothing_else(place: int, junk: bytes) -> None:
    try:
        outcome = str(decode(PHOTO[:place] + junk + PHOTO[place + len(junk) :]).rgb.dtype)
    except ImageError as error:
        outcome = error.code
    assert outcome in {"uint8", *REASONS}
