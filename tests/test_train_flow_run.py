"""Running flows: who is asked, how often, and what the path says."""

from __future__ import annotations

from pathlib import Path

import pytest
from train_flow_made_up import CLOTHING, FOOTWEAR, MadeUp, flow_of, photo

from dataset.errors import UsageError
from train.answers import Answer
from train.flow_run import NOTHING_FOUND, run_flow

M = "models:\n  m: {bring: a tagger}\n  n: {bring: another}\n"
TWO = (
    M + "steps:\n  - {task: category, model: m}\n  - branch: category\n    floor: 0.5\n    cases:\n"
    "      tops: {task: type, model: n}\n      dresses: {task: sleeve, model: m}\n    otherwise: {rule: implied}\n"
)
CATEGORIES = [
    {"category": {"tops": 0.9, "dresses": 0.1}, "sleeve": {"long": 1.0}},
    {"category": {"dresses": 0.8, "tops": 0.2}, "sleeve": {"short": 1.0}},
    {"category": {"tops": 0.45, "dresses": 0.4}},
]
TYPES = [{"type": {"shirt": 0.7, "t-shirt": 0.3}}] * 3


def test_only_the_branch_that_is_needed_asks_its_model_and_order_is_kept(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    found = run_flow(flow_of(tmp_path, TWO), [photo(1), photo(0), photo(2)], models, taxonomy=CLOTHING)
    assert models["n"].shown == [[0]]
    assert [result.tags["category"].label for result in found] == ["dresses", "tops", "tops"]
    assert found[1].tags["type"].label == "shirt"
    assert "type" not in found[0].tags
    assert found[0].tags["sleeve"].label == "short"


def test_a_model_sees_a_photo_once_however_many_heads_are_asked(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    found = run_flow(flow_of(tmp_path, TWO), [photo(1)], models, taxonomy=CLOTHING)
    assert models["m"].shown == [[1]]
    assert found[0].models_called == ["m"]
    assert set(found[0].tags) == {"category", "sleeve"}


def test_a_thousand_photos_are_a_few_calls_a_node(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    photos = [photo(number % 3, 4, 4) for number in range(1000)]
    found = run_flow(flow_of(tmp_path, TWO), photos, models, taxonomy=CLOTHING, batch=100)
    assert [len(each) for each in models["m"].shown] == [100] * 10
    assert [len(each) for each in models["n"].shown] == [100, 100, 100, 34]
    assert len(found) == 1000
    assert found[999].tags["type"].label == "shirt"


def test_an_answer_under_the_floor_of_a_branch_goes_to_otherwise_and_says_so(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    found = run_flow(flow_of(tmp_path, TWO), [photo(2)], models, taxonomy=CLOTHING)[0]
    assert [step.node for step in found.path] == ["task category", "branch category", "rule implied"]
    assert found.path[1].why == "tops 0.45 is under the floor 0.50: otherwise"


def test_a_model_that_abstains_leaves_no_label_and_the_branch_goes_to_otherwise(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES, floor=0.95), "n": MadeUp(TYPES)}
    found = run_flow(flow_of(tmp_path, TWO), [photo(0)], models, taxonomy=CLOTHING)[0]
    assert found.tags["category"].label is None
    assert found.abstained == ["category"]
    assert found.path[0].why == "tops 0.90 is under the floor 0.95"


def test_a_case_of_the_parent_takes_its_children(tmp_path: Path) -> None:
    text = M + "steps:\n  - {task: type, model: m}\n  - branch: type\n    cases: {shirt: {rule: implied}}\n"
    found = run_flow(flow_of(tmp_path, text), [photo(0)], {"m": MadeUp([{"type": {"blouse": 1.0}}]), "n": MadeUp([])},
                     taxonomy=CLOTHING)[0]  # fmt: skip
    assert found.path[1].why == "case shirt, over blouse"
    assert found.path[2].why == "category tops"
    assert found.path[2].kind == "rule"


def test_one_bad_photo_and_one_the_network_chokes_on_lose_nobody_else(tmp_path: Path) -> None:
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    odd = [photo(0), photo(0)[..., :1], photo(255), ValueError("cut short"), photo(1)]
    found = run_flow(flow_of(tmp_path, TWO), odd, models, taxonomy=CLOTHING)
    assert [result.error is None for result in found] == [True, False, False, False, True]
    assert "is uint8 of shape (60, 40, 1)" in str(found[1].error)
    assert found[2].error == "m: RuntimeError: the network choked"
    assert found[3].error == "cut short"
    assert found[4].tags["sleeve"].label == "short"
    assert found[0].models_called == ["m", "n"]


def test_a_detected_box_is_what_the_model_sees_and_the_rest_sees_the_whole_photo(tmp_path: Path) -> None:
    text = (
        M + "steps:\n  - {detect: garment, margin: 0, then: {task: type, model: n}}\n  - {task: category, model: m}\n"
    )
    models = {"m": MadeUp(CATEGORIES), "n": MadeUp(TYPES)}
    found = run_flow(flow_of(tmp_path, text), [photo(0)], models, taxonomy=CLOTHING,
                     finders={"garment": lambda rgb: (5, 10, 25, 50)})[0]  # fmt: skip
    assert models["n"].sizes == [(40, 20, 3)]
    assert models["m"].sizes == [(60, 40, 3)]
    assert found.path[0].why == "cut to (5, 10, 25, 50)"
    assert found.path[0].label == "garment"


def test_nothing_found_goes_on_with_the_whole_photo_and_says_so(tmp_path: Path) -> None:
    text = M + "steps:\n  - {detect: person, then: {task: type, model: n}}\n"
    models = {"n": MadeUp(TYPES)}
    found = run_flow(
        flow_of(tmp_path, text), [photo(0)], models, taxonomy=CLOTHING, finders={"person": lambda rgb: None}
    )
    assert found[0].path[0].why.startswith(NOTHING_FOUND)
    assert found[0].path[0].label is None
    assert models["n"].sizes == [(60, 40, 3)]
    assert found[0].tags["type"].label == "shirt"


def test_pixels_decide_who_is_asked_at_all(tmp_path: Path) -> None:
    gate = "steps:\n  - rule: pixels\n    at_least: {shorter: 32}\n    at_most: {aspect: 2}\n"
    gate += "    then: {task: type, model: n}\n"
    models = {"n": MadeUp(TYPES)}
    photos = [photo(0), photo(1, 20, 30), photo(2, 40, 200)]
    found = run_flow(flow_of(tmp_path, M + gate), photos, models, taxonomy=CLOTHING)
    assert models["n"].shown == [[0]]
    assert [result.path[0].why for result in found] == ["within bounds", "shorter 20 is under 32", "aspect 5 is over 2"]


def test_rules_handed_in_answer_fields_and_the_taxonomy_fills_what_follows(tmp_path: Path) -> None:
    text = M + "steps:\n  - {task: type, model: n}\n  - {rule: implied}\n  - {rule: colour, field: colour}\n"
    rules = {"colour": lambda rgb, known: Answer((("black", 0.6), ("red", 0.3), ("white", 0.1)), 0.2, multi=True)}
    found = run_flow(flow_of(tmp_path, text), [photo(0)], {"n": MadeUp(TYPES)}, taxonomy=CLOTHING, rules=rules)[0]
    assert found.tags["category"].label == "tops"
    assert found.as_json()["tags"]["colour"]["labels"] == ["black", "red"]


def test_values_that_contradict_an_earlier_answer_are_left_out(tmp_path: Path) -> None:
    text = M + "steps:\n  - {task: category, model: m}\n  - {task: type, model: n, given: category}\n"
    n = MadeUp([{"type": {"dress": 0.6, "shirt": 0.3, "t-shirt": 0.1}}])
    found = run_flow(flow_of(tmp_path, text), [photo(0)], {"m": MadeUp(CATEGORIES), "n": n}, taxonomy=CLOTHING)[0]
    assert found.tags["type"].label == "shirt"
    assert found.tags["type"].confidence == pytest.approx(0.75)
    assert found.path[1].why.startswith("given category tops: 0.75")


def test_a_nested_flow_reads_its_own_taxonomy_and_its_nodes_carry_its_name(tmp_path: Path) -> None:
    (tmp_path / "shoes.yaml").write_text(
        "name: shoes\ntaxonomy: footwear\nmodels: {s: {bring: x}}\nsteps:\n  - {task: style, model: s}\n"
        "  - {branch: style, cases: {sport: {task: brand, model: s}}, otherwise: []}\n"
    )
    text = (
        M
        + "steps:\n  - {task: type, model: n}\n"
        + "  - {branch: type, cases: {shoes: {flow: shoes, taxonomy: footwear}}, otherwise: []}\n"
    )
    models = {
        "n": MadeUp([{"type": {"shoes": 1.0}}]),
        "s": MadeUp([{"style": {"sport": 1.0}, "brand": {"nike": 1.0}}], FOOTWEAR.reference),
    }
    found = run_flow(flow_of(tmp_path, text), [photo(0)], models, taxonomy=CLOTHING)[0]
    assert found.tags["brand"].label == "nike"
    assert found.path[-1].node == "shoes/task brand"
    assert models["s"].shown == [[0]]


def test_a_flow_without_its_model_finder_or_rule_says_which(tmp_path: Path) -> None:
    text = M + "steps:\n  - {detect: garment, then: {task: type, model: n}}\n  - {rule: colour, field: colour}\n"
    with pytest.raises(UsageError, match="finder 'garment', model 'n', rule 'colour'"):
        run_flow(flow_of(tmp_path, text), [photo(0)], {}, taxonomy=CLOTHING)


def test_words_of_another_data_set_are_translated_and_their_chances_added_up(tmp_path: Path) -> None:
    text = "models:\n  m: {bring: x, map: {type: {gown: dress, frock: dress}}}\nsteps: {task: type, model: m}\n"
    odd = MadeUp([{"type": {"shirt": 0.4, "gown": 0.35, "frock": 0.25}}])
    found = run_flow(flow_of(tmp_path, text), [photo(0)], {"m": odd}, taxonomy=CLOTHING)[0]
    assert found.tags["type"].label == "dress"
    assert found.tags["type"].confidence == pytest.approx(0.6)
