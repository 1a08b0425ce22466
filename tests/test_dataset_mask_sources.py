"""Of several masks of one image the newest of the best source is taken, in snapshots, reviews and curation alike."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset.mask_sources import RANKS, stands
from dataset.snapshot import create_snapshot, items, load_snapshot
from dataset.workspace import Workspace
from labeling.curation_rows import _masks
from labeling.review import Verdict, overrule, record

A = "a" * 64
START = datetime(2026, 5, 1, tzinfo=UTC)
OLD, NEW = "model:20260501-segmentation-fast", "model:20260401-segmentation-strong"  # whose id sorts the other way


def mask(source: str, day: int | None, **changes: Any) -> dict[str, Any]:
    blob = f"{RANKS.index(source) if source in RANKS else 90 + len(source):02d}{day or 0:02d}" * 16
    at = START + timedelta(days=day) if day is not None else None
    return {"sha256": A, "kind": "composite", "source": source, "status": "ok", "mask_sha256": blob, "method": "{}",
            "scores": "{}", "flags": [], "quality": 0.9, "created_at": at} | changes  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "shop")
    ws.tables.append("images", [{"sha256": A, "status": "ok"}])
    ws.tables.append("groups", [{"sha256": A, "group_id": A, "split": "train"}])
    return ws


def taken(ws: Workspace) -> str | None:
    return items(ws)["mask_source"][0].as_py()


def test_the_newest_run_is_taken_whatever_its_id(ws: Workspace) -> None:
    ws.tables.append("masks", [mask(OLD, 1), mask(NEW, 2), mask("grabcut:combined", 3)])
    assert taken(ws) == NEW
    assert _masks(ws, {A})[0][A]["source"] == NEW
    assert _masks(ws, {A})[1][A]["source"] == NEW  # of the runs' predictions too


def test_sql_and_python_agree_about_every_source_and_time(ws: Workspace) -> None:
    sources = [*RANKS, "import:coco", "import:atr", OLD, NEW, "grabcut:unknown", "elsewhere", "review:old"]
    rows = [mask(source, day) for source, day in zip(sources, [1, None, 3] * 6, strict=True)]
    random.Random(0).shuffle(rows)
    ws.tables.append("masks", rows)
    order = []
    while rows:
        best = min(rows, key=stands)
        rows.remove(best)
        order.append(best["source"])
        assert taken(ws) == best["source"], order
        ws.tables.upsert("masks", [best | {"status": "bad"}])


def test_what_a_person_accepted_stands_before_a_newer_run(ws: Workspace) -> None:
    ws.tables.append("masks", [mask(OLD, 1)])
    record(ws, [Verdict(A, "accept")], reviewer="ana", source="test")
    late = (datetime.now(UTC) - START).days + 30
    ws.tables.append("masks", [mask(NEW, late)])
    assert taken(ws) == "review"
    assert items(ws)["mask_sha256"][0].as_py() == mask(OLD, 1)["mask_sha256"]


def test_a_rejected_mask_is_not_replaced_by_a_newer_run_until_somebody_accepts_that(ws: Workspace) -> None:
    ws.tables.append("masks", [mask(OLD, 1)])
    record(ws, [Verdict(A, "reject")], reviewer="ana", source="test")
    late = (datetime.now(UTC) - START).days + 30
    ws.tables.append("masks", [mask(NEW, late)])
    assert taken(ws) is None
    assert record(ws, [Verdict(A, "accept")], reviewer="ana", source="test").new == 1
    assert items(ws)["mask_sha256"][0].as_py() == mask(NEW, late)["mask_sha256"]


def test_who_accepts_after_a_reject_means_the_mask_that_is_shown_then(ws: Workspace) -> None:
    ws.tables.append("masks", [mask(OLD, 1), mask(NEW, 2)])
    record(ws, [Verdict(A, "reject")], reviewer="ana", source="test")
    assert _masks(ws, {A})[0][A]["source"] == OLD
    record(ws, [Verdict(A, "accept")], reviewer="ana", source="test")
    assert items(ws)["mask_sha256"][0].as_py() == mask(OLD, 1)["mask_sha256"]


def test_a_mask_rebuilt_by_an_older_kind_is_shown_and_what_stood_before_it_rejected(ws: Workspace) -> None:
    ws.tables.append("masks", [mask("cutout", 1), mask(OLD, 2), mask(NEW, 3)])
    assert overrule(ws, {A: OLD}, reviewer="ana", source="test") == 1
    left = {row["source"] for row in ws.tables.read("masks", where="status = 'ok'").to_pylist()}
    assert left == {OLD}


def test_a_frozen_snapshot_keeps_its_mask_when_a_newer_run_comes(ws: Workspace) -> None:
    ws.tables.append("masks", [mask(OLD, 1)])
    frozen = create_snapshot(ws, "before")
    ws.tables.append("masks", [mask(NEW, 2)])
    again = load_snapshot(ws, "before")
    assert again.fingerprint == frozen.fingerprint
    assert again.rows["mask_source"].to_pylist() == [OLD]
    assert create_snapshot(ws, "after").rows["mask_source"].to_pylist() == [NEW]
