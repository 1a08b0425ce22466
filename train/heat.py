"""Why a tag was given: a heat map of the places that spoke for a value, and a picture of it over the photo.

In: a `train.tagger.Tagger`, a photo, a field and one of its values. Out: (H, W) float32 in [0, 1], or a PNG. Where an
answer is a mean over places (EfficientNet and its kind, and the weight that ships) the map is exact: what each place
adds to the value's logit (class activation map, Zhou et al., CVPR 2016); of an exclusive field over what it adds to the
mean of all values, since a softmax sees differences alone. Other networks are explained by Grad-CAM (Selvaraju et al.,
ICCV 2017), which needs torch. A map shows what the network looked at, not whether it was right.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from dataset.errors import TrainingError, UsageError
from train.letterbox import UInt8, place
from train.tagger import Float32, Tagger

SHARE = 0.55  # of the heat's colour where it is greatest
LOW, HIGH = np.array([40, 80, 200], np.float32), np.array([255, 90, 0], np.float32)  # RGB, blue to orange


def heat(tagger: Tagger, photo: UInt8, field: str, value: str | None = None) -> Float32:
    """(H, W, 3) uint8 RGB -> (H, W) float32 in [0, 1], 1 where most speaks for `value` (none is the surest one); all 0
    where nothing does. Raises UsageError for an unknown field or value."""
    return heats(tagger, photo, {field: value})[field]


def heats(tagger: Tagger, photo: UInt8, wanted: dict[str, str | None]) -> dict[str, Float32]:
    """{field: map} of several fields, in one pass of the network where the maps are exact."""
    said = _values(tagger, photo, wanted)
    square = tagger.square(photo)
    try:
        seen = tagger.backend.see(square[None], tagger.recipe.flips, maps=True)
    except TrainingError:
        from train.grad_cam import grad_cam

        maps = {field: grad_cam(tagger, square, field, value) for field, value in said.items()}
    else:
        assert seen.maps is not None
        maps = {field: _of_value(tagger, seen.maps[field][0], field, value) for field, value in said.items()}
    return {field: _on_photo(tagger, found, photo.shape[:2]) for field, found in maps.items()}


def overlay(photo: UInt8, found: Float32) -> UInt8:
    """(H, W, 3) uint8: the photo in grey, tinted from blue (little) to orange (most) as strongly as the heat."""
    grey = np.repeat(photo.mean(-1, keepdims=True), 3, axis=-1) * 0.75 + photo * 0.25
    colour = LOW + (HIGH - LOW) * found[..., None]
    share = SHARE * np.sqrt(found)[..., None]
    return np.asarray(grey * (1 - share) + colour * share, dtype=np.uint8)


def overlay_png(tagger: Tagger, photo: UInt8, fields: Sequence[str]) -> dict[str, bytes]:
    """{field: PNG of the photo's own size}, each explaining the surest value."""
    found = heats(tagger, photo, dict.fromkeys(fields))
    return {field: _png(overlay(photo, each)) for field, each in found.items()}


def _values(tagger: Tagger, photo: UInt8, wanted: dict[str, str | None]) -> dict[str, str]:
    """The values to explain, the surest where none is named."""
    answers = tagger.answers([photo], list(wanted))[0]
    for field, value in wanted.items():
        if value is not None and value not in tagger.values[field]:
            raise UsageError(f"'{value}' is no value of {field}", expected=", ".join(tagger.values[field]))
    return {field: value or answers[field].best for field, value in wanted.items()}


def _of_value(tagger: Tagger, maps: Float32, field: str, value: str) -> Float32:
    """(K, h, w) -> (h, w), in the units of the logit."""
    found = maps[tagger.values[field].index(value)]
    return found if field in tagger.multi else found - maps.mean(0)


def _on_photo(tagger: Tagger, found: Float32, size: tuple[int, ...]) -> Float32:
    """(h, w) on the padded square -> (H, W) on the photo: enlarged, the padding cut off, negative left out."""
    side = tagger.recipe.side
    large: Any = cv2.resize(np.maximum(found, 0).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    inside = place(size[0], size[1], (side, side)).crop(large)
    full = np.maximum(cv2.resize(inside, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), 0)
    peak = float(full.max())
    return np.asarray(full / peak if peak > 0 else full, dtype=np.float32)


def _png(rgb: UInt8) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()
