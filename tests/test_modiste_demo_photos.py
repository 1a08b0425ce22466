"""The main job on a few real photographs, where they are at hand: street's label maps play the annotator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.blobs import sha256_of
from dataset.masks import GARMENT, SKIN, from_png, to_index
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace

ROOT = Path(__file__).parent.parent
PHOTOS = Path(os.environ.get("MODISTE_DATA") or ROOT.parent / "shared" / "data")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not (PHOTOS / "street").is_dir(), reason=f"no real photographs in {PHOTOS} (set MODISTE_DATA)"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "w"
    words = ["demo", "--photos", str(PHOTOS), "--limit", "90", "--recipe", "segmentation/tiny", "--epochs", "3"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "modiste", *words, "-w", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return folder


def test_a_mask_made_from_cutouts_is_the_label_map_it_was_cut_by(shop: Path) -> None:
    ws = Workspace.open(shop)
    labels = {sha256_of(path.read_bytes()): path.stem for path in (PHOTOS / "street" / "photos").glob("*.jpg")}
    rows = [row for row in load_snapshot(ws, "demo").rows.to_pylist() if row["mask_sha256"]]
    assert len(rows) >= 30
    for row in rows[:10]:
        person = np.asarray(Image.open(PHOTOS / "street" / "labels" / f"{labels[row['sha256']]}.png")) > 0
        found = np.isin(to_index(from_png(ws.blobs.get(row["mask_sha256"]))), (SKIN, GARMENT))
        assert np.logical_and(person, found).sum() / np.logical_or(person, found).sum() > 0.99


def test_the_data_sets_own_split_is_kept(shop: Path) -> None:
    ws = Workspace.open(shop)
    numbers = {sha256_of(path.read_bytes()): int(path.stem) for path in (PHOTOS / "street" / "photos").glob("*.jpg")}
    rows = [row for row in load_snapshot(ws, "demo").rows.to_pylist() if row["sha256"] in numbers]
    parts = {0: "test", 1: "validation"}
    wrong = [row for row in rows if row["split"] != parts.get(numbers[row["sha256"]] % 5, "train")]
    assert len(wrong) <= 2  # a near-duplicate may be moved to hold its group together


def test_both_models_beat_the_trivial_answer_on_real_photographs(shop: Path) -> None:
    for path in (shop / "runs").glob("*/evaluation.json"):
        first = json.loads(path.read_text())["rows"][0]
        assert first["value"] > first["baseline"], first
