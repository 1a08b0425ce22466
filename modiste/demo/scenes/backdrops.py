# ruff: noqa: E501 (an SVG element is read best on its own line)
"""Where the person stands: street wall, studio, park, shop, city. RGB images with texture; the floor begins at `HORIZON`."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageFilter

from modiste.demo.scenes.palette import darker, lighter, mix
from modiste.demo.scenes.render import raster

BACKDROPS = ("studio", "street wall", "park", "shop", "city")
STUDIO = ("#d8d3cb", "#c7d0d6", "#e3c9b8", "#b9c4b0", "#dcd0e0", "#cbb9a2", "#8f9aa6", "#e8dcc0", "#b66f57", "#566b6a")


def _svg(width: int, height: int, body: str, defs: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 400 600" preserveAspectRatio="none"><defs>{defs}</defs>{body}</svg>'


def _fade(name: str, top: str, bottom: str) -> str:
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/></linearGradient>'


def _rect(x: float, y: float, w: float, h: float, fill: str, extra: str = "") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}" {extra}/>'


def _studio(rng: Random) -> tuple[str, str, float]:
    base = rng.choice(STUDIO)
    x = rng.uniform(25, 75)
    defs = _fade("f", darker(base, 0.06), lighter(base, 0.18)) + (
        f'<radialGradient id="g" cx="{x:.0f}%" cy="36%" r="75%"><stop offset="0" stop-color="{lighter(base, 0.55)}"/>'
        f'<stop offset="0.6" stop-color="{base}"/><stop offset="1" stop-color="{darker(base, 0.28)}"/></radialGradient>'
    )
    return defs, _rect(0, 0, 400, 600, "url(#g)") + _rect(0, 492, 400, 108, "url(#f)", 'opacity="0.75"'), 9.0


def _bricks(rng: Random, base: str) -> str:
    rows = [_rect(0, 0, 400, 500, mix(base, "#c9c0b4", 0.55))]
    for row in range(32):
        x = -17.0 * (row % 2)
        while x < 400:
            wide = 32.0
            rows.append(
                _rect(
                    x,
                    row * 15.5,
                    wide,
                    13.6,
                    mix(base, rng.choice(("#2a1a16", "#f0d8c0", "#a06048")), rng.uniform(0, 0.24)),
                )
            )
            x += wide + 2
    return "".join(rows)


def _pavement(rng: Random, y: float, base: str) -> str:
    parts = [_rect(0, y, 400, 600 - y, "url(#p)")]
    for k in range(-8, 9):
        parts.append(
            f'<path d="M{200 + k * 46} {y}L{200 + k * 120} 600" stroke="{darker(base, 0.3)}" stroke-width="1" opacity="0.5"/>'
        )
    for share in (0.25, 0.6):
        parts.append(_rect(0, y + (600 - y) * share, 400, 1.2, darker(base, 0.3), 'opacity="0.5"'))
    return "".join(parts)


def _street_wall(rng: Random) -> tuple[str, str, float]:
    paint = rng.choice(("#a4553f", "#c9b79c", "#8b9a9c", "#d8a58b", "#6f8378", "#b08a5a", "#cfd3cf"))
    floor = rng.choice(("#a9a59e", "#8d8a88", "#b8aea0"))
    if rng.random() < 0.5:
        wall = _bricks(rng, paint)
    else:
        wall = (
            _rect(0, 0, 400, 500, paint)
            + _rect(0, 380, 400, 120, darker(paint, 0.2))
            + _rect(0, 378, 400, 3, lighter(paint, 0.4))
        )
    side = rng.choice((24, 272))
    door = rng.choice(("#2f4f4a", "#7a2f2a", "#28384f", "#4a3a2a"))
    if rng.random() < 0.6:
        wall += _rect(side - 7, 113, 118, 384, lighter(paint, 0.5)) + _rect(side, 120, 104, 378, door)
        for x in (12, 57):
            for y, h in ((16, 130), (166, 90), (276, 84)):
                wall += _rect(side + x, 120 + y, 35, h, darker(door, 0.22)) + _rect(
                    side + x + 2, 120 + y + 2, 33, h - 2, lighter(door, 0.1)
                )
        wall += f'<circle cx="{side + 96}" cy="330" r="4" fill="#d9b45a"/>'
    else:
        wall += (
            _rect(side - 6, 84, 116, 176, "#efe9dd")
            + _rect(side, 90, 104, 164, "#4d6272")
            + f'<path d="M{side} 190L{side + 80} 90H{side + 104}L{side} 230Z" fill="#ffffff" opacity="0.16"/>'
        )
        wall += (
            _rect(side + 50, 90, 4, 164, "#efe9dd")
            + _rect(side, 168, 104, 4, "#efe9dd")
            + _rect(side - 12, 258, 128, 9, "#d8d0c2")
        )
    curb = _rect(0, 488, 400, 12, darker(floor, 0.45))
    return _fade("p", darker(floor, 0.12), lighter(floor, 0.2)), wall + curb + _pavement(rng, 500, floor), 0.8


def _park(rng: Random) -> tuple[str, str, float]:
    season = rng.choice(
        (("#6f9a4e", "#4e7d3c", "#a8c66c"), ("#c98b3a", "#a85f2c", "#e0b654"), ("#5f8f6a", "#3e6f55", "#94bb86"))
    )
    body = [_rect(0, 0, 400, 420, "url(#s)")]
    for _ in range(170):
        x, y, r = rng.uniform(-30, 430), rng.gauss(225, 75), rng.uniform(14, 44)
        body.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{mix(rng.choice(season), "#22331f", rng.uniform(0, 0.45))}" opacity="0.85"/>'
        )
    for _ in range(4):
        x = rng.uniform(0, 400)
        body.append(_rect(x, 220, rng.uniform(7, 16), 210, "#4a382a"))
    body.append(_rect(0, 402, 400, 198, "url(#p)"))
    bend = rng.uniform(120, 280)
    body.append(
        f'<path d="M{bend:.0f} 404C{bend - 20:.0f} 450 90 500 20 600H390C330 520 {bend + 50:.0f} 450 {bend + 22:.0f} 404Z" fill="#cdb896"/>'
    )
    for _ in range(26):
        body.append(
            f'<circle cx="{rng.uniform(0, 400):.0f}" cy="{rng.uniform(40, 330):.0f}" r="{rng.uniform(3, 11):.0f}" fill="#fff3c8" opacity="{rng.uniform(0.1, 0.4):.2f}"/>'
        )
    return _fade("s", "#cfe3ef", "#f6edd2") + _fade("p", season[0], lighter(season[0], 0.2)), "".join(body), 4.2


def _shop(rng: Random) -> tuple[str, str, float]:
    wall = rng.choice(("#e8e0d4", "#d5d9d2", "#e3d3c8", "#c9cdd4"))
    cloth = (
        "#b0512b",
        "#22305a",
        "#e9dfc9",
        "#15795a",
        "#eec3bf",
        "#d9a32f",
        "#4a4b52",
        "#6e1c33",
        "#9cc4e8",
        "#f7f5f2",
    )
    body = [_rect(0, 0, 400, 470, "url(#s)")]
    for x in (18, 290) if rng.random() < 0.5 else (8, 250):
        body.append(_rect(x, 160, 120, 4, "#5a4632"))
        for k in range(11):
            wide, long = rng.uniform(10, 15), rng.uniform(120, 200)
            body.append(
                f'<path d="M{x + 4 + k * 10.5:.1f} 168L{x + k * 10.5:.1f} {168 + long:.0f}h{wide + 4:.1f}L{x + wide + k * 10.5:.1f} 168Z" fill="{mix(rng.choice(cloth), "#6a6058", 0.15)}"/>'
            )
    mirror = rng.uniform(150, 190)
    body.append(_rect(mirror, 70, 84, 210, "#7d6a55") + _rect(mirror + 5, 75, 74, 200, "#cfdbe0"))
    for k in range(3):
        lamp = 60 + k * 140 + rng.uniform(-15, 15)
        body.append(
            _rect(lamp, 0, 1.5, 40, "#4a4038")
            + f'<circle cx="{lamp:.0f}" cy="46" r="13" fill="#fff2c4"/><circle cx="{lamp:.0f}" cy="46" r="42" fill="#fff0bf" opacity="0.28"/>'
        )
    body.append(_rect(0, 452, 400, 18, lighter(wall, 0.4)) + _rect(0, 468, 400, 132, "url(#p)"))
    for k in range(-9, 10):
        body.append(
            f'<path d="M{200 + k * 34} 468L{200 + k * 110} 600" stroke="#5f4228" stroke-width="1.3" opacity="0.55"/>'
        )
    return _fade("s", lighter(wall, 0.3), darker(wall, 0.08)) + _fade("p", "#96703f", "#c39a66"), "".join(body), 2.6


def _city(rng: Random) -> tuple[str, str, float]:
    body = [_rect(0, 0, 400, 460, "url(#s)")]
    tones = ("#b9a58e", "#93a0a8", "#c9b8a6", "#a88672", "#8d8b94")
    for side in (0, 1):
        for k in range(4):
            near = 150 - k * 34
            x = near - 46.0 if side == 0 else 400.0 - near
            tone = mix(rng.choice(tones), "#dfe5e8", 0.5 - (3 - k) * 0.02 + k * 0.08)
            left = 0 if side == 0 else x
            top = rng.uniform(0, 60) + (3 - k) * 46
            body.insert(1, _rect(left, top, x + 46 if side == 0 else 400 - x, 470 - top, tone))
            for row in range(7):
                for col in range(2):
                    lit = rng.random() < 0.3
                    body.insert(
                        2, _rect(x + 7 + col * 19, top + 14 + row * 46, 11, 26, "#fbe6a8" if lit else darker(tone, 0.3))
                    )
    body.append(_rect(0, 446, 400, 154, "url(#p)"))
    for _ in range(9):
        x = rng.choice((rng.uniform(0, 130), rng.uniform(270, 400)))
        body.append(
            f'<ellipse cx="{x:.0f}" cy="{rng.uniform(410, 442):.0f}" rx="5" ry="{rng.uniform(16, 30):.0f}" fill="{rng.choice(("#3a3f4a", "#7a4a3a", "#50606a", "#c9b49a"))}"/>'
        )
    return _fade("s", "#a9c4dc", "#f3e3d0") + _fade("p", "#8f9094", "#b9b5b0"), "".join(body), 3.4


_MAKERS = {"studio": _studio, "street wall": _street_wall, "park": _park, "shop": _shop, "city": _city}


def backdrop(name: str, width: int, height: int, rng: Random) -> Image.Image:
    """RGB backdrop, out of focus where the place is deep."""
    defs, body, blur = _MAKERS[name](rng)
    half = raster(_svg(width // 2 if blur > 2 else width, height // 2 if blur > 2 else height, body, defs)).convert(
        "RGB"
    )
    if blur > 2:
        half = half.filter(ImageFilter.GaussianBlur(blur / 2)).resize((width, height), Image.Resampling.BICUBIC)
    return half


def grain(shape: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 1) float32 in grey levels: fine film grain over a coarse mottle."""
    fine = rng.standard_normal(shape).astype(np.float32)
    coarse = rng.standard_normal((shape[0] // 12 + 2, shape[1] // 12 + 2)).astype(np.float32)
    soft = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return ((fine + 0.55 * np.asarray(soft)) * strength)[..., None]


def tint_of(picture: Image.Image) -> tuple[int, int, int]:
    """Mean colour, for the light the place throws on a person."""
    red, green, blue = np.asarray(picture.resize((1, 1), Image.Resampling.BOX))[0, 0]
    return int(red), int(green), int(blue)
