"""Sheets of made pictures beside what they came near to. In: blocks of pictures with words. Out: one PNG.

Small pictures are enlarged by whole pixels, so that a sheet shows what there is and nothing smoother.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dataset.blobs import write_atomically
from train.letterbox import UInt8
from train.sheets import INK, PAPER

LEAST_PX, GAP, LABEL, TITLE = 112, 8, 16, 30
MOST_WIDE_PX = 1400


@dataclass(frozen=True)
class Block:
    """Pictures (H, W, 1 or 3) uint8, side by side over their words."""

    pictures: tuple[UInt8, ...]
    words: str


def sheet_png(blocks: Sequence[Block], title: str) -> bytes:
    drawn = [_drawn(block) for block in blocks]
    wide, high = max(each.width for each in drawn) + GAP, max(each.height for each in drawn) + GAP
    columns = max(1, min(len(drawn), MOST_WIDE_PX // wide))
    size = (max(columns * wide + GAP, 900), TITLE + -(-len(drawn) // columns) * high)
    sheet = Image.new("RGB", size, PAPER)
    ImageDraw.Draw(sheet).text((GAP, 7), title, INK, ImageFont.load_default(14))
    for number, each in enumerate(drawn):
        sheet.paste(each, (GAP + number % columns * wide, TITLE + number // columns * high))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def sample_sheet(path: Path, blocks: Sequence[Block], title: str) -> None:
    """Written atomically; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, sheet_png(blocks, title))


def _drawn(block: Block) -> Image.Image:
    scale = max(1, -(-LEAST_PX // block.pictures[0].shape[0]))
    pictures = [_grown(each, scale) for each in block.pictures]
    wide = sum(each.width for each in pictures) + 2 * (len(pictures) - 1)
    out = Image.new("RGB", (wide, pictures[0].height + LABEL), PAPER)
    left = 0
    for each in pictures:
        out.paste(each, (left, 0))
        left += each.width + 2
    ImageDraw.Draw(out).text((0, pictures[0].height + 1), block.words, INK, ImageFont.load_default(11))
    return out


def _grown(picture: UInt8, scale: int) -> Image.Image:
    rgb = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    image = Image.fromarray(np.ascontiguousarray(rgb))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
