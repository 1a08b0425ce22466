"""Is a garment's basic colour measured right, whatever the light? Drawn garments of known colour, relit.

In: --drawings N a part, --seed, --before FILE (an older labeling/colour.py to stand beside; may be given again). Out:
a table, and --json FILE; --sheet FILE draws what was seen and said. Parts: `packshot palette` (the demo's cloths, whose
words the taxonomy maps), `packshot survey` (colours of the xkcd survey that people named with a plain modifier and a
basic word, such as 'dark red': no name that labeling/basic_colours.txt holds, though tuned versions were scored on
them), `scene palette` (worn, before a place), `packshot patterned` (the set of colours of dark striped and dotted
cloth; right where both are found and no third). Each drawing is lit by a black body of 3000 to 9000 K (even in mired),
exposed by -1 to +1 stop in linear light, cut at white and saved as JPEG of quality 60 to 95. Baseline: the mean sRGB of
the mask, nearest swatch. Intervals: Wilson, 95 %. `tellable` are those of a part where less than a fifth of the
garment's pixels has a channel at 250 or more; figures over all stand beside. The lines on confidence say how many plain
garments would keep a label at a threshold, and how many of those are right; the lines on reliability, how many are
right whose confidence lies between two bounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.shop_tags import wilson
from dataset.taxonomy import load_taxonomy
from labeling import colour, colour_names
from labeling.colour_light import to_linear, to_srgb, white_of
from modiste.demo.scenes import palette
from modiste.demo.scenes.backdrops import BACKDROPS
from modiste.demo.scenes.garment import Garment
from modiste.demo.scenes.looks import dress_up
from modiste.demo.scenes.patterns import contrast_to
from modiste.demo.scenes.scene import Drawn, draw_packshot, draw_scene
from modiste.demo.stock import stock

_PLAIN = (
    "light dark pale deep bright dull dusty medium very faded dirty soft warm cool strong vivid pastel muted true "
    "pure royal navy sky forest brick blood salmon lemon mustard lime olive chocolate"
)
MODIFIERS = frozenset(_PLAIN.split())
TELLABLE = 0.2  # share of the garment with a channel cut from which no person could tell its colour for sure
LEAST = 0.08  # share from which a colour counts as found in a pattern
Method = Callable[[np.ndarray, np.ndarray], list[str]]


@dataclass(frozen=True)
class Shot:
    """`truth` are basic colours, (H, W, 3) `rgb` as a shop's photo under `kelvin` and `stops`."""

    part: str
    truth: frozenset[str]
    rgb: np.ndarray
    mask: np.ndarray
    kelvin: float
    stops: float


def relit(rgb: np.ndarray, rng: Random) -> tuple[np.ndarray, float, float]:
    """(photo under another light, its temperature in K, its exposure in stops)."""
    kelvin = 1e6 / rng.uniform(1e6 / 9000, 1e6 / 3000)
    stops, quality = rng.uniform(-1, 1), rng.randint(60, 95)
    light = white_of(kelvin) / white_of(6500.0)
    light /= light @ (0.2126, 0.7152, 0.0722)
    buffer = io.BytesIO()
    Image.fromarray(to_srgb(to_linear(rgb) * (light * 2**stops).astype(np.float32))).save(
        buffer, "JPEG", quality=quality
    )
    return np.asarray(Image.open(buffer)), kelvin, stops


def garments(seed: int) -> Iterator[Garment]:
    """Garments of the demo's stock, without shoes and hats, in its own order, without end."""
    while True:
        for offer in stock(60, seed):
            if offer.garment.type not in ("shoes", "hat"):
                yield offer.garment
        seed += 1


def palette_words() -> list[tuple[str, str]]:
    """(cloth of the demo, basic colour that the taxonomy maps its word to)."""
    words = load_taxonomy("clothing")
    mapped = {cloth: words.map("colour", cloth, "en") for cloth in palette.CLOTH} | {"denim": "blue"}
    return [(cloth, basic) for cloth, basic in mapped.items() if basic in colour_names.SWATCHES]


def survey_words() -> list[tuple[str, str, str]]:
    """(name, sRGB, basic colour) of the survey's plain names."""
    found = []
    for name, code in zip(*_survey(), strict=True):
        *before, last = name.split()
        basic = {"gray": "grey"}.get(last, last)
        if basic in colour_names.SWATCHES and before and all(word in MODIFIERS for word in before):
            found.append((name, code, basic))
    return found


def _survey() -> tuple[list[str], list[str]]:
    path = Path(colour.__file__).with_name("xkcd_colours.txt")
    rows = re.findall(r"^([^#\t\n]+)\t([0-9a-f]{6})$", path.read_text(), re.M)
    return [name for name, _ in rows], [code for _, code in rows]


def shots(count: int, seed: int) -> Iterator[Shot]:
    rng, pieces = Random(f"colour {seed}"), garments(seed)
    cloths, survey = palette_words(), survey_words()
    dark = [(cloth, basic) for cloth, basic in cloths if palette.luma(palette.CLOTH[cloth]) < 0.5]
    for number in range(count):
        cloth, basic = cloths[number % len(cloths)]
        yield _packshot("packshot palette", replace(next(pieces), colour=cloth, pattern="plain"), {basic}, rng)
        name, code, basic = survey[(number * 7) % len(survey)]
        with _dyed(name, code):
            yield _packshot("packshot survey", replace(next(pieces), colour=name, pattern="plain"), {basic}, rng)
        cloth, basic = dark[number % len(dark)]
        piece = replace(next(pieces), colour=cloth, pattern=("striped", "dotted")[number % 2])
        assert contrast_to(palette.CLOTH[cloth]) == "#fbf6ec"
        yield _packshot("packshot patterned", piece, {basic, "white"}, rng)
        if number % 3:
            yield _scene(cloths[(number * 2 // 3) % len(cloths)], next(pieces), rng)


class _dyed:
    """The demo's palette with one more cloth, for as long as the block lasts."""

    def __init__(self, name: str, code: str) -> None:
        self.name, self.code = name, f"#{code}"

    def __enter__(self) -> None:
        palette.CLOTH[self.name] = self.code

    def __exit__(self, *_: object) -> None:
        del palette.CLOTH[self.name]


def _packshot(part: str, piece: Garment, truth: set[str], rng: Random) -> Shot:
    return _shot(part, draw_packshot(piece, seed=rng.randrange(10**6)), truth, rng)


def _scene(cloth: tuple[str, str], piece: Garment, rng: Random) -> Shot:
    """A top or dress: of a worn outfit the mask holds the other clothes too."""
    piece = Garment("dress", cloth[0], "plain", "short", "knee", "crew", "fitted") if piece.type != "dress" else piece
    piece = replace(piece, colour=cloth[0], pattern="plain")
    drawn = draw_scene(dress_up(piece, rng.randrange(10**6), True), piece, place=rng.choice(BACKDROPS),
                       pose="relaxed" if "relaxed" in _poses() else _poses()[0], seed=rng.randrange(10**6))  # fmt: skip
    return _shot("scene palette", drawn, {cloth[1]}, rng)


def _poses() -> list[str]:
    from modiste.demo.scenes.figure import POSES

    return [name for name in POSES if name not in ("mannequin", "hand in pocket")]


def _shot(part: str, drawn: Drawn, truth: set[str], rng: Random) -> Shot:
    rgb, kelvin, stops = relit(np.asarray(drawn.pixels.convert("RGB")), rng)
    return Shot(part, frozenset(truth), rgb, drawn.garment, kelvin, stops)


def unbalanced(rgb: np.ndarray, mask: np.ndarray) -> list[str]:
    return [found.name for found in colour.measure(rgb, mask, balance=False).colours if found.share >= LEAST]


def mean_rgb(rgb: np.ndarray, mask: np.ndarray) -> list[str]:
    """The baseline: one mean, the swatch nearest in sRGB."""
    middle = rgb[mask].mean(axis=0)
    near = {name: min(np.linalg.norm(middle - list(bytes.fromhex(code))) for code in codes)
            for name, codes in colour_names.SWATCHES.items()}  # fmt: skip
    return [min(near, key=lambda name: near[name])]


def older(path: Path) -> Method:
    name = f"older_colour_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return lambda rgb, mask: [found.name for found in module.dominant_colours(rgb, mask) if found.share >= LEAST]


def right(shot: Shot, said: list[str]) -> bool:
    return set(said) == shot.truth if len(shot.truth) > 1 else bool(said) and said[0] in shot.truth


def tellable(shot: Shot) -> bool:
    """Whether enough of the garment was not cut at white by the camera."""
    return bool((shot.rgb[shot.mask] >= 250).any(axis=1).mean() < TELLABLE)


def sheet(rows: list[tuple[Shot, list[str]]], out: Path) -> None:
    """What was seen and said, 8 in a row; wrong ones framed red."""
    wide, high = 150, 200
    page = Image.new("RGB", (8 * wide, -(-len(rows) // 8) * high), "white")
    pen = ImageDraw.Draw(page)
    for place, (shot, said) in enumerate(rows):
        x, y = place % 8 * wide, place // 8 * high
        small = Image.fromarray(shot.rgb)
        small.thumbnail((wide - 8, high - 34))
        page.paste(small, (x + 4, y + 4))
        good = right(shot, said)
        pen.text(
            (x + 4, y + high - 28), f"{'+'.join(said)} ({'/'.join(sorted(shot.truth))})", "black" if good else "red"
        )
        pen.text((x + 4, y + high - 15), f"{shot.kelvin:.0f} K {shot.stops:+.1f}", "grey")
        if not good:
            pen.rectangle((x + 1, y + 1, x + wide - 2, y + high - 2), outline="red", width=2)
    page.save(out)


def _share(part: str, least: float, most: float, sure: list[tuple[float, bool]]) -> dict[str, Any]:
    """Of the plain garments with a confidence in [least, most): how many, how many right."""
    kept = [pair for pair in sure if least <= pair[0] and (pair[0] < most or most >= 1)]
    good = sum(right for _, right in kept)
    low, high = wilson(good, len(kept))
    said = sum(confidence for confidence, _ in kept) / max(1, len(kept))
    share = good / max(1, len(kept))
    print(f"{part} {least:.1f} to {min(1, most):.1f}: {len(kept)} of {len(sure)}, said {said:.3f}, "
          f"right {share:.3f} [{low:.3f}, {high:.3f}]")  # fmt: skip
    return {"part": part, "least": least, "most": most, "n": len(kept), "of": len(sure), "said": said,
            "right": share, "low": low, "high": high}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawings", type=int, default=90)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--before", type=Path, action="append", default=[])
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    methods: dict[str, Method] = {"without light": unbalanced, "mean RGB": mean_rgb}
    for path in given.before:
        methods[f"before: {path.parent.name}"] = older(path)
    counts: dict[tuple[str, str], list[bool]] = {}
    sure: list[tuple[float, bool]] = []
    seen: list[tuple[Shot, list[str]]] = []

    def note(shot: Shot, name: str, said: list[str]) -> None:
        for part in (shot.part, *([f"{shot.part}, tellable"] if tellable(shot) else [])):
            counts.setdefault((part, name), []).append(right(shot, said))
        if name == "modiste":
            seen.append((shot, said))

    for shot in shots(given.drawings, given.seed):
        for name, method in methods.items():
            note(shot, name, method(shot.rgb, shot.mask))
        found = colour.measure(shot.rgb, shot.mask).colours
        note(shot, "modiste", [one.name for one in found if one.share >= LEAST])
        if len(shot.truth) == 1:
            sure.append((found[0].confidence, found[0].name in shot.truth))
    figures: list[dict[str, Any]] = []
    for (part, name), results in sorted(counts.items()):
        low, high = wilson(sum(results), len(results))
        share = sum(results) / len(results)
        figures.append({"part": part, "method": name, "n": len(results), "right": share, "low": low, "high": high})
        print(f"{part:30} {name:15} n={len(results):<4} right {share:.3f} [{low:.3f}, {high:.3f}]")
    bounds = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    for least in bounds:
        figures.append(_share("confidence", least, 1.0, sure))
    for least, most in zip(bounds, (*bounds[1:], 1.01), strict=True):
        figures.append(_share("reliability", least, most, sure))
    if given.sheet:
        wrong = [pair for pair in seen if not right(*pair)]
        sheet(wrong[:48] + [pair for pair in seen if right(*pair)][:16], given.sheet)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
