"""Links and words of the reports stand out from what they lie on by WCAG's 4.5 to 1, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[1] / "reports/templates/page.css").read_text(encoding="utf-8")
SCHEMES = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{[^}]*\}", STYLE)[:2]]


def luminance(colour: str) -> float:
    """Relative luminance of '#rrggbb' or '#rgb', by WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
@pytest.mark.parametrize("words", ["ink", "soft", "accent"])
@pytest.mark.parametrize("ground", ["bg", "card", "tint"])
def test_words_stand_out_from_their_ground(scheme: dict[str, str], words: str, ground: str) -> None:
    one, other = sorted((luminance(scheme[words]), luminance(scheme[ground])), reverse=True)
    assert (one + 0.05) / (other + 0.05) >= 4.5
