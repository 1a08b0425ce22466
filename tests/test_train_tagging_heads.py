"""Targets, losses, floors and scores of exclusive and multi fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataset.errors import EmptyError
from dataset.taxonomy import load_taxonomy
from train.judge_tagging import kept_figures
from train.judge_tagging_multi import figures_of_multi
from train.models.backbones import feature_extractor
from train.models.taggers import TagNet
from train.predict import load_tagger
from train.recipe import tagging_recipe
from train.tagging import calibration_of
from train.tagging_fine import TaggingLoop, mixed
from train.tagging_heads import Heads, asked_rows, heads_of, target_matrix, temperature_of
from train.tagging_linear import fit_ovr
from train.tagging_scores import average_precision, floor_of, mean_average_precision, micro_f1
from train.weights import save_weights

ROWS: list[dict[str, Any]] = [
    {"sha256": "a", "labels": {"type": "hat", "material": ["silk", "wool"]}},
    {"sha256": "b", "labels": {"type": "dress", "material": ["wool"]}},
    {"sha256": "c", "labels": {"type": "hat"}},
]


def test_lists_of_words_make_a_field_multi_with_a_column_a_value() -> None:
    heads = heads_of(ROWS, ["type", "material"])
    assert heads.multi == {"material"}
    assert target_matrix(ROWS, heads.values, heads.multi).tolist() == [[1, 1, 1], [0, 0, 1], [1, -1, -1]]


def test_a_field_with_one_value_is_refused() -> None:
    with pytest.raises(EmptyError, match="1 values"):
        heads_of(ROWS[:1], ["type"])


def test_a_label_that_the_taxonomy_does_not_ask_for_is_left_out() -> None:
    taxonomy = load_taxonomy("footwear")
    rows = [{"labels": {"style": style, "brand": "nike"}} for style in ("sport", "elegant")] + [
        {"labels": {"brand": "nike"}}
    ]
    assert ["brand" in row["labels"] for row in asked_rows(rows, taxonomy)] == [True, False, True]


def loop(**changes: Any) -> TaggingLoop:
    heads = heads_of(ROWS, ["type", "material"])
    net = TagNet(feature_extractor("test_efficientnet", "none"), "test_efficientnet", heads.counts)
    recipe = tagging_recipe("fast", {"smoothing": 0.0, "ema": 0.0, **changes})
    return TaggingLoop(net, recipe, heads, target_matrix(ROWS, heads.values, heads.multi))


def test_loss_counts_only_where_a_head_is_asked() -> None:
    logits = {"type": torch.zeros(1, 2), "material": torch.zeros(1, 2)}
    both, one, none = ([[1, 1, 0]], [[1, -1, -1]], [[-1, -1, -1]])
    found = [float(loop().heads_loss(logits, torch.tensor(each))) for each in (both, one, none)]
    assert found == pytest.approx([2 * np.log(2), np.log(2), 0.0])


def test_logit_adjustment_makes_a_rare_value_cheaper_to_say_wrongly() -> None:
    logits, hat = {"type": torch.zeros(1, 2), "material": torch.zeros(1, 2)}, torch.tensor([[1, -1, -1]])
    assert float(loop(adjust=1.0).heads_loss(logits, hat)) == pytest.approx(-np.log(3 / 5))


def test_a_mixed_batch_keeps_each_photos_share() -> None:
    photos = torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)])
    for alphas in ((0.4, 0.0), (0.0, 0.4)):
        out, share = mixed(photos, torch.tensor([1, 0]), *alphas, np.random.default_rng(1))
        assert float(out[1].mean()) == pytest.approx(share, abs=1e-6)
    assert mixed(photos, torch.tensor([1, 0]), 0, 0, np.random.default_rng(1))[1] == 1


def test_a_floor_keeps_as_many_answers_as_stay_right_enough() -> None:
    chances = np.linspace(0.99, 0.01, 99)
    right = np.arange(99) < 50
    found = floor_of(chances, right, 0.9)
    assert (found.kept, found.right, found.rule) == (55, 50, "plain")
    assert found.floor == pytest.approx(chances[54])
    assert floor_of(chances, right[::-1].copy() & False, 0.9).floor == 1.0


def test_a_floor_never_splits_equals_and_needs_its_lower_bound_where_there_are_many() -> None:
    assert floor_of(np.array([0.9, 0.5, 0.5]), np.array([True, True, False]), 0.9).kept == 1
    many = floor_of(np.full(1000, 0.9), np.arange(1000) < 972, 0.97)
    assert (many.rule, many.reached) == ("wilson", False)


def test_average_precision_is_scikit_learns() -> None:
    from sklearn.metrics import average_precision_score

    draw = np.random.default_rng(0)
    truth, scores = draw.integers(0, 2, 80), draw.integers(0, 10, 80) / 10
    assert average_precision(scores, truth) == pytest.approx(average_precision_score(truth, scores))
    assert np.isnan(average_precision(scores, truth * 0))


def test_a_multi_head_is_fitted_and_calibrated() -> None:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, (120, 3))
    x = (np.concatenate([y, 1 - y], axis=1) + draw.normal(0, 0.3, (120, 6))).astype(np.float32)
    fitted = fit_ovr(x[:80], y[:80], x[80:], y[80:], [1.0, 10.0], 0)
    logits = x @ fitted.weight.T + fitted.bias
    assert mean_average_precision(logits[80:], y[80:]) > 0.95
    heads = Heads({"material": ["a", "b", "c"]}, frozenset({"material"}))
    facts = calibration_of({"material": logits[80:]}, y[80:], heads, 0.97)
    assert 0.05 <= facts["temperature"]["material"] <= 20
    assert facts["floors"]["material"]["n"] == int((chances(logits[80:], facts) >= 0.5).sum())


def chances(logits: Any, facts: dict[str, Any]) -> Any:
    return 1 / (1 + np.exp(-logits / facts["temperature"]["material"]))


def test_temperature_of_a_multi_field_cools_what_is_too_sure() -> None:
    truth = (np.arange(400)[:, None] % 4 > 0).astype(np.int64)
    assert temperature_of(np.full((400, 1), 8.0, np.float32), truth) == pytest.approx(8 / np.log(3), rel=0.01)


def test_figures_of_a_multi_field_count_words_that_training_never_saw_as_missed() -> None:
    rows = [
        {"sha256": "a", "labels": {"material": ["silk", "tweed"]}},
        {"sha256": "b", "labels": {"material": ["wool"]}},
    ]
    found = np.array([[0.9, 0.1], [0.2, 0.8]])
    figures, detail = figures_of_multi("material", ["silk", "wool"], rows, found, "test", 0.6, np.array([0.4, 0.6]))
    by = {figure.metric: figure.value for figure in figures}
    assert by["material mAP"] == 1
    assert by["material micro F1 at 0.5"] == pytest.approx(4 / 5)
    assert [each["right"] for each in detail["per_photo"]] == [0, 1]
    assert micro_f1(np.array([[2, 0, 1]])) == pytest.approx(4 / 5)


def test_what_the_floor_keeps_is_told_with_its_n() -> None:
    accuracy, coverage = kept_figures("type", np.array([0.9, 0.8, 0.3]), np.array([True, True, False]), 0.5, "test")
    assert (accuracy.value, accuracy.n, accuracy.baseline) == (1.0, 2, pytest.approx(2 / 3))
    assert (coverage.value, coverage.n) == (pytest.approx(2 / 3), 3)


def test_heads_of_equal_size_are_not_swapped_by_a_weight_file(tmp_path: Path) -> None:
    recipe = tagging_recipe("linear", {"backbone": "test_efficientnet", "weights": "none", "side": 32, "flips": False})
    net = TagNet(feature_extractor("test_efficientnet", "none"), "test_efficientnet", {"type": 2, "colour": 2})
    with torch.no_grad():
        net.heads[0].bias.copy_(torch.tensor([9.0, 0.0]))  # type: ignore[operator]
        net.heads[1].bias.copy_(torch.tensor([0.0, 9.0]))  # type: ignore[operator]
    facts = {
        "task": "tagging", "recipe": recipe.model_dump(), "fields": net.fields, "taxonomy": "t@1#0",
        "values": {"type": ["dress", "hat"], "colour": ["black", "red"]}, "temperature": {"type": 1.0, "colour": 1.0},
    }  # fmt: skip
    save_weights(tmp_path / "model.safetensors", net.state_dict(), facts)
    said = load_tagger(tmp_path).answers([np.zeros((32, 32, 3), np.uint8)])[0]
    assert (said["type"].best, said["colour"].best) == ("dress", "red")
