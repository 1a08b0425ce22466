"""Flows that are told more than a tag: holes, outlines, windows; without the keys they are as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_train_data import drawn_workspace
from test_train_generation import FAST, PARTS

from dataset.errors import SettingsError
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.generation import train_generation
from train.generation_data import classes_of, pictures
from train.generation_flow import filled, flow_pictures, raw_fill
from train.generation_holes import EVERYTHING, KINDS, SHARES, hole, holes
from train.generation_judge import judge
from train.generation_known import fitted_outline, studied, with_given
from train.generation_recipe import GenerationRecipe, generation_recipe
from train.generation_samples import Maker, load_maker
from train.models.generation_flow import Flow
from train.runs import RunResult
from train.weights import WEIGHT_FILE

TINY: dict[str, Any] = {"height": 16, "width": 16, "base": 8, "depth": 2, "steps": 2}
SMALL: dict[str, dict[str, Any]] = {
    "inpaint": {**TINY, "field": "colour", "least": 2, "silhouette": True},
    "outline": {**TINY, "mask_sources": ["cutout"]},
}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)


def train(ws: Workspace, recipe: str, **changes: Any) -> RunResult:
    progress, again = changes.pop("progress", lambda done, total: None), changes.pop("again", False)
    return train_generation(
        ws, snapshot="v1", recipe=recipe, overrides={**FAST, **SMALL[recipe], **changes}, device="cpu", again=again,
        progress=progress,
    )  # fmt: skip


def small(name: str, **changes: Any) -> GenerationRecipe:
    return generation_recipe(name, {**TINY, **changes})


def maker(ws: Workspace) -> Maker:
    return load_maker(ws.runs / train(ws, "inpaint").run)


def flow(found: Maker) -> Flow:
    assert isinstance(found.net, Flow)
    return found.net


def test_a_recipe_without_the_keys_builds_the_network_it_built_before() -> None:
    """Both numbers are those of generation/diffusion before a flow could be told more."""
    torch.manual_seed(0)
    net = Flow(generation_recipe("diffusion"), 10).eval()
    assert sum(each.numel() for each in net.parameters()) == 1_019_187
    torch.manual_seed(1)
    with torch.no_grad():
        x, labels = torch.randn(2, 3, 32, 32), torch.tensor([0, 10])
        plain = net.unet(x, torch.tensor([300.0, 700.0]), class_labels=labels, return_dict=False)[0]
        said = net(x, torch.tensor([0.3, 0.7]), labels)
    assert torch.equal(said, plain)
    assert said.abs().mean().item() == pytest.approx(0.259851, abs=1e-5)
    assert net.unet.config.in_channels == 3


def test_nothing_said_is_a_hole_as_large_as_the_picture() -> None:
    torch.manual_seed(0)
    net = Flow(small("inpaint", silhouette=True), 2).eval()
    x, time, labels = torch.randn(2, 3, 16, 16), torch.tensor([0.2, 0.9]), torch.tensor([0, 1])
    given = net.given_of(torch.rand(2, 3, 16, 16), torch.ones(2, 16, 16) > 0)
    assert given.shape == (2, 5, 16, 16)
    assert (given[:, :3] == 0).all()
    assert (given[:, 3] == 1).all()
    with torch.no_grad():
        assert torch.equal(net(x, time, labels), net(x, time, labels, given))


def test_no_pixel_of_a_hole_is_told_not_even_one_that_is_no_number() -> None:
    net = Flow(small("inpaint"), 2)
    lost = torch.zeros(1, 16, 16) > 0
    lost[:, 4:9, 4:9] = True
    picture = torch.full((1, 3, 16, 16), 0.5)
    picture[:, :, 5, 5] = float("nan")
    given = net.given_of(picture, lost)
    assert (given[0, :3, 4:9, 4:9] == 0).all()
    assert (given[0, :3, :4] == 0.5).all()
    assert given[0, 3].sum() == 25


@pytest.mark.parametrize("recipe", sorted(SMALL))
def test_a_flow_told_more_trains_is_judged_and_shows_what_it_was_told(ws: Workspace, recipe: str) -> None:
    run = record.load(ws, train(ws, recipe).run)
    rows, _, _ = judge(ws, run, load_snapshot(ws, "v1"), "test", "cpu", lambda done, total: None)
    assert all(np.isfinite(row.value) and row.n > 0 for row in rows)
    assert list((run.folder / "samples").glob("told-*.png"))
    assert flow(load_maker(run.folder)).extra == {"inpaint": 5, "outline": 1}[recipe]


def test_a_run_with_holes_that_was_killed_ends_with_the_weights_of_one_that_was_not(ws: Workspace) -> None:
    whole = train(ws, "inpaint", epochs=3, seed=5)

    def killed(done: int, total: int | None) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ws, "inpaint", epochs=3, seed=5, again=True, progress=killed)
    again = train(ws, "inpaint", epochs=3, seed=5, again=True)
    assert again.how == "resumed and trained"
    one, other = (load_file(ws.runs / each.run / WEIGHT_FILE) for each in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_known_pixels_come_back_to_the_bit_and_lost_ones_are_not_looked_at(ws: Workspace) -> None:
    found = maker(ws)
    draw = np.random.default_rng(0)
    photos = draw.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    lost = np.stack([hole(draw, kind, (16, 16)) for kind in KINDS])
    labels = torch.tensor([0, 1, 0])
    made = filled(flow(found), found.recipe, photos, lost, labels, 3)
    assert np.array_equal(made[~lost], photos[~lost])
    assert not np.array_equal(made[lost], photos[lost])
    other = photos.copy()
    other[lost] = 0
    assert np.array_equal(raw_fill(flow(found), found.recipe, other, lost, labels, 3)[lost], made[lost])


def test_a_filling_can_begin_over_a_classical_one_and_still_sees_no_lost_pixel() -> None:
    torch.manual_seed(0)
    recipe = small("inpaint", begin=0.001)
    net, photo, lost = Flow(recipe, 2), np.full((1, 16, 16, 3), 200, np.uint8), np.zeros((1, 16, 16), bool)
    lost[:, 4:9, 4:9] = True
    photo[lost] = 0
    near = filled(net, recipe, photo, lost, torch.tensor([0]), 0)
    far = filled(net, recipe.model_copy(update={"begin": 1.0}), photo, lost, torch.tensor([0]), 0)
    assert np.abs(near[lost].astype(int) - 200).max() < 10
    assert np.abs(far[lost].astype(int) - 200).max() > 50
    photo[lost] = 90
    assert np.array_equal(filled(net, recipe, photo, lost, torch.tensor([0]), 0), near)


def test_a_filling_depends_on_its_seed_and_its_place(ws: Workspace) -> None:
    found = maker(ws)
    photos, lost = np.full((2, 16, 16, 3), 90, np.uint8), np.zeros((2, 16, 16), bool)
    lost[:, 2:12, 2:12] = True
    one, two = filled(flow(found), found.recipe, photos, lost, torch.tensor([0, 0]), 3)
    assert not np.array_equal(one, two)
    alone = filled(flow(found), found.recipe, photos[:1], lost[:1], torch.tensor([0]), 3)[0]
    assert np.abs(alone.astype(int) - one).max() <= 1


def test_the_outline_counts_and_guidance_leaves_it_out_of_the_plain_answer() -> None:
    torch.manual_seed(0)
    recipe = small("outline")
    net = Flow(recipe, 1)
    for each in net.parameters():
        torch.nn.init.normal_(each, std=0.05)
    plane = torch.ones(1, 1, 16, 16)
    given, blank = (net.given_of(torch.zeros(1, 3, 16, 16), torch.ones(1, 16, 16) > 0, x) for x in (plane, None))
    a, b = (flow_pictures(net, recipe, torch.tensor([0]), 1, "cpu", each) for each in (given, blank))
    assert not np.array_equal(a, b)
    plain = net._plain(given)
    assert plain is not None
    assert torch.equal(plain, blank)


def test_holes_are_of_all_kinds_the_same_for_a_seed_and_never_empty() -> None:
    found = holes(np.random.default_rng(4), 400, (32, 24))
    shares = found.mean((1, 2))
    assert found.shape == (400, 32, 24)
    assert (shares > 0).all()
    assert abs((shares == 1).mean() - SHARES[EVERYTHING]) < 0.07
    assert shares[shares < 1].max() <= 0.75
    assert np.array_equal(found, holes(np.random.default_rng(4), 400, (32, 24)))
    half = hole(np.random.default_rng(1), "half", (32, 24))
    assert half.all(0).any() or half.all(1).any()


def test_holes_are_learned_from_close_up_and_pictures_from_nothing_whole(ws: Workspace) -> None:
    recipe = small("inpaint")
    net, draw = Flow(recipe, 2), np.random.default_rng(0)
    ramp = torch.linspace(-1, 1, 48).expand(64, 3, 48, 48)  # rises along x
    seen, given = studied(net, recipe, ramp, draw)
    whole = (given[:, 3] == 1).all(-1).all(-1)
    reach = seen[:, 0, 0, -1] - seen[:, 0, 0, 0]
    assert 5 < whole.sum() < 30
    assert (reach[whole] > 1.9).all()
    assert reach[~whole].min() < 1.0
    assert (reach[~whole] > 0.5).all()


def test_an_outline_is_where_the_garment_is_in_its_picture_and_unknown_without_a_mask(ws: Workspace) -> None:
    frozen = load_snapshot(ws, "v1")
    recipe = generation_recipe("outline", {**SMALL["outline"], "height": 32, "width": 32})
    found = pictures(ws, frozen, "train", recipe, classes_of(frozen, recipe))
    given = with_given(ws, frozen, "train", recipe, found).given
    assert given is not None
    assert np.array_equal(given[..., :3], found.photos)
    coloured = np.ptp(np.asarray(found.photos[0]).astype(int), axis=-1) > 60
    inside = np.asarray(given[0, ..., 3]) > 127
    assert (coloured & inside).sum() / (coloured | inside).sum() > 0.8
    assert studied(Flow(recipe, 1), recipe, torch.full((2, 4, 32, 32), 127 / 127.5 - 1), np.random.default_rng(0))[
        1
    ].eq(0).all()  # fmt: skip


def test_an_outline_of_any_size_is_fitted_as_its_garment_would_be() -> None:
    recipe = small("outline")
    garment = np.zeros((100, 60), bool)
    garment[40:80, 20:30] = True
    plane = fitted_outline(garment, recipe)
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    assert set(np.unique(plane)) == {0, 255}
    assert 13 <= len(rows) <= 15
    assert len(columns) in (3, 4)


def test_keys_of_flows_are_for_flows() -> None:
    with pytest.raises(SettingsError, match="are for kind diffusion"):
        generation_recipe("gan-28", {"silhouette": True})
    with pytest.raises(SettingsError, match="zoom is for known: masked"):
        generation_recipe("diffusion", {"zoom": 2})
    assert not generation_recipe("diffusion").tells
