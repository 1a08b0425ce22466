from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dataset.source_mark import is_made, source_type_of

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def xmp(*terms: str) -> str:
    said = "".join(f'<rdf:li Iptc4xmpExt:DigitalSourceType="{TERMS}{term}"/>' for term in terms)
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{said}</x:xmpmeta>'


def picture(kind: str, *terms: str, packed: bool = False) -> bytes:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp(*terms), zip=packed)
        image.save(buffer, "PNG", pnginfo=text)
    else:
        image.save(buffer, kind, xmp=xmp(*terms).encode())
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_mark_is_read_from_every_kind_of_file(kind: str) -> None:
    assert source_type_of(picture(kind, "trainedAlgorithmicMedia")) == "trainedAlgorithmicMedia"
    assert is_made(picture(kind, "composite"))


def test_a_compressed_mark_is_read_too() -> None:
    data = picture("PNG", "algorithmicMedia", packed=True)
    assert b"algorithmicMedia" not in data
    assert source_type_of(data) == "algorithmicMedia"


@pytest.mark.parametrize("term", ["digitalCapture", "computationalCapture", "negativeFilm", "print"])
def test_what_a_camera_or_a_scanner_says_is_no_made_picture(term: str) -> None:
    assert source_type_of(picture("JPEG", term)) == term
    assert not is_made(picture("JPEG", term))


def test_a_made_term_wins_over_the_captures_beside_it() -> None:
    assert source_type_of(picture("JPEG", "digitalCapture", "humanEdits")) == "humanEdits"


def test_a_picture_without_a_mark_or_no_picture_at_all_is_taken_for_a_photo() -> None:
    plain = io.BytesIO()
    Image.new("RGB", (9, 9)).save(plain, "PNG")
    assert source_type_of(plain.getvalue()) is None
    assert not is_made(b"")
    assert not is_made(b"\x89PNG XML:com.adobe.xmp\x00\x01 cut off")
