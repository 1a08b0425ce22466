"""Take-downs: everything made from a thing is found, and nothing of it is left."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dataset.errors import SnapshotError, UsageError
from dataset.exporters.run import export
from dataset.marks import MARK_FILE, marks
from dataset.snapshot import create_snapshot, items, load_snapshot
from dataset.takedown import takedown
from dataset.tombstones import Tombstones
from dataset.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP, OTHER = "https://shop.example", "https://other.example"


def drawn(number: int) -> bytes:
    """A PNG that no other number gives."""
    pixels = np.random.default_rng(number).integers(0, 255, (24, 16, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def rows_of(ws: Workspace, number: int, store: str, product: str, brand: str) -> dict[str, dict[str, object]]:
    """One product page with one image, its label, mask and group, as a row of each table; keeps their blobs."""
    sha256 = ws.blobs.put(drawn(number))
    base = SHOP if store == "shop.example" else OTHER
    page, url = f"{base}/p/{product}", f"{base}/img/{number}.png"
    html = f'<html><img src="/img/{number}.png"><h1>{product}</h1></html>'.encode()
    page_sha256 = ws.blobs.put(zlib.compress(html))
    seen = {"crawl_id": "c1", "store": store, "fetched_at": NOW}
    name = {"product_id": product, "url": page, "brand": brand, "image_urls": [url], "page_sha256": page_sha256}
    shown = {"product_id": product, "page_url": page, "url": url, "final_url": url, "position": 0}
    facts = {"status": "ok", "width": 16, "height": 24, "format": "PNG", "view": "scene", "sharpness": 0.5}
    mask = {"sha256": sha256, "kind": "composite", "source": "cutout", "status": "ok", "width": 16, "height": 24}
    return {
        "products": seen | name,
        "pages": seen | {"url": page, "kind": "leaf", "status": "ok", "sha256": page_sha256},
        "fetches": seen | shown | {"status": "ok", "sha256": sha256, "source": "crawl"},
        "images": {"sha256": sha256, **facts},
        "groups": {"sha256": sha256, "store": store, "group_id": sha256, "cluster_id": sha256, "split": "train"},
        "labels": {"sha256": sha256, "field": "type", "value": "dress", "word": "dress", "source": "store"},
        "masks": mask | {"mask_sha256": ws.blobs.put(drawn_mask(number))},
        "embeddings": {"sha256": sha256, "encoder": "e", "vector": [1.0]},
        "reviews": {"review_id": sha256[:8], "sha256": sha256, "verdict": "accept", "field": "type"},
    }


def drawn_mask(number: int) -> bytes:
    mask = Image.new("RGB", (16, 24), (255, 0, 0))
    mask.putpixel((number % 16, 3), (0, 0, 255))
    sink = io.BytesIO()
    mask.save(sink, "PNG")
    return sink.getvalue()


def make_run(ws: Workspace, name: str, snapshot: str, recipe: dict[str, object] | None = None) -> Path:
    folder = ws.runs / name
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "worst.png").write_bytes(drawn(1))
    told = {"id": name, "task": "tagging", "snapshot": snapshot, "recipe": recipe or {"name": "tagging/linear"}}
    (folder / "run.json").write_text(json.dumps(told | {"fingerprint": "f"}))
    return folder


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Two images by one brand in one shop, an edit of the first, another brand beside it, and another shop."""
    ws = Workspace.init(tmp_path / "ws")
    told = [
        rows_of(ws, 1, "shop.example", "one", "Maison  Gone"),
        rows_of(ws, 2, "shop.example", "two", "maison gone"),
        rows_of(ws, 3, "shop.example", "kept", "Stays"),
        rows_of(ws, 4, "other.example", "kept", "Stays"),
    ]
    first, child = told[0]["images"]["sha256"], ws.blobs.put(drawn(5))
    edit = {"crawl_id": "edits", "url": f"edit://{first}/1", "status": "ok", "source": f"edit:{first}"}
    more: dict[str, dict[str, object]] = {
        "fetches": edit | {"sha256": child, "fetched_at": NOW},
        "images": {"sha256": child, "status": "ok", "width": 16, "height": 24},
        "groups": {"sha256": child, "group_id": first, "cluster_id": child, "split": "train"},
    }
    for table in told[0]:
        ws.tables.append(table, [rows[table] for rows in [*told, more] if table in rows])
    return ws


@pytest.fixture
def gone(ws: Workspace) -> set[str]:
    return {hashlib.sha256(drawn(number)).hexdigest() for number in (1, 2, 5)}


def texts(ws: Workspace) -> Iterator[tuple[str, str]]:
    """(file, all of it as text): Parquet decoded, SQLite dumped, compressed pages opened; tombstones are left out."""
    for path in sorted(ws.root.rglob("*")):
        if not path.is_file() or "tables/takedowns" in path.as_posix():
            continue
        data = path.read_bytes()
        yield str(path), data.decode("latin-1")
        if path.suffix == ".parquet":
            yield str(path), str(pq.ParquetFile(path).read().to_pylist())
        elif path.suffix == ".sqlite":
            with sqlite3.connect(path) as db:
                yield str(path), "\n".join(db.iterdump())
        elif data[:1] == b"\x78":
            yield str(path), zlib.decompress(data).decode("latin-1")


def left_of(ws: Workspace, numbers: tuple[int, ...]) -> list[str]:
    """Files that still hold an address or the bytes of these images."""
    needles = [f"/img/{number}.png" for number in numbers] + [drawn(number).decode("latin-1") for number in numbers]
    return [file for file, text in texts(ws) if any(needle in text for needle in needles)]


def test_a_dry_run_counts_everything_and_changes_nothing(ws: Workspace, gone: set[str]) -> None:
    versions = ws.tables.versions()
    found = takedown(ws, "brand", "MAISON GONE", "letter")
    assert (found.done, found.before["images"], found.before["derived"], found.before["products"]) == (False, 3, 1, 2)
    assert found.before["rows of fetches"] == found.before["rows of images"] == 3
    assert (found.before["pages"], found.before["masks"]) == (2, 2)
    assert ws.tables.versions() == versions
    assert all(ws.blobs.has(sha256) for sha256 in gone)


def test_nothing_of_a_brand_is_left_in_any_file(ws: Workspace, gone: set[str]) -> None:
    create_snapshot(ws, "all")
    ws.tables.upsert("images", [{"sha256": sha256, "status": "ok", "width": 1} for sha256 in gone])
    assert left_of(ws, (1, 2))
    found = takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert left_of(ws, (1, 2, 5)) == []
    assert (found.after["rows"], found.after["blobs"], found.after["snapshot rows"]) == (0, 0, 0)
    assert ws.tables.read("images").num_rows == 2


def test_what_was_not_asked_for_stays_whole(ws: Workspace) -> None:
    takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    kept = {hashlib.sha256(drawn(number)).hexdigest() for number in (3, 4)}
    for table in ("fetches", "images", "groups", "labels", "masks", "embeddings", "reviews"):
        assert set(ws.tables.read(table)["sha256"].to_pylist()) == kept, table
    assert all(ws.blobs.has(sha256) for sha256 in kept)
    pages = ws.tables.read("products")["page_sha256"].to_pylist()
    assert all(ws.blobs.has(sha256) for sha256 in pages)


def test_a_snapshot_that_is_not_concerned_loads_the_same_bytes(ws: Workspace) -> None:
    before = create_snapshot(ws, "other", where="store = 'other.example'").rows
    found = takedown(ws, "domain", "shop.example", "court", yes=True)
    assert load_snapshot(ws, "other").rows.equals(before)
    assert found.snapshots == {}


def test_a_concerned_snapshot_says_which_rows_are_gone(ws: Workspace, gone: set[str]) -> None:
    create_snapshot(ws, "all", where="width > 1")
    takedown(ws, "brand", "Maison Gone", "letter of May", yes=True)
    with pytest.raises(
        SnapshotError, match=r"3 of its 5 rows were taken down: .*letter of May.*snapshot all-2 --where"
    ):
        load_snapshot(ws, "all")
    assert not gone & set(load_snapshot(ws, "all", rest=True).rows["sha256"].to_pylist())


def test_old_snapshots_that_kept_no_rows_are_given_them_before_history_goes(ws: Workspace) -> None:
    before = create_snapshot(ws, "old", where="store = 'other.example'").rows
    path = ws.snapshots / "old.json"
    told = json.loads(path.read_text())
    (ws.snapshots / told["rows_file"]).unlink()
    path.write_text(json.dumps({k: v for k, v in told.items() if k not in ("rows_file", "rows_sha256", "seal")}))
    ws.tables.upsert("images", [{"sha256": before["sha256"][0].as_py(), "status": "ok", "width": 99}])
    takedown(ws, "domain", "shop.example", "court", yes=True)
    assert load_snapshot(ws, "old").rows.equals(before.drop_columns(["words_sha256", "words_names"]))


def test_runs_are_marked_and_listed_in_the_order_to_make_them_again(ws: Workspace) -> None:
    create_snapshot(ws, "all")
    create_snapshot(ws, "other", where="store = 'other.example'")
    first, free = make_run(ws, "run-1", "all"), make_run(ws, "run-2", "other")
    student = make_run(ws, "run-0", "other", {"name": "distil", "teacher": "runs/run-1"})
    found = takedown(ws, "product", "shop.example|one", "letter", yes=True)
    assert [step.name for step in found.retrain] == ["all", "run-1", "run-0"]
    assert (marks(first)[0]["images"], marks(student)[0]["through"], marks(free)) == (2, "other", [])
    assert not (first / "figures").exists()


def test_an_exported_shard_is_found_and_deleted_where_it_is_ours(ws: Workspace, tmp_path: Path) -> None:
    create_snapshot(ws, "all")
    export(ws, "webdataset", "all", ws.root / "out" / "shards")
    export(ws, "coco", "all", tmp_path / "elsewhere")
    found = takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    ours = {export.format: (export.ours, export.images) for export in found.exports}
    assert ours == {"webdataset": (True, 3), "coco": (False, 3)}
    assert not (ws.root / "out" / "shards").exists()
    assert json.loads((tmp_path / "elsewhere" / "export.json").read_text())["taken_down"][0]["reason"] == "letter"
    assert "yours to delete" in found.line()


def test_an_export_the_user_names_is_deleted_though_it_was_moved(ws: Workspace, tmp_path: Path) -> None:
    create_snapshot(ws, "all")
    export(ws, "yolo", "all", tmp_path / "made")
    (tmp_path / "made").rename(tmp_path / "moved")
    found = takedown(ws, "brand", "Maison Gone", "letter", yes=True, exports=[tmp_path])
    assert not (tmp_path / "moved").exists()
    assert any("moved" in each.folder for each in found.exports)


def test_an_image_by_its_address_goes_and_its_product_stays_clean(ws: Workspace) -> None:
    found = takedown(ws, "url", f"{SHOP}/img/3.png", "asked", yes=True)
    kept = [row for row in ws.tables.read("products").to_pylist() if row["store"] == "shop.example"]
    assert (len(kept), found.before["images"], found.before["products"]) == (3, 1, 0)
    cleaned = next(row for row in kept if row["product_id"] == "kept")
    assert (cleaned["image_urls"], cleaned["page_sha256"]) == ([], None)
    assert [f for f in left_of(ws, (3,)) if "/takedowns/" not in f] == []


def test_a_page_of_a_listing_that_names_the_image_goes_too(ws: Workspace) -> None:
    listing = ws.blobs.put(zlib.compress(b'<a href="/p/one"><img srcset="/img/1.png?w=200 1x"></a>'))
    row = {"crawl_id": "c1", "store": "shop.example", "url": f"{SHOP}/all", "status": "ok", "sha256": listing}
    ws.tables.append("pages", [row])
    takedown(ws, "sha256", hashlib.sha256(drawn(1)).hexdigest(), "asked", yes=True)
    assert not ws.blobs.has(listing)
    assert ws.tables.read("pages", where=f"url = '{SHOP}/all'")["sha256"].to_pylist() == [None]


def test_near_duplicates_are_named_and_go_only_when_asked(ws: Workspace) -> None:
    one, twin = (hashlib.sha256(drawn(number)).hexdigest() for number in (3, 4))
    ws.tables.upsert("groups", [{"sha256": twin, "cluster_id": one, "group_id": one, "split": "train"}])
    assert takedown(ws, "sha256", one, "asked").look_at == {"near-duplicates": [twin]}
    assert takedown(ws, "sha256", one, "asked", with_duplicates=True).before["images"] == 2


def test_a_mask_blob_that_another_image_shares_stays(ws: Workspace) -> None:
    one, other = (hashlib.sha256(drawn(number)).hexdigest() for number in (1, 4))
    shared = ws.tables.read("masks", where=f"sha256 = '{one}'").to_pylist()[0]
    ws.tables.append("masks", [shared | {"sha256": other, "source": "review"}])
    takedown(ws, "sha256", one, "asked", yes=True)
    assert ws.blobs.has(shared["mask_sha256"])


def test_a_mask_that_was_replaced_before_goes_with_its_image(ws: Workspace) -> None:
    one = hashlib.sha256(drawn(1)).hexdigest()
    row = ws.tables.read("masks", where=f"sha256 = '{one}'").to_pylist()[0]
    ws.tables.upsert("masks", [row | {"mask_sha256": ws.blobs.put(b"newer")}])
    takedown(ws, "sha256", one, "asked", yes=True)
    assert not ws.blobs.has(row["mask_sha256"])


def test_crawl_queue_caches_copies_and_reports_go(ws: Workspace) -> None:
    with sqlite3.connect(ws.scratch("crawl") / "shop.example.sqlite") as db:
        db.execute("CREATE TABLE images (url TEXT PRIMARY KEY, result TEXT)")
        db.execute("CREATE TABLE uses (url TEXT, product_id TEXT, PRIMARY KEY (url, product_id)) WITHOUT ROWID")
        urls = [f"{SHOP}/img/{number}.png" for number in (1, 3)]
        db.executemany("INSERT INTO images VALUES (?, ?)", [(url, json.dumps({"url": url})) for url in urls])
        db.execute("INSERT INTO uses VALUES (?, 'one')", (urls[0],))
    for cache in ("train-cache", "copies", "similar"):
        (ws.scratch(cache) / "x.npy").write_bytes(b"pixels")
    (ws.scratch("mine") / "copy.png").write_bytes(drawn(2))
    (ws.scratch("reports") / "index.html").write_text("pictures")
    found = takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert (found.before["queue rows"], found.before["files"]) == (2, 5)
    assert left_of(ws, (1, 2)) == []
    with sqlite3.connect(ws.root / "crawl" / "shop.example.sqlite") as db:
        assert db.execute("SELECT url FROM images").fetchall() == [(urls[1],)]


def test_it_waits_for_no_crawl_but_refuses_beside_one(ws: Workspace) -> None:
    import fcntl

    sqlite3.connect(ws.scratch("crawl") / "s.sqlite").close()
    with open(ws.root / "crawl" / "s.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="being crawled"):
            takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert ws.tables.version("takedowns") is None


def test_it_refuses_beside_the_app_whose_database_goes(ws: Workspace) -> None:
    (ws.scratch("fiftyone/var") / "mongod.lock").write_text(f"{os.getpid()}\n")
    with pytest.raises(UsageError, match="App is open"):
        takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert "pull its reviews first" in takedown(ws, "brand", "Maison Gone", "letter").line()


def test_what_comes_in_again_under_another_spelling_is_in_no_snapshot(ws: Workspace) -> None:
    takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    takedown(ws, "domain", "other.example", "court", yes=True)
    for number, (store, brand) in enumerate([("new.example", "MAISON gone"), ("cdn.other.example", "Stays")], start=6):
        rows = rows_of(ws, number, store, "again", brand)
        for table in ("products", "fetches", "images", "groups"):
            ws.tables.append(table, [rows[table]])
    kept = {hashlib.sha256(drawn(3)).hexdigest()}
    assert set(items(ws)["sha256"].to_pylist()) == kept


def test_the_tombstones_refuse_it_by_address_brand_product_and_bytes(ws: Workspace, gone: set[str]) -> None:
    takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    takedown(ws, "domain", "https://www.Other.example/", "court", yes=True)
    stones = Tombstones.read(ws)
    assert all(stones.against_bytes(sha256) == "sha256" for sha256 in gone)
    assert stones.against_product("new.example", "9", "MAISON GONE") == "brand"
    assert stones.against_url("http://cdn.other.example/x.png") == "domain"
    assert stones.against_url("http://notother.example/x.png") is None


@pytest.mark.parametrize(
    ("kind", "value"), [("sha256", "abc"), ("url", "x"), ("domain", "a b"), ("product", "p"), ("maker", "x")]
)
def test_a_value_that_cant_be_meant_is_refused(ws: Workspace, kind: str, value: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        takedown(ws, kind, value, "asked")


def test_without_a_reason_nothing_is_done(ws: Workspace) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        takedown(ws, "brand", "Maison Gone", " ", yes=True)


def test_what_is_not_here_yet_is_forbidden_all_the_same(ws: Workspace) -> None:
    found = takedown(ws, "domain", "never.example", "asked", yes=True)
    assert found.before["images"] == 0
    assert Tombstones.read(ws).against_url("https://never.example/") == "domain"


KILLED = """
import os, signal, sys
from dataset import history, takedown
from dataset.blobs import BlobStore
from dataset.workspace import Workspace

calls = 0
def dying(real, at):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call

place, at = sys.argv[2], int(sys.argv[3])
if place == "mark":
    takedown.mark = dying(takedown.mark, at)
elif place == "snapshot":
    takedown.write_snapshot = dying(takedown.write_snapshot, at)
elif place == "rows":
    history.remove = dying(history.remove, at)
elif place == "history":
    history.forget = dying(history.forget, at)
elif place == "blobs":
    BlobStore.delete = dying(BlobStore.delete, at)
else:
    takedown.purge_exports = dying(takedown.purge_exports, at)
takedown.takedown(Workspace.open(sys.argv[1]), "brand", "Maison Gone", "letter", yes=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "at"),
    [("mark", 1), ("snapshot", 1), ("rows", 2), ("rows", 5), ("history", 3), ("blobs", 3), ("exports", 1)],
)
def test_killed_midway_the_same_command_completes_it(ws: Workspace, place: str, at: int, gone: set[str]) -> None:
    create_snapshot(ws, "all")
    run = make_run(ws, "run-1", "all")
    export(ws, "coco", "all", ws.root / "out")
    script = ws.root.parent / "killed.py"
    script.write_text(KILLED)
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, str(script), str(ws.root), place, str(at)]
    died = subprocess.run(command, env=os.environ | {"PYTHONPATH": root}, capture_output=True, cwd=root)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    found = takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert (found.resumed, found.before["images"], found.snapshots) == (True, 3, {"all": 3})
    assert len(marks(run)) == 1
    assert (found.after["rows"], found.after["blobs"], left_of(ws, (1, 2, 5))) == (0, 0, [])
    assert (run / MARK_FILE).is_file()
    assert not (ws.root / "out").exists()


def test_the_same_take_down_again_finds_nothing(ws: Workspace) -> None:
    takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    again = takedown(ws, "brand", "Maison Gone", "letter", yes=True)
    assert (again.resumed, again.before["images"], again.before["rows"], again.before["blobs"]) == (False, 0, 0, 0)
