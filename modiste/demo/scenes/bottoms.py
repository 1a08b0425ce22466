"""Skirts, pants and shorts."""

from __future__ import annotations

import math
from random import Random

from modiste.demo.scenes.canvas import GARMENT, Canvas
from modiste.demo.scenes.curves import Point, along, line, outline, sides
from modiste.demo.scenes.figure import CROTCH, HIP, WAIST, Figure
from modiste.demo.scenes.garment import HEM, Garment
from modiste.demo.scenes.palette import CLOTH, darker, lighter
from modiste.demo.scenes.patterns import pattern_fill
from modiste.demo.scenes.tops import hem_line, skirt_folds

TOP = WAIST + 8
LEG_EASE = {"skinny": (3, 3, 2), "straight": (6, 8, 9), "wide": (8, 17, 26), "tailored": (7, 8, 7)}  # thigh, knee, hem
PANTS_END = {"full": 1.97, "cropped": 1.7, "knee": 0.98, "short": 0.5}


def draw_skirt(canvas: Canvas, figure: Figure, g: Garment, rng: Random) -> None:
    hem, colour = HEM[g.length or "knee"], CLOTH[g.colour]
    flare = {"pencil": -0.04, "a-line": 0.3, "pleated": 0.34, "flared": 0.5}.get(g.cut, 0.2)

    def half(y: float) -> float:
        waist = figure.half(TOP) + 3
        if g.cut == "pencil":
            return figure.half(min(y, HIP)) + 4 + max(0.0, y - HIP) * flare
        return max(
            waist + (y - TOP) * flare + 10 * math.sin(min((y - TOP) / 90, 1) * math.pi / 2),
            figure.half(min(y, HIP)) + 4,
        )

    levels = [y for y in (TOP, TOP + 30, HIP, -340, -270, -200, -130) if y < hem - 10] + [hem]
    left, right = ([figure.at(s * half(y), y) for y in levels] for s in (-1, 1))
    bottom = hem_line(figure, half(hem), hem, {"pencil": 0.8, "pleated": 3.0}.get(g.cut, 5.0), rng)
    waist = [figure.at(half(TOP) * k, TOP + 4 * (1 - k * k)) for k in (1, 0.5, 0, -0.5, -1)]
    d = outline(waist, left, bottom[::-1], right[::-1])
    count = {"pencil": 2, "pleated": 13, "flared": 8}.get(g.cut, 5)
    folds = skirt_folds(figure, half, TOP + 4, hem, count, rng)
    clip = canvas.cloth(d, colour, pattern_fill(canvas, g.pattern, colour, turn=figure.pose.pelvis[1]), folds)
    _waistband(canvas, figure, g, half(TOP), clip)
    mark = [
        figure.at(half(hem) * 1.05 * math.cos(math.pi * k / 6), hem - 8 + 9 * math.sin(math.pi * k / 6))
        for k in range(7)
    ]
    canvas.paint(line(*mark), stroke=darker(colour, 0.5), width=1.0, opacity=0.5, clip=clip)


def _waistband(canvas: Canvas, figure: Figure, g: Garment, half: float, clip: str) -> None:
    colour = CLOTH[g.colour]
    seam = [figure.at(half * 1.08 * k, TOP + 13 + 4 * (1 - k * k)) for k in (-1, -0.5, 0, 0.5, 1)]
    canvas.paint(line(*seam), stroke=darker(colour, 0.6), width=1.4, opacity=0.75, clip=clip)


def _leg_stations(g: Garment, size: float, hip: float = 99.0, side: int = 1) -> list[tuple[float, float, float]]:
    thigh, knee, hem = LEG_EASE.get(g.cut, LEG_EASE["straight"])
    bare = (
        (0.02, 33.0),
        (0.25, 31.0),
        (0.5, 27.0),
        (0.75, 23.0),
        (0.98, 18.5),
        (1.35, 20.0),
        (1.7, 14.5),
        (1.97, 10.5),
    )
    end = PANTS_END[g.length or "full"]
    loose = 7.0 if g.type == "shorts" else 0.0
    stations = []
    for u, half in bare:
        if u > end + 0.01:
            break
        ease = thigh + (knee - thigh) * u if u < 1 else knee + (hem - knee) * (u - 1)
        wide = half * size + ease + loose * u
        if g.cut in ("straight", "wide", "tailored") and u >= 1:
            wide = max(wide, 18.5 * size + knee - (4 if g.cut == "tailored" else 1) * (u - 1))
        # beside the hip a leg is no wider than what the hips' own piece leaves
        slack = {"wide": 16.0, "skinny": 0.0}.get(g.cut, 5.0) + loose
        outer = min(wide, hip * 0.5 + 4 + slack * u) if u < 0.8 else wide
        stations.append((u, outer, wide - 2) if side < 0 else (u, wide - 2, outer))
    return stations


def draw_pants(canvas: Canvas, figure: Figure, g: Garment, rng: Random) -> None:
    """Pants and shorts: two legs, then the hips over them, in one cloth."""
    colour = CLOTH[g.colour]
    order = sorted((-1, 1), key=lambda s: figure.leg[s][2][1])
    for side in order:
        joints = figure.leg[side]
        stations = _leg_stations(g, figure.build.limbs, figure.build.hip, side)
        left, right = sides(joints, stations)
        (x, y), (dx, dy) = along(joints, stations[-1][0])
        d = outline(left, [left[-1], (x + dx * 5, y + dy * 5), right[-1]], right[::-1])
        far = figure.pose.shin[0 if side < 0 else 1] < 0.9
        fill = pattern_fill(
            canvas, g.pattern, colour, turn=-side * figure.pose.legs[0 if side < 0 else 1][0], upright=True
        )
        clip = canvas.cloth(
            d, darker(colour, 0.14) if far else colour, fill, _leg_folds(g, joints, side, rng), depth=18
        )
        _leg_seams(canvas, g, joints, clip)
    _hips(canvas, figure, g, rng)


def _leg_folds(g: Garment, joints: tuple[Point, Point, Point], side: int, rng: Random) -> list[str]:
    end, folds = PANTS_END[g.length or "full"], []
    for index, u in enumerate(v for v in (0.3, 0.9, 1.04, 1.2, 1.72, 1.84, 1.92) if v < end - 0.05):
        (x, y), (dx, dy) = along(joints, u + rng.uniform(-0.04, 0.04))
        flip, reach = (1 if index % 2 else -1), 24
        folds.append(
            line(
                (x - dy * reach * flip, y + dx * reach * flip),
                (x - dy * 5 * flip + dx * 5, y + dx * 5 * flip + dy * 5),
                (x + dx * 9, y + dy * 9),
            )
        )
    if g.cut in ("tailored", "wide"):
        folds.append(line(*[along(joints, u)[0] for u in (0.2, 0.8, 1.2, end)]))
    return folds


def _leg_seams(canvas: Canvas, g: Garment, joints: tuple[Point, Point, Point], clip: str) -> None:
    end = _leg_stations(g, 1.0)[-1]
    (x, y), (dx, dy) = along(joints, end[0] - 0.05)
    wide = end[1] * 1.6
    mark = line((x - dy * wide, y + dx * wide), (x + dx * 4, y + dy * 4), (x + dy * wide, y - dx * wide))
    colour = CLOTH[g.colour]
    canvas.paint(
        mark,
        stroke=lighter(colour, 0.5) if g.colour == "denim" else darker(colour, 0.5),
        width=1.1,
        opacity=0.7,
        clip=clip,
        dash="4 2.5",
    )


def _hips(canvas: Canvas, figure: Figure, g: Garment, rng: Random) -> None:
    colour = CLOTH[g.colour]
    ease = 5 if g.cut != "skinny" else 3
    levels = (TOP, TOP + 30, HIP - 22, HIP, HIP + 8)
    left, right = ([figure.at(s * (figure.half(y) + ease), y) for y in levels] for s in (-1, 1))
    waist = [figure.at((figure.half(TOP) + ease) * k, TOP + 4 * (1 - k * k)) for k in (1, 0.5, 0, -0.5, -1)]
    hip = figure.half(CROTCH) + ease
    crotch = [
        figure.at(x, y)
        for x, y in (
            (-hip, HIP + 8),
            (-hip * 0.55, CROTCH - 6),
            (0, CROTCH + 20),
            (hip * 0.55, CROTCH - 6),
            (hip, HIP + 8),
        )
    ]
    d = outline(waist, left, crotch, right[::-1])
    folds = [
        line(
            figure.at(s * 4, CROTCH + 14),
            figure.at(s * hip * 0.4, CROTCH - 2),
            figure.at(s * hip * rng.uniform(0.7, 0.85), CROTCH - 18),
        )
        for s in (-1, 1)
    ]
    # no outline below: the hips run over into the legs
    fill = pattern_fill(canvas, g.pattern, colour, turn=0, upright=True)
    canvas.solid(GARMENT, d, canvas.lit(colour))
    for tile in fill:
        canvas.paint(d, fill=tile)
    clip = canvas.clip(d)
    shade = darker(colour, 0.6)
    rim = line(*left) + line(*right)
    canvas.soft([(rim, shade, 18, 0.3), *[(f, shade, 6, 0.35) for f in folds]], blur=4, clip=clip)
    for edge in (left, right, waist):
        canvas.paint(line(*edge), stroke=darker(colour, 0.55), width=1.5)
    _waistband(canvas, figure, g, figure.half(TOP) + ease, clip)
    stitch = lighter(colour, 0.55) if g.colour == "denim" else shade
    fly = line(figure.at(0, TOP + 14), figure.at(1, HIP - 10), figure.at(0, CROTCH + 20))
    canvas.paint(fly, stroke=shade, width=1.5, opacity=0.8, clip=clip)
    for s in (-1, 1):
        pocket = line(
            figure.at(s * (figure.half(TOP) - 12), TOP + 14),
            figure.at(s * (figure.half(HIP) - 16), TOP + 40),
            figure.at(s * (figure.half(HIP) + ease), TOP + 52),
        )
        canvas.paint(
            pocket, stroke=stitch, width=1.3, opacity=0.8, clip=clip, dash="4 2.5" if g.colour == "denim" else ""
        )
    canvas.paint(
        f"M{figure.at(0, TOP + 9)[0]:.1f} {figure.at(0, TOP + 9)[1]:.1f}h.1", stroke=lighter(colour, 0.6), width=5
    )
