"""Coats and jackets: an open or closed front over what is worn under it, lapels, buttons, pockets."""

from __future__ import annotations

from random import Random

from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.curves import Point, ellipse, line, outline
from modiste.demo.scenes.figure import BUST, HIP, NECK, SHOULDER, WAIST, Figure
from modiste.demo.scenes.garment import HEM, Garment
from modiste.demo.scenes.palette import CLOTH, darker, lighter
from modiste.demo.scenes.patterns import pattern_fill
from modiste.demo.scenes.tops import _shoulder, body_half, draw_torso_garment, torso_folds


def draw_coat(canvas: Canvas, figure: Figure, g: Garment, rng: Random) -> None:
    if g.cut == "open":
        for side in (-1, 1):
            _front(canvas, figure, g, side, rng)
    else:
        draw_torso_garment(canvas, figure, g, rng)
        _buttons(canvas, figure, g)
    for side in (-1, 1):
        _lapel(canvas, figure, g, side)


def _front(canvas: Canvas, figure: Figure, g: Garment, side: int, rng: Random) -> None:
    hem, colour = HEM[g.length or "knee"], CLOTH[g.colour]
    levels = [y for y in (-568.0, BUST, -520.0, WAIST, -440.0, HIP, -330.0, -260.0, -190.0) if y < hem - 12] + [hem]
    outer = [figure.at(side * (body_half(figure, g, y) - (4 if y < -560 else 0)), y) for y in levels]
    gap = [(20, SHOULDER - 14), (24, BUST - 20), (22, WAIST), (27, HIP), (32, hem + 5)]
    inner = [figure.at(side * x, y) for x, y in gap if y <= hem + 6]
    d = outline(
        inner[:1], _shoulder(figure, g, side), outer, [outer[-1], figure.at(side * 48, hem + 7), inner[-1]], inner[::-1]
    )
    folds = [f for f in torso_folds(figure, g, rng) if rng.random() < 0.8]
    canvas.cloth(d, colour, pattern_fill(canvas, g.pattern, colour, turn=figure.pose.chest[1]), folds)
    pocket: list[Point] = [figure.at(side * 40, HIP - 24), figure.at(side * 62, HIP - 18)]
    canvas.paint(line(*pocket), stroke=darker(colour, 0.65), width=3.0, opacity=0.7)


def _lapel(canvas: Canvas, figure: Figure, g: Garment, side: int) -> None:
    colour = CLOTH[g.colour]
    low = 12 if g.cut == "open" else 0
    collar = [
        (figure.build.neck + 4, NECK - 8),
        (figure.build.neck + 14, NECK + 4),
        (46, SHOULDER + 14),
        (35, SHOULDER + 20),
    ]
    d = outline(
        [figure.at(side * x, y) for x, y in collar],
        [
            figure.at(side * x, y)
            for x, y in ((35, SHOULDER + 20), (48, SHOULDER + 24), (36, BUST + 6), (4 + low, WAIST - 42))
        ],
        [
            figure.at(side * x, y)
            for x, y in ((4 + low, WAIST - 42), (10 + low * 0.6, BUST - 20), (figure.build.neck + 4, NECK - 8))
        ],
    )
    canvas.cloth(d, lighter(colour, 0.06), pattern_fill(canvas, g.pattern, colour, turn=side * 20), depth=8)
    notch = [figure.at(side * 35, SHOULDER + 20), figure.at(side * 22, SHOULDER + 16)]
    canvas.paint(line(*notch), stroke=darker(colour, 0.6), width=1.4, opacity=0.8)


def _buttons(canvas: Canvas, figure: Figure, g: Garment) -> None:
    colour, hem = CLOTH[g.colour], HEM[g.length or "knee"]
    edge = line(*[figure.at(4, y) for y in (WAIST - 42, WAIST, HIP, hem + 8)])
    canvas.paint(edge, stroke=darker(colour, 0.6), width=1.6, opacity=0.8)
    columns = (-18, 18) if g.cut == "double" else (-5,)
    for y in (WAIST - 30, WAIST + 10, WAIST + 50):
        for x in columns:
            if y < hem - 14:
                canvas.paint(
                    ellipse(figure.at(x, y), 4.2, 4.2),
                    fill=darker(colour, 0.55),
                    stroke=lighter(colour, 0.2),
                    width=0.9,
                )
    for side in (-1, 1):
        if hem > HIP + 30:
            flap = outline(
                [figure.at(side * 32, HIP - 26), figure.at(side * 66, HIP - 22)],
                [figure.at(side * 66, HIP - 10), figure.at(side * 32, HIP - 14)],
            )
            canvas.paint(flap, fill=darker(colour, 0.1), stroke=darker(colour, 0.55), width=1.2, opacity=0.9)
