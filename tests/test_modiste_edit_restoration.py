"""Learned upscale and repair in editing: exported, tiled, agreeing with their input, marked; and classical ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataset.errors import TrainingError
from modiste import edit_learned
from modiste.edit_chain import chain_of, from_words
from modiste.edit_mark import source_type
from modiste.edit_picture import Picture
from modiste.edit_repair import made, repair
from modiste.edit_steps import Repair, Upscale
from modiste.edit_upscale import agreeing, enlarged, learned, shrunk, upscale
from train.restoration import net_of
from train.restoration_export import export_restoration, load_restoration
from train.restoration_onnx import load_repairer, load_upscaler, tiles
from train.restoration_recipe import restoration_recipe
from train.weights import save_weights


def weight(folder: Path, kind: str, network: str) -> Path:
    """A network of random weights, answers and all, in a file as a run holds it."""
    recipe = restoration_recipe(f"{kind}-fast", {"width": 8, "depth": 2, "network": network})
    torch.manual_seed(0)
    net = net_of(recipe)
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    save_weights(folder / "model.safetensors", net.state_dict(), {"task": "restoration", "recipe": recipe.model_dump()})
    return folder / "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both networks exported as the package would ship them, and found there."""
    for kind, network in (("upscale", "residual"), ("repair", "rays"), ("repair", "unet")):
        (tmp_path / network).mkdir()
        name = f"{kind}.onnx" if network != "unet" else "unet.onnx"
        export_restoration(weight(tmp_path / network, kind, network), tmp_path / name)
    _use(tmp_path, monkeypatch)
    return tmp_path


def _use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_learned, "FOLDER", folder)
    _forget()


def _forget() -> None:
    edit_learned.upscaler.cache_clear()
    edit_learned.repairer.cache_clear()


@pytest.fixture(autouse=True)
def _the_package_has_its_own_afterwards() -> Iterator[None]:
    yield
    _forget()


def photo(height: int = 60, width: int = 44) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    wave = 128 + 100 * np.sin(x / 3) * np.cos(y / 4)
    return np.dstack([wave, 255 - wave, np.roll(wave, 3, 0)]).astype(np.uint8)


def pictured(rgb: np.ndarray) -> Picture:
    garment = np.zeros(rgb.shape[:2], bool)
    garment[10:-10, 10:-10] = True
    return Picture(rgb, rgb.copy(), np.full(rgb.shape[:2], 255, np.uint8), garment)


def test_cores_of_tiles_cover_a_photo_once_and_lie_in_their_windows() -> None:
    seen = np.zeros((300, 170), int)
    ramp = np.arange(300 * 170).reshape(300, 170)
    for core, window, inner in tiles(seen.shape, 128, 40):
        seen[core] += 1
        assert (ramp[window][inner] == ramp[core]).all()
        assert all(each.start % 8 == 0 for each in window)
    assert (seen == 1).all()


@pytest.mark.parametrize("times", [2, 4])
def test_tiles_of_the_upscaler_leave_no_seams(folder: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, rgb = load_upscaler(folder / "upscale.onnx"), photo(70, 50)
    whole = network.enlarged(rgb, times)
    monkeypatch.setattr("train.restoration_onnx.UPSCALE_CORE_PX", 24)
    assert np.abs(network.enlarged(rgb, times) - whole).max() < 0.01


def test_tiles_of_the_repairer_leave_no_seams(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, rgb = load_repairer(folder / "unet.onnx"), photo(240, 208)
    broken = np.random.default_rng(0).random(rgb.shape[:2]) < 0.05
    whole = network.filled(rgb, broken)
    monkeypatch.setattr("train.restoration_onnx.REPAIR_CORE_PX", 64)
    assert np.abs(network.filled(rgb, broken).astype(int) - whole).max() <= 1


def test_the_onnx_upscaler_gives_what_torch_gives(folder: Path) -> None:
    net, _ = load_restoration(folder / "residual" / "model.safetensors")
    rgb = photo()
    with torch.no_grad():
        expected = net(torch.from_numpy(rgb).permute(2, 0, 1)[None].float(), 2)[0].permute(1, 2, 0).numpy()
    found = agreeing(load_upscaler(folder / "upscale.onnx").enlarged(rgb, 2), rgb)
    inside = (expected > 5) & (expected < 250)
    assert np.abs(found - expected)[inside].mean() < 1.0


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_learned_upscale_scaled_down_again_is_the_photo_to_one_level(folder: Path, times: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    found = learned(rgb, times, edit_learned.upscaler())
    assert found.shape == (40 * times, 30 * times, 3)
    assert np.abs(shrunk(found, times).astype(int) - rgb).max() <= 1
    assert (found != enlarged(rgb, times)).any()


def test_learned_is_the_default_and_says_which_network_made_the_pixels(folder: Path) -> None:
    _, _, facts = upscale(pictured(photo()), Upscale(times=2))
    assert facts["network"] == json.loads((folder / "upscale.json").read_text())["sha256"]
    assert upscale(pictured(photo()), Upscale(times=2, method="lanczos"))[2]["network"] == ""


def test_learned_repair_changes_nothing_outside_and_looks_at_nothing_inside(folder: Path) -> None:
    rgb, damage = photo(150, 130), np.zeros((150, 130), np.uint8)
    damage[40:60, 30:90] = 255
    after, broken = repair(pictured(rgb), damage, Repair())
    assert (after.rgb[~broken] == rgb[~broken]).all()
    other = np.where(broken[..., None], np.uint8(255) - rgb, rgb)
    assert (made(other, broken, Repair()) == after.rgb).all()
    assert (after.rgb != made(rgb, broken, Repair(method="navier-stokes"))).any()


def test_learned_steps_carry_the_term_for_trained_media_and_classical_ones_do_not(folder: Path) -> None:
    for words in ("upscale 4", "repair", "background white, upscale 2"):
        assert source_type(from_words(words)).endswith("/compositeWithTrainedAlgorithmicMedia")
    assert source_type(from_words("upscale 4 lanczos")).endswith("/algorithmicallyEnhanced")
    assert source_type(from_words("repair telea")).endswith("/algorithmicallyEnhanced")


@pytest.mark.parametrize("words", ["upscale 4 lanczos", "upscale 3", "repair", "repair telea", "repair navier-stokes"])
def test_methods_are_said_and_read_back(folder: Path, words: str) -> None:
    assert from_words(words).words() in (words, words + " 2")
    assert from_words(from_words(words).words()) == from_words(words)


def test_without_the_networks_steps_turn_classical_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(tmp_path, monkeypatch)
    chain = chain_of([("upscale", Upscale(times=4)), ("repair", Repair())])
    assert chain.words() == "repair navier-stokes, upscale 4 lanczos"
    assert source_type(chain).endswith("/algorithmicallyEnhanced")
    assert upscale(pictured(photo()), Upscale())[2]["network"] == ""


def test_another_network_makes_another_chain(folder: Path) -> None:
    chain = from_words("upscale 2")
    before = chain.digest("w")
    card = json.loads((folder / "upscale.json").read_text())
    (folder / "upscale.json").write_text(json.dumps({**card, "sha256": "other"}))
    assert chain.digest("w") != before
    with pytest.raises(TrainingError, match="changed since"):
        load_upscaler(folder / "upscale.onnx")


def test_a_network_of_the_other_kind_is_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="another kind"):
        load_repairer(folder / "upscale.onnx")


def test_the_networks_that_ship_come_nearer_than_the_classics_on_a_drawn_print() -> None:
    large = np.full((160, 128, 3), (225, 220, 210), np.uint8)
    cv2.circle(large, (64, 80), 44, (40, 60, 130), -1, cv2.LINE_AA)
    cv2.putText(large, "M7", (34, 96), cv2.FONT_HERSHEY_DUPLEX, 1.4, (230, 200, 60), 3, cv2.LINE_AA)
    small = shrunk(large, 4)
    apart = [np.square(each.astype(float) - large).mean() for each in (
        learned(small, 4, edit_learned.upscaler()), enlarged(small, 4))]  # fmt: skip
    assert apart[0] < 0.9 * apart[1]
    broken = np.zeros(large.shape[:2], np.uint8)
    cv2.line(broken, (10, 20), (120, 150), 255, 4)
    errors = [np.square(made(large, broken > 0, Repair(method=method)).astype(float) - large)[broken > 0].mean()
              for method in ("learned", "telea", "navier-stokes")]  # fmt: skip
    assert errors[0] < 0.9 * min(errors[1:])
