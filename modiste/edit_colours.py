"""Colours by name, for edits: English, Chinese, the xkcd survey's finer names, and #RRGGBB.

In: words. Out: sRGB. The basic names' own colours are the first swatch of labeling/colour_names.py.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from dataset.errors import UsageError
from labeling import colour_names
from labeling.staging import parse_colour

CHINESE = {
    "黑": "black", "白": "white", "灰": "grey", "红": "red", "橙": "orange", "橘": "orange", "黄": "yellow",
    "绿": "green", "蓝": "blue", "紫": "purple", "粉": "pink", "粉红": "pink", "棕": "brown", "褐": "brown",
    "咖啡": "brown", "米": "beige", "浅灰": "light grey", "深灰": "dark grey", "深蓝": "dark blue",
    "藏青": "navy blue", "海军蓝": "navy blue", "浅蓝": "light blue", "天蓝": "sky blue", "酒红": "burgundy",
    "墨绿": "dark green", "军绿": "army green", "卡其": "khaki",
}  # fmt: skip
# The survey's mean of these is tinged green or yellow, which a backdrop shows at once.
NEUTRAL = {"light grey": "dadada", "medium grey": "808080", "dark grey": "3c3c3c", "off white": "f8f6f1"}
SPELLED = {"gray": "grey", "navy": "navy blue", "wine red": "burgundy", "off white": "off white"}


@lru_cache(maxsize=1)
def colours() -> dict[str, tuple[int, int, int]]:
    """Every known English name -> RGB."""
    path = Path(colour_names.__file__).with_name("xkcd_colours.txt")
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    codes = dict(lines) | {name: each[0] for name, each in colour_names.SWATCHES.items()} | NEUTRAL
    return {name: (int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)) for name, code in codes.items()}


def english(words: str) -> str | None:
    """The known name these words mean; None where they mean no colour."""
    plain = " ".join(words.lower().replace("-", " ").split())
    if plain in CHINESE or plain.removesuffix("色") in CHINESE:
        return CHINESE.get(plain) or CHINESE[plain.removesuffix("色")]
    plain = SPELLED.get(plain, plain.replace("gray", "grey"))
    return plain if plain in colours() else None


def named(words: str) -> tuple[int, int, int]:
    """A name or #RRGGBB -> RGB. Raises UsageError with the nearest names."""
    if (code := parse_colour(words.strip())) is not None:
        return code
    if (name := english(words)) is not None:
        return colours()[name]
    near = difflib.get_close_matches(words.lower().strip(), list(colours()), n=3)
    raise UsageError(
        f"'{words}' is no colour known here", expected=f"a name such as {', '.join(near or ['navy blue'])}, or #RRGGBB"
    )
