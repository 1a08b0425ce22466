from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset.errors import EmptyError, SnapshotError, UsageError
from dataset.snapshot import create_snapshot, items, load_snapshot
from dataset.workspace import Workspace

A, B = "a" * 64, "b" * 64


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "shop")
    ws.tables.append(
        "products", [{"store": "s", "product_id": "1", "crawl_id": "c", "name": "Wrap dress", "brand": "X"}]
    )
    shown = {"crawl_id": "c", "store": "s", "product_id": "1", "status": "ok"}
    ws.tables.append("fetches", [{**shown, "url": f"http://s/{sha}", "sha256": sha} for sha in (A, B)])
    ws.tables.append("images", [{"sha256": A, "status": "ok", "sharpness": 0.5}, {"sha256": B, "status": "ok"}])
    ws.tables.append("groups", [{"sha256": sha, "group_id": A, "split": "train"} for sha in (A, B)])
    ws.tables.append("labels", [label(A, "dress", "store", 0.9)])
    masks = [
        {"sha256": A, "kind": "composite", "status": "ok", "source": s, "mask_sha256": s} for s in ("grabcut", "cutout")
    ]
    ws.tables.append("masks", masks)
    return ws


def label(sha256: str, value: str, source: str, confidence: float) -> dict[str, object]:
    return {
        "sha256": sha256,
        "field": "type",
        "value": value,
        "word": value,
        "source": source,
        "confidence": confidence,
    }


def test_a_snapshot_reads_the_same_after_the_tables_changed(ws: Workspace) -> None:
    before = create_snapshot(ws, "spring")
    ws.tables.upsert("labels", [label(A, "skirt", "person", 1.0)])
    ws.tables.delete("images", f"sha256 = '{B}'")
    assert load_snapshot(ws, "spring").rows.equals(before.rows)
    assert items(ws)["labels"].to_pylist() == ['{"type": "skirt"}']


def test_the_condition_narrows_the_rows(ws: Workspace) -> None:
    found = create_snapshot(ws, "sharp", where="store = 's' and sharpness > 0.3")
    assert found.rows["sha256"].to_pylist() == [A]


def test_the_best_mask_is_the_annotators_not_grabcuts(ws: Workspace) -> None:
    assert items(ws, f"sha256 = '{A}'")["mask_source"].to_pylist() == ["cutout"]


def test_a_mask_a_person_rejected_is_left_out(ws: Workspace) -> None:
    ws.tables.append("reviews", [{"review_id": "r", "sha256": A, "field": "mask", "verdict": "reject"}])
    assert items(ws, f"sha256 = '{A}'")["mask_sha256"].to_pylist() == [None]


def test_a_persons_word_beats_the_shops(ws: Workspace) -> None:
    ws.tables.append("labels", [label(A, "skirt", "person", 0.5)])
    assert items(ws, f"sha256 = '{A}'")["labels"].to_pylist() == ['{"type": "skirt"}']


@pytest.mark.parametrize(
    ("kind", "value"), [("brand", "X"), ("domain", "s"), ("product", "s|1"), ("url", f"http://s/{A}"), ("sha256", A)]
)
def test_what_was_taken_down_is_in_no_new_snapshot(ws: Workspace, kind: str, value: str) -> None:
    ws.tables.append("takedowns", [{"kind": kind, "value": value}])
    assert A not in items(ws)["sha256"].to_pylist()


def test_the_fingerprint_moves_with_a_label_and_not_with_the_order(ws: Workspace) -> None:
    first = create_snapshot(ws, "one").fingerprint
    ws.tables.append("labels", [label(B, "hat", "store", 0.9)])
    assert create_snapshot(ws, "two").fingerprint != first


def test_an_empty_snapshot_says_why_and_writes_nothing(ws: Workspace) -> None:
    with pytest.raises(EmptyError, match=r"2 usable images, 2 with a split, none of them where store = 'x'"):
        create_snapshot(ws, "none", where="store = 'x'")
    assert list(ws.snapshots.glob("*")) == []


def test_an_empty_workspace_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(EmptyError, match="Next: modiste crawl URL"):
        create_snapshot(Workspace.init(tmp_path), "none")


@pytest.mark.parametrize("where", ["nope > 1", "1 = 1; DROP TABLE images", "1 = 1) OR (1 = 1"])
def test_a_bad_condition_is_named_with_the_columns_there_are(ws: Workspace, where: str) -> None:
    with pytest.raises(UsageError, match=r"--where .*Columns: sha256, store"):
        create_snapshot(ws, "bad", where=where)


def test_a_snapshot_never_changes_under_its_name(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    assert create_snapshot(ws, "one").name == "one"
    ws.tables.append("labels", [label(B, "hat", "store", 0.9)])
    with pytest.raises(SnapshotError, match="choose another name"):
        create_snapshot(ws, "one")


def test_a_file_edited_by_hand_is_caught(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    path = ws.snapshots / "one.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"where": f"sha256 = '{A}'"}))
    with pytest.raises(SnapshotError, match="differs from its seal"):
        load_snapshot(ws, "one")


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden"])
def test_a_name_that_leaves_the_folder_is_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="no snapshot name"):
        create_snapshot(ws, name)
