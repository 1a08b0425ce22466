"""A drawing in two readings: the picture (gradients, folds, blur) and the id map (flat, antialiasing off).

`solid` enters both, `paint` the picture only: so the masks are of exactly the shapes that are seen, at any scale.
Never rasterises; see render.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from modiste.demo.scenes.palette import INK, darker, lighter, luma

PERSON, GARMENT = "#00ff00", "#ff0000"


class Canvas:
    """`light` is -1 where the light comes from the viewer's left, 1 from the right."""

    def __init__(self, light: int = -1) -> None:
        self.light = light
        self._picture: list[str] = []
        self._ids: list[str] = []
        self._defs: list[str] = []
        self._names = 0

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    def define(self, body: str) -> str:
        """Add a definition whose id is written as {id}; returns what refers to it."""
        name = self._name()
        self._defs.append(body.replace("{id}", name))
        return f"url(#{name})"

    def gradient(self, *stops: tuple[float, str], down: bool = False) -> str:
        marks = "".join(f'<stop offset="{at:.2f}" stop-color="{colour}"/>' for at, colour in stops)
        turn = 'x2="0" y2="1"' if down else 'x2="1" y2="0.12"'
        return self.define(f'<linearGradient id="{{id}}" x1="0" y1="0" {turn}>{marks}</linearGradient>')

    def lit(self, colour: str, strength: float = 1.0) -> str:
        """A fill that is lighter where the light comes from."""
        bright, dark = lighter(colour, 0.16 * strength), darker(colour, 0.2 * strength)
        stops = [(0.0, bright), (0.42, colour), (1.0, dark)]
        if self.light > 0:
            stops = [(1 - at, shade) for at, shade in reversed(stops)]
        return self.gradient(*stops)

    def clip(self, d: str) -> str:
        return self.define(f'<clipPath id="{{id}}"><path d="{d}"/></clipPath>')

    def solid(self, kind: str, d: str, fill: str, stroke: str | None = None, width: float = 1.5) -> None:
        """A shape that is part of the person (`kind` PERSON or GARMENT)."""
        edge = f' stroke="{stroke}" stroke-width="{width}" stroke-linejoin="round"' if stroke else ""
        flat = f' stroke="{kind}" stroke-width="{width}" stroke-linejoin="round"' if stroke else ""
        self._picture.append(f'<path d="{d}" fill="{fill}"{edge}/>')
        self._ids.append(f'<path d="{d}" fill="{kind}"{flat}/>')

    def cord(self, kind: str, d: str, colour: str, width: float) -> None:
        """A stroke that is part of the person: a strap, a bag's handle."""
        for out, shade in ((self._picture, colour), (self._ids, kind)):
            out.append(f'<path d="{d}" fill="none" stroke="{shade}" stroke-width="{width}" stroke-linecap="round"/>')

    def paint(
        self,
        d: str,
        *,
        fill: str = "none",
        stroke: str | None = None,
        width: float = 1.2,
        opacity: float = 1.0,
        clip: str | None = None,
        dash: str = "",
    ) -> None:
        """Decoration inside a shape; changes no mask."""
        edge = (
            f' stroke="{stroke}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"'
            if stroke
            else ""
        )
        edge += f' stroke-dasharray="{dash}"' if dash else ""
        # not `opacity`: that makes resvg draw every path on a layer of its own
        seen = "" if opacity == 1.0 else f' fill-opacity="{opacity}" stroke-opacity="{opacity}"'
        self._inside(clip, f'<path d="{d}" fill="{fill}"{edge}{seen}/>')

    def _inside(self, clip: str | None, body: str) -> None:
        """Add to the picture; what follows in the same clip shares its layer."""
        start = f'<g clip-path="{clip}">'
        if clip is None:
            self._picture.append(body)
        elif self._picture and self._picture[-1].startswith(start):
            self._picture[-1] = self._picture[-1].removesuffix("</g>") + body + "</g>"
        else:
            self._picture.append(f"{start}{body}</g>")

    def soft(
        self, strokes: Sequence[tuple[str, str, float, float]], *, blur: float, clip: str, move: float = 0.0
    ) -> None:
        """Blurred strokes (path, colour, width, opacity), kept inside `clip`."""
        if not strokes:
            return
        effect = self.define(
            '<filter id="{id}" x="-10%" y="-10%" width="120%" height="120%">'
            f'<feGaussianBlur stdDeviation="{blur}"/></filter>'
        )
        paths = "".join(
            f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}"'
            ' stroke-linecap="round"/>'
            for d, colour, width, opacity in strokes
        )
        self._inside(clip, f'<g filter="{effect}" transform="translate({move} 0)">{paths}</g>')

    def round_off(self, d: str, clip: str, depth: float, opacity: float = 0.3, colour: str = INK) -> None:
        """Shade a shape's rim, more on the side away from the light, so that it reads as round."""
        self.soft([(d, colour, depth, opacity)], blur=depth / 3, clip=clip, move=self.light * depth / 3)

    def cloth(self, d: str, colour: str, pattern: Sequence[str] = (), folds: Sequence[str] = (), *,
              depth: float = 20.0) -> str:  # fmt: skip
        """A piece of cloth with its pattern, its form and its folds; returns its clip."""
        dim = luma(colour) < 0.25
        self.solid(GARMENT, d, self.lit(colour, 1.2 if dim else 1.0), darker(colour, 0.5 if not dim else 0.8))
        for fill in pattern:
            self.paint(d, fill=fill)
        clip = self.clip(d)
        self.round_off(d, clip, depth, 0.34 if dim else 0.26, darker(colour, 0.7))
        shade, glow = darker(colour, 0.62), lighter(colour, 0.75)
        strokes = [(fold, glow, 9.0, 0.06 if dim else 0.15) for fold in folds]
        self.soft([*strokes, *((fold, shade, 5.0, 0.5) for fold in folds)], blur=2.2, clip=clip)
        for mark in folds[::2]:
            self.paint(mark, stroke=shade, width=1.0, opacity=0.45, clip=clip)
        return clip

    @contextmanager
    def group(self, transform: str) -> Iterator[None]:
        for out in (self._picture, self._ids):
            out.append(f'<g transform="{transform}">')
        yield
        for out in (self._picture, self._ids):
            out.append("</g>")

    def picture(self, width: int, height: int, transform: str) -> str:
        return self._svg(width, height, transform, "".join(self._picture), f"<defs>{''.join(self._defs)}</defs>", "")

    def ids(self, width: int, height: int, transform: str) -> str:
        return self._svg(width, height, transform, "".join(self._ids), "", ' shape-rendering="crispEdges"')

    def _svg(self, width: int, height: int, transform: str, body: str, defs: str, extra: str) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"{extra}>'
            f'{defs}<g transform="{transform}">{body}</g></svg>'
        )
