"""What a sweep may vary: read from words and YAML, held against the recipe before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataset.errors import SettingsError, UsageError
from train.sweep_space import Axis, fitted, grid, overrides, read_space
from train.sweep_trainers import resolver

RESOLVE = resolver("segmentation", "fast", "type")


def test_words_become_ranges_and_choices() -> None:
    found = read_space(["learning_rate=1e-4..1e-2:log", "epochs=2..5", "decoder=[1, a],{b: 2},null"])
    assert found[0] == Axis("learning_rate", 1e-4, 1e-2, log=True)
    assert (found[1].whole, list(found[1].points() or ())) == (True, [2, 3, 4, 5])
    assert [found[2].value(choice) for choice in found[2].choices] == [[1, "a"], {"b": 2}, None]


def test_a_file_says_the_same_and_words_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("over:\n  ema: {low: 0, high: 0.9}\n  dice: [0, 1, 2]\n  epochs: 2..4\n  batch: [8, 16]\n")
    found = {axis.key: axis for axis in read_space(["dice=0.5..1"], path)}
    assert (found["ema"].low, found["ema"].high) == (0, 0.9)
    assert (found["dice"].choices, found["dice"].high) == ((), 1)
    assert found["epochs"].whole
    assert found["batch"].choices == ("8", "16")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs", "KEY=LOW..HIGH"),
        ("epochs=5..2", "LOW < HIGH"),
        ("ema=0..1:log", "above 0"),
        ("ema=0.5", "--set"),
        ("ema=a,a", "two or more"),
        ("ema=[1", "KEY=A,B,C"),
        ("ema=.nan,1", "not JSON compliant"),
    ],
)
def test_what_is_no_space_is_refused_with_the_form(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_space([text])


def test_no_space_at_all_and_a_file_with_another_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to vary"):
        read_space()
    (tmp_path / "s.yaml").write_text("ovr: {a: [1, 2]}\n")
    with pytest.raises(SettingsError, match="did you mean 'over'"):
        read_space([], tmp_path / "s.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat=1e-4..1e-2", "did you mean 'learning_rate'"),
        ("augment.flp=0..1", "did you mean 'flip'"),
        ("ema=0.5..1.5", "less than 1"),
        ("architecture=unet,resnet", "architecture"),
        ("epochs=1.5..3", "whole number"),
        ("backbone=1..3", "no number"),
        ("epochs.high=1..3", "holds 'high'"),
    ],
)
def test_an_axis_that_the_recipe_does_not_take_is_named_before_any_training(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        fitted(read_space([text]), RESOLVE, {})


def test_a_key_that_is_fixed_too_is_refused() -> None:
    with pytest.raises(UsageError, match="both fixed and varied"):
        fitted(read_space(["ema=0..0.9"]), RESOLVE, {"ema": 0.5})


def test_whole_ends_of_a_key_with_a_fraction_are_a_real_range() -> None:
    (axis,) = fitted(read_space(["dice=0..2"]), RESOLVE, {})
    assert (axis.whole, axis.points()) == (False, None)


def test_a_dotted_key_changes_one_key_inside_and_leaves_the_others() -> None:
    base = RESOLVE({"augment": {"rotate": 3.0}})
    changes = overrides(base, {"augment": {"rotate": 3.0}}, {"augment.flip": 0.1, "epochs": 2})
    found: dict[str, Any] = RESOLVE(changes)
    assert (found["augment"]["flip"], found["augment"]["rotate"], found["epochs"]) == (0.1, 3.0, 2)
    assert base["augment"]["flip"] == 0.5


def test_every_point_of_a_space_that_can_be_counted() -> None:
    axes = read_space(["epochs=1..3", "dice=0,1"])
    assert grid(axes) == [{"epochs": e, "dice": d} for e in (1, 2, 3) for d in ("0", "1")]
    assert grid(read_space(["epochs=1..3", "ema=0..0.9"])) is None
    assert grid(read_space(["epochs=1..1000000000"])) is None
