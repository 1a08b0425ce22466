"""Printed and woven patterns as SVG tiles over the cloth's own colour."""

from __future__ import annotations

import math

from modiste.demo.scenes.canvas import Canvas
from modiste.demo.scenes.palette import contrast_to, darker, mix

PATTERNS = ("plain", "striped", "dotted", "checked", "floral")


def pattern_fill(canvas: Canvas, name: str, colour: str, *, turn: float = 0.0, upright: bool = False) -> str | None:
    """Fill of a tile laid over `colour`, turned with the limb it covers; None for plain cloth."""
    if name == "plain":
        return None
    ink = contrast_to(colour)
    size, body = _TILES[name](colour, ink)
    angle = turn + (90 if upright and name == "striped" else 0)
    return canvas.define(
        f'<pattern id="{{id}}" width="{size}" height="{size}" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate({angle:.0f})">{body}</pattern>'
    )


def _striped(colour: str, ink: str) -> tuple[int, str]:
    return 18, f'<rect width="18" height="7" fill="{mix(colour, ink, 0.88)}"/>'


def _dotted(colour: str, ink: str) -> tuple[int, str]:
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.9" fill="{ink}"/>' for x, y in ((5, 5), (15, 15)))
    return 20, dots


def _checked(colour: str, ink: str) -> tuple[int, str]:
    band = mix(colour, ink, 0.6) if ink.startswith("#fbf") else darker(colour, 0.5)
    return 22, (
        f'<rect width="11" height="22" fill="{band}" opacity="0.5"/><rect width="22" height="11" fill="{band}" opacity="0.5"/>'
        f'<path d="M16.5 0V22M0 16.5H22" stroke="{ink}" stroke-width="0.8" opacity="0.5"/>'
    )


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


_TILES = {"striped": _striped, "dotted": _dotted, "checked": _checked, "floral": _floral}
