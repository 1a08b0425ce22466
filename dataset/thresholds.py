"""When a measured score is an issue: limits per view, apart from measuring, so they change without measuring again.

In: rows of `images`, and limits (the defaults, or a YAML file of view -> measure -> limit). Out: names of issues, a
SELECT with one boolean `is_<issue>_issue` a row and issue, and counts. Never stores a verdict and never reads a
picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.errors import SettingsError
from dataset.settings import read_yaml
from dataset.workspace import Workspace

Limits = Mapping[str, Mapping[str, float]]

ISSUES = {
    "sharpness": "blurred",
    "exposure": "badly_exposed",
    "contrast": "flat",
    "compression": "blocky",
    "resolution": "small",
    "aspect": "odd_aspect",
    "overlay": "lettered",
    "frame": "framed",
}
_ALIKE = {"compression": 0.25, "resolution": 0.40, "aspect": 0.30, "overlay": 0.50, "frame": 0.97}
# A score below its limit is an issue. A packshot is bright and even by design; a scene may be long and narrow.
THRESHOLDS: dict[str, dict[str, float]] = {
    "packshot": {"sharpness": 0.25, "exposure": 0.35, "contrast": 0.20, **_ALIKE},
    "scene": {"sharpness": 0.30, "exposure": 0.50, "contrast": 0.35, **_ALIKE},
}


def issues(row: Mapping[str, Any], thresholds: Limits = THRESHOLDS) -> list[str]:
    """Names of what is wrong with a row of `images`, in the order of `ISSUES`; what was not measured is no issue."""
    limits = thresholds[row.get("view") or "scene"]
    return [
        name for measure, name in ISSUES.items() if (score := row.get(measure)) is not None and score < limits[measure]
    ]


def read_thresholds(path: Path) -> dict[str, dict[str, float]]:
    """Defaults with the file's limits laid over them. Raises SettingsError for a file that can't be read
    or is no YAML, an unknown view or measure, a limit outside 0 to 1."""
    told = read_yaml(path)
    _known(told, THRESHOLDS, str(path))
    found = {view: dict(limits) for view, limits in THRESHOLDS.items()}
    for view, limits in told.items():
        _known(limits, ISSUES, f"{path}: {view}")
        for measure, limit in limits.items():
            found[view][measure] = _limit(limit, f"{path}: {view}.{measure}")
    return found


def issues_sql(thresholds: Limits = THRESHOLDS) -> str:
    """A SELECT of sha256, view and `is_<issue>_issue` (null where not measured) over the good images."""
    verdicts = ", ".join(f"{_below(measure, thresholds)} AS is_{name}_issue" for measure, name in ISSUES.items())
    return f"SELECT sha256, view, {verdicts} FROM images WHERE status = 'ok'"


def count_issues(ws: Workspace, thresholds: Limits = THRESHOLDS) -> dict[str, int]:
    """issue -> good images that have it, all images ever measured."""
    counted = ", ".join(f"count(*) FILTER (is_{name}_issue)::BIGINT AS {name}" for name in ISSUES.values())
    return dict(ws.tables.query(f"SELECT {counted} FROM ({issues_sql(thresholds)})").to_pylist()[0])


def _below(measure: str, thresholds: Limits) -> str:
    packshot, scene = thresholds["packshot"][measure], thresholds["scene"][measure]
    return f"{measure} < CASE WHEN view = 'packshot' THEN {packshot!r} ELSE {scene!r} END"


def _known(told: Any, known: Mapping[str, Any], where: str) -> None:
    if not isinstance(told, dict) or set(told) - set(known):
        unknown = sorted(map(str, set(told) - set(known))) if isinstance(told, dict) else told
        raise SettingsError(f"unknown {unknown}", where=where, expected="a mapping with keys among " + ", ".join(known))


def _limit(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SettingsError(f"{value!r} is no limit", where=where, expected="a number from 0 to 1")
    return float(value)
