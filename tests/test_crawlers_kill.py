"""kill -9 again and again, two crawls at once: nothing lost, nothing twice, nothing done asked for again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from crawlers_shop import serving

from crawlers.queue import ROWS, Found
from crawlers.rows import Writer
from crawlers.sqlite_queue import SqliteQueue
from dataset.workspace import Workspace

ROOT = Path(__file__).parents[1]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
IN_FLIGHT = 2 * 8  # pages asked for at a time, and as many again whose commit was due within 50 ms


@pytest.mark.alone
@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_repeat_no_more_than_was_in_flight(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "benchmarks/kills.py",
        "--kills",
        "20",
        "--products",
        "300",
        "--json",
        str(tmp_path / "j"),
    ]
    subprocess.run(command, cwd=ROOT, env=ENV, timeout=240, check=True, capture_output=True)
    tally = json.loads((tmp_path / "j").read_text())
    assert tally["kills"] == 20
    assert {name: n for name, n in tally.items() if name.endswith(("_lost", "_twice", "_asked_again")) and n} == {}
    assert tally["faults"] == 0
    assert tally["pages_repeated"] <= 20 * IN_FLIGHT


def test_two_stores_crawled_at_once_into_one_workspace_keep_apart(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "ws", contact="crawl@x.example")
    code = "import sys; from crawlers.run import crawl; from dataset.workspace import Workspace as W; "
    code += "crawl(W.open(sys.argv[1]), sys.argv[2], store=sys.argv[3])"
    with serving() as one, serving() as two:
        children = []
        for shop, name in ((one, "one"), (two, "two")):
            shop.sitemap([shop.product(n) for n in range(40)])
            command = [sys.executable, "-c", code, str(ws.root), shop.url, name]
            children.append(subprocess.Popen(command, cwd=ROOT, env=ENV))
        assert [child.wait(60) for child in children] == [0, 0]
    for table, key in (("products", "product_id"), ("fetches", "url"), ("pages", "url")):
        rows = ws.tables.read(table).to_pylist()
        found = [
            (row["store"], row[key]) for row in rows if row["status" if table != "products" else "store"] != "failed"
        ]
        stores = {name: sum(store == name for store, _ in found) for name in ("one", "two")}
        assert len(found) == len(set(found))
        assert min(stores.values()) >= 40


def told(queue: SqliteQueue, pages: int) -> None:
    """Pages with a row each, as a crawl tells them."""
    for number in range(pages):
        url, now = f"http://shop.example/{number}", "2026-03-01T08:00:00+00:00"
        queue.add_page(url, "leaf")
        queue.claim_page()
        visit = {"crawl_id": "c", "store": "s", "url": url, "kind": "leaf", "status": "ok", "fetched_at": now}
        queue.page_done(url, Found(visit=visit))


def test_a_flush_that_is_cut_off_between_commit_and_mark_does_not_write_its_rows_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, queue = Workspace.init(tmp_path / "ws"), SqliteQueue(tmp_path / "q.sqlite")
    told(queue, 5)
    plain, writer = ws.tables.append, Writer(ws, queue, "c")

    def slow(*given: Any) -> int:
        time.sleep(0.2)
        return plain(*given)

    async def cut_off() -> None:
        flush = asyncio.create_task(writer.flush())
        await asyncio.sleep(0.05)
        flush.cancel()
        await writer.flush()

    monkeypatch.setattr(ws.tables, "append", slow)
    asyncio.run(cut_off())
    queue.close()
    assert ws.tables.read(ROWS["visits"]).num_rows == 5
