"""Recipes: every shipped one loads; what is misspelled stops the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset.errors import SettingsError
from train.recipe import SegmentationRecipe, known_recipes, load_recipe, segmentation_recipe, tagging_recipe


@pytest.mark.parametrize("name", known_recipes())
def test_every_shipped_recipe_loads_and_knows_its_name(name: str) -> None:
    assert load_recipe(name).name == name


def test_overrides_change_the_resolved_recipe_only() -> None:
    assert segmentation_recipe("fast", {"epochs": 2}).epochs == 2
    assert segmentation_recipe("segmentation/fast").epochs > 2


def test_an_unknown_key_names_the_nearest_and_the_known() -> None:
    with pytest.raises(SettingsError, match=r"epoch.*did you mean 'epochs'.*known: .*learning_rate"):
        load_recipe("segmentation/fast", {"epoch": 3})


def test_an_unknown_key_of_the_augmentation_is_refused() -> None:
    with pytest.raises(SettingsError, match="blurr"):
        load_recipe("segmentation/fast", {"augment": {"blurr": 1}})


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="segmentation/article"):
        load_recipe("segmentation/quick")


def test_a_recipe_of_the_other_task_is_refused() -> None:
    with pytest.raises(SettingsError, match="segmentation recipe"):
        tagging_recipe("segmentation/fast")


def test_a_recipe_of_ones_own_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("task: segmentation\nepochs: 3\n")
    found = load_recipe(str(tmp_path / "mine.yaml"))
    assert isinstance(found, SegmentationRecipe)
    assert (found.name, found.epochs) == ("segmentation/mine", 3)


def test_the_article_keeps_its_numbers() -> None:
    article = segmentation_recipe("article")
    assert (article.height, article.width, article.epochs, article.optimiser) == (224, 224, 120, "adam")
    assert article.threshold == 0.90
