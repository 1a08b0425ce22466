"""What stands around the neck: shirt collar, turtleneck, bow."""

from __future__ import annotations

from modiste.demo.scenes.canvas import GARMENT, Canvas
from modiste.demo.scenes.curves import ellipse, line, outline
from modiste.demo.scenes.figure import NECK, Figure
from modiste.demo.scenes.garment import Garment
from modiste.demo.scenes.palette import CLOTH, darker, lighter
from modiste.demo.scenes.patterns import pattern_fill


def draw_collar(canvas: Canvas, figure: Figure, g: Garment) -> None:
    """Drawn over neck and torso, under the head; nothing for necklines that have no collar."""
    maker = {"turtleneck": _turtleneck, "collar": _shirt_collar, "bow": _bow}.get(g.neckline or "")
    if maker:
        maker(canvas, figure, g)


def _turtleneck(canvas: Canvas, figure: Figure, g: Garment) -> None:
    colour, w = CLOTH[g.colour], figure.build.neck + 5
    rim = [figure.at(-w, NECK - 22), figure.at(0, NECK - 14), figure.at(w, NECK - 22)]
    right = [rim[-1], figure.at(w + 3, NECK), figure.at(w + 10, NECK + 18)]
    base = [right[-1], figure.at(0, NECK + 27), figure.at(-w - 10, NECK + 18)]
    left = [base[-1], figure.at(-w - 3, NECK), rim[0]]
    fold = line(figure.at(-w - 4, NECK + 2), figure.at(0, NECK + 9), figure.at(w + 4, NECK + 2))
    clip = canvas.cloth(outline(rim, right, base, left), colour, (), [fold], depth=9)
    ribs = (line(figure.at(w * k / 7, NECK - 22), figure.at((w + 8) * k / 7, NECK + 26)) for k in range(-7, 8))
    canvas.paint("".join(ribs), stroke=darker(colour, 0.55), width=0.9, opacity=0.35, clip=clip)


def _shirt_collar(canvas: Canvas, figure: Figure, g: Garment) -> None:
    colour, w = CLOTH[g.colour], figure.build.neck + 5
    for side in (-1, 1):
        tip, front, top = ((31, 40), (1, 20), (w, -12))
        outer = [top, (w + 6, 4), tip]
        lower = [tip, (14, 32), front]
        inner = [front, (9, 4), top]
        d = outline(*([figure.at(side * x, NECK + y) for x, y in piece] for piece in (outer, lower, inner)))
        canvas.cloth(d, lighter(colour, 0.08), pattern_fill(canvas, g.pattern, colour, upright=True), depth=5)


def _bow(canvas: Canvas, figure: Figure, g: Garment) -> None:
    colour, (x, y) = CLOTH[g.colour], figure.at(0, NECK + 24)
    for s in (-1, 1):
        tail = outline(
            [(x, y), (x + s * 10, y + 30), (x + s * 13, y + 62)], [(x + s * 25, y + 56), (x + s * 16, y + 24), (x, y)]
        )
        loop = outline([(x, y), (x + s * 18, y - 14), (x + s * 32, y - 5), (x + s * 24, y + 10), (x, y)])
        for d in (tail, loop):
            canvas.cloth(d, colour, depth=6)
    canvas.solid(GARMENT, ellipse((x, y), 6, 7), colour, darker(colour, 0.55), 1.2)
