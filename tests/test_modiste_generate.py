"""`modiste generate`: marked pictures, the same for a seed, beside their neighbours; what can't be made is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from test_train_data import drawn_workspace
from test_train_generation import PARTS, train
from typer.testing import CliRunner

from dataset.errors import EmptyError, TrainingError, UsageError
from dataset.source_mark import is_made
from dataset.workspace import Workspace
from modiste.cli import generate as command
from modiste.generate import Generated, generate
from train import record
from train.weights import WEIGHT_FILE


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    for recipe in ("pix2pix", "garment-to-model", "gan-28"):  # the last is the newest
        train(found, recipe)
    return found


def of(ws: Workspace, recipe: str) -> str:
    return next(run.id for run in record.list_runs(ws) if run.data["recipe"]["name"] == f"generation/{recipe}")


def made(ws: Workspace, recipe: str, out: Path, **words: Any) -> Generated:
    return generate(ws, of(ws, recipe), out=out, device="cpu", **words)


def test_pictures_bear_the_mark_and_their_lineage(ws: Workspace, tmp_path: Path) -> None:
    found = made(ws, "gan-28", tmp_path, n=3, label="red", seed=7)
    assert found.files == ("gan-28-7-0000.png", "gan-28-7-0001.png", "gan-28-7-0002.png")
    data = (tmp_path / found.files[0]).read_bytes()
    assert is_made(data)
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in data
    told = json.loads(Path(found.lineage).read_text())
    assert [row["label"] for row in told["pictures"]] == ["red"] * 3
    assert len(told["pictures"][0]["nearest"]["sha256"]) == 64
    assert Image.open(found.sheet).size[0] >= 900


def test_a_seed_gives_the_same_bytes_and_another_gives_others(ws: Workspace, tmp_path: Path) -> None:
    one, two, other = (made(ws, "gan-28", tmp_path / name, n=2, seed=s) for name, s in (("a", 1), ("b", 1), ("c", 2)))
    read = [[(Path(each.out) / file).read_bytes() for file in each.files] for each in (one, two, other)]
    assert read[0] == read[1]
    assert read[0][0] != read[2][0]


def test_maps_of_the_test_part_or_of_a_file_become_photos(ws: Workspace, tmp_path: Path) -> None:
    assert len(made(ws, "pix2pix", tmp_path / "a", n=4).files) == 4
    regions = np.zeros((60, 40), np.uint8)
    regions[20:40, 10:30] = 2
    Image.fromarray(regions).save(tmp_path / "map.png")
    found = made(ws, "pix2pix", tmp_path / "b", maps=[tmp_path / "map.png"])
    assert Image.open(tmp_path / "b" / found.files[0]).size == (32, 32)
    Image.fromarray(regions + 9).save(tmp_path / "wrong.png")
    with pytest.raises(UsageError, match="0 background, 1 skin, 2 garment"):
        made(ws, "pix2pix", tmp_path / "c", maps=[tmp_path / "wrong.png"])


def test_a_garment_of_a_file_is_worn_and_marked_as_a_composite(ws: Workspace, tmp_path: Path) -> None:
    rgba = np.zeros((50, 40, 4), np.uint8)
    rgba[5:45, 5:35] = (10, 200, 40, 255)
    Image.fromarray(rgba).save(tmp_path / "green.png")
    found = made(ws, "garment-to-model", tmp_path / "out", n=2, garment=tmp_path / "green.png", region="garment")
    data = (tmp_path / "out" / found.files[0]).read_bytes()
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    shown = np.asarray(Image.open(io.BytesIO(data)))
    assert (shown == (10, 200, 40)).all(-1).sum() > 30
    Image.fromarray(rgba[..., :3]).save(tmp_path / "opaque.png")
    with pytest.raises(UsageError, match="is no cutout"):
        made(ws, "garment-to-model", tmp_path / "out", garment=tmp_path / "opaque.png")
    with pytest.raises(UsageError, match="one of garment"):
        made(ws, "garment-to-model", tmp_path / "out", region="wings")


def test_without_a_file_people_wear_each_others_garments(ws: Workspace, tmp_path: Path) -> None:
    found = made(ws, "garment-to-model", tmp_path, n=2)
    told = json.loads(Path(found.lineage).read_text())["pictures"]
    assert all(row["person"] != row["garment"] for row in told)


def test_wrong_words_say_what_is_right(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="blue, red"):
        made(ws, "gan-28", tmp_path, label="tuxedo")
    with pytest.raises(UsageError, match="1 to 1000"):
        made(ws, "gan-28", tmp_path, n=100_000)
    with pytest.raises(UsageError, match="trained on pairs"):
        made(ws, "pix2pix", tmp_path, label="red")
    with pytest.raises(UsageError, match="--garment for generation/gan-28"):
        made(ws, "gan-28", tmp_path, garment=tmp_path / "x.png")
    with pytest.raises(EmptyError, match="no run 'nothing'"):
        generate(ws, "nothing", out=tmp_path)


def test_a_run_of_another_task_or_cut_short_is_refused(ws: Workspace, tmp_path: Path) -> None:
    other = record.new_run(
        ws, task="tagging", recipe={"name": "tagging/linear"}, snapshot="v1", fingerprint="", taxonomy="", seeds={},
        counts={},
    )  # fmt: skip
    with pytest.raises(UsageError, match="is a tagging run"):
        generate(ws, other.id, out=tmp_path)
    run = record.load(ws, train(ws, "gan-28", seed=77).run)
    data = (run.folder / WEIGHT_FILE).read_bytes()
    (run.folder / WEIGHT_FILE).write_bytes(data[:-100])
    with pytest.raises(TrainingError, match="no whole safetensors file"):
        generate(ws, run.id, out=tmp_path)
    (run.folder / WEIGHT_FILE).write_bytes(data)


def test_the_command_tells_one_line_or_json(ws: Workspace, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command.generate)
    words = [of(ws, "gan-28"), "-w", str(ws.root), "--n", "2", "--out", str(tmp_path), "--json", "--device", "cpu"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert len(json.loads(found.stdout)["files"]) == 2
