"""Restoration trained on drawn photos: damage, truth, the loop, resuming, what a run folder holds."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from dataset.errors import SettingsError
from dataset.progress import silent
from dataset.snapshot import create_snapshot, load_snapshot
from dataset.workspace import Workspace
from modiste.cli import train_restoration as train_restoration_command
from train import record
from train.models.restoration import RayNet, RepairNet, UpscaleNet, turned
from train.restoration import train_restoration
from train.restoration_damage import KINDS, MOST, damage, first_fill
from train.restoration_data import Crops, crop_of, truth_of
from train.restoration_judge import judge
from train.restoration_loop import shrunk
from train.restoration_onnx import load_repairer
from train.restoration_rays import LEVELS, RAYS, REACH_PX, filled_by_rays, rays
from train.restoration_recipe import restoration_recipe
from train.runs import unfinished
from train.weights import read_weights

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = {"width": 8, "depth": 1, "side": 32, "crops": 1, "epochs": 2, "batch": 4, "judged": 8, "ema": 0.5}


def drawn(number: int) -> np.ndarray:
    """(120, 96, 3): stripes of a garment's print, their own in each photo."""
    y, x = np.mgrid[:120, :96]
    light = 120 + 90 * np.sin((x * np.cos(number) + y * np.sin(number)) / (3 + number % 4))
    return np.dstack([light, np.roll(light, number, 0), 255 - light]).clip(0, 255).astype(np.uint8)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "w")
    names = []
    for number in range(20):
        buffer = io.BytesIO()
        Image.fromarray(drawn(number)).save(buffer, "PNG")
        names.append(ws.blobs.put(buffer.getvalue()))
    parts = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    ws.tables.append("images", [{"sha256": name, "status": "ok", "checked_at": NOW} for name in names])
    ws.tables.append("groups", [{"sha256": n, "group_id": n, "split": p} for n, p in zip(names, parts, strict=True)])
    create_snapshot(ws, "v1")
    return ws


def trained(ws: Workspace, recipe: str, **changes: Any) -> Any:
    return train_restoration(ws, snapshot="v1", recipe=recipe, overrides={**SMALL, **changes}, device="cpu")


@pytest.mark.parametrize("name", ["upscale-fast", "upscale-strong", "repair-fast", "repair-strong"])
def test_every_recipe_that_ships_loads_and_says_its_name(name: str) -> None:
    found = restoration_recipe(name)
    assert found.name == f"restoration/{name}"
    assert found.kind == name.split("-")[0]


@pytest.mark.parametrize("name", ["upscale-strong", "repair-strong"])
def test_what_a_card_trains_a_cpu_trains_shrunk(ws: Workspace, name: str) -> None:
    told = trained(ws, name, epochs=1, workers=0)
    assert told.n_train == 12
    assert np.isfinite(told.score)


def test_a_recipe_nobody_knows_names_those_that_ship() -> None:
    with pytest.raises(SettingsError, match="restoration/repair-fast"):
        restoration_recipe("polish")
    with pytest.raises(SettingsError, match="did you mean 'width'"):
        restoration_recipe("upscale-fast", {"widht": 3})


@pytest.mark.parametrize("kind", list(KINDS))
def test_damage_is_somewhere_not_everywhere_and_the_same_for_the_same_seed(kind: str) -> None:
    for seed in range(20):
        mask = damage(np.random.default_rng(seed), kind, (128, 96))
        assert set(np.unique(mask)) == {0, 255}
        assert 0 < (mask > 0).mean() <= MOST
        assert (mask == damage(np.random.default_rng(seed), kind, (128, 96))).all()


def test_a_torn_corner_holds_a_corner_and_leaves_the_middle() -> None:
    mask = damage(np.random.default_rng(3), "corner", (128, 128))
    assert max(mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1]) == 255
    assert mask[64, 64] == 0


def test_truth_is_the_mean_of_each_block_and_a_crop_has_the_strongest_edges() -> None:
    rgb = np.zeros((101, 80, 3), np.uint8)
    rgb[0, :2] = 100
    rgb[60:, 40:] = np.random.default_rng(0).integers(0, 256, (41, 40, 3))
    truth = truth_of(rgb, 2)
    assert truth.shape == (50, 40, 3)
    assert truth[0, 0].tolist() == [50, 50, 50]
    crops = [crop_of(truth, 16, np.random.default_rng(seed)) for seed in range(8)]
    assert sum(crop.std() > 20 for crop in crops) >= 6


def test_a_photo_smaller_than_a_crop_is_mirrored_outward() -> None:
    crop = crop_of(drawn(1)[:20, :50], 32, np.random.default_rng(0))
    assert crop.shape == (32, 32, 3)
    assert (crop[20:32] == crop[19:7:-1]).all()


@pytest.mark.parametrize("times", [2, 4])
def test_an_upscaled_picture_shrunk_again_is_its_input_whatever_the_weights(times: int) -> None:
    torch.manual_seed(0)
    net = UpscaleNet(8, 2)
    torch.nn.init.normal_(net.tails[str(times)].weight)  # type: ignore[arg-type]
    photo = torch.randint(0, 256, (2, 3, 9, 7)).float()
    with torch.no_grad():
        made = net(photo, times)
    assert made.shape == (2, 3, 9 * times, 7 * times)
    assert torch.equal(shrunk(made, times), photo)


def test_repair_changes_nothing_outside_the_mask_whatever_the_weights() -> None:
    torch.manual_seed(0)
    net = RepairNet(8, 2)
    torch.nn.init.normal_(net.out.weight)
    given = torch.randint(0, 256, (1, 4, 32, 24)).float()
    given[:, 3] = 0
    given[:, 3, 4:9, 6:20] = 255
    with torch.no_grad():
        made = net(given)
    outside = given[:, 3:].expand(-1, 3, -1, -1) == 0
    assert torch.equal(made[outside], given[:, :3][outside])
    assert not torch.equal(made, given[:, :3])


def test_an_item_depends_on_its_place_and_epoch_alone() -> None:
    recipe = restoration_recipe("repair-fast", {**SMALL, "network": "unet"})
    photos = np.stack([drawn(number)[None, :32, :32] for number in range(3)])
    varied, fixed = Crops(photos, recipe, vary=True), Crops(photos, recipe, vary=False)
    assert torch.equal(varied[4][0], varied[4][0])
    assert not torch.equal(varied[1][0], varied[4][0])  # the same photo in another epoch
    given, truth = fixed[2]
    assert torch.equal(truth, torch.from_numpy(photos[2, 0]).permute(2, 0, 1))
    assert torch.equal(given[:3][:, given[3] == 0], truth[:, given[3] == 0])


def test_rays_meet_the_nearest_whole_pixels_and_look_at_nothing_damaged() -> None:
    rgb, broken = np.full((40, 60, 3), 90, np.uint8), np.zeros((40, 60), bool)
    rgb[:, 34:], broken[:, 26:34] = 154, True
    first = np.where(broken[..., None], np.uint8(90), rgb)
    seen = rays(first, broken, np.array([[20, 30], [20, 26]])).reshape(2, RAYS, 7)
    assert seen[0, 0, :3].tolist() == [1.0, 1.0, 1.0]  # to the right, 64 levels brighter
    assert seen[0, 8, :3].tolist() == [0.0, 0.0, 0.0]
    assert np.exp(seen[0, [0, 8], 6] * np.log(REACH_PX)).round(3).tolist() == [4.0, 5.0]
    assert seen[0, 4].tolist() == [0.0] * 6 + [1.0]  # along the damage: nothing, ever


def test_a_fill_by_rays_changes_damaged_pixels_alone_and_by_what_is_answered() -> None:
    rgb, broken = drawn(1), np.zeros((120, 96), bool)
    broken[10:20, 30:60] = True
    found = filled_by_rays(lambda seen: np.full((len(seen), 3), 5.4, np.float32), rgb, broken)
    assert (found[~broken] == rgb[~broken]).all()
    assert (found[broken] == np.clip(rgb[broken].astype(int) + 5, 0, 255)).all()


def test_a_picture_turned_and_mirrored_is_repaired_alike() -> None:
    torch.manual_seed(0)
    net, seen = RayNet(8, 2).eval(), torch.randn(5, RAYS, 7)
    torch.nn.init.normal_(net.out.weight)
    with torch.no_grad():
        answers = [net(seen[:, order].flatten(1)) for order in turned()]
    assert all(torch.allclose(each, answers[0], atol=1e-3) for each in answers)
    assert len({tuple(order) for order in turned()}) == 8


def test_the_ray_network_begins_near_the_first_fill() -> None:
    seen = torch.zeros(3, RAYS, 7)
    seen[:, :, :3] = 1.0
    found = RayNet(8, 2)(seen.flatten(1))
    assert found.detach().numpy() == pytest.approx(LEVELS * RAYS / (RAYS + np.exp(3.0)), rel=1e-4)


def test_the_first_fill_does_not_look_under_the_damage() -> None:
    rgb = drawn(2)
    mask = damage(np.random.default_rng(0), "holes", rgb.shape[:2])
    other = np.where(mask[..., None] > 0, 255 - rgb, rgb)
    assert (first_fill(rgb, mask) == first_fill(other, mask)).all()


@pytest.mark.parametrize("recipe", ["upscale-fast", "repair-fast"])
def test_a_run_holds_its_weights_figures_and_sheet_and_is_not_trained_twice(ws: Workspace, recipe: str) -> None:
    done = trained(ws, recipe)
    run = record.load(ws, done.run)
    _, facts = read_weights(run.folder / "model.safetensors", "restoration")
    assert facts["recipe"]["width"] == 8
    assert run.data["counts"] == {"train": 12, "validation": 4}
    assert run.data["results"]["baseline_name"] in ("bicubic", "Navier-Stokes")
    assert (run.folder / "figures" / "validation.png").is_file()
    assert trained(ws, recipe).how.startswith("trained already")


def test_training_brings_upscaling_past_bicubic(ws: Workspace) -> None:
    done = trained(ws, "upscale-fast", epochs=12, learning_rate=0.005)
    results = record.load(ws, done.run).data["results"]
    assert results["score"] > results["baseline"] + 0.3


def test_a_run_cut_off_ends_with_the_weights_of_one_that_was_not(ws: Workspace) -> None:
    def stop(done: int, total: int | None) -> None:
        if done == 4:
            raise KeyboardInterrupt

    whole = trained(ws, "upscale-fast", jpeg=0.5, seed=3)
    with pytest.raises(KeyboardInterrupt):
        train_restoration(
            ws, snapshot="v1", recipe="upscale-fast", overrides={**SMALL, "jpeg": 0.5, "seed": 3}, device="cpu",
            again=True, progress=stop,
        )  # fmt: skip
    assert len(unfinished(ws, record.load(ws, whole.run).data["recipe"], _fingerprint(ws))) == 1
    again = train_restoration(
        ws, snapshot="v1", recipe="upscale-fast", overrides={**SMALL, "jpeg": 0.5, "seed": 3}, device="cpu", again=True
    )
    weights = [record.load(ws, run).data["results"]["weights"] for run in (whole.run, again.run)]
    assert again.how.startswith("resumed")
    assert weights[0] == weights[1]


@pytest.mark.parametrize(("recipe", "names"), [("upscale-fast", ["PSNR x2, dB", "PSNR x4, dB"]), ("repair-fast", None)])
def test_a_run_is_judged_beside_the_classical_answer(ws: Workspace, recipe: str, names: list[str] | None) -> None:
    run = record.load(ws, trained(ws, recipe).run)
    figures, *_ = judge(ws, run, load_snapshot(ws, "v1"), "validation", "cpu", silent)
    assert [each.metric for each in figures] == (names or ["PSNR inside the damage, dB"])
    assert {each.n for each in figures} == {4}
    mean = np.mean([each.value for each in figures])
    assert mean == pytest.approx(run.data["results"]["score"], abs=0.01)
    assert np.mean([each.baseline for each in figures]) == pytest.approx(run.data["results"]["baseline"], abs=0.01)


def _fingerprint(ws: Workspace) -> str:
    return str(record.list_runs(ws)[0].data["fingerprint"])


def test_the_command_trains_and_exports(ws: Workspace, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command("train")(train_restoration_command.restoration)
    app.command("export")(train_restoration_command.export_restoration)
    small = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    place = ["-w", str(ws.root)]
    done = CliRunner().invoke(app, ["train", *place, "-s", "v1", "-r", "repair-fast", *small])
    assert done.exit_code == 0, done.output
    assert "PSNR inside the damage, dB" in done.output
    out = tmp_path / "repair.onnx"
    made = CliRunner().invoke(app, ["export", "latest", *place, "--out", str(out), "--json"])
    assert made.exit_code == 0, made.output
    assert load_repairer(out).facts["recipe"]["name"] == "restoration/repair-fast"
