"""Runs as the report reads them."""

from __future__ import annotations

from reports.charts import label
from reports.runs import metrics_of


def row(
    metric: str, value: float, part: str, name: str | None = None, baseline: float | None = None
) -> dict[str, object]:
    return {"metric": metric, "value": value, "low": None, "high": None, "n": 9, "part": part,
            "baseline_name": name, "baseline": baseline}  # fmt: skip


def test_a_selection_score_stands_in_the_row_of_what_it_selected_by() -> None:
    found = metrics_of({"rows": [row("mean IoU", 0.8, "test"), row("mean IoU, best of 12 tries", 0.85, "validation")]})
    assert list(found) == ["mean IoU"]
    assert found["mean IoU"]["validation"].value == 0.85
    assert found["mean IoU"]["validation"].note == "best of 12 tries"


def test_two_baselines_of_one_metric_stand_side_by_side() -> None:
    found = metrics_of(
        {"rows": [row("IoU", 0.8, "test", "all background", 0.3), row("IoU", 0.8, "test", "GrabCut", 0.6)]}
    )
    assert found["IoU"]["test"].baselines == (("all background", 0.3), ("GrabCut", 0.6))


def test_a_value_that_is_no_number_is_left_out() -> None:
    assert metrics_of({"rows": [row("IoU", float("nan"), "test"), {"metric": "F1", "value": "n/a"}]}) == {}


def test_a_chart_label_shows_markup_instead_of_obeying_it() -> None:
    assert label('<a href="https://evil.example">sale</a>', 80) == '&lt;a href="https://evil.example"&gt;sale&lt;/a&gt;'
