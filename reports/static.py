"""Charts that need no script: positions in per cent, for bars, spreads and dots that the page's CSS draws.

In: numbers and names. Out: plain dicts for the macros of `templates/static.html.j2`, which escape every word. They
scale with the page and keep their letters readable on a phone, they print, and they show where scripts are off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reports.wording import number

Drawn = dict[str, Any]
COLOURS = 6  # CSS classes c0 to c5


def bars(pairs: Sequence[tuple[str, float]], texts: Sequence[str] | None = None) -> list[Drawn]:
    """One bar a pair, the longest full width, its value written beside it."""
    most = max([value for _, value in pairs] + [1e-12])
    said = texts or [number(int(value)) for _, value in pairs]
    return [
        {"name": name, "parts": [{"width": 100 * value / most, "shade": 0, "title": text}], "text": text}
        for (name, value), text in zip(pairs, said, strict=True)
    ]


def stacked(rows: Sequence[tuple[str, str, int]], *, share: bool = False, most: int = 20) -> Drawn:
    """(row, part, count) -> {'legend': [...], 'rows': [...]}; with `share` each row is full width."""
    totals: dict[str, int] = {}
    parts: dict[str, int] = {}
    for row, part, count in rows:
        totals[row] = totals.get(row, 0) + count
        parts[part] = parts.get(part, 0) + count
    legend = sorted(parts, key=lambda part: (-parts[part], part))
    largest = max([*totals.values(), 1])
    drawn = []
    for name in sorted(totals, key=lambda row: (-totals[row], row))[:most]:
        counts = {part: count for row, part, count in rows if row == name}
        full = totals[name] if share else largest
        cells = [
            {
                "width": 100 * counts[part] / full,
                "shade": min(k, COLOURS - 1),
                "title": f"{part}: {number(counts[part])}",
            }
            for k, part in enumerate(legend)
            if part in counts
        ]
        drawn.append({"name": name, "parts": cells, "text": number(totals[name])})
    return {"legend": [(part, min(k, COLOURS - 1)) for k, part in enumerate(legend)], "rows": drawn}


def spreads(rows: Sequence[dict[str, Any]]) -> Drawn:
    """{name, shade, low, q1, median, q3, high, n} (all > 0) on one log axis with round ticks."""
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    low, high = low / 1.05, max(high * 1.05, low * 1.2)
    span = math.log(high / low)

    def at(value: float) -> float:
        return 100 * math.log(value / low) / span

    drawn = [
        {
            **row, "from": at(row["low"]), "width": at(row["high"]) - at(row["low"]), "box": at(row["q1"]),
            "box_width": at(row["q3"]) - at(row["q1"]), "middle": at(row["median"]),
        }
        for row in rows
    ]  # fmt: skip
    return {"rows": drawn, "ticks": [(at(tick), f"{tick:g}") for tick in _round_ticks(low, high)]}


def _round_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) <= 6 else inside[:: -(-len(inside) // 6)]


def dots(rows: Sequence[dict[str, Any]]) -> list[Drawn]:
    """{name, points: [{value, low, high, shade, text}], marks: [{value, text}]}, all in [0, 1], as per cent of
    width."""
    return [
        {
            "name": row["name"],
            "points": [
                {**p, "at": 100 * p["value"], "from": 100 * (p["value"] if p["low"] is None else p["low"]),
                 "width": 0 if p["low"] is None or p["high"] is None else 100 * max(p["high"] - p["low"], 0)}
                for p in row["points"]
            ],
            "marks": [{**mark, "at": 100 * mark["value"]} for mark in row["marks"]],
        }
        for row in rows
    ]  # fmt: skip


def lines(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, from_zero: bool = True, share: bool = False
) -> Drawn | None:
    """(name, [(x, y), …]) on shared axes as SVG points in a 360 x 150 box; x in any unit. None without two points.
    Of a `share`, in [0, 1], the axis is in per cent."""
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    if len(xs) < 2:
        return None
    low, high = (0.0, _round_up(max(ys), 1.0 if share else math.inf)) if from_zero else _around(min(ys), max(ys))
    left, right = min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left) if right > left else 0.5
        return 44 + 304 * across, 132 - 120 * (y - low) / ((high - low) or 1)

    drawn = [
        {"name": name, "shade": min(k, COLOURS - 1), "points": [place(x, y) for x, y in sorted(points)],
         "last": sorted(points)[-1][1]}
        for k, (name, points) in enumerate(series) if points
    ]  # fmt: skip
    levels = [low + (high - low) * k / 2 for k in range(3)]
    texts = [f"{100 * y:.3g} %" if share else f"{y:,.{0 if high >= 20 else 2}f}" for y in levels]
    return {"series": drawn, "levels": [(place(left, y)[1], text) for y, text in zip(levels, texts, strict=True)]}


def _around(low: float, high: float) -> tuple[float, float]:
    """A tenth of the span more on either side; some room where there is no span."""
    pad = (high - low) * 0.1 or abs(high) * 0.05 or 1
    return low - pad, high + pad


def _round_up(value: float, most: float) -> float:
    """The next of 1, 2, 4, 6, 10 times a power of ten, whose half is round too; at most `most`."""
    if value <= 0:
        return min(1.0, most)
    power = 10.0 ** math.floor(math.log10(value))
    return min(most, next(step * power for step in (1, 2, 4, 6, 10, 20) if step * power >= value * 1.001))


def reliability(table: Sequence[dict[str, float]]) -> Drawn:
    """Rows of {confidence, accuracy, pixels or n} in a 200 x 200 box; the diagonal is perfect calibration."""
    weights = [row.get("pixels", row.get("n", 1)) for row in table]
    most = max([*weights, 1])
    points = [
        {"x": 30 + 160 * row["confidence"], "y": 170 - 160 * row["accuracy"], "r": 2.5 + 5 * math.sqrt(weight / most),
         "text": f"said {row['confidence']:.2f}, right {row['accuracy']:.2f}, n = {weight:,.0f}"}
        for row, weight in zip(table, weights, strict=True)
    ]  # fmt: skip
    return {"points": points, "path": " ".join(f"{p['x']:.1f},{p['y']:.1f}" for p in points)}
