"""A verdict becomes a row once, and has its effect on labels and masks."""

from __future__ import annotations

from pathlib import Path

import pytest
from labeling_drawn import drawn_workspace

from dataset.errors import UsageError
from dataset.workspace import Workspace
from labeling.review import Verdict, record


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return drawn_workspace(tmp_path / "ws", 1)


def image(ws: Workspace) -> str:
    return ws.tables.read("images")["sha256"][0].as_py()


def test_a_relabel_is_a_persons_label_and_recording_twice_adds_nothing(ws: Workspace):
    verdicts = [Verdict(image(ws), "relabel", "colour", "blue")]
    assert record(ws, verdicts, reviewer="ana", source="test").new == 1
    assert record(ws, verdicts, reviewer="ana", source="test").new == 0
    label = ws.tables.read("labels", where="source = 'person'").to_pylist()
    assert [(r["field"], r["value"], r["confidence"]) for r in label] == [("colour", "blue", 1.0)]


def test_a_rejected_mask_is_bad_and_stays_so(ws: Workspace):
    for _ in range(2):
        record(ws, [Verdict(image(ws), "reject")], reviewer="ana", source="test")
    masks = ws.tables.read("masks").to_pylist()
    assert {(r["status"], r["reason"]) for r in masks} == {("bad", "rejected")}
    assert ws.tables.read("reviews").num_rows == 1


def test_an_accepted_mask_becomes_a_reviewed_one(ws: Workspace):
    for _ in range(2):
        record(ws, [Verdict(image(ws), "accept")], reviewer="ana", source="test")
    masks = ws.tables.read("masks", where="kind = 'composite'").to_pylist()
    assert {r["source"] for r in masks} == {"cutout", "review"}
    assert len({r["mask_sha256"] for r in masks}) == 1


def test_a_verdict_nobody_knows_is_refused(ws: Workspace):
    with pytest.raises(UsageError, match="no such verdict"):
        record(ws, [Verdict(image(ws), "perhaps")], reviewer="ana", source="test")
