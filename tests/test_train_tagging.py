"""The tagging path on drawn scenes, and the arithmetic of its head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_train_data import drawn_workspace, scene

from dataset.errors import EmptyError, TrainingError
from dataset.progress import silent
from dataset.workspace import Workspace
from train import record
from train.evaluate import evaluate
from train.predict import load_tagger
from train.runs import RunResult
from train.tagging import Work, _fit_frozen, train_tagging
from train.tagging_heads import MISSING, UNSEEN, target_matrix, temperature_of
from train.tagging_linear import fit_logistic

PARTS = {"train": 16, "validation": 6, "test": 6}


def train(ws: Workspace, recipe: str = "linear", **overrides: Any) -> RunResult:
    progress = overrides.pop("progress", silent)
    small = {"side": 64, "workers": 0, **overrides}
    return train_tagging(
        ws, snapshot="v1", recipe=recipe, field="colour", overrides=small, device="cpu", progress=progress
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunResult]:
    ws = drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)
    return ws, train(ws)


def test_a_linear_tagger_tells_red_from_blue(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    judged = evaluate(ws, run=result.run)
    accuracy = judged.rows[0]
    assert (accuracy.metric, accuracy.value, accuracy.n, accuracy.baseline) == ("colour accuracy", 1.0, 6, 0.5)
    assert judged.confusions[0]["matrix"] == [[3, 0], [0, 3]]


def test_one_photo_gets_the_tag_that_the_batch_gave(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    tagger = load_tagger(ws.runs / result.run)
    word, confidence = tagger.tags(scene(40)[0])["colour"]
    assert word == "red"
    assert 0.5 < confidence <= 1


def test_features_are_kept_as_unit_vectors_and_computed_once(trained: tuple[Workspace, RunResult]) -> None:
    ws, _ = trained
    kept = ws.tables.read("embeddings")
    assert np.allclose([np.linalg.norm(vector) for vector in kept["vector"].to_pylist()], 1, atol=1e-5)
    before = ws.tables.version("embeddings")
    train(ws, strengths=[2.0])
    assert ws.tables.version("embeddings") == before


def test_a_weight_of_another_taxonomy_is_refused(trained: tuple[Workspace, RunResult]) -> None:
    ws, result = trained
    with pytest.raises(TrainingError, match="clothing@1#abc"):
        load_tagger(ws.runs / result.run, taxonomy="clothing@2#def")


def test_fine_tuning_writes_a_weight_that_loads(tmp_path: Path) -> None:
    ws = drawn_workspace(tmp_path, PARTS)
    plain = {"warm_start": False, "backbone_rate": 1.0, "train_side": None, "crop": 1.0, "mixup": 0.0, "erase": 0.0}
    fresh = {"backbone": "test_convnext", "weights": "none", "dropout": 0.0, "smoothing": 0.0, "ema": 0.0}
    result = train(ws, "fast", epochs=10, batch=4, **plain, **fresh)
    assert result.score > 0.8
    assert set(load_tagger(ws.runs / result.run).tags(scene(1)[0])) == {"colour"}
    assert record.load(ws, result.run).data["results"]["best_epoch"] >= 1


def test_a_warm_fine_tuning_that_is_killed_goes_on_without_fitting_its_heads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"backbone": "test_convnext", "weights": "none", "ema": 0.0, "train_side": None, "epochs": 3, "batch": 4}
    whole, broken = (drawn_workspace(tmp_path / name, PARTS) for name in ("whole", "broken"))
    fits: list[Work] = []
    monkeypatch.setattr("train.tagging._fit_frozen", lambda work: (fits.append(work), _fit_frozen(work))[1])

    def kill(done: int, total: int | None) -> None:
        if total is not None and total < 20 and done == 6:  # a step in the second epoch, not a photo embedded
            raise RuntimeError("killed")

    expected = train(whole, "fast", **small)
    with pytest.raises(RuntimeError, match="killed"):
        train(broken, "fast", progress=kill, **small)
    resumed = train(broken, "fast", **small)
    assert (len(fits), resumed.epochs) == (2, 3)
    weights = [record.load(ws, r.run).data["results"]["weights"] for ws, r in ((whole, expected), (broken, resumed))]
    assert weights[0] == weights[1]


def test_a_field_without_labels_is_an_error(trained: tuple[Workspace, RunResult]) -> None:
    with pytest.raises(EmptyError, match="length"):
        train_tagging(trained[0], snapshot="v1", field="length")


def test_rows_without_a_label_are_left_out_of_their_head_only() -> None:
    rows: list[dict[str, Any]] = [
        {"labels": {"type": "hat"}},
        {"labels": {"colour": "red"}},
        {"labels": {"type": "cape"}},
    ]
    assert target_matrix(rows, {"type": ["dress", "hat"], "colour": ["red"]}).tolist() == [
        [1, -1],
        [-1, 0],
        [UNSEEN, MISSING],
    ]


def test_logistic_weights_work_on_features_as_they_are() -> None:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, 90)
    x = (np.eye(3)[y] * 4 + draw.normal(size=(90, 3)) + 50).astype(np.float32)
    y[:5] = -1
    weight, bias, tried = fit_logistic(x, y, x, y, [1.0, 100.0], 0)
    assert float(np.mean((x @ weight.T + bias).argmax(1)[5:] == y[5:])) == pytest.approx(
        max(score for _, score in tried)
    )


def test_temperature_cools_a_model_that_is_too_sure() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 400)
    said = np.where(draw.random(400) < 0.75, truth, 1 - truth)
    logits = (np.eye(2)[said] * 8).astype(np.float32)
    assert temperature_of(logits, truth) == pytest.approx(8 / np.log(3), rel=0.15)


def test_a_value_training_never_saw_is_a_mistake_and_a_missing_label_is_left_out() -> None:
    rows = [{"labels": {"type": "dress"}}, {"labels": {"type": "kilt"}}, {"labels": {}}]
    assert target_matrix(rows, {"type": ["coat", "dress"]}).tolist() == [[1], [UNSEEN], [MISSING]]
    logits = np.array([[0.0, 2.0], [1.0, 0.0], [3.0, 0.0]], np.float32)
    assert temperature_of(logits, np.array([1, UNSEEN, MISSING])) < 1  # only the first has a truth to be sure of
