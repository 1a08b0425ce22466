"""A chart's numbers as a plain table, for readers whose browser runs no script: what stands in <noscript> beside it.

In: a plotly figure as `reports.charts` makes it (bars, boxes, lines and dots, heat maps). Out: a head and rows of text.
Labels were escaped for plotly, which reads HTML; they are plain text again here, and the template escapes them. Never
invents a number: what a figure does not hold is left out.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 60
_BOX = ("lowerfence", "q1", "median", "q3", "upperfence")
_BOX_HEAD = ("lowest", "quarter", "median", "three quarters", "highest")


@dataclass(frozen=True)
class Told:
    """`more` rows were left out."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


def chart_table(figure: dict[str, Any]) -> Told:
    """The table of a figure; without data it has no rows."""
    traces = [trace for trace in figure.get("data", []) if isinstance(trace, dict)]
    kinds = {trace.get("type", "scatter") for trace in traces}
    if kinds == {"heatmap"}:
        return _matrix(traces[0])
    if kinds == {"box"}:
        return _cut(("", "series", *_BOX_HEAD), [row for trace in traces for row in _boxes(trace)])
    return _cut(*_points(traces, figure.get("layout", {})))


def _cut(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Told:
    keep = [k for k, name in enumerate(head) if name or any(row[k] for row in rows)]  # a column without words goes
    kept = tuple(tuple(row[k] for k in keep) for row in rows[:MOST_ROWS])
    return Told(tuple(head[k] for k in keep), kept, max(0, len(rows) - MOST_ROWS))


def _matrix(trace: dict[str, Any]) -> Told:
    names = [_text(name) for name in trace.get("x", [])]
    lines = trace.get("text") or trace.get("z", [])
    rows = [
        (_text(name), *(_text(value) or "0" for value in line))
        for name, line in zip(trace.get("y", []), lines, strict=False)
    ]
    return Told(("truth, then said", *names), tuple(rows[:MOST_ROWS]), max(0, len(rows) - MOST_ROWS))


def _boxes(trace: dict[str, Any]) -> list[tuple[str, ...]]:
    columns = [trace.get(name, []) for name in ("y", *_BOX)]
    return [(_text(name), _text(trace.get("name")), *map(_text, five)) for name, *five in zip(*columns, strict=False)]


def _points(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """One row a point: where it stands, its series, its value, and what hovering would say."""
    across = any(trace.get("orientation") == "h" for trace in traces)
    ticks = _ticks(layout.get("yaxis", {}))
    rows: list[tuple[str, ...]] = []
    for trace in traces:
        xs, ys, said = trace.get("x", []), trace.get("y", []), trace.get("hovertext", [])
        for k, (x, y) in enumerate(zip(xs, ys, strict=False)):
            hover = _text(said[k]) if isinstance(said, list) and k < len(said) else ""
            if ticks:  # dots beside names: the row's place is the nearest name
                place, value = ticks[min(ticks, key=lambda at: abs(at - y))], x
            else:
                place, value = (y, x) if across else (x, y)
            rows.append((_text(place), _text(trace.get("name")), _text(value), hover))
    return ("", "series" if len(traces) > 1 else "", "value", ""), rows


def _ticks(axis: dict[str, Any]) -> dict[float, str]:
    names, places = axis.get("ticktext"), axis.get("tickvals")
    if not isinstance(names, list | tuple) or not isinstance(places, list | tuple):
        return {}
    return {float(at): _text(name) for at, name in zip(places, names, strict=False)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else html.unescape(str(value)).strip()
