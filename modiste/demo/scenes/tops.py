"""Everything that hangs from the shoulders: t-shirts, shirts, blouses, sweaters, dresses, coats. Torso,
sleeves, necklines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.curves import Point, along, ellipse, line, outline, sides
from modiste.demo.scenes.figure import ARMPIT, BUST, HIP, NECK, SHOULDER, WAIST, Figure
from modiste.demo.scenes.garment import HEM, SLEEVE_END, Garment
from modiste.demo.scenes.palette import CLOTH, contrast_to, darker, lighter, mix
from modiste.demo.scenes.patterns import pattern_fill

EASE = {
    "fitted": 3.0,
    "regular": 7.0,
    "boxy": 12.0,
    "a-line": 4.0,
    "sheath": 4.0,
    "wrap": 4.0,
    "flared": 4.0,
    "tunic": 9.0,
}
# half width at the neck, and how low the front goes below the neck's base
NECKLINES = {
    "crew": (22, 15),
    "v-neck": (21, 58),
    "scoop": (30, 40),
    "boat": (40, 10),
    "square": (38, 46),
    "turtleneck": (17, -2),
    "collar": (20, 12),
    "strap": (34, 62),
    "bow": (20, 14),
    "lapel": (22, 96),
}


def body_half(figure: Figure, g: Garment, y: float) -> float:
    """Half width of the garment at a level of the straight figure."""
    ease, hem = EASE.get(g.cut, 7.0), HEM[g.length or "hip"]
    outer = 7 if g.type in ("coat", "jacket") else 3 if g.type == "sweater" else 0
    wide = figure.half(y) + ease + outer
    if g.cut in ("boxy", "tunic") or g.type in ("coat", "jacket", "sweater"):
        wide = max(wide, figure.build.bust + ease + outer - (4 if y > WAIST else 0))
    elif g.cut in ("regular",):
        wide = max(wide, figure.build.bust + ease - 9)
    if g.cut in ("a-line", "flared", "wrap") and y > WAIST:
        flare = {"a-line": 0.3, "flared": 0.46, "wrap": 0.24}[g.cut]
        wide = figure.half(WAIST) + ease + 14 * math.sin(min((y - WAIST) / 80, 1) * math.pi / 2) + (y - WAIST) * flare
        wide = max(wide, figure.half(min(y, HIP)) + ease)
    elif y > HIP:
        wide += (y - HIP) * (0.06 if g.cut != "sheath" else -0.03)
    if g.type == "sweater" and y >= hem - 4:
        wide -= 8
    return wide


def _neck(figure: Figure, g: Garment) -> list[Point]:
    """From the right end of the neckline to the left one."""
    half, depth = NECKLINES[g.neckline or "crew"]
    top = SHOULDER - 14 + (half - 20) * 0.12
    base = NECK + 12 + depth
    if g.neckline in ("v-neck", "lapel"):
        points = [
            (half, top),
            (half * 0.55, (top + base) / 2 - 2),
            (0, base),
            (-half * 0.55, (top + base) / 2 - 2),
            (-half, top),
        ]
    elif g.neckline in ("square", "strap"):
        low = base - 4
        points = [
            (half, top),
            (half - 2, low - 6),
            (half - 4, low),
            (0, low + 5),
            (-half + 4, low),
            (-half + 2, low - 6),
            (-half, top),
        ]
    else:
        points = [
            (half, top),
            (half * 0.75, (top + base * 2) / 3 - 4),
            (0, base),
            (-half * 0.75, (top + base * 2) / 3 - 4),
            (-half, top),
        ]
    return [figure.at(x, y) for x, y in points]


def _shoulder(figure: Figure, g: Garment, side: int) -> list[Point]:
    """Neckline end to armpit along shoulder and armhole."""
    half, _ = NECKLINES[g.neckline or "crew"]
    thick = 5 if g.type in ("coat", "jacket", "sweater") else 2
    tip = figure.build.shoulder + (0 if g.sleeve != "sleeveless" else -4) + thick
    start = (half, SHOULDER - 14 + (half - 20) * 0.12)
    if g.neckline == "strap":
        tip = half + 9
        return [
            figure.at(side * x, y)
            for x, y in (start, (tip, start[1] + 2), (tip + 2, -606), (figure.half(ARMPIT) - 4, ARMPIT + 8))
        ]
    if g.sleeve == "sleeveless":
        bare = (
            start,
            (tip - 12, SHOULDER - 4),
            (tip - 10, SHOULDER + 18),
            (tip - 10, ARMPIT - 14),
            (body_half(figure, g, ARMPIT) - 4, ARMPIT + 6),
        )
        return [figure.at(side * x, y) for x, y in bare]
    points = [start, ((half + tip) / 2, SHOULDER - 10 - thick), (tip - 3, SHOULDER - thick), (tip + 1, SHOULDER + 14),
              (body_half(figure, g, ARMPIT) - 4, ARMPIT + 6)]  # fmt: skip
    return [figure.at(side * x, y) for x, y in points]


def hem_line(figure: Figure, half: float, y: float, ripple: float, rng: Random) -> list[Point]:
    """From right to left, sagging as a circle seen from a little above, rippled where there is much cloth."""
    points = []
    for step in range(9):
        x = half * math.cos(math.pi * step / 8)
        sag = 9 * math.sin(math.pi * step / 8) + (rng.uniform(-ripple, ripple) if 0 < step < 8 else 0)
        points.append(figure.at(x, y + sag))
    return points


def torso_outline(figure: Figure, g: Garment, rng: Random) -> str:
    hem = HEM[g.length or "hip"]
    levels = [
        y
        for y in (ARMPIT + 6, BUST, (BUST + WAIST) / 2, WAIST, (WAIST + HIP) / 2, HIP, -330, -260, -190, -120)
        if y < hem - 12
    ]
    left, right = (
        [figure.at(s * (body_half(figure, g, y) - (4 if y == ARMPIT + 6 else 0)), y) for y in [*levels, hem]]
        for s in (-1, 1)
    )
    ripple = {"a-line": 4.0, "flared": 8.0, "wrap": 4.0}.get(g.cut, 1.2) if hem > HIP else 1.0
    bottom = hem_line(figure, body_half(figure, g, hem), hem, ripple, rng)
    return outline(
        _neck(figure, g), _shoulder(figure, g, -1), left, bottom[::-1], right[::-1], _shoulder(figure, g, 1)[::-1]
    )


def torso_folds(figure: Figure, g: Garment, rng: Random) -> list[str]:
    hem, folds = HEM[g.length or "hip"], []
    for side in (-1, 1):
        wide = body_half(figure, g, ARMPIT)
        reach = rng.uniform(0.3, 0.5)
        folds.append(
            line(
                figure.at(side * (wide - 6), ARMPIT + 8),
                figure.at(side * wide * 0.66, ARMPIT + 26),
                figure.at(side * wide * reach, ARMPIT + 34),
            )
        )
        waist = body_half(figure, g, WAIST)
        if hem > WAIST + 20:
            y = WAIST + rng.uniform(-14, 8)
            folds.append(
                line(
                    figure.at(side * waist, y),
                    figure.at(side * waist * 0.62, y + 9),
                    figure.at(side * waist * rng.uniform(0.2, 0.4), y + 6),
                )
            )
    if hem > -340:
        count = {"flared": 7, "a-line": 5, "wrap": 5}.get(g.cut, 3)
        folds += skirt_folds(figure, lambda y: body_half(figure, g, y), WAIST + 6, hem, count, rng)
    return folds


def skirt_folds(
    figure: Figure, half: Callable[[float], float], top: float, hem: float, count: int, rng: Random
) -> list[str]:
    folds = []
    for index in range(count):
        share = (index + 0.5) / count * 2 - 1 + rng.uniform(-0.08, 0.08)
        start = top + rng.uniform(0.02, 0.35) * (hem - top)
        levels = [start + (hem + 6 - start) * k / 3 for k in range(4)]
        folds.append(line(*[figure.at(share * half(y) * 0.96, y) for y in levels]))
    return folds


def draw_torso_garment(canvas: Canvas, figure: Figure, g: Garment, rng: Random) -> None:
    colour = CLOTH[g.colour]
    d = torso_outline(figure, g, rng)
    fill = pattern_fill(canvas, g.pattern, colour, upright=g.type == "shirt", turn=figure.pose.chest[1])
    clip = canvas.cloth(d, colour, fill, torso_folds(figure, g, rng))
    _finish(canvas, figure, g, clip)


def _finish(canvas: Canvas, figure: Figure, g: Garment, clip: str) -> None:
    """Seams, hems and trimmings."""
    colour = CLOTH[g.colour]
    seam, hem = darker(colour, 0.5), HEM[g.length or "hip"]
    half = body_half(figure, g, hem)
    if g.type == "sweater":
        for y, opacity in ((hem - 16, 0.6),):
            canvas.paint(
                line(*[figure.at(half * 1.1 * x, y + 9 - abs(x) * 9) for x in (-1, -0.5, 0, 0.5, 1)]),
                stroke=seam,
                opacity=opacity,
                clip=clip,
            )
        ribs = "".join(
            line(figure.at(half * k / 14, hem - 8), figure.at(half * k / 14, hem + 10)) for k in range(-14, 15)
        )
        canvas.paint(ribs, stroke=seam, width=1.0, opacity=0.4, clip=clip)
        if g.pattern == "plain" and g.cut == "boxy":
            _cables(canvas, figure, seam, hem, clip)
    else:
        mark = line(
            *[
                figure.at(half * 1.1 * math.cos(math.pi * k / 6), hem - 7 + 9 * math.sin(math.pi * k / 6))
                for k in range(7)
            ]
        )
        canvas.paint(
            mark,
            stroke=seam,
            width=1.0,
            opacity=0.6,
            clip=clip,
            dash="4 2.4" if g.type in ("t-shirt", "shirt", "jacket") else "",
        )
    neck = _neck(figure, g)
    if g.neckline in ("crew", "scoop", "v-neck", "boat") and g.type != "coat":
        width = 11 if g.type == "sweater" else 7 if g.type == "t-shirt" else 4
        canvas.paint(line(*neck), stroke=darker(colour, 0.14), width=width * 2, opacity=0.55, clip=clip)
        canvas.paint(line(*[(x, y + width * 0.95) for x, y in neck]), stroke=seam, width=1.0, opacity=0.55, clip=clip)
    if g.type == "dress":
        _dress_waist(canvas, figure, g, clip)
    if g.type == "shirt":
        _placket(canvas, figure, g, clip)
    if g.neckline == "bow":
        _placket(canvas, figure, g, clip)


def _cables(canvas: Canvas, figure: Figure, seam: str, hem: float, clip: str) -> None:
    for x in (-30, 0, 30):
        for phase in (-1, 1):
            points = [figure.at(x + phase * 5 * math.sin((y - ARMPIT) / 9.5), y) for y in range(-600, int(hem) - 14, 8)]
            canvas.paint(line(*points), stroke=seam, width=1.5, opacity=0.42, clip=clip)


def _dress_waist(canvas: Canvas, figure: Figure, g: Garment, clip: str) -> None:
    colour, wide = CLOTH[g.colour], body_half(figure, g, WAIST) + 3
    seam = darker(colour, 0.55)
    if g.cut == "wrap":
        edge = [figure.at(-20, SHOULDER + 6), figure.at(4, BUST + 6), figure.at(wide - 8, WAIST - 6)]
        canvas.soft([(line(*edge), darker(colour, 0.7), 7, 0.4)], blur=2.2, clip=clip, move=3)
        canvas.paint(line(*edge), stroke=seam, width=1.6, opacity=0.8, clip=clip)
        hem = HEM[g.length or "knee"]
        canvas.paint(
            line(figure.at(wide - 12, WAIST + 8), figure.at(20, (WAIST + hem) / 2), figure.at(14, hem + 12)),
            stroke=seam,
            width=1.5,
            opacity=0.7,
            clip=clip,
        )
    belt = [figure.at(wide * k / 3, WAIST + 4 * (1 - (k / 3) ** 2)) for k in range(-3, 4)]
    if g.cut in ("wrap", "flared"):
        band = darker(colour, 0.3) if g.cut == "wrap" else mix(contrast_to(colour), colour, 0.25)
        canvas.paint(line(*belt), stroke=darker(band, 0.5), width=13, clip=clip)
        canvas.paint(line(*belt), stroke=band, width=10.5, clip=clip)
    else:
        canvas.paint(line(*belt), stroke=seam, width=1.2, opacity=0.6, clip=clip)
    if g.cut == "wrap":
        x, y = figure.at(wide * 0.5, WAIST + 4)
        for turn in (-1, 1):
            bow = outline([(x, y), (x + turn * 16, y - 9), (x + turn * 20, y + 3), (x, y)])
            canvas.paint(bow, fill=darker(colour, 0.26), stroke=seam, width=1.1)
            tail = outline(
                [(x, y), (x + turn * 7 + 2, y + 24), (x + turn * 10 + 2, y + 46)],
                [(x + turn * 10 + 9, y + 44), (x + 6, y + 20), (x, y)],
            )
            canvas.paint(tail, fill=darker(colour, 0.3), stroke=seam, width=1.0, clip=clip)


def _placket(canvas: Canvas, figure: Figure, g: Garment, clip: str) -> None:
    colour, hem = CLOTH[g.colour], HEM[g.length or "hip"]
    seam = darker(colour, 0.5)
    for x in (-6, 6):
        canvas.paint(
            line(*[figure.at(x, y) for y in (NECK + 10, BUST, WAIST, hem + 12)]),
            stroke=seam,
            width=1.1,
            opacity=0.6,
            clip=clip,
        )
    y = NECK + 38.0
    while y < hem - 6:
        canvas.paint(ellipse(figure.at(0, y), 2.5, 2.5), fill=lighter(colour, 0.7), stroke=seam, width=0.9)
        y += 34
    if g.type == "shirt":
        corner = [figure.at(x, yy) for x, yy in ((17, -588), (42, -588), (42, -560), (29.5, -551), (17, -560))]
        pocket = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in corner) + "Z"
        canvas.paint(pocket, stroke=seam, width=1.2, opacity=0.7, clip=clip)


def sleeve_stations(g: Garment, size: float) -> list[tuple[float, float, float]]:
    end = SLEEVE_END[g.sleeve or "long"]
    loose = {"t-shirt": 7, "shirt": 6, "blouse": 8, "sweater": 9, "dress": 4, "coat": 12, "jacket": 11}.get(g.type, 5)
    arm = {0.0: 16.0, 0.3: 17.5, 0.62: 15.0, 1.0: 13.0, 1.42: 12.0, 1.7: 10.0, 1.93: 8.5}
    puff = g.type == "blouse" and g.sleeve != "short"
    stations = []
    for u, half in arm.items():
        if u > end + 0.01:
            break
        wide = half * size + loose * min(1.0, 0.35 + u * 1.6)
        if puff:
            wide += 10 * max(0.0, u - 0.6) if u < end - 0.05 else -6 * (g.sleeve == "long")
        elif g.type == "t-shirt" or g.sleeve == "short":
            wide += 5 * u
        elif g.type == "sweater" and u >= 1.9:
            wide -= 5
        stations.append((u, wide, wide))
    return stations


def draw_sleeve(canvas: Canvas, figure: Figure, g: Garment, side: int, rng: Random, hollow: bool = False) -> None:
    """One sleeve; `hollow` shows the dark inside at its end, as nobody's arm fills it."""
    if (g.sleeve or "long") == "sleeveless":
        return
    colour, joints = CLOTH[g.colour], figure.arm[side]
    stations = sleeve_stations(g, figure.build.limbs)
    left, right = sides(joints, stations)
    (x, y), (dx, dy) = along(joints, stations[-1][0])
    wide = stations[-1][1]
    outer, inner = (left, right) if side < 0 else (right, left)
    _, shoulder_y = joints[0]
    x0 = joints[0][0]
    cap = [(x0 - side * 5, shoulder_y - 15.5), (x0 + side * 6, shoulder_y - 12), (outer[0][0], outer[0][1] + 6)]
    armhole = [inner[1], (x0 - side * 12, shoulder_y + 36), (x0 - side * 9, shoulder_y + 8), cap[0]]
    cuff = [outer[-1], (x + dx * 4, y + dy * 4), inner[-1]]
    d = outline(cap, [cap[-1], *outer[1:]], cuff, inner[:0:-1], armhole)
    turn = math.degrees(math.atan2(joints[1][1] - joints[0][1], joints[1][0] - joints[0][0])) - 90
    fill = pattern_fill(canvas, g.pattern, colour, turn=turn, upright=g.type == "shirt")
    clip = canvas.cloth(d, colour, fill, _sleeve_folds(joints, stations, side, rng), depth=13)
    _cuff(canvas, g, joints, stations, clip)
    if hollow:
        angle = math.degrees(math.atan2(dy, dx)) - 90
        with canvas.group(f"translate({x + dx * 1:.1f} {y + dy * 1:.1f}) rotate({angle:.0f})"):
            canvas.paint(ellipse((0, 0), wide - 1, 4.5), fill=darker(colour, 0.55), opacity=0.9)


def _sleeve_folds(
    joints: tuple[Point, Point, Point], stations: list[tuple[float, float, float]], side: int, rng: Random
) -> list[str]:
    end, folds = stations[-1][0], []
    marks = [u for u in (0.3, 0.9, 1.02, 1.14, 1.6, 1.74) if u < end - 0.06]
    for index, u in enumerate(marks):
        (x, y), (dx, dy) = along(joints, u + rng.uniform(-0.03, 0.03))
        flip = 1 if index % 2 else -1
        reach = 20
        folds.append(
            line(
                (x - dy * reach * flip, y + dx * reach * flip),
                (x - dy * 4 * flip + dx * 6, y + dx * 4 * flip + dy * 6),
                (x + dy * 4 * flip + dx * 12, y - dx * 4 * flip + dy * 12),
            )
        )
    return folds


def _cuff(
    canvas: Canvas,
    g: Garment,
    joints: tuple[Point, Point, Point],
    stations: list[tuple[float, float, float]],
    clip: str,
) -> None:
    end, wide = stations[-1][0], stations[-1][1]
    depth = 0.14 if g.type in ("shirt", "sweater", "jacket") and g.sleeve == "long" else 0.06
    (x, y), (dx, dy) = along(joints, end - depth)
    mark = line(
        (x - dy * wide * 1.5, y + dx * wide * 1.5), (x + dx * 4, y + dy * 4), (x + dy * wide * 1.5, y - dx * wide * 1.5)
    )
    canvas.paint(mark, stroke=darker(CLOTH[g.colour], 0.55), width=1.3, opacity=0.7, clip=clip)
