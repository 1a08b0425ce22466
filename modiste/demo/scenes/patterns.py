# ruff: noqa: E501 (an SVG element is read best on its own line)
"""Printed and woven patterns as SVG tiles over the cloth's own colour."""

from __future__ import annotations

import math

from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.palette import contrast_to, darker, luma, mix

PATTERNS = ("plain", "striped", "dotted", "checked", "floral")


def pattern_fill(
    canvas: Canvas, name: str, colour: str, *, turn: float = 0.0, upright: bool = False
) -> tuple[str, ...]:
    """Fill of a tile laid over `colour`, turned with the limb it covers; none for plain cloth, two where bands cross."""
    if name == "plain":
        return ()
    ink = contrast_to(colour)
    if name == "striped":
        return (_bands(canvas, 18, ((5, 7, mix(colour, ink, 0.88), 1.0),), turn + (90 if upright else 0)),)
    if name == "checked":
        band = mix(colour, ink, 0.6) if luma(colour) < 0.55 else darker(colour, 0.5)
        weave = ((3, 10, band, 0.5), (17, 1, ink, 0.5))
        return _bands(canvas, 22, weave, turn), _bands(canvas, 22, weave, turn + 90)
    size, body = _TILES[name](colour, ink)
    return (_tile(canvas, size, size, body, turn),)


def _tile(canvas: Canvas, width: int, height: int, body: str, turn: float) -> str:
    return canvas.define(
        f'<pattern id="{{id}}" x="-900" y="-900" width="{width}" height="{height}" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate({turn:.0f})">{body}</pattern>'
    )


def _bands(canvas: Canvas, height: int, bands: tuple[tuple[int, int, str, float], ...], turn: float) -> str:
    """A repeating gradient of hard stops: a tile would show its seams across each band."""
    stops = []
    for y, h, colour, opacity in bands:
        for at, shown in ((y, 0.0), (y + 0.7, opacity), (y + h, opacity), (y + h + 0.7, 0.0)):
            stops.append(f'<stop offset="{at / height:.3f}" stop-color="{colour}" stop-opacity="{shown}"/>')
    return canvas.define(
        f'<linearGradient id="{{id}}" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="0" y2="{height}" spreadMethod="repeat"'
        f' gradientTransform="rotate({turn:.0f})">{"".join(stops)}</linearGradient>'
    )


def _dotted(colour: str, ink: str) -> tuple[int, str]:
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.9" fill="{ink}"/>' for x, y in ((5, 5), (15, 15)))
    return 20, dots


def _flower(x: float, y: float, size: float, petal: str, heart: str) -> str:
    petals = "".join(
        f'<ellipse cx="{x + math.cos(a) * size:.1f}" cy="{y + math.sin(a) * size:.1f}" rx="{size * 0.82:.1f}" ry="{size * 0.6:.1f}"'
        f' transform="rotate({math.degrees(a):.0f} {x + math.cos(a) * size:.1f} {y + math.sin(a) * size:.1f})" fill="{petal}"/>'
        for a in (k * 2 * math.pi / 5 + x for k in range(5))
    )
    return f'{petals}<circle cx="{x}" cy="{y}" r="{size * 0.5:.1f}" fill="{heart}"/>'


def _leaf(x: float, y: float, turn: int, green: str) -> str:
    return f'<path d="M0 0Q5 -5 11 0Q5 4 0 0Z" fill="{green}" transform="translate({x} {y}) rotate({turn})"/>'


def _floral(colour: str, ink: str) -> tuple[int, str]:
    warm, second = ("#f3a6a0", "#f7dc8f") if ink.startswith("#fbf") else ("#c8434f", "#3f63a8")
    green = "#8fb38a" if ink.startswith("#fbf") else "#4f7a4a"
    flowers = [_flower(14, 14, 5, warm, "#f5d060"), _flower(40, 36, 5.6, ink, warm), _flower(41, 10, 3.4, second, ink),
               _flower(13, 42, 3.6, second, warm)]  # fmt: skip
    leaves = [_leaf(20, 20, 40, green), _leaf(33, 42, 150, green), _leaf(8, 22, 120, green), _leaf(46, 22, 250, green),
              _leaf(24, 44, 10, green)]  # fmt: skip
    return 54, "".join(leaves + flowers)


_TILES = {"dotted": _dotted, "floral": _floral}
