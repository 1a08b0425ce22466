"""The model card of one run: what it is for, what it learned from, how good it is and where it is not.

In: a run folder, read through `train.record`, and the snapshot it names. Out: `reports/model-<run>.html`. After
Mitchell et al., Model Cards (2019). Every figure stands with n, its interval and its baseline; a run that was not
evaluated says so. Never computes a metric.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset.errors import ModisteError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from reports import static
from reports.runs import RunView, view_of
from reports.wording import SPLITS, in_words
from reports.written import Written, made_at, place, write
from train import record

_USES = {
    "segmentation": "Finding garment and skin in catalogue photographs, for cutouts and further labelling.",
    "tagging": "Suggesting catalogue attributes of garments in photographs, for search and market reports.",
    "generation": "Making pictures of garments to look at and to try ideas with; never photographs of a product.",
    "restoration": "Enlarging catalogue photographs, or filling marked damage in them.",
}
PART_SHADES = {"test": 0, "validation": 4, "train": 5}


def model_card(ws: Workspace, run: str = "latest", *, out: Path | None = None) -> Written:
    """Write the card of `run` (an id or 'latest'). Raises EmptyError where there is none, DataError for a broken
    one."""
    view = view_of(record.load(ws, run))
    page = place(ws, out, f"model-{view.run.id}")
    data, warnings = view.run.data, list[str]()
    if not view.metrics:
        warnings.append(f"This run was not evaluated: modiste evaluate --run {view.run.id}")
    if not view.run.done:
        warnings.append("This run did not finish.")
    detail = view.run.evaluation.get("detail") or {}
    values: dict[str, Any] = {
        "title": view.run.id,
        "kind": "model card",
        "warnings": warnings,
        "view": view,
        "metrics": metric_rows(view),
        "facts": [("task", view.run.task), ("status", str(data.get("status"))), ("made", made_at())],
        "contents": [
            ("use", "Use"),
            ("figures", "Figures"),
            ("slices", "Where it is worse"),
            ("data", "Data"),
            ("cost", "Cost"),
        ],
        "use": _USES.get(view.run.task, ""),
        "dots": forest(view),
        "legend": [("test", 0), ("validation", 4)],
        "slices": [_slice(row) for row in _rows(detail, "slices")],
        "calibration": _calibration(detail),
        "per_value": [
            (field, part["per_value"])
            for field, part in detail.items()
            if isinstance(part, dict) and part.get("per_value")
        ],
        "confusions": [c for c in view.confusions if len(c["classes"]) <= 40],
        "limits": _limits(view, detail),
        "lineage": _lineage(ws, data),
        "cost": _cost(data, detail),
        "recipe": [(k, str(v)) for k, v in dict(data["recipe"]).items()],
    }
    return write(page, "model.html.j2", values, {"figures": sum(len(parts) for parts in view.metrics.values())})


def forest(view: RunView) -> list[static.Drawn]:
    """Metrics in [0, 1] with whiskers and baselines."""
    rows = []
    for metric, parts in view.metrics.items():
        shown = {part: score for part, score in parts.items() if part in SPLITS[1:] and 0 <= score.value <= 1}
        points = [
            {
                "value": s.value,
                "low": s.low,
                "high": s.high,
                "shade": PART_SHADES[part],
                "text": f"{part} {s.value:.3f}, n = {s.n}",
            }
            for part, s in shown.items()
        ]
        judged = shown.get("test") or next(iter(shown.values()), None)
        marks = (
            [{"value": v, "text": f"{in_words(n)}: {v:.3f}"} for n, v in judged.baselines if 0 <= v <= 1]
            if judged
            else []
        )
        if points:
            rows.append({"name": in_words(metric), "points": points, "marks": marks})
    return static.dots(rows)


def metric_rows(view: RunView) -> list[dict[str, Any]]:
    return [
        {"metric": metric, "part": part, "score": score}
        for metric, parts in view.metrics.items()
        for part, score in parts.items()
    ]


def _rows(detail: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = detail.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _slice(row: dict[str, Any]) -> list[str | int]:
    if row.get("mean_iou") is None:
        return [str(row.get("slice")).replace("_", " "), int(row.get("n") or 0), "too few photos", "–"]
    value = f"{row['mean_iou']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    gap = f"{row['gap']:+.3f} [{row['gap_low']:+.3f}, {row['gap_high']:+.3f}]"
    return [str(row["slice"]).replace("_", " "), int(row["n"]), value, gap]


def _calibration(detail: dict[str, Any]) -> static.Drawn | None:
    table = [row for row in _rows(detail, "calibration") if {"confidence", "accuracy"} <= set(row)]
    return static.reliability(table) if table else None


def _limits(view: RunView, detail: dict[str, Any]) -> list[str]:
    """What the run itself shows of its limits."""
    tested = [score.n for parts in view.metrics.values() for part, score in parts.items() if part == "test" and score.n]
    limits = [f"Tested on {min(tested)} photographs at least; see the intervals."] if tested else ["Never tested."]
    if absent := detail.get("absent"):
        limits.append("Never seen in the test part, so unmeasured: " + ", ".join(map(str, absent)))
    worse = [
        row["slice"]
        for row in _rows(detail, "slices")
        if isinstance(row.get("gap_high"), float) and row["gap_high"] < 0
    ]
    if worse:
        limits.append("Surely worse (95 %) on: " + ", ".join(str(name).replace("_", " ") for name in worse))
    if not _rows(detail, "slices"):
        limits.append("No slices were measured: whether it is worse for some people or garments is unknown.")
    return [*limits, "Says nothing about photographs unlike those of the shops below."]


def _lineage(ws: Workspace, data: dict[str, Any]) -> dict[str, Any]:
    """Snapshot, fingerprint, and the shops in the snapshot where it can still be loaded as the run saw it."""
    facts = [(name, str(data.get(name) or "unsaid")) for name in ("snapshot", "fingerprint", "taxonomy", "code")]
    seeds = dict(data.get("seeds") or {}).items()
    facts += [("seed" if name == "seed" else f"seed of {name}", str(value)) for name, value in seeds]
    try:
        snapshot = load_snapshot(ws, str(data.get("snapshot")))
    except ModisteError as error:
        return {"facts": facts, "stores": [], "note": f"The snapshot can't be loaded: {error}"}
    if snapshot.fingerprint != data.get("fingerprint"):
        return {"facts": facts, "stores": [], "note": "The snapshot of that name is not the one this run learned from."}
    rows = snapshot.rows.group_by(["store", "split"]).aggregate([([], "count_all")]).to_pylist()
    return {
        "facts": facts,
        "stores": [(r["store"] or "unsaid", r["split"] or "none", r["count_all"]) for r in rows],
        "note": "",
    }


def _cost(data: dict[str, Any], detail: dict[str, Any]) -> list[tuple[str, str]]:
    wall, cpu = float(data.get("wall_s") or 0), float(data.get("cpu_s") or 0)
    hardware = ", ".join(f"{name} {value}" for name, value in dict(data.get("hardware") or {}).items())
    costs = [("training", f"{wall / 60:.1f} min by the clock, {cpu / 60:.1f} min of processor"), ("hardware", hardware)]
    costs += [("parameters", f"{detail['parameters']:,}")] if isinstance(detail.get("parameters"), int) else []
    return costs + ([("a photo", f"{detail['ms_per_photo']} ms")] if detail.get("ms_per_photo") else [])
