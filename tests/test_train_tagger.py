"""Taggers in use: torch and onnxruntime agree, floors, multi fields, heat maps, the command on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_train_data import drawn_workspace, png, scene
from typer.testing import CliRunner

from dataset.errors import TrainingError, UsageError
from modiste.cli.main import app
from modiste.cli.tag import register
from modiste.tag import tag
from train.evaluate import evaluate
from train.export_tagger import export_tagger
from train.heat import heat, overlay
from train.models.backbones import feature_extractor
from train.models.taggers import TagNet, both_flips, is_mean_of_places, place_features
from train.predict import TagBackend, load_tagger
from train.recipe import tagging_recipe
from train.tagger import Tagger, chances_of
from train.tagging import train_tagging
from train.tagging_weights import load_tagger as load_any
from train.tagging_weights import shipped_tagger


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ws = drawn_workspace(tmp_path_factory.mktemp("ws"), {"train": 16, "validation": 6, "test": 6})
    small: dict[str, Any] = {"side": 64, "workers": 0}
    result = train_tagging(ws, snapshot="v1", field="colour", overrides=small, device="cpu")
    evaluate(ws, run=result.run)
    return ws.runs / result.run


def test_onnx_and_torch_agree_on_photos_of_any_size(run: Path, tmp_path: Path) -> None:
    result = export_tagger(run, tmp_path / "t.onnx", variant="fp32")
    assert max(result.difference, result.vector_difference) < 1e-3
    one, other = load_tagger(run), load_any(tmp_path / "t.onnx")
    photos = [scene(40)[0], scene(41, 64, 128)[0]]
    assert np.allclose(one.vectors(photos), other.vectors(photos), atol=1e-4)
    assert [each["colour"].best for each in other.answers(photos)] == ["red", "blue"]
    assert other.fingerprint == one.fingerprint
    assert "colour accuracy | 1.000" in (tmp_path / "t.md").read_text()


def test_an_onnx_file_that_was_changed_is_refused(run: Path, tmp_path: Path) -> None:
    export_tagger(run, tmp_path / "t.onnx")
    (tmp_path / "t.onnx").write_bytes((tmp_path / "t.onnx").read_bytes()[:-1] + b"x")
    with pytest.raises(TrainingError, match="changed since"):
        load_any(tmp_path / "t.onnx")


def test_maps_add_up_to_the_logit_less_its_bias(run: Path) -> None:
    tagger = load_tagger(run)
    assert isinstance(tagger.backend, TagBackend)
    seen = tagger.backend.see(tagger.square(scene(3)[0])[None], flips=True, maps=True)
    assert seen.maps is not None
    bias = tagger.backend.net.head("colour").bias.detach().numpy()
    assert np.allclose(seen.maps["colour"].mean((2, 3)) + bias, seen.logits["colour"], atol=1e-4)


def test_places_average_to_the_features_of_both_flips() -> None:
    net = TagNet(feature_extractor("test_efficientnet", "none"), "test_efficientnet", {"a": 2}).eval()
    photo = torch.rand(2, 3, 64, 64) * 255
    assert is_mean_of_places(net, 64)
    assert torch.allclose(place_features(net, photo, True).mean((2, 3)), both_flips(net, photo, True), atol=1e-5)


def test_a_heat_map_has_the_photos_own_size(run: Path) -> None:
    rgb, _, word = scene(40)
    found = heat(load_tagger(run), rgb, "colour", word)
    assert found.shape == rgb.shape[:2]
    assert found.max() == pytest.approx(1)
    assert overlay(rgb, found).dtype == np.uint8
    with pytest.raises(UsageError, match="green"):
        heat(load_tagger(run), rgb, "colour", "green")


def test_a_network_with_random_weights_looks_elsewhere(run: Path) -> None:
    """The sanity check of Adebayo et al. (NeurIPS 2018): a map that stays the same explains nothing."""
    tagger, rgb = load_tagger(run), scene(40)[0]
    torch.manual_seed(0)
    net = TagNet(feature_extractor("tf_efficientnet_lite0", "none"), "tf_efficientnet_lite0", {"colour": 2}).eval()
    other = Tagger(TagBackend(net), tagger.recipe, tagger.facts)
    one, random = (heat(each, rgb, "colour", "red").ravel() for each in (tagger, other))
    assert np.abs(one - random).mean() > 0.1


def test_a_network_that_is_no_mean_of_places_is_explained_by_its_gradients() -> None:
    net = TagNet(feature_extractor("test_convnext", "none"), "test_convnext", {"colour": 2}).eval()
    facts = {"values": {"colour": ["blue", "red"]}, "temperature": {"colour": 1.0}}
    tagger = Tagger(TagBackend(net), tagging_recipe("linear", {"side": 64}), facts)
    found = heat(tagger, scene(1)[0], "colour", "red")
    assert found.shape == (96, 64)
    assert 0 <= found.min() <= found.max() <= 1


def test_a_weight_from_before_floors_and_multi_fields_still_answers(run: Path) -> None:
    tagger = load_tagger(run)
    old = {key: value for key, value in tagger.facts.items() if key not in ("floor", "floors", "multi")}
    answer = Tagger(tagger.backend, tagger.recipe, old).answers([scene(40)[0]])[0]["colour"]
    assert (answer.floor, answer.multi, answer.said) == (0.0, False, ("red",))


def test_chances_of_a_multi_field_stand_alone() -> None:
    logits = np.array([[0.0, 4.0]], np.float32)
    assert chances_of(logits, 2.0, True).tolist() == [[0.5, pytest.approx(0.8808, abs=1e-4)]]
    assert chances_of(logits, 2.0, False).sum() == pytest.approx(1)


def test_files_are_tagged_in_their_order_and_a_bad_one_is_a_coded_entry(run: Path, tmp_path: Path) -> None:
    for name, data in (("b.png", png(scene(40)[0])), ("a.png", png(scene(41)[0])), ("c.png", b"<html>")):
        (tmp_path / name).write_bytes(data)
    result = tag([tmp_path / name for name in ("b.png", "c.png", "a.png")], load_tagger(run), explain=tmp_path / "why")
    assert [row["tags"].get("colour", {}).get("label") for row in result.rows] == ["red", None, "blue"]
    assert result.rows[1]["error"]["code"] == "html"
    assert not result.failed
    assert Path(result.rows[0]["why"]["colour"]).read_bytes().startswith(b"\x89PNG")


def test_no_photo_or_an_unknown_field_is_told(run: Path, tmp_path: Path) -> None:
    (tmp_path / "c.png").write_bytes(b"")
    assert tag([tmp_path / "c.png"], load_tagger(run)).failed
    with pytest.raises(UsageError, match="heel"):
        tag([tmp_path / "c.png"], load_tagger(run), fields=["heel"])


def test_the_command_works_on_a_first_run_with_the_weight_that_ships(tmp_path: Path) -> None:
    if "tag" not in {command.name or command.callback.__name__ for command in app.registered_commands}:  # type: ignore[union-attr]
        register(app)
    (tmp_path / "a.png").write_bytes(png(scene(40)[0]))
    told = CliRunner().invoke(app, ["tag", str(tmp_path / "a.png"), "--json", "--floor", "0"])
    (entry,) = json.loads(told.stdout)
    assert entry["tags"]["type"]["label"] in shipped_tagger().values["type"]
    assert entry["tags"]["type"]["confidence"] == entry["tags"]["type"]["ranked"][0]["confidence"]


def test_the_weight_that_ships_is_small_and_says_what_it_reached() -> None:
    from train.shipped import shipped

    path = shipped("tagging")
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size <= 12_000_000
    assert any(row["metric"] == "type accuracy" and row["part"] == "test" and row["n"] > 300 for row in card["test"])
