"""Shoes, bags and hats: part of the person, never of the garment mask."""

from __future__ import annotations

from modiste.demo.scenes.canvas import PERSON, Canvas
from modiste.demo.scenes.curves import Point, blob, ellipse, line, outline
from modiste.demo.scenes.figure import Figure
from modiste.demo.scenes.palette import darker, lighter

SHOES = ("sneakers", "boots", "pumps", "loafers")
HATS = ("beanie", "fedora", "bucket hat")


def _piece(canvas: Canvas, d: str, colour: str, depth: float = 8) -> str:
    canvas.solid(PERSON, d, canvas.lit(colour, 1.1), darker(colour, 0.55), 1.3)
    clip = canvas.clip(d)
    canvas.round_off(d, clip, depth, 0.35, darker(colour, 0.75))
    return clip


def draw_shoe(canvas: Canvas, figure: Figure, side: int, kind: str, colour: str) -> None:
    """A shoe seen from the front, its toe turned outwards."""
    x, y = figure.leg[side][2]
    toe = figure.pose.feet[0 if side < 0 else 1] / 30 * side

    def spots(*points: Point) -> list[Point]:
        # the farther down, the more the toe goes outwards
        return [(x + px + toe * max(py, 0) * 0.62, y + py) for px, py in points]

    if kind == "boots":
        shaft = blob(spots((-14, -62), (0, -58), (14, -62), (14, -20), (13, 8), (0, 14), (-13, 8), (-14, -20)))
        _piece(canvas, shaft, colour)
    low = {"pumps": 4, "loafers": 0, "sneakers": -6, "boots": -6}[kind]
    upper = blob(
        spots(
            (-11, low),
            (0, low + (12 if kind == "pumps" else 5)),
            (11, low),
            (15, 18),
            (18, 34),
            (12, 43),
            (0, 45),
            (-12, 43),
            (-18, 34),
            (-15, 18),
        )
    )
    clip = _piece(canvas, upper, colour)
    sole = spots((-17, 37), (-10, 43), (0, 44), (10, 43), (17, 37))
    if kind == "sneakers":
        canvas.paint(line(*sole), stroke="#f6f3ee", width=7, clip=clip)
        for row in (4, 11, 18):
            canvas.paint(line(*spots((-7, row), (7, row))), stroke=lighter(colour, 0.8), width=2.2, clip=clip)
        canvas.paint(line(*spots((-14, 30), (0, 24), (14, 30))), stroke=darker(colour, 0.5), width=1.2, clip=clip)
    else:
        canvas.paint(line(*sole), stroke=darker(colour, 0.7), width=3, clip=clip)
        if kind == "loafers":
            canvas.paint(line(*spots((-14, 15), (0, 19), (14, 15))), stroke=darker(colour, 0.6), width=4, clip=clip)
    canvas.paint(line(*spots((-5, 24), (-3, 32))), stroke="#ffffff", width=2.4, opacity=0.35, clip=clip)


def draw_bag(canvas: Canvas, figure: Figure, side: int, kind: str, colour: str) -> None:
    """`tote` hangs from the hand, `crossbody` lies on the hip with its strap over the chest."""
    if kind == "crossbody":
        x, y = figure.at(side * (figure.half(-400) + 6), -400)
        canvas.cord(
            PERSON,
            line(figure.at(-side * figure.build.shoulder * 0.62, -636), figure.at(0, -545), (x - side * 14, y - 14)),
            darker(colour, 0.25),
            4,
        )
        width, height, top = 27, 40, -16
    else:
        elbow, wrist = figure.arm[side][1:]
        x, y = wrist[0] + (wrist[0] - elbow[0]) * 0.42, wrist[1] + 50
        width, height, top = 40, 66, 34
        canvas.cord(
            PERSON,
            line((x - 17, y + top + 4), (x - 11, y + 6), (x, y), (x + 11, y + 6), (x + 17, y + top + 4)),
            darker(colour, 0.3),
            4,
        )
    body = outline(
        [(x - width, y + top), (x, y + top - 1), (x + width, y + top)],
        [(x + width, y + top), (x + width + 3, y + top + height * 0.6), (x + width - 2, y + top + height)],
        [(x + width - 2, y + top + height), (x, y + top + height + 4), (x - width + 2, y + top + height)],
        [(x - width + 2, y + top + height), (x - width - 3, y + top + height * 0.6), (x - width, y + top)],
    )
    clip = _piece(canvas, body, colour, 12)
    if kind == "crossbody":
        flap = line(
            (x - width - 2, y + top + 2),
            (x - width * 0.6, y + top + 20),
            (x, y + top + 24),
            (x + width * 0.6, y + top + 20),
            (x + width + 2, y + top + 2),
        )
        canvas.paint(flap, stroke=darker(colour, 0.6), width=1.4, clip=clip)
        canvas.paint(ellipse((x, y + top + 22), 3.2, 3.2), fill="#d9ad4a", stroke="#7a5a1a", width=0.8)
    else:
        canvas.paint(
            line((x - width, y + top + 9), (x + width, y + top + 9)),
            stroke=darker(colour, 0.55),
            width=1.1,
            dash="4 3",
            clip=clip,
        )


def draw_hat(canvas: Canvas, kind: str, colour: str) -> None:
    """In the head's frame (chin at the origin, crown at -100)."""
    if kind == "beanie":
        dome = blob([(-44, -66), (-43, -92), (-26, -120), (0, -128), (26, -120), (43, -92), (44, -66), (0, -60)])
        clip = _piece(canvas, dome, colour, 14)
        ribs = "".join(line((k * 5.0, -62), (k * 4.6, -98), (k * 2.0, -128)) for k in range(-9, 10))
        canvas.paint(ribs, stroke=darker(colour, 0.5), width=1.1, opacity=0.5, clip=clip)
        band = blob([(-46, -64), (-45, -86), (0, -80), (45, -86), (46, -64), (0, -57)])
        clip = _piece(canvas, band, darker(colour, 0.1), 8)
        canvas.paint(
            "".join(line((k * 5.0, -56), (k * 5.0, -88)) for k in range(-9, 10)),
            stroke=darker(colour, 0.6),
            width=1.1,
            opacity=0.5,
            clip=clip,
        )
        return
    wide = 74 if kind == "fedora" else 60
    low = -68 if kind == "fedora" else -60
    crown = outline(
        [(-38, -76), (-36, -108), (-22, -128), (0, -122), (22, -128), (36, -108), (38, -76)],
        [(38, -76), (0, -70), (-38, -76)],
    )
    _piece(canvas, crown, colour, 12)
    if kind == "fedora":
        band = outline([(-38, -90), (0, -84), (38, -90)], [(39, -76), (0, -70), (-39, -76)])
        canvas.paint(band, fill=darker(colour, 0.65))
    brim = blob(
        [
            (-wide, low - 4),
            (-38, -80),
            (0, -74),
            (38, -80),
            (wide, low - 4),
            (40, low + 8),
            (0, low + 12),
            (-40, low + 8),
        ]
    )
    clip = _piece(canvas, brim, colour, 8)
    if kind == "bucket hat":
        for k in (2, 7):
            canvas.paint(
                line((-wide, low - 6 + k), (0, low + 2 + k), (wide, low - 6 + k)),
                stroke=darker(colour, 0.5),
                width=0.9,
                dash="4 3",
                opacity=0.7,
                clip=clip,
            )


def draw_hat_alone(canvas: Canvas, kind: str, colour: str) -> None:
    with canvas.group("translate(0 0) scale(2.1)"):
        draw_hat(canvas, kind, colour)


def draw_shoes_alone(canvas: Canvas, kind: str, colour: str) -> None:
    """The pair from the side, one a little behind the other."""
    for dx, dy, shade in ((26, -44, darker(colour, 0.1)), (-10, 0, colour)):
        with canvas.group(f"translate({dx} {dy})"):
            _side_shoe(canvas, kind, shade)


def _side_shoe(canvas: Canvas, kind: str, colour: str) -> None:
    tall = {"boots": -150.0, "sneakers": -74.0, "loafers": -56.0, "pumps": -60.0}[kind]
    heel = 26.0 if kind == "boots" else 40.0 if kind == "pumps" else 0.0
    sole = "#f4f1ea" if kind == "sneakers" else darker(colour, 0.65)
    back = -118
    upper = outline(
        [(back, -heel - 4), (back - 4, -heel - 34), (back + 4, tall - heel * 0.4)],
        [(back + 4, tall - heel * 0.4), (-70, tall + 8 - heel * 0.2), (-38, tall + 2 if kind != "pumps" else -44)],
        [
            (-38, tall + 2 if kind != "pumps" else -44),
            (-22, -66 if kind != "pumps" else -24),
            (40, -46 if kind != "pumps" else -28),
            (96, -40),
            (124, -28),
            (133, -12),
            (130, -2),
        ],
        [(130, -2), (60, 2), (-20, 0 if heel == 0 else -heel * 0.35), (back, -heel - 4)],
    )
    bottom = outline(
        [(back - 2, -heel - 6), (-20, -4 - heel * 0.35), (60, -3), (134, -6)],
        [(134, -6), (132, 8), (60, 10 if heel == 0 else 6), (-20, 10 - heel * 0.5), (back, -heel + 6)],
    )
    if heel:
        base = 44 if kind == "boots" else 12
        block = outline([(back, -heel - 2), (back + base + 22, -heel * 0.8)], [(back + base, 8), (back + 4, 8)])
        _piece(canvas, block, sole, 6)
    clip = _piece(canvas, upper, colour, 22)
    _piece(canvas, bottom, sole, 6)
    dark = darker(colour, 0.55)
    if kind == "sneakers":
        for k in range(5):
            a = (-30 + k * 15, -70 + k * 7)
            canvas.paint(line(a, (a[0] - 14, a[1] + 14)), stroke=lighter(colour, 0.85), width=4)
        canvas.paint(line((62, -42), (72, -22), (66, 0)), stroke=dark, width=1.5, clip=clip)
        canvas.paint(line((back, -30), (-80, -34), (-74, 0)), stroke=dark, width=1.5, clip=clip)
        canvas.paint(
            line((-60, -8), (-10, -30), (30, -44)), stroke=lighter(colour, 0.7), width=6, opacity=0.8, clip=clip
        )
    elif kind == "loafers":
        canvas.paint(line((0, -62), (24, -36), (20, 0)), stroke=dark, width=10, opacity=0.7, clip=clip)
        canvas.paint(line((30, -40), (70, -30), (118, -24)), stroke=dark, width=1.6, clip=clip)
    elif kind == "boots":
        canvas.paint(line((-84, -140), (-80, -100), (-92, -50)), stroke=dark, width=1.5, opacity=0.7, clip=clip)
        gusset = outline([(-82, -140), (-56, -140)], [(-54, -92), (-70, -78), (-84, -92)])
        canvas.paint(gusset, fill=dark, opacity=0.8, clip=clip)
    canvas.paint(line((52, -34), (88, -27), (112, -20)), stroke="#ffffff", width=4, opacity=0.35, clip=clip)
