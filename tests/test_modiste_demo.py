"""The main job, end to end, at its smallest: a drawn shop over real HTTP to two judged models and a report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from dataset.images import decode
from dataset.masks import from_png
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace

MODISTE = [sys.executable, "-P", "-m", "modiste"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "w"
    done = subprocess.run(
        [*MODISTE, "demo", "-w", str(folder), "--products", "14", "--epochs", "4", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["report"] == str(folder / "reports" / "demo.html")
    return folder


def count(shop: Path, sql: str) -> int:
    return int(Workspace.open(shop).tables.query(sql).column(0)[0].as_py())


def test_every_refusal_and_failure_of_the_shop_is_a_row_with_its_reason(shop: Path) -> None:
    sql = "SELECT DISTINCT reason FROM fetches WHERE status <> 'ok'"
    reasons = set(Workspace.open(shop).tables.query(sql)["reason"].to_pylist())
    assert {"http_404", "html", "noai"} <= reasons


def test_what_robots_disallows_was_never_asked_for(shop: Path) -> None:
    assert count(shop, "SELECT count(*) FROM products WHERE url LIKE '%/private/%'") == 0
    assert count(shop, "SELECT count(*) FROM fetches WHERE url LIKE '%/private/%' AND status = 'ok'") == 0


def test_the_bytes_kept_are_the_bytes_drawn(shop: Path) -> None:
    drawn = {path.stem for path in (shop / "shop" / "annotations" / "garment").glob("*.png")}
    kept = set(Workspace.open(shop).tables.read("images")["sha256"].to_pylist())
    assert len(drawn & kept) > 0.6 * len(drawn)


def test_every_mask_is_a_partition_of_its_own_image(shop: Path) -> None:
    ws = Workspace.open(shop)
    rows = load_snapshot(ws, "demo").rows.to_pylist()
    masked = [row for row in rows if row["mask_sha256"]][:12]
    assert len(masked) == 12
    for row in masked:
        photo = decode(ws.blobs.get(row["sha256"])).rgb
        assert from_png(ws.blobs.get(row["mask_sha256"])).shape == photo.shape


def test_no_group_stands_on_two_sides_of_the_split(shop: Path) -> None:
    sql = "SELECT count(*) FROM (SELECT group_id FROM groups GROUP BY group_id HAVING count(DISTINCT split) > 1)"
    assert count(shop, sql) == 0
    assert count(shop, "SELECT count(DISTINCT split) FROM groups") == 3


def test_both_models_are_judged_with_n_interval_and_baseline(shop: Path) -> None:
    judged = {}
    for path in (shop / "runs").glob("*/evaluation.json"):
        judged[json.loads((path.parent / "run.json").read_text())["task"]] = json.loads(path.read_text())["rows"]
    assert set(judged) == {"segmentation", "tagging"}
    for rows in judged.values():
        row = next(row for row in rows if row["part"] == "test" and row.get("baseline") is not None)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["n"] >= 1
        assert row["baseline_name"]


def test_the_weight_carries_its_recipe_and_the_fingerprint_of_its_data(shop: Path) -> None:
    from safetensors import safe_open

    fingerprint = load_snapshot(Workspace.open(shop), "demo").fingerprint
    weights = list((shop / "runs").glob("*/model.safetensors"))
    assert len(weights) == 2
    for path in weights:
        with safe_open(path, framework="numpy") as file:
            assert fingerprint in json.dumps(file.metadata())


def test_cutouts_have_their_photos_own_size(shop: Path) -> None:
    cutouts = sorted((shop / "cutouts").glob("*.png"))
    assert cutouts
    for path in cutouts:
        photo = next((shop / "samples").glob(f"{path.stem}.*"))
        with Image.open(path) as cutout, Image.open(photo) as original:
            assert (cutout.size, cutout.mode) == (original.size, "RGBA")


def test_the_report_is_one_page_that_loads_nothing_from_elsewhere(shop: Path) -> None:
    page = (shop / "reports" / "demo.html").read_text()
    assert "answered 404 (not found)" in page
    assert '<script src="http' not in page
    assert '<link rel="stylesheet" href="http' not in page


def test_a_step_run_again_does_nothing_new(shop: Path) -> None:
    for words in (["check"], ["label", "masks", "--cutouts", str(shop / "shop" / "annotations")], ["snapshot", "demo"]):
        before = Workspace.open(shop).tables.versions()
        done = subprocess.run([*MODISTE, *words, "-w", str(shop)], capture_output=True, text=True, check=False)
        assert (done.returncode, Workspace.open(shop).tables.versions()) == (0, before), done.stderr


def test_lineage_walks_from_an_image_to_its_page_and_to_the_runs(shop: Path) -> None:
    sha256 = load_snapshot(Workspace.open(shop), "demo").rows["sha256"][0].as_py()
    done = subprocess.run([*MODISTE, "lineage", sha256, "-w", str(shop)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "http://127.0.0.1" in done.stdout
    assert "tagging" in done.stdout


def hear_ctrl_c() -> None:
    """A suite that was started in the background has SIGINT ignored, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_a_serving_demo_at_once(tmp_path: Path) -> None:
    words = ["demo", "-w", str(tmp_path), "--products", "6", "--serve"]
    child = subprocess.Popen(
        [*MODISTE, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=hear_ctrl_c,
    )
    assert child.stdout is not None
    line = next(line for line in child.stdout if line.startswith("serving"))
    with urllib.request.urlopen(line.split()[1] + "/robots.txt", timeout=10) as answer:
        assert b"Disallow: /private/" in answer.read()
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=20) == 0
