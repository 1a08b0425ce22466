"""The guard: is the product in an edited picture still the product of the photo?

In: the picture before and after a step, its garment pixels, where each pixel came from, and the step's limits. Out: a
`Judgement`: figures, reasons in words, and pass, review or refuse. Both are compared on the result's grid at the
coarser of both scales, so an honest resize is no drift. Never edits, never writes, never decides by anything
but its figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from dataset.errors import MaskError, UsageError
from dataset.settings import parse_settings, read_yaml
from labeling.colour_difference import delta_e_2000
from modiste.edit_detail import detail_lost
from modiste.edit_pattern import pattern_lost

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[Any]
Bool = npt.NDArray[np.bool_]
WINDOW = 7  # px, of SSIM: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004), with a flat window
STEADY = (0.03 * 255) ** 2  # SSIM's C2
STRONG = 45.0  # levels of 255 a pixel: an edge of a print, a letter, a seam
LOGO_SHARE = 0.03  # side of the patch that is judged as one, of the garment's longer side
LEAST_LOGO = 0.08  # of a patch must be strong edges
SAMPLED = 1_000_000  # garment pixels CIEDE2000 is worked out for, evenly taken
VERDICTS = ("pass", "review", "refuse")


class Rules(BaseModel):
    """[review over, refuse over] of each figure; one that isn't given isn't judged."""

    model_config = ConfigDict(extra="forbid")
    changed: tuple[int, int] | None = None
    delta_mean: tuple[float, float] | None = None
    delta_p95: tuple[float, float] | None = None
    delta_worst: tuple[float, float] | None = None
    texture: tuple[float, float] | None = None
    logo: tuple[float, float] | None = None
    detail: tuple[float, float] | None = None
    pattern: tuple[float, float] | None = None
    made: tuple[float, float] | None = None
    lost: tuple[float, float] | None = None
    blind: tuple[float, float] | None = None
    left: tuple[float, float] | None = None
    contrast: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Judgement:
    """`pixels` compared; `changed` of them, None where the step resampled; `delta_*` CIEDE2000 (mean, 95th percentile,
    worst patch); `texture` and `logo` drift in [0, 1]; `detail` lost in [0, 1] (edit_detail.py) and share of `pattern`
    lost (edit_pattern.py), both 0 where a step has no limit for it; `made` and `lost`, shares of the garment; `blind`,
    share of the outline that no edge bears out, and `left`, what beside the figure has its colours, over its area
    (edit_outline.py); `reasons` in words."""

    verdict: str
    pixels: int
    changed: int | None
    delta_mean: float
    delta_p95: float
    delta_worst: float
    texture: float
    logo: float
    made: float
    lost: float
    blind: float = 0.0
    left: float = 0.0
    detail: float = 0.0
    pattern: float = 0.0
    reasons: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def guard_rules() -> dict[str, Rules]:
    """Step -> limits, from train/recipes/editing/guard.yaml."""
    with resources.as_file(resources.files("train") / "recipes" / "editing" / "guard.yaml") as path:
        return {step: parse_settings(Rules, limits, f"{path}: {step}") for step, limits in read_yaml(path).items()}


def judge(
    source: UInt8, result: UInt8, garment: Bool, came_from: Float32 | None, rules: Rules, *,
    blind: float = 0.0, left: float = 0.0,
) -> Judgement:  # fmt: skip
    """(H, W, 3) source, (h, w, 3) result, (H, W) garment of the source, (h, w, 2) x, y in source px or NaN (None: the
    same places). Raises MaskError where sizes don't fit, UsageError for a garment of no pixels."""
    _check(source, result, garment, came_from)
    moved = source, garment
    made, lost, scale, exact = 0.0, 0.0, 1.0, True
    if came_from is not None:
        scale, exact = _grid(came_from)
        moved = _carried(source, came_from, scale), _carried_mask(garment, came_from)
        made, lost = _made_and_lost(garment, came_from, scale)
    before, inside = moved
    seen = inside if came_from is None else inside & ~np.isnan(came_from[..., 0])
    after = _coarsened(result, scale)
    figures: dict[str, Any] = _figures(before, after, seen, rules) if seen.any() else _nothing_left()
    changed = int(np.count_nonzero((before != result).any(-1) & seen)) if exact else None
    if rules.detail is not None:
        figures["detail"] = detail_lost(source, result, garment, came_from, rules.contrast)
    if rules.pattern is not None and came_from is None:
        figures["pattern"] = pattern_lost(source, result, garment)
    figures |= {"pixels": int(seen.sum()), "changed": changed, "made": made, "lost": lost, "blind": blind, "left": left}
    return _judged(figures, rules)


def worst(judgements: list[Judgement]) -> str:
    """The verdict of a chain: its worst step's."""
    return max((each.verdict for each in judgements), key=VERDICTS.index, default="pass")


def _check(source: UInt8, result: UInt8, garment: Bool, came_from: Float32 | None) -> None:
    if garment.shape != source.shape[:2]:
        raise MaskError(f"garment mask of {garment.shape}", expected=f"the photo's {source.shape[:2]}")
    expected = source.shape[:2] if came_from is None else came_from.shape[:2]
    if result.shape[:2] != expected:
        raise MaskError(f"result of {result.shape[:2]}", expected=f"{expected}, as the geometry says")
    if not garment.any():
        raise UsageError("there is no garment pixel to guard")


def _grid(came_from: Float32) -> tuple[float, bool]:
    """Source px a result px, and whether every pixel was taken over whole."""
    across = np.diff(came_from, axis=1)
    steps = np.hypot(across[..., 0], across[..., 1])
    steps = steps[np.isfinite(steps)]
    whole = came_from[np.isfinite(came_from)]
    exact = bool(len(steps) and np.allclose(steps, 1, atol=1e-4) and np.allclose(whole, np.rint(whole), atol=1e-3))
    return float(np.median(steps)) if len(steps) else 1.0, exact


def _carried(source: UInt8, came_from: Float32, scale: float) -> UInt8:
    """The source at the result's places: one sample a source pixel, averaged where the result is coarser."""
    places = np.nan_to_num(came_from, nan=-1e6).astype(np.float32)
    many = max(1, int(np.ceil(scale - 1e-3)))
    offsets = ((np.arange(many) + 0.5) / many - 0.5) * scale
    total = np.zeros((*came_from.shape[:2], 3), np.float32)
    for down in offsets:
        for right in offsets:
            moved = places + np.array([right, down], np.float32)
            total += _sampled(source, moved)
    return np.asarray(np.rint(total / many**2), dtype=np.uint8)


def _carried_mask(garment: Bool, came_from: Float32) -> Bool:
    return np.asarray(_arrived(garment, came_from) > 0.999)


def _sampled(plane: Any, places: Float32) -> Float32:
    nothing: Any = None  # the second map: both coordinates are in the first
    return np.asarray(cv2.remap(plane, places, nothing, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _arrived(garment: Bool, came_from: Float32) -> Float32:
    """(h, w) how much of each result pixel is garment."""
    made = np.isnan(came_from[..., 0])
    places = np.where(made[..., None], 0, came_from).astype(np.float32)
    cover = _sampled(garment.astype(np.float32), places)
    return np.where(made, 0, cover)


def _made_and_lost(garment: Bool, came_from: Float32, scale: float) -> tuple[float, float]:
    """Made: holes of the geometry that lie within the garment. Lost: garment that came nowhere."""
    whole = int(garment.sum())
    arrived = float(_arrived(garment, came_from).sum()) * scale**2
    made = 0.0
    if came_from.shape[:2] == garment.shape and _stays(came_from):
        made = float((np.isnan(came_from[..., 0]) & garment).sum() / whole)
    return made, max(0.0, 1 - made - arrived / whole)


def _stays(came_from: Float32) -> bool:
    """Nothing moved: every pixel that was taken lies where it lay."""
    height, width = came_from.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return bool(np.nanmax(np.abs(came_from - np.dstack([x, y])), initial=0) < 0.5)


def _coarsened(result: UInt8, scale: float) -> UInt8:
    """An enlarged result is judged at the source's scale: blurred by as much as a source pixel is wide."""
    if scale > 0.99:
        return result
    wide = 2 * round(1 / scale / 2) + 1
    return np.asarray(cv2.blur(result, (wide, wide)))


def _figures(before: UInt8, after: UInt8, seen: Bool, rules: Rules) -> dict[str, float]:
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    before, after, seen = before[box], after[box], seen[box]
    side = max(3, round(LOGO_SHARE * max(seen.shape)))
    if (before[seen] == after[seen]).all():
        return dict.fromkeys(("delta_mean", "delta_p95", "delta_worst", "texture", "logo"), 0.0)
    delta = _delta(before, after, seen)
    drift, strong = _drift(before, after, seen, rules.contrast)
    inner = cv2.erode(seen.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8), borderValue=0).astype(bool)
    inner = inner if inner.any() else seen
    known = delta[seen]
    return {
        "delta_mean": float(known.mean()), "delta_p95": float(np.percentile(known, 95)),
        "delta_worst": _worst_patch(delta, seen, side, 0.5), "texture": float(drift[inner].mean()),
        "logo": _worst_patch(drift, strong & inner, side, LEAST_LOGO),
    }  # fmt: skip


def _nothing_left() -> dict[str, float]:
    return {**dict.fromkeys(("delta_mean", "delta_p95", "delta_worst"), 100.0), "texture": 1.0, "logo": 1.0}


def _delta(before: UInt8, after: UInt8, seen: Bool) -> Float32:
    """(h, w) CIEDE2000; of the pixels that differ, for most edits leave most alone."""
    out = np.zeros(seen.shape, np.float32)
    where = seen & (before != after).any(-1)
    one, other = (cv2.cvtColor(each.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[where] for each in (before, after))
    for start in range(0, len(one), SAMPLED):
        part = slice(start, start + SAMPLED)
        one[part, 0] = delta_e_2000(one[part], other[part])
    out[where] = one[:, 0]
    return out


def _drift(before: UInt8, after: UInt8, seen: Bool, contrast: tuple[float, float]) -> tuple[Float32, Bool]:
    """(h, w) 1 - SSIM's contrast-structure term in lightness, and where the source has strong edges."""
    one, other = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32) for each in (before, after))
    mean_one, mean_other = _mean(one), _mean(other)
    spread_one, spread_other = (
        np.maximum(_mean(each * each) - mean * mean, 0) for each, mean in ((one, mean_one), (other, mean_other))
    )
    both = _mean(one * other) - mean_one * mean_other
    gain = float(np.clip(np.sqrt(spread_other[seen].mean() / max(spread_one[seen].mean(), 1e-6)), *contrast))
    like = (2 * both / gain + STEADY) / (spread_one + spread_other / gain**2 + STEADY)
    edges = np.hypot(cv2.Sobel(one, cv2.CV_32F, 1, 0), cv2.Sobel(one, cv2.CV_32F, 0, 1)) / 4
    strong = cv2.dilate((edges > STRONG / 2).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return np.clip(1 - like, 0, 1), strong


def _mean(plane: Float32) -> Float32:
    return np.asarray(cv2.blur(plane, (WINDOW, WINDOW)), dtype=np.float32)


def _worst_patch(values: Float32, where: Bool, side: int, least: float) -> float:
    """The largest mean over square patches of which at least `least` counts; 0 where there is none."""
    share = cv2.blur(where.astype(np.float32), (side, side))
    total = cv2.blur(np.where(where, values, 0).astype(np.float32), (side, side))
    held = where & (share >= least)
    return float((total[held] / share[held]).max()) if held.any() else 0.0


_WORDS = {
    "changed": "{value} garment pixels changed", "delta_mean": "the garment's colour moved by {value:.2f} CIEDE2000",
    "delta_p95": "a twentieth of the garment moved by over {value:.1f} CIEDE2000",
    "delta_worst": "a part of the garment moved by {value:.1f} CIEDE2000",
    "texture": "its texture drifted by {value:.2f}",
    "logo": "a print, letter or seam drifted by {value:.2f}",
    "pattern": "a pattern, print or fold was lost on {value:.0%} of the part: this colour may be unfit for it",
    "detail": "fine detail of weave or print was lost, {value:.0%} of it at the worst places",
    "made": "{value:.2%} of the garment was made, not taken",
    "lost": "{value:.2%} of the garment is out of the frame",
    "left": "beside the figure lies as much as {value:.0%} of it in its own colours: a part may be cut off",
    "blind": "{value:.0%} of the outline runs where the photo shows no edge: something may be cut off or left on",
}  # fmt: skip


def _judged(figures: dict[str, Any], rules: Rules) -> Judgement:
    level, reasons = 0, []
    for name, words in _WORDS.items():
        limits, value = getattr(rules, name), figures.get(name)
        if limits is None or value is None or value <= limits[0]:
            continue
        level = max(level, 2 if value > limits[1] else 1)
        bound = limits[1] if value > limits[1] else limits[0]
        reasons.append(f"{words.format(value=value)} ({'limit' if value > limits[1] else 'review over'} {bound:g})")
    plain: dict[str, Any] = {
        name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()
    }
    return Judgement(VERDICTS[level], reasons=tuple(reasons), **plain)
