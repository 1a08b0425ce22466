"""A measured colour's row is as sure as its name is, and as its share is large; doubt never changes the label."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.taxonomy import load_taxonomy
from dataset.workspace import Workspace
from labeling.colour import dominant_colours
from labeling.measured import CONFIDENCE, measure_colours

SURE, BETWEEN = (16, 64, 192), (212, 100, 100)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def packshot(cloth: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rgb, mask = np.full((120, 90, 3), 246, np.uint8), np.zeros((120, 90), bool)
    mask[30:90, 25:65] = True
    rgb[mask] = cloth
    return rgb, mask


@pytest.mark.parametrize("cloth", [SURE, BETWEEN])
def test_a_rows_confidence_is_the_names_chance_times_its_share(tmp_path: Path, cloth: tuple[int, int, int]):
    ws = Workspace.init(tmp_path / "w")
    rgb, mask = packshot(cloth)
    wanted = [(ws.blobs.put(png(rgb)), ws.blobs.put(png(mask.astype(np.uint8) * 255)))]
    ((_, rows),) = measure_colours(ws, load_taxonomy("clothing"), wanted, workers=1)
    found = dominant_colours(rgb, mask)[0]
    value, _, confidence = rows[0]
    assert value == found.name
    assert confidence == pytest.approx(CONFIDENCE * found.confidence * found.share)


def test_a_colour_between_two_names_is_less_sure_than_a_plain_one():
    sure, between = (dominant_colours(*packshot(cloth))[0].confidence for cloth in (SURE, BETWEEN))
    assert between < 0.8 < sure
