"""Sheets and overlays, on images of a few pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dataset.errors import EmptyError
from dataset.masks import from_index
from reports.gallery import TINTS, Cell, contact_sheet, overlay


def test_an_overlay_pales_the_background_tints_the_classes_and_draws_their_border() -> None:
    index = np.zeros((9, 9), np.uint8)
    index[2:7, 2:7] = 2
    out = overlay(np.full((9, 9, 3), 100, np.uint8), from_index(index))
    assert out[0, 0].tolist() == [139, 139, 139]
    assert tuple(out[2, 4]) == TINTS[2]
    assert out[4, 4].tolist() == [round(55 + 0.45 * c) for c in TINTS[2]]


def test_a_sheet_has_room_for_every_cell_and_twice_the_width_with_masks() -> None:
    rgb = np.full((60, 40, 3), 50, np.uint8)
    plain = Image.open(io.BytesIO(contact_sheet([Cell(rgb)] * 5, columns=3, cell_px=50)))
    masked = Image.open(io.BytesIO(contact_sheet([Cell(rgb, "x", from_index(np.ones((60, 40), np.uint8)))], 1, 50)))
    assert plain.size == (3 * 62 + 12, 2 * 84 + 12)
    assert masked.size == (112 + 12, 84 + 12)
    assert masked.getpixel((12 + 25, 12 + 25)) == (50, 50, 50)
    assert masked.getpixel((12 + 75, 12 + 25)) != (50, 50, 50)


def test_a_sheet_of_nothing_says_what_to_do() -> None:
    with pytest.raises(EmptyError, match="modiste crawl"):
        contact_sheet([])
