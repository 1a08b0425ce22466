"""Reading flows and checking them against taxonomy and models."""

from __future__ import annotations

from pathlib import Path

import pytest
from train_flow_made_up import CLOTHING, FOOTWEAR, MadeUp, flow_of

from dataset.errors import SettingsError
from train.flow import load_flow, shipped
from train.flow_check import check_flow, faults_of

M = "models:\n  m: {bring: a tagger}\n"
TYPES = [{"type": {"dress": 0.6, "shirt": 0.4}}]


def errors(flow, taxonomy=CLOTHING, predictors=None, **more) -> str:
    found = faults_of(flow, taxonomy, predictors, **more)
    return " | ".join(fault.told() for fault in found if fault.level == "error")


@pytest.mark.parametrize("name", ["clothing", "footwear"])
def test_flows_that_ship_fit_their_taxonomies(name: str) -> None:
    flow = load_flow(name)
    assert name in shipped()
    assert check_flow(flow, {"clothing": CLOTHING, "footwear": FOOTWEAR}[flow.taxonomy], rules=["colour"]) == []


def test_the_footwear_flow_says_which_models_a_user_must_bring() -> None:
    told = errors(load_flow("footwear"), FOOTWEAR, {})
    assert "model shoes: is missing: bring a tagger of style" in told
    assert "model logos: is missing: bring a tagger of brand" in told


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"line 6: steps.0.flor: unknown key, did you mean floor"):
        flow_of(tmp_path, M + "steps:\n  - {task: type, model: m, flor: 0.5}\n")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the key 'm' stands twice"):
        flow_of(tmp_path, "models:\n  m: {bring: x}\n  m: {bring: y}\nsteps: []\n")


def test_a_node_of_two_kinds_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"line 6: steps.0: is no node: it needs exactly one of the keys task"):
        flow_of(tmp_path, M + "steps:\n  - {task: type, model: m, rule: colour}\n")


def test_a_weight_without_fingerprint_and_a_model_without_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"line 4: models.m: has no fingerprint.*line 5: models.n: has no source"):
        flow_of(tmp_path, "models:\n  m: {weights: a.onnx}\n  n: {}\nsteps: []\n")


def test_a_circle_of_flows_is_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("name: b\ntaxonomy: clothing\nsteps:\n  - {flow: c}\n")
    (tmp_path / "c.yaml").write_text("name: c\ntaxonomy: clothing\nsteps:\n  - {flow: a}\n")
    with pytest.raises(SettingsError, match=r"c.yaml, line 4, flow a: the flows go in a circle: a -> b -> c -> a"):
        flow_of(tmp_path, "steps:\n  - {flow: b}\n", "a")


def test_a_flow_that_calls_itself_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="circle: a -> a"):
        flow_of(tmp_path, "steps: {flow: a}\n", "a")
    with pytest.raises(SettingsError, match=r"line 3, flow gone: there is no flow 'gone'"):
        flow_of(tmp_path, "steps: {flow: gone}\n", "b")


def test_a_label_outside_the_taxonomy_is_an_error_with_line_and_node(tmp_path: Path) -> None:
    text = "steps:\n  - {task: type, model: m}\n  - branch: type\n    cases: {gown: []}\n    otherwise: []\n"
    told = errors(flow_of(tmp_path, M + text))
    assert "made.yaml, line 7, branch type: case gown is no value of type in clothing@" in told


def test_a_model_that_says_words_the_taxonomy_lacks_is_refused_unless_mapped(tmp_path: Path) -> None:
    odd = MadeUp([{"type": {"gown": 0.6, "shirt": 0.4}}])
    steps = "steps:\n  - {task: type, model: m}\n"
    assert "the model 'm' says gown" in errors(flow_of(tmp_path, M + steps), predictors={"m": odd})
    mapped = "models:\n  m: {bring: a tagger, map: {type: {gown: dress}}}\n"
    assert errors(flow_of(tmp_path, mapped + steps), predictors={"m": odd}) == ""
    wrong = "models:\n  m: {bring: a tagger, map: {type: {gown: robe}}}\n"
    assert "its map leads to type robe" in errors(flow_of(tmp_path, wrong + steps), predictors={"m": odd})


def test_a_changed_weight_is_refused_by_name(tmp_path: Path) -> None:
    text = "models:\n  m: {weights: m.onnx, fingerprint: 0123456789ab}\nsteps:\n  - {task: type, model: m}\n"
    told = errors(flow_of(tmp_path, text), predictors={"m": MadeUp(TYPES)})
    assert "line 4, model m: its weights were changed: abababababab, pinned 0123456789ab" in told


def test_models_of_two_versions_of_a_taxonomy_are_refused_unless_the_flow_accepts_it(tmp_path: Path) -> None:
    models = {"m": MadeUp(TYPES), "old": MadeUp([{"category": {"tops": 1.0}}], "clothing@1#20a4554fadb6")}
    steps = "steps:\n  - {task: type, model: m}\n  - {task: category, model: old}\n"
    text = "models:\n  m: {bring: a}\n  old: {bring: b%s}\n" + steps
    told = errors(flow_of(tmp_path, text % ""), predictors=models)
    assert "model old: was trained under clothing@1#20a4554fadb6, the flow is read under clothing@" in told
    accepted = ", trained_under: 'clothing@1#20a4554fadb6'"
    assert errors(flow_of(tmp_path, text % accepted), predictors=models) == ""


def test_other_words_of_the_same_version_are_a_warning(tmp_path: Path) -> None:
    other = f"{CLOTHING.name}@{CLOTHING.version}#000000000000"
    flow = flow_of(tmp_path, M + "steps:\n  - {task: type, model: m}\n")
    found = check_flow(flow, CLOTHING, {"m": MadeUp(TYPES, other)})
    assert [fault.level for fault in found] == ["warning"]


def test_a_case_that_can_never_be_is_an_error(tmp_path: Path) -> None:
    text = "steps:\n  - {task: type, model: m}\n  - branch: type\n    cases: {hat: []}\n    otherwise: []\n"
    told = errors(flow_of(tmp_path, M + text), predictors={"m": MadeUp(TYPES)})
    assert "case hat can never be reached" in told


def test_a_branch_inside_a_case_can_only_ask_for_what_is_left(tmp_path: Path) -> None:
    inner = "{branch: type, cases: {dress: []}, otherwise: []}"
    text = (
        f"steps:\n  - {{task: type, model: m}}\n  - branch: type\n    cases:\n      shirt: {inner}\n    otherwise: []\n"
    )
    assert "case dress can never be reached" in errors(flow_of(tmp_path, M + text))


def test_a_value_and_its_parent_overlap(tmp_path: Path) -> None:
    text = (
        "steps:\n  - {task: type, model: m}\n  - branch: type\n    cases: {shirt: [], blouse: []}\n    otherwise: []\n"
    )
    assert "the cases blouse and shirt overlap: blouse is a kind of shirt" in errors(flow_of(tmp_path, M + text))


def test_values_without_a_case_and_no_otherwise_are_a_warning(tmp_path: Path) -> None:
    text = "steps:\n  - {task: type, model: m}\n  - branch: type\n    cases: {dress: []}\n"
    found = check_flow(flow_of(tmp_path, M + text), CLOTHING, {"m": MadeUp(TYPES)})
    assert [(fault.level, fault.line) for fault in found] == [("warning", 7)]
    assert "no case for shirt and no otherwise" in found[0].what


def test_a_field_that_may_be_answered_twice_is_an_error(tmp_path: Path) -> None:
    again = "{task: category, model: m}"
    branch = f"  - branch: type\n    cases: {{dress: {again}}}\n    otherwise: []\n"
    text = f"steps:\n  - {{task: type, model: m}}\n{branch}  - {again}\n"
    told = errors(flow_of(tmp_path, M + text))
    assert "line 10, task category 2: category may have been answered before it" in told


def test_unknown_models_fields_heads_rules_and_unasked_branches_are_errors(tmp_path: Path) -> None:
    steps = "steps:\n  - {task: type, model: x}\n  - {task: size, model: m}\n  - {task: fit, model: m}\n"
    text = M + steps + "  - {rule: smell, field: colour}\n  - {branch: sleeve, cases: {long: []}, otherwise: []}\n"
    told = errors(flow_of(tmp_path, text), predictors={"m": MadeUp(TYPES)}, rules=["colour"])
    for part in (
        "there is no model 'x'", "there is no field 'size'", "has no head for fit", "there is no rule 'smell'",
        "nothing before it answers sleeve",
    ):  # fmt: skip
        assert part in told


def test_a_question_that_the_taxonomy_never_asks_there_is_an_error(tmp_path: Path) -> None:
    heads = [{"style": {"sport": 0.5, "elegant": 0.5}, "heel": {"high": 1.0}}]
    text = (
        "taxonomy: footwear\n" + M + "steps:\n  - {task: style, model: m}\n  - branch: style\n    cases:\n"
        "      sport: {task: heel, model: m}\n    otherwise: []\n"
    )
    told = errors(flow_of(tmp_path, text), FOOTWEAR, {"m": MadeUp(heads, FOOTWEAR.reference)})
    assert "heel is asked only when style is elegant: never here" in told


def test_a_nested_flow_of_another_taxonomy_must_be_meant(tmp_path: Path) -> None:
    plain = flow_of(tmp_path, "steps: {flow: footwear}\n", "a")
    with pytest.raises(SettingsError, match="footwear is a flow of another taxonomy"):
        check_flow(plain, CLOTHING)
    meant = flow_of(tmp_path, "steps: {flow: footwear, taxonomy: footwear}\n", "b")
    assert check_flow(meant, CLOTHING) == []


def test_a_flow_of_another_version_of_the_taxonomy_is_refused(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "taxonomy: clothing@1\nsteps: []\n")
    with pytest.raises(SettingsError, match=r"is a flow of taxonomy clothing@1, and clothing@\d+#\w+ is given"):
        check_flow(flow, CLOTHING)


def test_check_raises_with_all_errors_at_once(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "steps:\n  - {task: type, model: x}\n  - {task: size, model: y}\n")
    with pytest.raises(SettingsError, match=r"flow made: .*'x'.*'size'"):
        check_flow(flow, CLOTHING)


def test_one_name_for_two_models_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("name: b\ntaxonomy: clothing\nmodels:\n  m: {bring: other}\nsteps: []\n")
    with pytest.raises(SettingsError, match=r"the model 'm' is another one than in a\.yaml:4"):
        flow_of(tmp_path, M + "steps: {flow: b}\n", "a")
