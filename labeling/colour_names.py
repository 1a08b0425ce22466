"""Names of colours: the chances of the twelve basic ones, and the nearest of the xkcd survey's.

In: CIELAB or sRGB colours. Out: names and chances. The basic names are those the tagging article asks for ('predict
basic colours only': people disagree about finer ones). Two voices tell them: swatches of cloth, set by hand, and words
of the xkcd survey (CC0) that hold a basic word or that the taxonomy maps to one. Finer names are the survey's, by
CIEDE2000. Never looks at a photo.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from labeling.colour_difference import delta_e_2000

DOUBT = 3.0  # CIEDE2000 by which people's boundaries of a name waver, between swatches
REACH = 5.0  # CIEDE2000 over which a word of the survey speaks for its surroundings
FLOOR = 1e-4  # of a voice's chance: neither forbids a name alone
SWATCHES: dict[str, tuple[str, ...]] = {
    "black": ("000000", "18181a", "2b2b2e", "1c1f26"),
    "white": ("ffffff", "f2f2f0", "e6e6e8", "fffff0", "f8f2e6", "efe6da"),
    "grey": ("bcbcbc", "9a9a9a", "787878", "555555", "6b7076", "424448"),
    "red": ("d01020", "a81020", "ff2030", "701020", "c83c3c"),
    "orange": ("ff8000", "e86a10", "f59a40", "d95b20", "aa4e2a"),
    "yellow": ("ffe000", "f5d040", "fff080", "d8b020"),
    "green": ("00a040", "206030", "70b050", "a0d8a0", "556b2f", "1a3a28", "60c0a0", "808040", "9aa88c"),
    "blue": ("1040c0", "203060", "4080e0", "90c0f0", "141c40", "506a90", "20a0c0", "7890b0", "247a84"),
    "purple": ("7020a0", "50205a", "a070d0", "c0a0e0", "8a3a80"),
    "pink": ("ff80b0", "f0b0c0", "e03090", "f8d0d8", "d87890", "e8b4ac"),
    "brown": ("704020", "4a2c1a", "8a5a34", "a06a40", "3a2820", "b5804c"),
    "beige": ("e8d8b8", "d8c0a0", "c8b090", "ebdfc4", "b8a080"),
}
_FINER = Path(__file__).with_name("xkcd_colours.txt")
_WORDS = Path(__file__).with_name("basic_colours.txt")
BASIC = tuple(SWATCHES)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 sRGB to (N, 3) float32 CIELAB (D65): L in 0..100, a and b about -128..127."""
    return cv2.cvtColor(rgb.reshape(-1, 1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)


def chances(lab: np.ndarray) -> np.ndarray:
    """(N, 3) CIELAB to (N, 12) chances of `BASIC`, each row adding up to 1: the geometric mean of both voices."""
    both = np.sqrt((_by_swatches(lab) + FLOOR) * (_by_words(lab) + FLOOR))
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def _by_swatches(lab: np.ndarray) -> np.ndarray:
    """A name's by its nearest swatch."""
    owner, swatches = _basic()
    nearest = np.minimum.reduceat(delta_e_2000(swatches[None], lab[:, None]), owner, axis=1)
    nearest -= nearest.min(axis=1, keepdims=True)
    weight = np.exp(-nearest / DOUBT)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _by_words(lab: np.ndarray) -> np.ndarray:
    """A name's by all its words near by; there are 146 greens and 2 blacks, so a name of many counts each for less."""
    names, words, many = _survey_words()
    near = np.exp(-0.5 * (delta_e_2000(words[None], lab[:, None]) / REACH) ** 2)
    weight = near @ names / np.sqrt(many) + 1e-9
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def name_of(rgb: np.ndarray) -> str:
    """The basic colour whose nearest swatch is nearest (CIEDE2000) to one (3,) uint8 colour."""
    return BASIC[int(chances(to_lab(rgb))[0].argmax())]


def finer_name(rgb: np.ndarray) -> tuple[str, float]:
    """(name of the xkcd survey nearest to one (3,) uint8 colour, how far off it is by CIEDE2000)."""
    names, lab = _survey()
    apart = delta_e_2000(lab, to_lab(rgb))
    return names[int(apart.argmin())], float(apart.min())


@lru_cache(maxsize=1)
def _basic() -> tuple[np.ndarray, np.ndarray]:
    """(12,) index of each name's first swatch, (S, 3) CIELAB of all."""
    sizes = [len(codes) for codes in SWATCHES.values()]
    return np.cumsum([0, *sizes[:-1]]), _table([code for codes in SWATCHES.values() for code in codes])


@lru_cache(maxsize=1)
def _survey() -> tuple[list[str], np.ndarray]:
    names, codes = zip(*_rows(_FINER), strict=True)
    return list(names), _table(list(codes))


@lru_cache(maxsize=1)
def _survey_words() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(W, 12) which basic name each word is of, (W, 3) CIELAB, (12,) how many words a name has."""
    _, codes, basic = zip(*_rows(_WORDS), strict=True)
    names = np.array([[name == one for name in BASIC] for one in basic], float)
    return names, _table(list(codes)), names.sum(axis=0)


def _rows(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def _table(codes: list[str]) -> np.ndarray:
    return to_lab(np.array([list(bytes.fromhex(code)) for code in codes], np.uint8))
