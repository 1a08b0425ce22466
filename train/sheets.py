"""Sheets of pictures for people: labelled PNGs. In: photos, class maps, words. Out: one PNG file.

A mask is shown as colour over the dimmed photo: skin orange, garment blue; of more classes, each its own hue. Pillow
only.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from dataset.blobs import write_atomically
from train.letterbox import UInt8

COLOURS = np.array([[255, 255, 255], [240, 140, 40], [40, 110, 220]], np.float32)
HIGH, GAP, LABEL, TITLE = 240, 6, 20, 34
INK, PAPER = (30, 30, 30), (250, 250, 248)


def overlay(rgb: UInt8, index: UInt8, classes: int = 3) -> UInt8:
    """(H, W, 3): the person tinted by class, the background faded towards white; 255 (not counted) as background."""
    index = np.where(index < classes, index, 0)
    share = np.where(index[..., None] == 0, 0.8, 0.6)
    return (rgb * (1 - share) + _colours(classes)[index] * share).astype(np.uint8)


def _colours(classes: int) -> npt.NDArray[np.float32]:
    """(classes, 3): neighbours in number are far apart in hue (steps of the golden ratio)."""
    if classes <= len(COLOURS):
        return COLOURS
    hues = [
        colorsys.hsv_to_rgb(k * 0.618034 % 1, 0.55 + 0.4 * (k % 2), 0.95 - 0.25 * (k % 3 == 2)) for k in range(classes)
    ]
    return np.array([(1.0, 1.0, 1.0), *hues[1:]], np.float32) * 255


def mask_sheet(
    path: Path, trios: Sequence[tuple[UInt8, UInt8, UInt8, str]], title: str, columns: int = 3, classes: int = 3
) -> None:
    """(photo, truth, prediction, words) each as a block of three pictures over its words."""
    blocks = [
        _block([rgb, overlay(rgb, truth, classes), overlay(rgb, said, classes)], words)
        for rgb, truth, said, words in trios
    ]
    save_grid(path, blocks, title, columns)


def photo_sheet(path: Path, photos: Sequence[tuple[UInt8, str]], title: str, columns: int = 6) -> None:
    save_grid(path, [_block([rgb], words, least=170) for rgb, words in photos], title, columns)


def save_grid(path: Path, blocks: Sequence[Image.Image], title: str, columns: int) -> None:
    columns = max(1, min(columns, len(blocks)))
    wide = max((block.width for block in blocks), default=400) + 3 * GAP
    high = max((block.height for block in blocks), default=0) + GAP
    sheet = Image.new("RGB", (max(columns * wide + GAP, 640), TITLE + -(-len(blocks) // columns) * high), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((2 * GAP, 8), title, INK, ImageFont.load_default(16))
    for number, block in enumerate(blocks):
        sheet.paste(block, (2 * GAP + number % columns * wide, TITLE + number // columns * high))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def _block(pictures: Sequence[UInt8], words: str, least: int = 0) -> Image.Image:
    scaled = [Image.fromarray(each) for each in pictures]
    scaled = [
        each.resize((max(1, round(each.width * HIGH / each.height)), HIGH), Image.Resampling.LANCZOS) for each in scaled
    ]
    wide = max(sum(each.width for each in scaled) + GAP * (len(scaled) - 1), least)
    block = Image.new("RGB", (wide, HIGH + LABEL), PAPER)
    left = 0
    for each in scaled:
        block.paste(each, (left, 0))
        left += each.width + GAP
    ImageDraw.Draw(block).text((0, HIGH + 3), words, INK, ImageFont.load_default(12))
    return block
