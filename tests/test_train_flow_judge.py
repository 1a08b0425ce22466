"""Figures of a flow, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from train_flow_made_up import CLOTHING, MadeUp, flow_of, photo

from train.figure import Figure
from train.flow_judge import judge_flow
from train.flow_run import run_flow

FLOW = (
    "models: {m: {bring: x}, n: {bring: y}}\nsteps:\n  - {task: category, model: m}\n  - branch: category\n    cases:\n"
    "      tops: {task: type, model: n}\n    otherwise: {task: type, model: m, given: category}\n"
)
CATEGORY = [
    {"category": {"tops": 0.9, "bottoms": 0.1}, "type": {"pants": 1.0}},
    {"category": {"tops": 0.9, "bottoms": 0.1}, "type": {"pants": 1.0}},
    {"category": {"tops": 0.6, "bottoms": 0.4}, "type": {"pants": 1.0}},
    {"category": {"bottoms": 0.9, "tops": 0.1}, "type": {"pants": 1.0}},
]
TYPE = [{"type": {"shirt": 0.8, "t-shirt": 0.2}}] * 4
TRUTHS = [{"type": "shirt"}, {"type": "t-shirt"}, {"type": "pants"}, {"type": "pants"}]


def judged(folder: Path, truths=TRUTHS, floor: float = 0.0, text: str = FLOW) -> dict[str, Figure]:
    models = {"m": MadeUp(CATEGORY, floor=floor), "n": MadeUp(TYPE)}
    flow = flow_of(folder, text)
    results = run_flow(flow, [photo(number) for number in range(4)], models, taxonomy=CLOTHING)
    figures, _ = judge_flow(flow, CLOTHING, results, truths, often={"type": "pants", "category": "tops"})
    return {figure.metric: figure for figure in figures}


def test_nodes_paths_and_fields_are_counted_as_by_hand(tmp_path: Path) -> None:
    found = judged(tmp_path)
    assert (found["task category accuracy"].value, found["task category accuracy"].n) == (0.75, 4)
    assert (found["task type accuracy"].value, found["task type accuracy"].n) == (pytest.approx(1 / 3), 3)
    assert found["type accuracy"].value == found["whole path accuracy"].value == 0.5


def test_given_a_right_parent_the_photo_that_was_sent_wrong_does_not_count(tmp_path: Path) -> None:
    found = judged(tmp_path)["task type accuracy given a right parent"]
    assert (found.value, found.n) == (0.5, 2)


def test_the_majority_stands_beside(tmp_path: Path) -> None:
    found = judged(tmp_path)["type accuracy"]
    assert (found.baseline_name, found.baseline) == ("always pants", 0.5)
    assert found.low is not None
    assert found.low < 0.5 < (found.high or 0)


def test_hierarchical_f1_gives_credit_for_the_right_category(tmp_path: Path) -> None:
    """Two photos whole (2 of 2 each), one right in its category (1 of 2), one in nothing: 5 of 8."""
    found = judged(tmp_path)
    assert found["hierarchical F1"].value == found["hierarchical precision"].value == 5 / 8


def test_severity_is_the_height_of_the_lowest_common_ancestor(tmp_path: Path) -> None:
    """Shirt for t-shirt meets at tops (height 1), shirt for pants at the root (2); 2 and 4 edges."""
    found = judged(tmp_path)
    assert (found["type mean mistake severity"].value, found["type mean mistake severity"].n) == (1.5, 2)
    assert found["type mean severity, all"].value == 0.75
    assert found["type mean edges off, all"].value == 1.5


def test_abstentions_and_models_called_are_told(tmp_path: Path) -> None:
    found = judged(tmp_path, floor=0.7)
    assert found["share with an abstention"].value == 0.25
    assert found["whole path accuracy where nothing was left open"].value == pytest.approx(2 / 3)
    assert judged(tmp_path)["models called per photo"].value == 1.75


def test_a_finer_truth_than_the_model_knows_counts_by_its_parent(tmp_path: Path) -> None:
    found = judged(tmp_path, [{"type": "blouse"}, *TRUTHS[1:]])
    assert found["type accuracy"].value == 0.5


def test_photos_without_a_label_on_their_path_are_left_out(tmp_path: Path) -> None:
    found = judged(tmp_path, [{"colour": "red"}, *TRUTHS[1:]])
    assert found["whole path accuracy"].n == 3


def test_a_parent_answered_by_risk_is_vague_but_not_far_off(tmp_path: Path) -> None:
    text = "models: {m: {bring: x}}\nsteps: {task: type, model: m, decide: risk, above: category}\n"
    flow = flow_of(tmp_path, text)
    rows = [{"type": {"shirt": 0.34, "t-shirt": 0.33, "longsleeve": 0.33}}]
    results = run_flow(flow, [photo(0)], {"m": MadeUp(rows)}, taxonomy=CLOTHING)
    found = {each.metric: each for each in judge_flow(flow, CLOTHING, results, [{"type": "shirt"}])[0]}
    assert found["type mean edges off, all"].value == 1.0
    assert found["hierarchical precision"].value == 1.0
    assert found["hierarchical recall"].value == 0.5
