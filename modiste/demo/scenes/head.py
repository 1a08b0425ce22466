"""Head, face and hair. Drawn in the head's own frame: the chin at (0, 0), the crown at (0, -100)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modiste.demo.scenes.canvas import PERSON, Canvas
from modiste.demo.scenes.curves import Point, blob, ellipse, line, outline
from modiste.demo.scenes.figure import Figure
from modiste.demo.scenes.palette import INK, darker, lighter, mix

LONG = ("long straight", "long wavy", "braid")
STYLES_WOMAN = (*LONG, "bob", "bun", "ponytail", "afro", "pixie", "curly")
STYLES_MAN = ("crop", "side part", "buzz", "curly", "afro", "quiff", "top knot")


@dataclass(frozen=True)
class Face:
    skin: str
    hair: str
    style: str
    lips: str
    beard: bool = False
    glasses: bool = False
    earrings: bool = False


def head_frame(figure: Figure) -> str:
    x, y = figure.head_base
    return f"translate({x:.1f} {y - 4:.1f}) rotate({figure.pose.head})"


def _mirror(points: list[Point]) -> list[Point]:
    return points + [(-x, y) for x, y in points[::-1]]


def _hair(canvas: Canvas, d: str, face: Face, strands: list[str], depth: float = 12) -> None:
    canvas.solid(PERSON, d, canvas.lit(face.hair, 1.1), darker(face.hair, 0.55), 1.0)
    clip = canvas.clip(d)
    canvas.round_off(d, clip, depth, 0.4, darker(face.hair, 0.75))
    canvas.soft([(s, lighter(face.hair, 0.45), 3.5, 0.35) for s in strands], blur=1.3, clip=clip, move=canvas.light * 3)
    for strand in strands:
        canvas.paint(strand, stroke=darker(face.hair, 0.55), width=0.9, opacity=0.55, clip=clip)


def draw_back_hair(canvas: Canvas, figure: Figure, face: Face) -> None:
    """What falls behind neck and shoulders; to be drawn before the torso."""
    with canvas.group(head_frame(figure)):
        if face.style in LONG and face.style != "braid":
            _hair(canvas, _mantle(face.style, 74), face, _falls(74))
        elif face.style == "bob":
            _hair(canvas, blob(_mirror([(4, -106), (34, -92), (44, -58), (45, -22), (38, 6), (14, 10)])), face, [])
        elif face.style == "ponytail":
            tail = blob([(22, -88), (48, -82), (60, -48), (58, 0), (48, 46), (44, 12), (40, -34), (26, -66)])
            _hair(canvas, tail, face, [line((40, -76), (52, -40), (50, 20))])
        elif face.style in ("afro", "curly"):
            _hair(canvas, _cloud(face.style), face, [])


def _mantle(style: str, length: float) -> str:
    wave = 7 if style == "long wavy" else 0
    side = [
        (6, -107),
        (32, -96),
        (43, -64),
        (44 + wave, -24),
        (46 - wave, 14),
        (50 + wave, 44),
        (40, length),
        (16, length + 4),
    ]
    return blob(_mirror([(float(x), float(y)) for x, y in side]))


def _falls(length: float) -> list[str]:
    return [line((x * 0.7, -80), (x, -20), (x * 1.05, length - 14)) for x in (-42, -34, 34, 42)]


def _cloud(style: str) -> str:
    radius, bumps, centre = (60, 15, -62) if style == "afro" else (50, 13, -62)
    ring = []
    for step in range(bumps * 2):
        angle = 2 * math.pi * step / (bumps * 2)
        size = radius * (1.06 if step % 2 else 0.95)
        ring.append((size * math.sin(angle), centre - size * math.cos(angle) * 0.98))
    return blob(ring)


def draw_head(canvas: Canvas, figure: Figure, face: Face, back: bool = False) -> None:
    """Head with its face and front hair; from behind (`back`) hair covers all of it."""
    with canvas.group(head_frame(figure)):
        if back:
            _back_of_head(canvas, face)
            return
        _skull(canvas, face)
        _features(canvas, face)
        if face.beard:
            _beard(canvas, face)
        _front_hair(canvas, face)
        if face.glasses:
            _glasses(canvas)


def _skull(canvas: Canvas, face: Face) -> None:
    tone = face.skin
    edge = mix(darker(tone, 0.45), "#7a2f1c", 0.25)
    for side in (-1, 1):
        ear = blob([(side * 33, -54), (side * 40, -56), (side * 41, -44), (side * 37, -34), (side * 32, -36)])
        canvas.solid(PERSON, ear, canvas.lit(tone, 0.7), edge, 1.0)
        if face.earrings:
            canvas.solid(PERSON, ellipse((side * 38, -28), 3, 5), "#d9ad4a", "#8a6420", 0.8)
    shape = blob(_mirror([(0.5, -99), (22, -95), (34, -76), (36, -54), (34, -36), (27, -16), (13, -2), (3, 0.5)]))
    canvas.solid(PERSON, shape, canvas.lit(tone, 0.6), edge, 1.1)
    clip = canvas.clip(shape)
    canvas.round_off(shape, clip, 13, 0.3, mix(darker(tone, 0.4), "#8a3a22", 0.4))
    blush = mix(tone, "#d4453a", 0.45)
    canvas.soft([(ellipse((s * 20, -31), 6, 3), blush, 8, 0.4) for s in (-1, 1)], blur=4, clip=clip)


def _features(canvas: Canvas, face: Face) -> None:
    tone, dark = face.skin, mix(darker(face.skin, 0.6), "#7a2f1c", 0.3)
    for side in (-1, 1):
        _eye(canvas, side, face)
        brow = outline(
            [(side * 7, -59), (side * 15, -63), (side * 26, -57.5)],
            [(side * 26, -57.5), (side * 15, -60.5), (side * 7, -57.2)],
        )
        canvas.paint(brow, fill=darker(face.hair, 0.35), stroke=darker(face.hair, 0.35), width=1.2, opacity=0.85)
    shade = -canvas.light
    nose = line((shade * 4, -52), (shade * 4.5, -40), (shade * 6.5, -31))
    canvas.paint(nose, stroke=dark, width=1.3, opacity=0.4)
    canvas.paint(
        line((-6, -30.5), (-2.5, -28.5), (0, -29.5), (2.5, -28.5), (6, -30.5)), stroke=dark, width=1.5, opacity=0.75
    )
    upper = outline(
        [(-11, -18.8), (-4, -20.6), (0, -19.4), (4, -20.6), (11, -18.8)], [(11, -18.8), (0, -15.8), (-11, -18.8)]
    )
    lower = outline([(-11, -18.8), (0, -15.8), (11, -18.8)], [(11, -18.8), (5, -12), (0, -11), (-5, -12), (-11, -18.8)])
    lips = mix(face.lips, tone, 0.25)
    canvas.paint(upper, fill=darker(lips, 0.22))
    canvas.paint(lower, fill=lips)
    canvas.paint(
        line((-12, -19.4), (-5, -16.6), (0, -16.2), (5, -16.6), (12, -19.4)), stroke=darker(lips, 0.65), width=1.1
    )
    canvas.paint(line((-4, -13.6), (0, -13), (4, -13.6)), stroke="#ffffff", width=1.2, opacity=0.3)


def _eye(canvas: Canvas, side: int, face: Face) -> None:
    x = side * 16
    white = outline([(x - 7.5, -47), (x, -51.5), (x + 7.5, -47.5)], [(x + 7.5, -47.5), (x, -44), (x - 7.5, -47)])
    canvas.paint(white, fill="#fbf7f2")
    iris = mix(face.hair, "#4a3a2a", 0.5)
    canvas.paint(ellipse((x, -48), 3.3, 3.6), fill=iris)
    canvas.paint(ellipse((x, -48), 1.7, 2.0), fill=INK)
    canvas.paint(ellipse((x + 1.2, -49.4), 0.9, 0.9), fill="#ffffff")
    lash = line((x - 8, -46.5), (x - 3, -51), (x + 3, -51), (x + 8, -47)) if side < 0 else line(
        (x - 8, -47), (x - 3, -51), (x + 3, -51), (x + 8, -46.5))  # fmt: skip
    canvas.paint(lash, stroke=INK, width=1.8, opacity=0.9)
    canvas.paint(line((x - 6, -54), (x, -55.5), (x + 6, -54)), stroke=darker(face.skin, 0.5), width=0.8, opacity=0.5)


def _beard(canvas: Canvas, face: Face) -> None:
    shape = outline([(-34, -42), (-31, -20), (-16, 1), (0, 4), (16, 1), (31, -20), (34, -42)],
                    [(34, -42), (27, -28), (13, -25), (0, -26), (-13, -25), (-27, -28), (-34, -42)])  # fmt: skip
    canvas.solid(PERSON, shape, darker(face.hair, 0.1))
    lips = mix(face.lips, face.skin, 0.4)
    canvas.paint(ellipse((0, -16.5), 9, 3.4), fill=lips)
    canvas.paint(line((-9, -17), (0, -16.4), (9, -17)), stroke=darker(lips, 0.6), width=1.0)


def _glasses(canvas: Canvas) -> None:
    for side in (-1, 1):
        canvas.paint(ellipse((side * 16, -47.5), 11, 9), fill="#1d182614", stroke="#2a211c", width=2.0)
    canvas.paint(line((-5, -49), (0, -51), (5, -49)), stroke="#2a211c", width=2.0)


def _fringe(canvas: Canvas, face: Face, parting: float, drop: float, fall: float) -> None:
    """Hair over the crown with a parting, down both sides of the face to `fall`."""
    p = parting
    d = outline(
        [(-39, fall), (-45, -58), (-37, -92), (-14, -108), (12, -108), (37, -92), (45, -58), (39, fall)],
        [(39, fall), (36, -48), (33, -62), (24, -78), (p + 4, -88)],
        [(p, -90), (p - 16, -84 + drop), (-27, -74 + drop), (-34, -60), (-36, -44), (-39, fall)],
    )
    strands = [
        line((p, -90), (x, -84), (side * 38, -62), (side * 40, fall + 6)) for x, side in ((-12, -1), (-4, -1), (16, 1))
    ]
    _hair(canvas, d, face, [*strands, line((p, -90), (p + 2, -100), (p + 4, -107))])


def _front_hair(canvas: Canvas, face: Face) -> None:
    style = face.style
    if style in LONG or style == "bob":
        _fringe(canvas, face, 8, 4, 20 if style == "long wavy" else 6 if style == "bob" else 14)
        if style == "braid":
            _braid(canvas, face)
    elif style in ("bun", "ponytail", "top knot"):
        if style != "ponytail":
            knot = blob([(-17, -108), (-14, -126), (0, -132), (15, -126), (17, -108), (0, -100)])
            _hair(
                canvas, knot, face, [line((-12, -110), (0, -124), (12, -112)), line((-6, -106), (4, -116), (8, -106))]
            )
        d = outline([(-38, -46), (-42, -74), (-28, -102), (0, -109), (28, -102), (42, -74), (38, -46)],
                    [(38, -46), (33, -66), (22, -80), (0, -85), (-22, -80), (-33, -66), (-38, -46)])  # fmt: skip
        _hair(
            canvas,
            d,
            face,
            [line((x, -82 + abs(x) * 0.35), (x * 0.8, -96), (x * 0.4, -108)) for x in (-28, -14, 0, 14, 28)],
        )
    elif style == "afro":
        d = outline([(-37, -46), (-54, -66), (-44, -104), (0, -121), (44, -104), (54, -66), (37, -46)],
                    [(37, -46), (33, -64), (24, -76), (0, -80), (-24, -76), (-33, -64), (-37, -46)])  # fmt: skip
        _hair(canvas, d, face, _curls(-98, 40))
    else:
        _short_hair(canvas, face)


def _curls(y: float, reach: float) -> list[str]:
    marks = []
    for row, width in enumerate((reach * 0.7, reach, reach)):
        for step in (-1, -0.5, 0, 0.5, 1):
            x, top = step * width, y + row * 11 + abs(step) * 12
            marks.append(line((x - 5, top), (x, top - 5), (x + 5, top)))
    return marks


def _short_hair(canvas: Canvas, face: Face) -> None:
    tops = {"crop": -106, "side part": -108, "buzz": -102, "curly": -112, "quiff": -116, "pixie": -108}
    top = tops.get(face.style, -106)
    low = -44 if face.style in ("pixie", "curly") else -52
    hairline = {"side part": [(14, -84), (-8, -80), (-24, -72)], "quiff": [(16, -86), (0, -90), (-16, -86)],
                "pixie": [(22, -80), (4, -70), (-20, -66)], "curly": [(20, -74), (0, -78), (-20, -74)]}.get(
                    face.style, [(22, -80), (0, -84), (-22, -80)])  # fmt: skip
    d = outline(
        [
            (-38, low),
            (-42, -74),
            (-30, (top - 88) / 2 - 4),
            (-6, top),
            (14, top),
            (32, (top - 88) / 2 - 2),
            (42, -74),
            (38, low),
        ],
        [(38, low), (34, -62), *hairline, (-34, -62), (-38, low)],
    )
    strands = [line((x + 4, -80), (x * 0.9, -94), (x * 0.7, top + 4)) for x in (-24, -12, 0, 12, 24)]
    _hair(canvas, d, face, _curls(-96, 30) if face.style == "curly" else [] if face.style == "buzz" else strands)


def _braid(canvas: Canvas, face: Face) -> None:
    side = -canvas.light
    for step in range(6):
        x, y = side * (37 - step * 0.5), 10 + step * 15
        knot = blob([(x - 11, y - 8), (x, y - 12), (x + 11, y - 8), (x + 8, y + 6), (x, y + 12), (x - 8, y + 6)])
        _hair(canvas, knot, face, [line((x - 7, y - 6), (x, y + 4), (x + 7, y - 6))], 6)


def _back_of_head(canvas: Canvas, face: Face) -> None:
    if face.style in LONG:
        _hair(canvas, _mantle("long wavy" if face.style == "long wavy" else "", 70), face,
              [line((x * 0.4, -100), (x, -40), (x * 1.1, 56)) for x in (-32, -16, 0, 16, 32)])  # fmt: skip
        return
    canvas.solid(PERSON, ellipse((0, -50), 36, 49), face.skin, darker(face.skin, 0.45), 1.0)
    low = 8 if face.style == "bob" else -14
    d = blob(_mirror([(4, -107), (30, -98), (42, -68), (40, -34), (30, low), (10, low + 6)]))
    _hair(canvas, d, face, [line((x * 0.4, -100), (x, -60), (x * 0.9, low - 4)) for x in (-28, -14, 0, 14, 28)])
    if face.style in ("bun", "ponytail", "top knot"):
        _front_hair_knot(canvas, face)


def _front_hair_knot(canvas: Canvas, face: Face) -> None:
    if face.style == "ponytail":
        d = blob([(-8, -84), (8, -84), (16, -50), (14, 0), (0, 44), (-14, 0), (-16, -50)])
        _hair(canvas, d, face, [line((0, -78), (3, -30), (0, 36)), line((-6, -76), (-8, -30), (-4, 16))])
    else:
        _hair(
            canvas,
            ellipse((0, -98), 19, 17),
            face,
            [line((-12, -100), (0, -108), (12, -98)), line((-8, -92), (2, -98), (10, -92))],
        )
