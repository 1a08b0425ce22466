"""A field of several values the whole way: a shop's words, a snapshot, a tagger, its tags, an export and an import."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dataset.exporters.run import export
from dataset.importers.run import import_data
from dataset.snapshot import Snapshot, create_snapshot, items, load_snapshot
from dataset.workspace import Workspace
from labeling.tagging import label_tags
from modiste.cli.main import app
from train import record
from train.evaluate import evaluate
from train.judge_again import judge_again
from train.judge_tagging import figures_of, rights_of_one
from train.metric import class_of
from train.tagging import train_tagging
from train.tagging_heads import UNSEEN, target_matrix

PARTS = ["train"] * 18 + ["validation"] * 9 + ["test"] * 9
WORDS = ("Cotton", "Elastane", "Cotton, elastane")  # of which the taxonomy calls elastane synthetic
BOTH = ["cotton", "synthetic"]


def photo(number: int) -> np.ndarray:
    """(96, 96, 3) uint8: a red band for cotton, a blue one for elastane, on a noisy grey ground."""
    draw, kind = np.random.default_rng(number), number % 3
    rgb = np.full((96, 96, 3), 128) + draw.integers(-10, 10, (96, 96, 3))
    if kind != 1:
        rgb[8:44] = (210, 30, 30)
    if kind != 0:
        rgb[52:88] = (30, 40, 210)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def shop(root: Path) -> Workspace:
    """Products whose titles name one material or two, each with a photo in its part."""
    ws, now = Workspace.init(root), datetime(2026, 1, 1, tzinfo=UTC)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("products", "fetches", "images", "groups")}
    for number, part in enumerate(PARTS):
        path = root / "photo.png"
        Image.fromarray(photo(number)).save(path)
        sha, known = ws.blobs.put(path.read_bytes()), {"crawl_id": "c", "store": "drawn", "product_id": f"p{number}"}
        rows["products"].append(
            known | {"url": f"http://d/{number}", "name": f"Top in {WORDS[number % 3]}", "fetched_at": now}
        )
        rows["fetches"].append(known | {"page_url": "p", "url": f"u{number}", "status": "ok", "sha256": sha,
                                        "fetched_at": now})  # fmt: skip
        rows["images"].append({"sha256": sha, "status": "ok", "width": 96, "height": 96, "format": "PNG"})
        rows["groups"].append({"sha256": sha, "group_id": sha, "cluster_id": sha, "split": part, "split_rule": "{}"})
    for name, found in rows.items():
        ws.tables.append(name, found)
    return ws


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    ws = shop(tmp_path_factory.mktemp("several") / "ws")
    label_tags(ws)
    create_snapshot(ws, "v1")
    small = {"side": 64, "workers": 0}
    result = train_tagging(ws, snapshot="v1", recipe="linear", field="material", overrides=small, device="cpu")
    return ws, result.run


def materials(ws: Workspace) -> dict[str, Any]:
    rows = items(ws).select(["sha256", "labels"]).to_pylist()
    return {row["sha256"]: json.loads(row["labels"]).get("material") for row in rows}


def test_a_shops_two_materials_are_two_rows_and_one_list(trained: tuple[Workspace, str]) -> None:
    found = list(materials(trained[0]).values())
    assert (found.count("cotton"), found.count("synthetic"), found.count(BOTH)) == (12, 12, 12)


def test_training_and_evaluation_see_several_words(trained: tuple[Workspace, str]) -> None:
    ws, run = trained
    assert record.load(ws, run).data["results"]["score_name"] == "validation mean average precision"
    judged = evaluate(ws, run=run)
    figures = {row.metric: row.value for row in judged.rows}
    assert figures["material mAP"] == 1.0
    assert figures["material micro F1 at 0.5"] > 0.8


def test_a_model_judged_again_counts_the_same_photos_right(trained: tuple[Workspace, str]) -> None:
    ws, run = trained
    evaluate(ws, run=run)
    before = record.load(ws, run).evaluation["detail"]["material"]["per_photo"]
    again = judge_again(ws, record.load(ws, run), load_snapshot(ws, "v1"), "test")
    assert {row["sha256"]: row["right"] for row in before} == {
        sha: int(each[0, 2]) for sha, each in again.counts.items()
    }


def test_modiste_tag_says_both_words_of_a_photo_of_both(trained: tuple[Workspace, str], tmp_path: Path) -> None:
    ws, run = trained
    for number in (33, 34, 35):
        Image.fromarray(photo(number)).save(tmp_path / f"{number}.png")
    asked = ["tag", str(tmp_path), "--run", run, "-w", str(ws.root), "--json"]
    said = json.loads(CliRunner().invoke(app, asked).stdout)
    assert [sorted(each["tags"]["material"]["labels"]) for each in said] == [["cotton"], ["synthetic"], BOTH]


def test_the_labels_come_back_from_an_export_as_they_went(trained: tuple[Workspace, str], tmp_path: Path) -> None:
    ws, _ = trained
    export(ws, "coco", "v1", tmp_path / "out", masks="none")
    other = Workspace.init(tmp_path / "other")
    import_data(other, "coco", tmp_path / "out")
    for name in ("images", "groups"):
        other.tables.append(name, ws.tables.read(name))
    assert materials(other) == materials(ws)


def test_a_run_shows_all_words_over_a_multi_heads_floor_and_one_of_an_exclusive_head() -> None:
    from modiste.curation_predictions import _said

    chances = np.array([0.6, 0.1, 0.9], np.float32)
    many = _said(["silk", "wool", "cotton"], chances, 0.5)
    assert (many.value, many.confidence, many.logits) == ("cotton, silk", pytest.approx(0.6), None)
    assert _said(["silk", "wool", "cotton"], chances, 0.95).value == "cotton"
    one = _said(["silk", "wool", "cotton"], chances, None)
    assert (one.value, len(one.logits or [])) == ("cotton", 3)


ROWS: list[dict[str, Any]] = [
    {"sha256": "a", "split": "test", "labels": {"material": ["silk", "wool"]}},
    {"sha256": "b", "split": "test", "labels": {"material": ["jute", "wool"]}},
    {"sha256": "c", "split": "test", "labels": {"material": "hemp"}},
]
CHANCES = np.array([[0.2, 0.8], [0.9, 0.1], [0.6, 0.4]], np.float32)


def test_a_head_that_knew_one_value_a_photo_is_right_with_any_of_several() -> None:
    values = ["silk", "wool"]
    assert rights_of_one("material", values, ROWS, CHANCES).tolist() == [True, False, False]
    figures, detail = figures_of("material", values, ROWS, CHANCES, "test", 1)
    assert (figures[0].value, figures[0].baseline) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert detail["values"] == ["silk", "wool", "unseen"]
    assert detail["matrix"] == [[0, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert target_matrix(ROWS, {"material": values}).tolist() == [[0], [1], [UNSEEN]]


def test_similar_products_classes_and_a_flows_majority_read_lists() -> None:
    import pyarrow as pa

    from train.flow_evaluate import frequent, labelled

    assert [class_of(row, "material") for row in ROWS] == ["silk & wool", "jute & wool", "hemp"]
    rows = pa.Table.from_pylist([row | {"labels": json.dumps(row["labels"]), "split": "train"} for row in ROWS])
    frozen = Snapshot("s", "f", rows, {})
    assert frequent(frozen, {"material"}) == {"material": "wool"}
    assert labelled(frozen, "train", {"material"})[0] == ("a", {"material": ["silk", "wool"]})
