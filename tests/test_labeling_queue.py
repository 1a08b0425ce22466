"""The step `queue`: whom it asks about, by what, and what it refuses. Rows are made here; no picture is needed."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset.errors import DataError, EmptyError, SettingsError, UsageError
from dataset.workspace import Workspace
from labeling.queue import mix_of, queue, write_csv
from labeling.queue_judge import Probabilities
from labeling.queue_masks import queue_masks

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("dress", "hat", "shoes")


def sha(number: int) -> str:
    return f"{number:064x}"


def workspace(root: Path, images: int = 60, split: str | None = "train", vectors: bool = True) -> Workspace:
    """Images whose vectors lie around one of three directions, by their number modulo 3; of them 10 are test images."""
    ws, rng = Workspace.init(root), np.random.default_rng(0)
    ids = range(images)
    parts = {n: "test" if n >= images - 10 and split else split for n in ids}
    ws.tables.append("images", [{"sha256": sha(n), "status": "ok", "sharpness": n / images} for n in ids])
    ws.tables.append("fetches", [fetched(n) for n in ids])
    ws.tables.append(
        "groups", [{"sha256": sha(n), "cluster_id": sha(n), "group_id": sha(n), "split": parts[n]} for n in ids]
    )
    if vectors:
        ws.tables.append("embeddings", [vector(n, rng) for n in ids])
    return ws


def fetched(number: int, status: str = "ok", at: datetime = NOW) -> dict[str, Any]:
    kept = sha(number) if status == "ok" else None
    return {"crawl_id": f"{at:%d}", "store": "shop", "product_id": f"p{number}", "page_url": "p", "status": status,
            "url": f"http://shop/{number}.jpg", "sha256": kept, "fetched_at": at}  # fmt: skip


def vector(number: int, rng: np.random.Generator, encoder: str = "net#1") -> dict[str, Any]:
    found = 4 * np.eye(8)[number % 3] + rng.normal(size=8)
    return {"sha256": sha(number), "encoder": encoder, "vector": found / np.linalg.norm(found), "created_at": NOW}


def label(number: int, value: str, source: str = "person", confidence: float = 1.0) -> dict[str, Any]:
    return {"sha256": sha(number), "field": "type", "value": value, "word": value, "source": source,
            "confidence": confidence, "created_at": NOW}  # fmt: skip


def asked(result: Any) -> list[int]:
    return [int(row["sha256"], 16) for row in result.images]


def test_without_labels_it_asks_for_typical_images_of_the_train_part(tmp_path: Path) -> None:
    result = queue(workspace(tmp_path), about="type", n=3)
    assert {number % 3 for number in asked(result)} == {0, 1, 2}
    assert max(asked(result)) < 50
    assert result.images[0]["reason"] == "typicality"
    assert (result.method, result.pool, result.left_out["other_part"]) == ("cold start", 50, 10)


def test_with_labels_a_committee_asks_and_never_about_what_a_person_answered(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    ws.tables.append("labels", [label(n, TYPES[n % 3]) for n in range(24)])
    result = queue(ws, about="type", n=10)
    assert result.method == "committee on 24 labels"
    assert min(asked(result)) >= 24
    assert all(row["likely"] == TYPES[int(row["sha256"], 16) % 3] for row in result.images)
    assert all(
        0 <= row[name] <= 1 for row in result.images for name in ("score", "uncertainty", "disagreement", "rarity")
    )
    assert asked(queue(ws, about="type", n=10)) == asked(result)


def test_an_accepted_label_is_answered_and_a_rejected_one_is_asked_again(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 14, vectors=False)
    ws.tables.append("labels", [label(n, "dress", "store", 0.9) for n in range(4)])
    verdicts = [(0, "accept"), (1, "reject")]
    ws.tables.append("reviews", [{"review_id": f"r{n}", "sha256": sha(n), "verdict": verdict, "field": "type",
                                  "reviewer": "ana", "created_at": NOW} for n, verdict in verdicts])  # fmt: skip
    result = queue(ws, about="type", n=9)
    assert sorted(asked(result)) == [1, 2, 3]
    again = next(row for row in result.images if int(row["sha256"], 16) == 1)
    assert (again["disagreement"], again["reason"]) == (1.0, "disagreement")
    assert again["why"] == "a person rejected the value it has"


def test_bad_taken_down_refused_and_rejected_images_are_left_out_and_counted(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 16)
    ws.tables.upsert("images", [{"sha256": sha(0), "status": "bad", "reason": "truncated"}])
    ws.tables.append("takedowns", [{"kind": "sha256", "value": sha(1), "reason": "asked", "created_at": NOW}])
    ws.tables.append("fetches", [fetched(2, "refused", NOW.replace(day=2))])
    ws.tables.append("reviews", [{"review_id": "r", "sha256": sha(3), "verdict": "reject", "field": "image",
                                  "reviewer": "ana", "created_at": NOW}])  # fmt: skip
    result = queue(ws, about="type", n=50)
    assert sorted(asked(result)) == [4, 5]
    assert {name: result.left_out[name] for name in ("bad", "removed", "opted_out")} == {
        "bad": 1, "removed": 2, "opted_out": 1}  # fmt: skip


def test_sources_that_contradict_each_other_come_first_but_a_kind_of_it_is_no_contradiction(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 13, vectors=False)
    said = [(0, "dress", "store"), (0, "hat", "model:r1"), (1, "outwear", "store"), (1, "jacket", "model:r1")]
    ws.tables.append("labels", [label(n, value, source, 0.9) for n, value, source in said])
    result = queue(ws, about="type", n=3, mix=mix_of("uncertainty=0,disagreement=100,rarity=0,diversity=0"))
    found = {int(row["sha256"], 16): row for row in result.images}
    assert (found[0]["disagreement"], found[1]["disagreement"]) == (1.0, 0.0)
    assert "store says dress 0.90" in found[0]["why"]
    assert "no embeddings" in result.line()


def test_test_images_are_drawn_at_random_and_it_says_why(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    ws.tables.append("labels", [label(n, TYPES[n % 3]) for n in range(24)])
    result = queue(ws, about="type", n=4, part="test")
    assert min(asked(result)) >= 50
    assert result.method == "random"
    assert "biased" in result.line()


def test_a_run_that_gives_probabilities_is_heard(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 20, vectors=False)
    p = np.tile([0.98, 0.02], (10, 1))
    p[7] = 0.5
    said = Probabilities([sha(n) for n in range(10)], ["dress", "hat"], p, "run r1")
    result = queue(ws, about="type", n=1, probabilities=said, mix=mix_of("uncertainty=100,disagreement=0"))
    assert asked(result) == [7]
    p[7] = 1.0
    with pytest.raises(DataError, match=r"run r1: row 7 sums to 2"):
        queue(ws, about="type", probabilities=said)


def test_near_duplicates_are_asked_about_once_and_a_short_queue_says_so(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 14)
    ws.tables.upsert("groups", [{"sha256": sha(n), "cluster_id": sha(0), "group_id": sha(0), "split": "train"}
                                for n in range(3)])  # fmt: skip
    result = queue(ws, about="type", n=4)
    assert len(asked(result)) == 2
    assert len({0, 1, 2} & set(asked(result))) == 1
    assert "2 fewer than asked" in result.line()


def test_vectors_of_two_encoders_are_never_mixed(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 20)
    rng = np.random.default_rng(1)
    ws.tables.append("embeddings", [vector(n, rng, "other#2") for n in range(5)])
    with pytest.raises(UsageError, match="2 encoders, which can't be mixed"):
        queue(ws, about="type")
    assert queue(ws, about="type", n=9, encoder="oth").left_out["no_vector"] == 5
    with pytest.raises(UsageError, match="no vectors by encoder 'third'"):
        queue(ws, about="type", encoder="third")


@pytest.mark.parametrize("vectors", [[[0.0, 0.0]], [[np.nan, 1.0]]])
def test_a_vector_that_is_none_counts_as_missing(tmp_path: Path, vectors: list[list[float]]) -> None:
    ws = workspace(tmp_path, 12, vectors=False)
    ws.tables.append("embeddings", [{"sha256": sha(0), "encoder": "e", "vector": vectors[0]},
                                    {"sha256": sha(1), "encoder": "e", "vector": [1.0, 0.0]}])  # fmt: skip
    assert asked(queue(ws, about="type", n=5)) == [1]


def test_vectors_of_two_lengths_by_one_encoder_are_refused(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 12, vectors=False)
    ws.tables.append("embeddings", [{"sha256": sha(n), "encoder": "e", "vector": [1.0] * (n + 1)} for n in range(2)])
    with pytest.raises(DataError, match=r"vectors of \[1, 2\] entries"):
        queue(ws, about="type")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"about": "colr"}, "no field 'colr'.*sleeve"), ({"n": 0}, "a queue of 0"), ({"part": "all"}, "no part 'all'")],
)
def test_a_wrong_question_names_what_was_expected(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        queue(workspace(tmp_path, 12), **({"about": "type"} | wrong))


def test_a_workspace_without_images_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EmptyError, match=r"no images at all.*crawl and check"):
        queue(Workspace.init(tmp_path), about="type")


def test_weights_come_as_words_or_yaml_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("uncertainty: 3\ndiversity: 0\n")
    assert (mix_of(str(tmp_path / "w.yaml")).uncertainty, mix_of("rarity=0.25").rarity) == (3, 0.25)
    for wrong in ("rareness=1", "rarity=-1", "rarity=much"):
        with pytest.raises(SettingsError, match="rar"):
            mix_of(wrong)


def test_images_without_a_part_are_asked_about_with_a_warning(tmp_path: Path) -> None:
    assert "run modiste split first" in queue(workspace(tmp_path, 20, split=None), about="type", n=2).line()


def test_the_csv_holds_the_order_and_the_reasons(tmp_path: Path) -> None:
    result = queue(workspace(tmp_path / "w"), about="type", n=3)
    write_csv(result, tmp_path / "next.csv")
    rows = list(csv.DictReader((tmp_path / "next.csv").open()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in result.images]


def test_masks_come_worst_first_without_those_a_person_judged(tmp_path: Path) -> None:
    ws = workspace(tmp_path, 20, vectors=False)
    masks = [{"sha256": sha(n), "kind": "composite", "source": "grabcut", "status": "ok", "quality": n / 20,
              "scores": f'{{"holes": {n / 20}, "islands": 1.0}}', "flags": ["holes"]} for n in range(6)]  # fmt: skip
    ws.tables.append("masks", masks)
    ws.tables.append("masks", [{**masks[1], "source": "review"}])
    ws.tables.append("reviews", [{"review_id": "r", "sha256": sha(0), "verdict": "reject", "field": "mask"}])
    result = queue_masks(ws, n=2)
    assert asked(result) == [2, 3]
    assert result.images[0]["why"] == "holes 0.10; under its threshold: holes"
    assert (result.pool, result.left_out["labelled"]) == (4, 2)
    with pytest.raises(EmptyError, match="label masks"):
        queue_masks(workspace(tmp_path / "none", 12))
