"""Colours: a shop's words for cloth, tones of skin (after the Monk scale's ten), hair, leather; and mixing.
Hex strings.
"""

from __future__ import annotations

CLOTH: dict[str, str] = {
    "white": "#f7f5f2", "ecru": "#e9dfc9", "black": "#26252b", "charcoal": "#4a4b52", "grey": "#a3a5aa",
    "navy": "#22305a", "cobalt": "#2b55c4", "sky blue": "#9cc4e8", "denim": "#54769f", "teal": "#1f7f86",
    "emerald": "#15795a", "olive": "#6d6f3a", "sage": "#a3b596", "mustard": "#d9a32f", "lemon": "#f2dd6e",
    "rust": "#b0512b", "terracotta": "#cc7257", "coral": "#f0806c", "red": "#c3272f", "burgundy": "#6e1c33",
    "blush": "#eec3bf", "fuchsia": "#cf2f83", "lilac": "#b9a3d6", "plum": "#5f2f5e", "camel": "#bf9463",
    "chocolate": "#553528", "sand": "#d5c1a0",
}  # fmt: skip

SKIN = ("#f3d6c3", "#eec8ae", "#e6b995", "#deac86", "#c98f68", "#a97049", "#875434", "#744830", "#5f3b2a", "#4d3024")
HAIR = ("#1d1718", "#2b1d1a", "#442a20", "#6a4128", "#8e5a30", "#b98546", "#d9b778", "#8d3a20", "#77757a", "#d8d5d0")
LEATHER = ("#26221f", "#5a3826", "#8c5a35", "#c79d6d", "#efe8dc", "#7c2430", "#2c3a55")
LIPS = ("#b5483f", "#c4606a", "#9c3848", "#d07a72", "#a8503c")

INK = "#1d1826"
LIGHT = "#fff6e6"


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(one: str, two: str, share: float) -> str:
    """`share` of `two` in `one`."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(rgb(one), rgb(two), strict=True))


def darker(colour: str, share: float) -> str:
    return mix(colour, INK, share)


def lighter(colour: str, share: float) -> str:
    return mix(colour, LIGHT, share)


def luma(colour: str) -> float:
    """Perceived lightness in [0, 1] (Rec. 601 weights)."""
    red, green, blue = rgb(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def contrast_to(colour: str) -> str:
    """A cloth colour that shows on `colour`, for patterns."""
    return "#fbf6ec" if luma(colour) < 0.55 else darker(colour, 0.62)
