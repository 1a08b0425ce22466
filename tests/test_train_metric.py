"""The learned view: fitted on train, chosen on validation, saved with facts, found by the index by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import train.metric
from dataset.blobs import sha256_of
from dataset.errors import EmptyError, SettingsError, TrainingError, UsageError
from dataset.similar import default_encoder, open_index
from dataset.similar_projection import load_projection, unit
from dataset.snapshot import create_snapshot
from dataset.workspace import Workspace
from train import record
from train.embeddings import EmbedResult
from train.metric import fit, train_similar
from train.metric_judge import judge
from train.metric_recipe import similar_recipe
from train.metric_score import asked, average_precision, intervals
from train.retrain import retrain
from train.weights import read_weights

ENCODER = "made-12#0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Made:
    name, device = ENCODER, "cpu"


def vectors(count: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Three kinds told apart by small differences, drowned by large ones that say nothing of the kind."""
    draw, kind = np.random.default_rng(seed), np.arange(count) % 3
    found = draw.normal(size=(count, 12)) * np.array([0.1] * 3 + [1.0] * 9)
    found[np.arange(count), kind] += 1
    return unit(found.astype(np.float32)), [("dress", "hat", "shoes")[each] for each in kind]


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(train.metric, "load_encoder", lambda *_: Made())
    monkeypatch.setattr(train.metric, "embed", lambda *_, **__: EmbedResult(ENCODER, 0, 0))
    ws = Workspace.init(tmp_path / "w")
    found, kinds = vectors(180)
    names = [sha256_of(str(number).encode()) for number in range(180)]
    parts = ["train"] * 120 + ["validation"] * 30 + ["test"] * 30
    ws.tables.append("images", [{"sha256": name, "status": "ok", "checked_at": NOW} for name in names])
    ws.tables.append("groups", [{"sha256": n, "group_id": n, "split": p} for n, p in zip(names, parts, strict=True)])
    label = {"field": "type", "source": "store", "confidence": 0.9, "created_at": NOW}
    ws.tables.append(
        "labels", [{**label, "sha256": n, "value": k, "word": k} for n, k in zip(names, kinds, strict=True)]
    )
    rows = [{"sha256": n, "encoder": ENCODER, "vector": v.tolist()} for n, v in zip(names, found, strict=True)]
    ws.tables.append("embeddings", rows)
    create_snapshot(ws, "v1")
    return ws


def test_a_trained_view_is_better_than_the_encoder_and_the_index_finds_it(ws: Workspace) -> None:
    result = train_similar(ws, snapshot="v1")
    run = record.load(ws, result.run, task="similar")
    found = run.data["results"]
    assert found["score"] > found["baseline"] + 0.1
    assert default_encoder(ws) == found["encoder"] == f"{ENCODER}+similar#{found['weights'][:16]}"
    index = open_index(ws)
    assert (index.encoder, index.base, len(index)) == (found["encoder"], ENCODER, 180)
    raw = vectors(180)[0][150]
    assert index.search(raw, 1)[0].sha256 == sha256_of(b"150")  # of the base encoder, projected by the index


def test_the_same_recipe_and_rows_are_not_trained_twice(ws: Workspace) -> None:
    first = train_similar(ws, snapshot="v1")
    assert train_similar(ws, snapshot="v1").run == first.run
    again = train_similar(ws, snapshot="v1", again=True)
    weights = [record.load(ws, each).data["results"]["weights"] for each in (first.run, again.run)]
    assert again.run != first.run
    assert weights[0] == weights[1]


def test_the_weight_file_says_what_it_is_and_a_changed_one_is_refused(ws: Workspace) -> None:
    run = record.load(ws, train_similar(ws, snapshot="v1").run)
    path = run.folder / "model.safetensors"
    _, facts = read_weights(path, "similar")
    assert (facts["base"], facts["snapshot"], facts["fingerprint"]) == (ENCODER, "v1", run.data["fingerprint"])
    assert load_projection(path).kind.shape == (12, 2)
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"\x00\x3f")
    with pytest.raises(TrainingError, match="was changed"):
        load_projection(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(TrainingError, match="no whole safetensors"):
        load_projection(path)


def test_a_run_is_judged_on_the_test_part_beside_the_encoder(ws: Workspace) -> None:
    from dataset.snapshot import load_snapshot

    run = record.load(ws, train_similar(ws, snapshot="v1").run)
    rows, detail, _ = judge(ws, run, load_snapshot(ws, "v1"), "test", "cpu", lambda done, total: None)
    assert [row.metric for row in rows] == ["Recall@1", "Recall@5", "Recall@10", "mAP"]
    assert all(row.n == 30 and row.low <= row.value <= row.high for row in rows)
    assert rows[3].value > rows[3].baseline
    assert detail == {"confusions": []}


def test_unmeasured_colours_change_no_direction_and_vectors_of_another_length_are_refused() -> None:
    found, kinds = vectors(60)
    nothing = np.full((60, 48), np.nan, np.float32)
    view = fit(ENCODER, found, nothing, kinds, similar_recipe(), 0.3)
    assert np.linalg.norm(view.apply(found, nothing), axis=1) == pytest.approx(np.ones(60), abs=1e-5)
    assert np.array_equal(view.apply(found), view.apply(found, nothing))
    with pytest.raises(UsageError, match=r"expected \(n, 12\)"):
        view.apply(np.ones((2, 5), np.float32))


def test_own_group_is_left_out_and_a_query_without_likes_is_not_asked() -> None:
    line = np.array([[1, 0], [0.99, 0.1], [0.9, 0.4], [0, 1]], np.float32)
    found = asked(line, ["a", "a", "b", "c"], ["x", "x", "x", "y"])
    assert found.scores.tolist() == [[1, 1, 1, 1]] * 3
    assert asked(line, ["a", "a", "b", "c"], ["x", "x", "y", "x"]).scores[0].tolist() == [0, 1, 1, 0.5]
    assert average_precision(np.array([True, False, True])) == pytest.approx((1 + 2 / 3) / 2)
    assert intervals(found).tolist() == [[1, 1, 1, 1]] * 2


def test_wrong_recipes_and_parts_without_labels_say_what_to_do(ws: Workspace) -> None:
    with pytest.raises(SettingsError, match="similar/linear"):
        train_similar(ws, snapshot="v1", recipe="similar/huge")
    with pytest.raises(SettingsError, match="lok"):
        train_similar(ws, snapshot="v1", overrides={"lok": 1})
    with pytest.raises(EmptyError, match="label tags"):
        train_similar(ws, snapshot="v1", overrides={"field": "sleeve"})


def test_a_recorded_run_trains_again_to_the_same_bits(ws: Workspace) -> None:
    first = train_similar(ws, snapshot="v1")
    again = retrain(ws, first.run)
    assert (again.same_weights, again.old_score) == (True, again.score)
    assert again.run != first.run
