"""One shop, several workers over one Redis: each page and image once, and a worker killed half-way loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_redis import redis_server
from crawlers_shop import Shop, serving

from crawlers.run import crawl
from dataset.workspace import Workspace

ROOT = Path(__file__).parent.parent
WORKER = """
import sys
from crawlers.run import crawl
from dataset.workspace import Workspace
print("up", flush=True)
progress = lambda done, total: print(done, flush=True)
print(crawl(Workspace.open(sys.argv[1]), sys.argv[2], store="shop", frontier=sys.argv[3], progress=progress).line())
"""
PRODUCTS = 60


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        running.page("/robots.txt", "User-agent: *\nCrawl-delay: 0.05\n", Content_Type="text/plain")
        running.sitemap([running.product(number) for number in range(PRODUCTS)])
        yield running


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with redis_server(tmp_path) as found:
        yield found


def worker(ws: Workspace, shop: Shop, address: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(ws.root), shop.url, address]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def everything_is_there_once(ws: Workspace) -> None:
    products = [row["product_id"] for row in ws.tables.read("products").to_pylist()]
    images = [row["url"] for row in ws.tables.read("fetches").to_pylist() if row["status"] == "ok"]
    assert (len(products), len(set(products))) == (PRODUCTS, PRODUCTS)
    assert (len(images), len(set(images))) == (PRODUCTS, PRODUCTS)
    assert len({row["crawl_id"] for row in ws.tables.read("pages").to_pylist()}) == 1


@pytest.mark.slow
def test_two_workers_share_a_shop_and_ask_for_each_page_and_image_once(
    shop: Shop, tmp_path: Path, address: str
) -> None:
    ws = Workspace.init(tmp_path / "w")
    with worker(ws, shop, address) as one, worker(ws, shop, address) as two:
        said = [process.communicate(timeout=120)[0] for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), said
    everything_is_there_once(ws)
    assert max(shop.asked.count(f"/p/{n}") for n in range(PRODUCTS)) == 1
    assert max(shop.asked.count(f"/img/{n}.jpg") for n in range(PRODUCTS)) == 1
    assert all("60 products" in words for words in said)


@pytest.mark.slow
def test_what_a_killed_worker_held_is_done_by_the_other(shop: Shop, tmp_path: Path, address: str) -> None:
    ws = Workspace.init(tmp_path / "w")
    with worker(ws, shop, address) as dying, worker(ws, shop, address) as living:
        assert dying.stdout
        while not (line := dying.stdout.readline().strip()).isdigit() or int(line) < 5:
            assert dying.poll() is None
        os.kill(dying.pid, signal.SIGKILL)
        living.communicate(timeout=120)
    assert living.returncode == 0
    everything_is_there_once(ws)


def test_one_worker_over_redis_finishes_and_asks_nothing_again(shop: Shop, tmp_path: Path, address: str) -> None:
    ws = Workspace.init(tmp_path / "w")
    first = crawl(ws, shop.url, store="shop", frontier=address)
    assert (first.products, first.images_ok, first.strategy) == (PRODUCTS, PRODUCTS, "sitemap")
    asked = len(shop.asked)
    assert crawl(ws, shop.url, store="shop", frontier=address).was_finished
    assert len(shop.asked) == asked
    everything_is_there_once(ws)
