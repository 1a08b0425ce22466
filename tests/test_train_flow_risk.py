"""Decisions by least expected cost over a tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from train_flow_made_up import CLOTHING, MadeUp, flow_of, photo

from dataset.errors import UsageError
from train.flow_risk import ROOT, costs_of, decide, tree_of
from train.flow_run import run_flow

TYPES = ["dress", "longsleeve", "pants", "shirt", "shorts", "t-shirt"]
TREE = tree_of(CLOTHING, "type", TYPES, "category")


def chances(**given: float) -> np.ndarray:
    return np.array([given.get(value.replace("-", "_"), 0.0) for value in TYPES])


def test_a_type_hangs_below_its_category_and_a_blouse_below_the_shirt() -> None:
    tree = tree_of(CLOTHING, "type", ["blouse"], "category")
    assert tree.names == (ROOT, ("category", "tops"), ("type", "shirt"), ("type", "blouse"))
    assert tree.heights == (3, 2, 1, 0)


def test_costs_are_heights_or_edges() -> None:
    shirt, place = TREE.names.index(("type", "shirt")), TYPES.index
    height, edges = costs_of(TREE, "height"), costs_of(TREE, "edges")
    assert [height[shirt, place(word)] for word in ("shirt", "t-shirt", "pants")] == [0, 1, 2]
    assert [edges[shirt, place(word)] for word in ("shirt", "t-shirt", "pants")] == [0, 2, 4]
    assert edges[TREE.names.index(("category", "tops")), place("shirt")] == 1


def test_three_equal_tops_are_answered_as_tops_and_all_alike_as_nothing() -> None:
    costs = costs_of(TREE, "edges")
    tops = decide(TREE, chances(shirt=0.34, t_shirt=0.33, longsleeve=0.33), costs)
    assert tops.name == ("category", "tops")
    assert tops.chance == pytest.approx(1.0)
    assert tops.cost == pytest.approx(1.0)
    assert tops.likely == ("type", "shirt")
    assert decide(TREE, np.full(6, 1 / 6), costs).name[1] in ("tops", "")


def test_a_likely_value_far_from_the_rest_loses_to_a_less_likely_one_among_neighbours() -> None:
    found = decide(TREE, chances(dress=0.36, shirt=0.34, t_shirt=0.30), costs_of(TREE, "height"), inner=False)
    assert found.likely == ("type", "dress")
    assert found.name == ("type", "shirt")
    assert (found.cost, found.likely_cost) == (pytest.approx(0.36 * 2 + 0.30), pytest.approx(0.64 * 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=6, max_size=6).filter(any))
def test_under_heights_no_parent_ever_costs_less_than_the_best_value(weights: list[int]) -> None:
    p = np.array(weights) / sum(weights)
    costs = costs_of(TREE, "height")
    assert decide(TREE, p, costs).name in {TREE.names[place] for place in TREE.values}
    assert decide(TREE, p, costs).cost == pytest.approx(min((costs @ p)[list(TREE.values)]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=6, max_size=6).filter(any))
def test_no_other_answer_costs_less(weights: list[int]) -> None:
    p, costs = np.array(weights) / sum(weights), costs_of(TREE, "edges")
    assert decide(TREE, p, costs).cost == pytest.approx(float((costs @ p).min()))


def test_a_sure_answer_stays_what_it_is() -> None:
    assert decide(TREE, chances(shorts=0.97, pants=0.03), costs_of(TREE, "edges")).name == ("type", "shorts")


def test_costs_of_ones_own_change_the_answer_and_unknown_words_are_refused() -> None:
    p = chances(shirt=0.6, dress=0.4)
    dear = costs_of(TREE, {"shirt": {"dress": 20.0}})
    assert decide(TREE, p, costs_of(TREE, "edges")).name == ("type", "shirt")
    assert decide(TREE, p, dear).name != ("type", "shirt")
    with pytest.raises(UsageError, match="costs name 'gown'"):
        costs_of(TREE, {"gown": {"dress": 1.0}})


def test_a_flow_by_risk_answers_the_category_where_the_type_is_a_guess(tmp_path: Path) -> None:
    text = "models: {m: {bring: x}}\nsteps: {task: type, model: m, decide: risk, above: category}\n"
    rows = [{"type": {"shirt": 0.34, "t-shirt": 0.33, "longsleeve": 0.33}}, {"type": {"shirt": 0.9, "t-shirt": 0.1}}]
    found = run_flow(flow_of(tmp_path, text), [photo(0), photo(1)], {"m": MadeUp(rows)}, taxonomy=CLOTHING)
    assert (found[0].tags["category"].label, found[0].tags["type"].label) == ("tops", None)
    assert (found[1].tags["category"].label, found[1].tags["type"].label) == ("tops", "shirt")
    assert found[0].path[0].why == "expected cost 1.00, of shirt 1.32"
