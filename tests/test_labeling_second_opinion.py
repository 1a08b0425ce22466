"""Where two methods disagree about an image, both masks say so, and the review queue asks about it first."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from labeling_drawn import checked_workspace, drawn_cutouts, masks

from dataset.masks import compose, to_png
from dataset.workspace import Workspace
from labeling.masks import label_masks
from labeling.queue_masks import queue_masks
from labeling.review import Verdict, record

PERSON, DRESS = masks()


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Three images; a run drew the first's dress at half its height, the second's and the third's well."""
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "cache"))
    ws = checked_workspace(tmp_path / "ws", 3)
    ws.tables.append(
        "groups", [{"sha256": name, "group_id": name, "cluster_id": name, "split": "train"} for name in names(ws)]
    )
    half = DRESS & (np.arange(300)[:, None] < 150)
    ws.tables.append("masks", [drawn(ws, n, half if n == 0 else DRESS) for n in range(3)])
    return ws


def names(ws: Workspace) -> list[str]:
    """sha256s in the order of the cutouts' numbers."""
    rows = ws.tables.read("fetches", ["sha256", "url"]).to_pylist()
    return [row["sha256"] for row in sorted(rows, key=lambda row: row["url"])]


def drawn(ws: Workspace, number: int, dress: np.ndarray, source: str = "model:run-1") -> dict:
    blob = ws.blobs.put(to_png(compose(PERSON, dress)))
    told = {"quality": 0.99, "scores": '{"holes": 0.99}', "flags": ["weak"], "created_at": datetime.now(UTC)}
    where = {"sha256": names(ws)[number], "kind": "composite", "source": source}
    return where | {"status": "ok", "mask_sha256": blob} | told


def of(ws: Workspace, number: int, source: str) -> dict:
    where = f"sha256 = '{names(ws)[number]}' AND source = '{source}' AND kind = 'composite'"
    return ws.tables.read("masks", where=where).to_pylist()[0]


def said(ws: Workspace, number: int, source: str) -> float | None:
    return json.loads(of(ws, number, source)["scores"]).get("disagreement")


def test_a_planted_disagreement_is_asked_about_first(ws: Workspace, tmp_path: Path) -> None:
    label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(3)))
    first, second, *_ = queue_masks(ws, n=3).images
    assert (first["sha256"], first["reason"], first["source"]) == (names(ws)[0], "disagreement", "cutout")
    assert "under its threshold: disagreement" in first["why"]
    assert second["quality"] > 0.9 > 0.6 > first["quality"] > 0.3


def test_both_masks_bear_the_score_and_keep_their_other_flags(ws: Workspace, tmp_path: Path) -> None:
    label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(1)))
    assert said(ws, 0, "cutout") == said(ws, 0, "model:run-1")
    old = of(ws, 0, "model:run-1")
    assert old["flags"] == ["disagreement", "weak"]
    assert old["quality"] == pytest.approx(said(ws, 0, "cutout"))


def test_nothing_is_judged_by_a_guess_from_the_rectangle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "cache"))
    ws = checked_workspace(tmp_path / "ws", 1)
    label_masks(ws, prior="rectangle")
    label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(1)))
    assert said(ws, 0, "cutout") is None
    assert said(ws, 0, "grabcut:rectangle") is None


def test_what_a_person_accepted_keeps_its_scores(ws: Workspace, tmp_path: Path) -> None:
    record(ws, [Verdict(names(ws)[0], "accept")], reviewer="ana", source="test")
    label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(1)))
    assert said(ws, 0, "review") is None
    assert of(ws, 0, "cutout")["quality"] < 0.8  # the cutout is judged by what the person accepted


def test_a_second_opinion_whose_blob_is_gone_stops_nothing(ws: Workspace, tmp_path: Path) -> None:
    Path(ws.blobs.path(of(ws, 0, "model:run-1")["mask_sha256"])).unlink()
    assert label_masks(ws, cutouts=drawn_cutouts(tmp_path / "cut", range(1))).cutout == 1
    assert said(ws, 0, "cutout") is None
