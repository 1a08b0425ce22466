"""What people said of a field's label decides whether a snapshot takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataset.snapshot import items
from dataset.workspace import Workspace

A, B = "a" * 64, "b" * 64
START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "shop")
    ws.tables.append("images", [{"sha256": sha256, "status": "ok"} for sha256 in (A, B)])
    ws.tables.append("labels", [label(sha256, "red", "store") for sha256 in (A, B)])
    return ws


def label(sha256: str, value: str, source: str, day: int = 0) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"sha256": sha256, "field": "colour", "value": value, "word": value, "source": source, "confidence": 0.9,
            "created_at": at}  # fmt: skip


def review(ws: Workspace, verdict: str, day: int, field: str = "colour") -> None:
    at = START + timedelta(days=day)
    row = {"review_id": f"{verdict}-{field}-{day}", "sha256": A, "field": field, "verdict": verdict, "created_at": at}
    ws.tables.append("reviews", [row])


def labels(ws: Workspace) -> dict[str, str]:
    found = items(ws)
    return dict(zip(found["sha256"].to_pylist(), found["labels"].to_pylist(), strict=True))


def test_a_label_that_a_person_rejected_is_left_out_of_that_image_only(ws: Workspace) -> None:
    review(ws, "reject", 1)
    assert labels(ws) == {A: "{}", B: '{"colour": "red"}'}


def test_a_reject_of_one_field_says_nothing_of_another(ws: Workspace) -> None:
    review(ws, "reject", 1, field="type")
    assert labels(ws)[A] == '{"colour": "red"}'


def test_a_later_accept_clears_the_reject(ws: Workspace) -> None:
    review(ws, "reject", 1)
    review(ws, "accept", 2)
    assert labels(ws)[A] == '{"colour": "red"}'


def test_a_later_relabel_clears_the_reject_and_its_word_counts(ws: Workspace) -> None:
    review(ws, "reject", 1)
    review(ws, "relabel", 2)
    ws.tables.append("labels", [label(A, "blue", "person", 2)])
    assert labels(ws)[A] == '{"colour": "blue"}'


def test_a_persons_own_word_is_taken_back_by_a_later_reject(ws: Workspace) -> None:
    review(ws, "relabel", 1)
    ws.tables.append("labels", [label(A, "blue", "person", 1)])
    review(ws, "reject", 2)
    assert labels(ws)[A] == "{}"


def test_a_persons_word_since_the_reject_counts_without_a_review(ws: Workspace) -> None:
    review(ws, "reject", 1)
    ws.tables.append("labels", [label(A, "blue", "person", 2)])
    assert labels(ws)[A] == '{"colour": "blue"}'
