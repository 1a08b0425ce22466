"""The single piece without a person: a ghost mannequin's garment, a pair of shoes, a hat."""

from __future__ import annotations

from random import Random

from modiste.demo.scenes import palette
from modiste.demo.scenes.bottoms import draw_pants, draw_skirt
from modiste.demo.scenes.canvas import GARMENT, Canvas
from modiste.demo.scenes.collars import draw_collar
from modiste.demo.scenes.curves import line, outline
from modiste.demo.scenes.figure import BUILDS, NECK, POSES, SHOULDER, WAIST, Figure, stand
from modiste.demo.scenes.garment import BOTTOMS, HEM, OUTER, Garment
from modiste.demo.scenes.outer import draw_coat
from modiste.demo.scenes.props import draw_hat_alone, draw_shoes_alone
from modiste.demo.scenes.tops import NECKLINES, body_half, draw_sleeve, draw_torso_garment

Box = tuple[float, float, float, float]


def paint_packshot(canvas: Canvas, g: Garment, seed: int) -> Box:
    """Paint the piece; returns left, top, right, bottom of what was painted, in figure units."""
    rng = Random(f"folds {seed}")
    if g.type == "shoes":
        draw_shoes_alone(canvas, g.cut, palette.CLOTH[g.colour])
        return -140, (-200 if g.cut == "boots" else -124), 170, 16
    if g.type == "hat":
        draw_hat_alone(canvas, g.cut, palette.CLOTH[g.colour])
        wide = 160 if g.cut == "fedora" else 130
        return -wide, -276, wide, -104
    figure = stand(
        BUILDS["average woman" if g.type in ("dress", "skirt", "blouse") else "athletic woman"], POSES["mannequin"]
    )
    if g.type in BOTTOMS:
        (draw_skirt if g.type == "skirt" else draw_pants)(canvas, figure, g, rng)
        return _bottom_box(figure, g)
    _inside(canvas, figure, g)
    if g.type in OUTER and g.cut != "open":
        draw_coat(canvas, figure, g, rng)
    elif g.type in OUTER:
        _lining(canvas, figure, g)
        draw_coat(canvas, figure, g, rng)
    else:
        draw_torso_garment(canvas, figure, g, rng)
    for side in (-1, 1):
        draw_sleeve(canvas, figure, g, side, rng, hollow=True)
    draw_collar(canvas, figure, g)
    return _top_box(figure, g)


def _inside(canvas: Canvas, figure: Figure, g: Garment) -> None:
    """The back of the neck, seen from the front through the opening."""
    half, depth = NECKLINES[g.neckline or "crew"]
    dark = palette.darker(palette.CLOTH[g.colour], 0.42)
    tall = g.neckline in ("collar", "lapel", "turtleneck")
    top = NECK - 10 if tall else SHOULDER - 15
    if tall:
        half = round(figure.build.neck) + 7
    ring = outline(
        [figure.at(-half - 2, top), figure.at(0, top - 9 + (8 if half > 30 else 0)), figure.at(half + 2, top)],
        [
            figure.at(half, top + 6),
            figure.at(half * 0.6, NECK + depth + 14),
            figure.at(0, NECK + depth + 18),
            figure.at(-half * 0.6, NECK + depth + 14),
            figure.at(-half, top + 6),
        ],
    )
    canvas.solid(GARMENT, ring, dark, palette.darker(dark, 0.4))
    canvas.paint(
        line(figure.at(-half, top + 2), figure.at(0, top - 4), figure.at(half, top + 2)),
        stroke=palette.darker(dark, 0.5),
        width=1.2,
    )
    tag = outline([figure.at(-8, top), figure.at(8, top)], [figure.at(8, top + 10), figure.at(-8, top + 10)])
    if depth > 8:
        canvas.paint(tag, fill="#f4efe4")


def _lining(canvas: Canvas, figure: Figure, g: Garment) -> None:
    hem = HEM[g.length or "knee"]
    dark = palette.darker(palette.CLOTH[g.colour], 0.5)
    sheet = outline(
        [figure.at(-30, SHOULDER - 10), figure.at(30, SHOULDER - 10)], [figure.at(40, hem - 4), figure.at(-40, hem - 4)]
    )
    canvas.solid(GARMENT, sheet, dark)
    canvas.paint(
        line(figure.at(0, SHOULDER), figure.at(2, WAIST), figure.at(0, hem - 6)),
        stroke=palette.darker(dark, 0.5),
        width=1.6,
        opacity=0.6,
    )


def _top_box(figure: Figure, g: Garment) -> Box:
    hem = figure.at(0, HEM[g.length or "hip"])[1] + 14
    wide = body_half(figure, g, HEM[g.length or "hip"]) + 6
    if g.sleeve and g.sleeve != "sleeveless":
        joint = {"short": 1, "three-quarter": 1, "long": 2}[g.sleeve]
        wide = max(wide, abs(figure.arm[1][joint][0]) + 26)
        if g.sleeve == "long":
            hem = max(hem, figure.arm[1][2][1] + 12)
    return -wide, figure.at(0, SHOULDER - 34)[1], wide, hem


def _bottom_box(figure: Figure, g: Garment) -> Box:
    top = figure.at(0, WAIST)[1]
    if g.type == "skirt":
        wide = max(
            figure.half(-402) + 8,
            64 + (HEM[g.length or "knee"] - WAIST) * {"a-line": 0.3, "flared": 0.5, "pleated": 0.34}.get(g.cut, 0.0),
        )
        return -wide, top, wide, figure.at(0, HEM[g.length or "knee"])[1] + 16
    low = {"full": figure.leg[1][2][1] + 12, "cropped": figure.leg[1][2][1] - 36, "knee": figure.leg[1][1][1] + 12}.get(
        g.length or "full", figure.leg[1][1][1] - 80
    )
    return -92.0, top, 92.0, low
