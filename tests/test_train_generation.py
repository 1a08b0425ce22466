"""Generators on drawn scenes: train, be killed, go on to the same weights, be judged; measures on known answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_train_data import drawn_workspace

from dataset.errors import EmptyError, SettingsError, TrainingError, UsageError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.generation import train_generation
from train.generation_data import Classes, classes_of, fitted, palette_of, pictures
from train.generation_judge import judge
from train.generation_loop import WarmAverage
from train.generation_losses import critic_loss, generator_loss, gradient_penalty, varied
from train.generation_maps import lenders
from train.generation_measures import kid, memory, nearest
from train.generation_recipe import generation_recipe, known_recipes
from train.generation_samples import load_maker
from train.runs import RunResult
from train.weights import WEIGHT_FILE

FAST: dict[str, Any] = {
    "epochs": 2, "batch": 4, "judge": "pixels", "judge_px": 16, "judged": 8, "judge_every": 1, "sheet_every": 1,
}  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {
    "gan-28": {"field": "colour", "least": 2, "base": 8, "critic_base": 8},
    "article-28": {"field": ""},
    "pix2pix": {"height": 32, "width": 32, "depth": 3, "base": 8, "critic_base": 8, "label_space": "street-3"},
    "pix2pix-canvas": {"height": 32, "width": 32, "depth": 3, "base": 8, "critic_base": 8, "label_space": "street-3"},
    "garment-to-model": {"height": 32, "width": 32, "depth": 3, "base": 8, "critic_base": 8, "label_space": "street-3"},
    "edges": {"height": 32, "width": 32, "depth": 1 + 1, "base": 8, "critic_base": 8},
    "diffusion": {"field": "colour", "least": 2, "height": 16, "width": 16, "base": 8, "depth": 2, "steps": 2},
}
PARTS = {"train": 12, "validation": 5, "test": 6}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)


def train(ws: Workspace, recipe: str, **changes: Any) -> RunResult:
    progress = changes.pop("progress", lambda done, total: None)
    again = changes.pop("again", False)
    return train_generation(
        ws, snapshot="v1", recipe=recipe, overrides={**FAST, **SMALL[recipe], **changes}, device="cpu", again=again,
        progress=progress,
    )  # fmt: skip


@pytest.mark.parametrize("recipe", sorted(SMALL))
def test_every_kind_trains_is_judged_and_says_what_it_was_made_from(ws: Workspace, recipe: str) -> None:
    result = train(ws, recipe)
    run = record.load(ws, result.run)
    assert run.data["counts"] == {"train": 12, "validation": 5}
    rows, _, sheets = judge(ws, run, load_snapshot(ws, "v1"), "test", "cpu", lambda done, total: None)
    assert all(np.isfinite(row.value) and row.n > 0 for row in rows)
    assert any(row.metric.startswith("KID (pixels, 16 px; subsets of") and row.baseline_name for row in rows)
    assert (run.folder / sheets[0]).is_file()
    assert list((run.folder / "samples").glob("step-*.png"))
    assert load_maker(run.folder).facts["fingerprint"] == run.data["fingerprint"]


@pytest.mark.parametrize("recipe", ["gan-28", "garment-to-model", "pix2pix-canvas", "diffusion"])
def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(ws: Workspace, recipe: str) -> None:
    whole = train(ws, recipe, epochs=3, seed=5)

    def killed(done: int, total: int | None) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ws, recipe, epochs=3, seed=5, again=True, progress=killed)
    again = train(ws, recipe, epochs=3, seed=5, again=True)
    assert again.run != whole.run
    assert again.how == "resumed and trained"
    one, other = (load_file(ws.runs / each.run / WEIGHT_FILE) for each in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_command_tells_of_a_run_that_is_done(ws: Workspace) -> None:
    first = train(ws, "article-28", seed=9)
    assert train(ws, "article-28", seed=9).run == first.run


def test_the_garments_own_pixels_are_kept_to_the_bit(ws: Workspace) -> None:
    run = record.load(ws, train(ws, "garment-to-model").run)
    rows, _, _ = judge(ws, run, load_snapshot(ws, "v1"), "test", "cpu", lambda done, total: None)
    found = {row.metric: row for row in rows}
    assert found["pasted garment pixels that changed"].value == 0
    assert found["pasted garment pixels that changed"].n > 100
    worn = found["mean absolute difference from the worn garment, of 255, garment kept"]
    assert worn.value < float(worn.baseline or 0) / 2


def test_a_foreign_garment_is_shown_as_it_is(ws: Workspace) -> None:
    maker = load_maker(ws.runs / train(ws, "garment-to-model").run)
    photo, regions = np.full((32, 32, 3), 90, np.uint8), np.zeros((32, 32), np.uint8)
    regions[8:24, 8:24] = 2
    garment = np.zeros((32, 32, 4), np.uint8)
    garment[8:24, 8:24] = np.random.default_rng(0).integers(0, 255, (16, 16, 4))
    garment[8:24, 8:24, 3] = 255
    out = maker.dressed(photo, regions, garment)
    assert np.array_equal(out[8:24, 8:24], garment[8:24, 8:24, :3])


def test_a_picture_depends_on_seed_and_place_alone(ws: Workspace) -> None:
    maker = load_maker(ws.runs / train(ws, "gan-28").run)
    few, many = maker.drawn(2, "Red", seed=3)[0], maker.drawn(5, "red", seed=3)[0]
    assert np.abs(few.astype(int) - many[:2]).max() <= 1
    assert not np.array_equal(many[0], maker.drawn(1, "red", seed=4)[0][0])


def test_what_can_not_be_drawn_is_refused_with_what_can(ws: Workspace) -> None:
    maker = load_maker(ws.runs / train(ws, "gan-28").run)
    with pytest.raises(UsageError, match="blue, red"):
        maker.drawn(4, "tuxedo")
    with pytest.raises(UsageError, match="1 to 1000"):
        maker.drawn(5000)
    with pytest.raises(UsageError, match="trained without labels"):
        load_maker(ws.runs / train(ws, "article-28").run).drawn(4, "red")


def test_a_weight_file_cut_short_is_refused(ws: Workspace, tmp_path: Path) -> None:
    data = (ws.runs / train(ws, "gan-28").run / WEIGHT_FILE).read_bytes()
    (tmp_path / "short.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(TrainingError, match="no whole safetensors file"):
        load_maker(tmp_path / "short.safetensors")


def test_a_snapshot_without_such_labels_says_what_to_do(ws: Workspace) -> None:
    with pytest.raises(EmptyError, match="field=''"):
        train(ws, "gan-28", field="type")


def test_recipes_that_ship_are_sound_and_a_wrong_one_is_named() -> None:
    assert {"generation/gan-28", "generation/pix2pix-strong", "generation/diffusion-strong"} <= set(known_recipes())
    assert all(generation_recipe(name).task == "generation" for name in known_recipes())
    with pytest.raises(SettingsError, match="multiples of 32"):
        generation_recipe("pix2pix", {"height": 100})
    with pytest.raises(SettingsError, match="did you mean 'latent'"):
        generation_recipe("gan-28", {"latant": 8})


def test_the_generator_is_told_by_made_pictures_alone() -> None:
    """The article's generator loss looked at real pictures, so no gradient reached the generator."""
    made = torch.zeros(4, requires_grad=True)
    for kind in ("classic", "hinge", "relativistic"):
        (slope,) = torch.autograd.grad(generator_loss(kind, torch.zeros(4), made), made)
        assert (slope < 0).all()
    assert critic_loss("classic", torch.full((4,), 9.0), torch.full((4,), -9.0)) < 1e-3
    assert critic_loss("classic", torch.full((4,), -9.0), torch.full((4,), 9.0)) > 17


def test_the_penalty_is_half_the_squared_slope() -> None:
    pictures = torch.zeros(3, 1, 4, 4)
    assert gradient_penalty(lambda x: 2 * x.sum((1, 2, 3)), pictures).item() == pytest.approx(0.5 * 16 * 4)


def test_variation_lets_gradients_through_and_keeps_size() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(8, 1, 16, 16, requires_grad=True)
    out = varied(pictures, ("colour", "shift", "cutout"))
    out.sum().backward()
    assert out.shape == pictures.shape
    assert pictures.grad is not None
    assert (pictures.grad != 0).float().mean() > 0.5


def test_a_warm_average_forgets_its_first_steps() -> None:
    average, cold = [torch.zeros(2)], [torch.zeros(2)]
    for step in range(1, 51):
        WarmAverage(0.998)(average, [torch.ones(2)], torch.tensor(step))
        WarmAverage(0.998)(cold, [torch.ones(2)], torch.tensor(100_000))
    assert average[0][0] > 0.999
    assert 0.05 < cold[0][0] < 0.15


def test_kid_is_near_nothing_for_one_distribution_and_large_for_another() -> None:
    draw = np.random.default_rng(0)
    a, b, other = draw.normal(size=(300, 8)), draw.normal(size=(300, 8)), draw.normal(1, 1, size=(120, 8))
    same, apart = kid(a, b), kid(other, b)
    assert same.low < 0 < same.high
    assert same.subset == 100
    assert apart.low > same.high
    assert kid(a[:60], b).subset == 50


def test_copies_are_found_and_new_pictures_are_not() -> None:
    draw = np.random.default_rng(1)
    learned, held, new = (draw.normal(size=(200, 6)) for _ in range(3))
    copied, fresh = memory(learned[:80] + 1e-6, learned, held), memory(new, learned, held)
    assert copied.ratio < 0.001
    assert copied.copied == 1
    assert fresh.low < 1 < fresh.high
    assert fresh.copied < 0.06
    assert nearest(learned[5:6], learned)[0][0] == 5


def test_a_map_borrows_from_the_photo_whose_map_is_most_like(ws: Workspace) -> None:
    recipe = generation_recipe("pix2pix", SMALL["pix2pix"])
    frozen = load_snapshot(ws, "v1")
    learned = pictures(ws, frozen, "train", recipe, classes_of(frozen, recipe))
    assert lenders(np.asarray(learned.targets)[3:4], learned)[0] in np.flatnonzero(
        (np.asarray(learned.targets)[:, ::4, ::4] == np.asarray(learned.targets)[3, ::4, ::4]).all((1, 2))
    )


def test_a_photo_is_padded_with_its_borders_colour_and_regions_have_their_mean() -> None:
    rgb = np.full((40, 20, 3), (200, 10, 30), np.uint8)
    assert (fitted(rgb, (28, 28), True) == (200, 10, 30)).all()
    assert fitted(rgb, (28, 28), False).shape == (28, 28, 1)
    regions = np.zeros((1, 40, 20), np.uint8)
    colours = palette_of(rgb[None], regions, 2)
    assert np.allclose((colours[0] + 1) * 127.5, (200, 10, 30), atol=0.01)
    assert (colours[1] == 0).all()
    assert Classes(("a",)).roles == ()
