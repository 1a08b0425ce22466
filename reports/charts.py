"""Charts as plotly figures in one house style: few colours that colour-blind readers can tell apart,
the page's own ink.

In: small frames and lists. Out: plotly JSON as dicts. Backgrounds are transparent; text and grid take their colours
from the page's CSS (light, dark, print). Every word from outside goes through `label`: plotly reads some HTML in its
texts.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from reports.quality import BINS, SCORES
from reports.runs import RunView, Score
from reports.wording import in_words, plain

Chart = dict[str, Any]
BLUE, ORANGE, TEAL, PINK, SKY, GREY = "#2b7bba", "#e08214", "#1b9e8a", "#c06ba5", "#7fb8e0", "#98a1ae"
SERIES = (BLUE, ORANGE, TEAL, PINK, SKY, GREY)
_STOCK = {
    "InStock": BLUE,
    "OutOfStock": ORANGE,
    "PreOrder": TEAL,
    "BackOrder": SKY,
    "Discontinued": PINK,
    "unsaid": GREY,
}
# Columns of metrics.csv that are no scores: what falls, the clock, and the ends of intervals.
_NO_SCORE = re.compile(r"loss|\blr\b|^lr|learning_rate|error|ece|_s$|second|time|seed|_low$|_high$|per_s|^n$")


def label(text: object, longest: int = 28) -> str:
    """Scraped text as plotly shows it literally: no markup, no link, one line."""
    return html.escape(plain(text, longest), quote=False)


def assortment(frame: pd.DataFrame) -> Chart:
    """Stacked bars: products by category, one colour a store."""
    order = frame.groupby("category")["products"].sum().sort_values().index.tolist()
    bars = [
        go.Bar(
            y=[label(c) for c in part["category"]], x=part["products"].tolist(), name=label(store), orientation="h",
            marker_color=SERIES[k % len(SERIES)], hovertemplate="%{y}: %{x:,} products<extra></extra>",
        )
        for k, (store, part) in enumerate(frame.groupby("store"))
    ]  # fmt: skip
    return _chart(
        bars,
        90 + 30 * len(order),
        barmode="stack",
        yaxis=_rows([label(c) for c in order]),
        xaxis=_counts("products", int(frame.groupby("category")["products"].sum().max())),
    )


def price_spread(frame: pd.DataFrame, currency: str) -> Chart:
    """One box per store and category (quartiles, whiskers at the extremes), drawn from quantiles, not from points."""
    frame = frame[frame["currency"] == currency].head(14)
    order = frame.groupby("category")["median"].mean().sort_values().index.tolist()
    boxes = [
        go.Box(
            y=[label(c) for c in part["category"]], lowerfence=part["low"].tolist(), q1=part["q1"].tolist(),
            median=part["median"].tolist(), q3=part["q3"].tolist(), upperfence=part["high"].tolist(), orientation="h",
            name=label(store), marker_color=SERIES[k % len(SERIES)], line_width=1.5,
        )
        for k, (store, part) in enumerate(frame.groupby("store"))
    ]  # fmt: skip
    axis = {**_axis(f"price, {label(currency)} (log scale)"), "type": "log", "dtick": "D2", "tickformat": ",~r"}
    height = 100 + 24 * max(len(order) * max(len(boxes), 1), 3)
    return _chart(boxes, height, boxmode="group", yaxis=_rows([label(c) for c in order]), xaxis=axis)


def price_bars(frame: pd.DataFrame, currency: str) -> list[tuple[str, Chart]]:
    """One small histogram a store on shared axes."""
    top = int(frame["products"].max()) if len(frame) else 1
    charts = []
    for k, (store, part) in enumerate(frame.groupby("store")):
        hover = [
            f"{a:,.2f} to {b:,.2f}: {n:,}"
            for a, b, n in zip(part["left"], part["right"], part["products"], strict=True)
        ]
        middle = ((part["left"] * part["right"]) ** 0.5).tolist()
        bars = go.Bar(
            x=middle, y=part["products"].tolist(), width=(part["right"] - part["left"]).mul(0.94).tolist(),
            marker_color=SERIES[k % len(SERIES)], hovertext=hover, hoverinfo="text",
        )  # fmt: skip
        limits = [math.log10(frame["left"].min()), math.log10(frame["right"].max())]
        axis = {**_axis(label(currency)), "type": "log", "range": limits, "dtick": "D2", "tickformat": ",~r"}
        charts.append((str(store), _chart([bars], 200, xaxis=axis, yaxis={**_axis(), "range": [0, top * 1.08]})))
    return charts


def availability(frame: pd.DataFrame) -> Chart:
    """One bar a store, split by what its pages say."""
    stores = [label(store) for store in sorted(frame["store"].unique())]
    order = [*(k for k in _STOCK if k in set(frame["availability"])), *sorted(set(frame["availability"]) - set(_STOCK))]
    totals = frame.groupby("store")["products"].sum()
    bars = []
    for k, status in enumerate(order):
        part = frame[frame["availability"] == status]
        share = [100 * n / totals[store] for store, n in zip(part["store"], part["products"], strict=True)]
        bars.append(go.Bar(
            y=[label(store) for store in part["store"]], x=share, name=label(status), orientation="h",
            marker_color=_STOCK.get(status, SERIES[k % len(SERIES)]), customdata=part["products"].tolist(),
            hovertemplate="%{y}: %{customdata:,} (%{x:.0f} %)<extra></extra>",
        ))  # fmt: skip
    axis = {**_axis("% of products"), "range": [0, 100]}
    return _chart(bars, 110 + 34 * len(stores), barmode="stack", yaxis=_rows(stores[::-1]), xaxis=axis)


def ranked(pairs: Sequence[tuple[str, int]], what: str, colours: Sequence[str] | str = BLUE) -> Chart:
    """Plain bars, the longest on top, each with its count written out."""
    names, counts = [label(name, 22) for name, _ in pairs], [n for _, n in pairs]
    bar = go.Bar(
        y=names, x=counts, orientation="h", marker_color=colours, text=[f"{n:,}" for n in counts],
        textposition="outside",
        cliponaxis=False, hovertemplate="%{y}: %{x:,} " + what + "<extra></extra>",
    )  # fmt: skip
    axis = {**_axis(), "showticklabels": False, "showgrid": False, "range": [0, max([*counts, 1]) * 1.18]}
    return _chart([bar], 40 + 24 * len(names), yaxis=_rows(names[::-1]), xaxis=axis)


def quality(counts: dict[str, list[int]]) -> list[tuple[str, str, Chart]]:
    """(score, what 1 means, histogram) as small multiples on one x axis."""
    middles = [(k + 0.5) / BINS for k in range(BINS)]
    charts = []
    for name, bins in counts.items():
        bar = go.Bar(
            x=middles, y=bins, marker_color=BLUE, hovertemplate="around %{x:.2f}: %{y:,} images<extra></extra>"
        )
        axis = {**_axis(), "range": [0, 1], "tickvals": [0, 0.5, 1], "ticktext": ["0", "0.5", "1"], "showgrid": False}
        charts.append((name, SCORES[name], _chart([bar], 150, xaxis=axis, yaxis=_axis(), bargap=0.08)))
    return charts


def forest(view: RunView) -> Chart | None:
    """Dots with 95 % whiskers per metric and part; hollow diamonds are baselines. Metrics in [0, 1] only."""
    names = [m for m, parts in view.metrics.items() if all(0 <= s.value <= 1 for s in parts.values())]
    if not names:
        return None
    rows = list(enumerate(names))
    traces = [
        _dots(part, colour, [(k + lift, view.metrics[m][part]) for k, m in rows if part in view.metrics[m]])
        for part, colour, lift in (("validation", SKY, -0.17), ("test", BLUE, 0.0), ("train", GREY, 0.17))
    ]
    traces.append(_diamonds([(k, name, v) for k, m in rows for name, v in _judged(view.metrics[m]).baselines]))
    texts = [label(in_words(name), 34) + "  " for name in names]
    yaxis = {**_axis(), "tickvals": list(range(len(names))), "ticktext": texts, "range": [len(names) - 0.4, -0.6]}
    traces = [trace for trace in traces if trace.x]
    xaxis = {**_axis(), "range": [-0.02, 1.02]}
    return _chart(traces, 110 + 40 * len(names), xaxis=xaxis, yaxis={**yaxis, "showgrid": False})


def _judged(parts: dict[str, Score]) -> Score:
    return parts.get("test") or next(iter(parts.values()))


def _dots(part: str, colour: str, there: list[tuple[float, Score]]) -> go.Scatter:
    up = [max((s.high if s.high is not None else s.value) - s.value, 0) for _, s in there]
    down = [max(s.value - (s.low if s.low is not None else s.value), 0) for _, s in there]
    return go.Scatter(
        x=[s.value for _, s in there], y=[y for y, _ in there], mode="markers", name=part,
        marker={"size": 7, "color": colour}, hoverinfo="text",
        hovertext=[f"{part} {s.value:.3f} (n = {s.n})" for _, s in there],
        error_x={"type": "data", "array": up, "arrayminus": down, "thickness": 2, "width": 5, "color": colour},
    )  # fmt: skip


def _diamonds(there: list[tuple[int, str, float]]) -> go.Scatter:
    return go.Scatter(
        x=[v for *_, v in there], y=[y for y, *_ in there], mode="markers", name="baseline",
        marker={"symbol": "diamond-open", "size": 10, "color": ORANGE, "line": {"width": 2}},
        hovertext=[f"{label(in_words(name))}: {v:.3f}" for _, name, v in there], hoverinfo="text",
    )  # fmt: skip


def curves(view: RunView) -> list[tuple[str, str, Chart]]:
    """(title, caption, chart): losses on one, what should rise on another. Beyond six columns: see metrics.csv."""
    falling = {n: c for n, c in view.curves.items() if "loss" in n.lower()}
    rising = {n: c for n, c in view.curves.items() if not _is_no_score(n.lower())}
    charts = [
        ("Loss by epoch", "Validation turning up while training falls is over-fitting.", falling),
        ("Scores by epoch", "A curve still rising at its end would gain from more epochs.", rising),
    ]
    return [(title, caption, _lines(part)) for title, caption, part in charts if part]


def _is_no_score(name: str) -> bool:
    return _NO_SCORE.search(name) is not None


def _lines(columns: dict[str, list[tuple[float, float]]]) -> Chart:
    traces = [
        go.Scatter(
            x=[x for x, _ in points], y=[y for _, y in points], name=label(in_words(name)), line={"width": 2,
            "color": SERIES[k]},
            mode="lines+markers" if len(points) < 25 else "lines", marker={"size": 5},
            hovertemplate="epoch %{x}: %{y:.4g}<extra>" + label(in_words(name)) + "</extra>",
        )
        for k, (name, points) in enumerate(list(columns.items())[: len(SERIES)])
    ]  # fmt: skip
    last = max((points[-1][0] for points in columns.values()), default=0)
    xaxis = {**_axis("epoch"), **({"dtick": 1} if last <= 12 else {})}
    return _chart(traces, 280, xaxis=xaxis, yaxis=_axis(), showlegend=True)


def confusion(classes: list[str], matrix: list[list[float]]) -> Chart:
    """Heat map of row shares (truth down, said across) with the counts written in; one hue, darker is more."""
    share = [[value / max(sum(row), 1) for value in row] for row in matrix]
    names = [label(c, 16) for c in classes]
    texts = [[f"{v:,.0f}" if v else "" for v in row] for row in matrix]
    small = len(names) <= 12
    heat = go.Heatmap(
        z=share, x=names, y=names, text=texts, texttemplate="%{text}" if small else None, zmin=0, zmax=1, xgap=2,
        ygap=2,
        colorscale=[[0, "rgba(43,123,186,0.06)"], [1, BLUE]], showscale=False,
        hovertemplate="is %{y}, said %{x}: %{text} (%{z:.0%})<extra></extra>",
    )  # fmt: skip
    xaxis = {"side": "top", "tickangle": -40, "automargin": True, "showgrid": False}
    height = 130 + 34 * len(names)
    return _chart(
        [heat],
        height,
        xaxis=xaxis,
        yaxis={"autorange": "reversed", "automargin": True, "showgrid": False, "title": {"text": "truth"}},
    )


def _axis(title: str | None = None) -> dict[str, Any]:
    return {"title": {"text": title} if title else None, "zeroline": False, "automargin": True}


def _counts(title: str, most: int) -> dict[str, Any]:
    return {**_axis(title), **({"dtick": 1} if most < 10 else {"tickformat": ",d"})}


def _rows(names: list[str]) -> dict[str, Any]:
    return {
        "categoryorder": "array",
        "categoryarray": names,
        "automargin": True,
        "showgrid": False,
        "ticksuffix": "  ",
        "type": "category",
    }


def _chart(traces: list[Any], height: int, **layout: Any) -> Chart:
    figure = go.Figure(traces)
    layout.setdefault("showlegend", len(traces) > 1)
    figure.update_layout(
        template="none", height=height, margin={"l": 8, "r": 16, "t": 8, "b": 8}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", font={"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
        "size": 12},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0,
        "traceorder": "normal"},
        dragmode=False, hovermode="closest", **layout,
    )  # fmt: skip
    return dict(json.loads(figure.to_json()))
