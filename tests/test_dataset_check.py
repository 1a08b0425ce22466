"""The step `check`: rows for good and bad images, once each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import check as module
from dataset.check import check
from dataset.errors import EmptyError
from dataset.workspace import Workspace


def png(seed: int, size: tuple[int, int] = (60, 80)) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size).save(buffer, "PNG")
    return buffer.getvalue()


def fetched(ws: Workspace, *bodies: bytes, status: str = "ok") -> list[str]:
    names = [ws.blobs.put(body) for body in bodies]
    ws.tables.append("fetches", [{"url": f"http://s/{n}", "status": status, "sha256": n} for n in names])
    return names


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws")


def test_a_good_image_gets_facts_hash_and_scores(ws: Workspace):
    body = png(0)
    (name,) = fetched(ws, body)
    assert check(ws).line().startswith("1 images checked")
    (row,) = ws.tables.read("images").to_pylist()
    facts = (row["sha256"], row["status"], row["width"], row["height"], row["format"], row["bytes"], row["has_alpha"])
    assert facts == (name, "ok", 60, 80, "PNG", len(body), False)
    assert len(row["phash"]) == 16
    assert row["aspect"] == pytest.approx(0.75)


def test_a_bad_image_is_a_row_with_its_reason(ws: Workspace):
    fetched(ws, b"<html>no image</html>", png(1)[:200])
    result = check(ws)
    rows = ws.tables.read("images").to_pylist()
    assert {row["status"] for row in rows} == {"bad"}
    assert result.bad == 2
    assert result.reasons["html"] == 1
    assert rows[0]["sharpness"] is None


def test_only_new_images_are_measured(ws: Workspace):
    fetched(ws, png(1), png(2))
    assert check(ws).checked == 2
    fetched(ws, png(2), png(3), status="unchanged")
    assert check(ws).checked == 1
    assert check(ws).line() == "nothing new to check"


def test_a_new_checker_version_measures_again_in_place(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    fetched(ws, png(1))
    check(ws)
    monkeypatch.setattr(module, "CHECKER", "next")
    assert check(ws).checked == 1
    assert ws.tables.read("images", columns=["checker"]).to_pylist() == [{"checker": "next"}]


def test_a_lost_blob_is_counted_and_tried_again(ws: Workspace):
    body = png(4)
    (name,) = fetched(ws, body)
    ws.blobs.delete(name)
    assert (check(ws).unreadable, ws.tables.read("images").num_rows) == (1, 0)
    ws.blobs.put(body)
    assert check(ws).checked == 1


def test_what_was_committed_before_a_stop_is_not_done_again(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_BATCH_ROWS", 2)
    monkeypatch.setattr(module, "_COMMIT_ROWS", 4)
    fetched(ws, *(png(seed) for seed in range(8)))

    def stop(done: int, total: int | None) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(ws, progress=stop)
    assert ws.tables.read("images").num_rows == 4
    assert check(ws).checked == 4


def test_two_workers_write_the_same_rows_as_one(ws: Workspace, tmp_path: Path):
    other = Workspace.init(tmp_path / "other")
    bodies = [png(seed) for seed in range(40)]
    for place, workers in ((ws, 1), (other, 2)):
        fetched(place, *bodies)
        check(place, workers=workers)
    columns = ["sha256", "phash", "sharpness", "view"]
    one, two = (sorted(place.tables.read("images", columns=columns).to_pylist(), key=str) for place in (ws, other))
    assert one == two


def test_nothing_fetched_is_an_error_that_says_what_to_run(ws: Workspace):
    with pytest.raises(EmptyError, match="modiste crawl"):
        check(ws)
