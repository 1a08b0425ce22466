"""Recipes for a large GPU, shrunk to a CPU's size: every key passes, every part steps. Figures need a card."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from test_train_data import drawn_workspace

from dataset.workspace import Workspace
from train.generation import train_generation
from train.recipe import segmentation_recipe
from train.segmentation import train_segmentation
from train.tagging import train_tagging

pytestmark = pytest.mark.slow
COLOUR = {"field": "colour", "least": 2}
ONCE = {"epochs": 1, "batch": 2}
SMALL = {**ONCE, "base": 8, "height": 64, "width": 64, "judge_every": 1, "sheet_every": 1, "judge_px": 32}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root: Path = tmp_path_factory.mktemp("strong")
    return drawn_workspace(root, {"train": 8, "validation": 5, "test": 2})


def test_the_segmenter_trains_with_its_own_network_and_every_way_to_vary_photos(ws: Workspace) -> None:
    small = {**ONCE, "weights": "none", "height": 96, "width": 64, "workers": 0}
    recipe = segmentation_recipe("segmentation/strong", small)
    assert (recipe.architecture, recipe.backbone) == ("upernet", "convnext_small.in12k_ft_in1k_384")
    assert min(recipe.packshots, recipe.backdrops, recipe.augment.small, recipe.augment.close) > 0
    told = train_segmentation(ws, snapshot="v1", recipe="segmentation/strong", overrides=small, device="cpu")
    assert told.n_train == 8
    assert math.isfinite(told.score)


def test_the_tagger_trains_with_a_small_network_of_its_family(ws: Workspace) -> None:
    small = {**ONCE, "weights": "none", "side": 64, "train_side": 64, "workers": 0, "backbone": "convnext_atto"}
    told = train_tagging(ws, snapshot="v1", recipe="strong", field="colour", overrides=small, device="cpu")
    assert 0 <= told.score <= 1


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pix2pix-strong", {"label_space": "street-3", "depth": 4}),
        ("edges-strong", {"depth": 2}),
        ("diffusion-strong", {"depth": 3, "steps": 2, **COLOUR}),
        ("inpaint-strong", {"depth": 3, "steps": 2, "height": 32, "width": 32, **COLOUR}),
    ],
)
def test_a_generator_steps(ws: Workspace, name: str, changes: dict[str, Any]) -> None:
    told = train_generation(
        ws, snapshot="v1", recipe=f"generation/{name}", overrides={**SMALL, **changes}, device="cpu"
    )
    assert math.isfinite(told.score)
    assert told.n_train == 8
