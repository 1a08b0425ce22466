"""Whole crawls of a shop on loopback: scope, budgets, resume, manners, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import HTML, Answer, Shop, jpeg, serving

from crawlers.run import crawl
from crawlers.sqlite_queue import SqliteQueue
from dataset.blobs import sha256_of
from dataset.errors import EmptyError, FetchError, StorageError, UsageError
from dataset.workspace import Workspace

ROOT = Path(__file__).parents[1]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "ws", contact="crawl@x.example")


def rows(ws: Workspace) -> dict[str, dict[str, object]]:
    """Last attempt of each image path."""
    return {str(r["url"]).split("/", 3)[3]: r for r in ws.tables.read("fetches").to_pylist()}


def test_a_sitemap_crawl_keeps_original_bytes_pages_and_rows(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(i) for i in range(5)])
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products, result.images_ok) == ("sitemap", 5, 5)
    assert rows(ws)["img/3.jpg"]["sha256"] == sha256_of(jpeg(3))
    product = ws.tables.read("products").to_pylist()[0]
    assert product["price"] == "10.00"
    assert b"Dress" in zlib.decompress(ws.blobs.get(product["page_sha256"]))
    assert shop.agents == {"modiste/1.0 (+crawl@x.example)"}


def test_without_a_sitemap_listings_are_followed_to_the_last_page(shop: Shop, ws: Workspace) -> None:
    for n in (1, 2, 3):
        links = f'<a href="{shop.product(n)}"><img src="/t.jpg"></a>'
        following = f'<a rel="next" href="/list?page={n + 1}">more</a>' if n < 3 else ""
        shop.page(f"/list?page={n}", links + following)
    shop.page(
        "/", '<a href="/list?page=1">Dresses</a><a href="http://elsewhere.example/p/9">out</a><a href="/cart">cart</a>'
    )
    result = crawl(ws, shop.url)
    assert (result.strategy, result.products) == ("listing", 3)
    assert "/cart" not in shop.asked


def test_a_sitemap_that_names_no_product_gives_way_to_listings(shop: Shop, ws: Workspace) -> None:
    shop.page("/about", "<h1>About</h1>")
    shop.sitemap(["/about"])
    shop.page("/", f'<a href="{shop.product(1)}"><img src="/t.jpg"></a>')
    assert crawl(ws, shop.url).strategy == "listing"


def test_robots_txt_is_asked_first_and_its_disallowed_pages_and_images_never(shop: Shop, ws: Workspace) -> None:
    shop.page("/robots.txt", "User-agent: *\nDisallow: /p/2\nDisallow: /img/3\n")
    shop.sitemap([shop.product(i) for i in range(6)])
    result = crawl(ws, shop.url)
    assert shop.asked[0] == "/robots.txt"
    assert not {"/p/2", "/img/3.jpg"} & set(shop.asked)
    assert (result.products, result.page_reasons, result.reasons) == (5, {"robots": 1}, {"robots": 1})
    assert "disallows /img/3.jpg" in str(rows(ws)["img/3.jpg"]["policy"])


def test_an_opt_out_on_the_page_refuses_its_images_before_they_are_asked_for(shop: Shop, ws: Workspace) -> None:
    meta = '<meta name="robots" content="noai">'
    shop.sitemap([shop.product(1, extra=meta), shop.product(2, X_Robots_Tag="noimageai"), shop.product(3)])
    result = crawl(ws, shop.url)
    assert result.reasons == {"noai": 1, "noimageai": 1}
    assert not {"/img/1.jpg", "/img/2.jpg"} & set(shop.asked)


def test_a_price_report_keeps_what_only_training_may_not_have(shop: Shop, tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "prices", purpose="price-report")
    shop.sitemap([shop.product(1, X_Robots_Tag="noai"), shop.product(2, X_Robots_Tag="noimageindex")])
    result = crawl(ws, shop.url)
    assert (result.images_ok, result.reasons) == (1, {"noimageindex": 1})


def test_an_image_opted_out_by_its_own_header_is_a_row_and_never_a_blob(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1, images=["/img/a.jpg"])])
    shop.picture("/img/a.jpg", 7, X_Robots_Tag="noml")
    crawl(ws, shop.url)
    row = rows(ws)["img/a.jpg"]
    assert (row["status"], row["reason"], row["sha256"]) == ("refused", "noml", None)
    assert not ws.blobs.has(sha256_of(jpeg(7)))


def test_every_kind_of_broken_image_gets_its_own_code(shop: Shop, ws: Workspace) -> None:
    shop.answers |= {
        "/html.jpg": Answer(b"<!doctype html><html>sorry</html>"),
        "/empty.jpg": Answer(b""),
        "/text.jpg": Answer(b"nothing of the kind"),
        "/loop.jpg": Answer(b"", 302, {"Location": "/loop.jpg"}),
        "/inside.jpg": Answer(b"", 302, {"Location": "http://169.254.169.254/latest"}),
        "/big.jpg": Answer(jpeg(1) + b"0" * 5_000),
    }
    ws.settings.crawl.max_image_bytes = 4_000
    shop.picture("/fine.jpg", 1)
    shop.answers["/moved.jpg"] = Answer(b"", 301, {"Location": "/fine.jpg"})
    names = ["html", "empty", "text", "loop", "inside", "big", "gone", "moved"]
    shop.sitemap([shop.product(1, images=[f"/{n}.jpg" for n in names])])
    crawl(ws, shop.url)
    found = {name: rows(ws)[f"{name}.jpg"]["reason"] for name in names}
    expected = ["html", "empty", "not_an_image", "redirect_loop", "private_address", "too_large", "http_404", None]
    assert found == dict(zip(names, expected, strict=True))


def test_images_in_private_networks_are_refused_even_by_another_port_of_the_named_host(
    shop: Shop, ws: Workspace
) -> None:
    with serving() as other:
        images = [
            f"{other.url}/a.jpg",
            "http://localhost:1/b.jpg",
            "http://[::ffff:10.0.0.1]/c.jpg",
            "http://2130706433/d.jpg",
        ]
        shop.sitemap([shop.product(1, images=images)])
        assert crawl(ws, shop.url).reasons == {"private_address": 4}
        assert other.asked == []


def test_a_taken_down_url_and_a_denied_host_are_never_asked(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1), shop.product(2, images=["http://ads.denied.example/x.jpg"])])
    ws.tables.append("takedowns", [{"kind": "url", "value": f"{shop.url}/img/1.jpg", "reason": "asked"}])
    ws.settings.crawl.deny_hosts = ["denied.example"]
    assert crawl(ws, shop.url).reasons == {"taken_down": 1, "denied_host": 1}
    assert "/img/1.jpg" not in shop.asked


def test_a_finished_crawl_asks_nothing_and_a_wider_one_goes_on(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(i) for i in range(6)])
    first = crawl(ws, shop.url, max_products=2)
    asked = len(shop.asked)
    assert crawl(ws, shop.url, max_products=2).was_finished
    assert len(shop.asked) == asked
    wider = crawl(ws, shop.url)
    assert (first.products, wider.products, wider.crawl_id) == (2, 6, first.crawl_id)
    assert max(shop.asked.count(f"/p/{i}") for i in range(6)) == 1


def test_a_recrawl_asks_conditionally_and_writes_unchanged_rows(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1, ETag='"p1"'), shop.product(2)])
    shop.picture("/img/1.jpg", 1, ETag='"i1"')
    first = crawl(ws, shop.url)
    again = crawl(ws, shop.url, recrawl=True)
    assert (again.images_unchanged, again.images_ok, again.products) == (1, 1, 2)
    assert again.crawl_id != first.crawl_id
    last = [
        r
        for r in ws.tables.read("fetches").to_pylist()
        if r["crawl_id"] == again.crawl_id and r["status"] == "unchanged"
    ]
    assert [r["sha256"] for r in last] == [sha256_of(jpeg(1))]


def test_only_keeps_to_a_part_of_the_shop(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1), shop.product(2)])
    assert crawl(ws, shop.url, only="/p/2").products == 1
    assert "/p/1" not in shop.asked


def test_an_image_of_two_products_is_asked_for_once_and_is_a_row_of_both(shop: Shop, ws: Workspace) -> None:
    shop.picture("/both.jpg", 4)
    shop.sitemap([shop.product(1, images=["/both.jpg"]), shop.product(2, images=["/both.jpg"])])
    assert crawl(ws, shop.url).images_ok == 2
    assert shop.asked.count("/both.jpg") == 1
    assert {r["product_id"] for r in ws.tables.read("fetches").to_pylist()} == {"S1", "S2"}


def test_retry_after_is_waited_for_and_each_attempt_is_a_row(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1, images=["/busy.jpg"])])
    busy = Answer(b"", 503, {"Retry-After": "1"})
    shop.answers["/busy.jpg"] = [busy, Answer(jpeg(5), 200, {"Content-Type": "image/jpeg"})]
    crawl(ws, shop.url)
    tried = sorted(ws.tables.read("fetches").to_pylist(), key=lambda r: r["fetched_at"])
    assert [r["reason"] for r in tried] == ["http_503", None]
    assert (tried[1]["fetched_at"] - tried[0]["fetched_at"]).total_seconds() >= 1.0


def test_a_shop_that_wants_long_patience_is_left_alone_and_the_crawl_can_go_on(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1), "/later"])
    shop.answers["/later"] = [Answer(b"", 429, {**HTML, "Retry-After": "3600"}), Answer(b"<p>hello</p>")]
    with pytest.raises(FetchError, match=r"asks to come back in 3[56]"):
        crawl(ws, shop.url)
    assert shop.asked.count("/later") == 1
    assert crawl(ws, shop.url).products == 1


def test_a_crawl_delay_sets_the_pace_of_pages_and_images_together(shop: Shop, ws: Workspace) -> None:
    shop.page("/robots.txt", "User-agent: *\nCrawl-delay: 0.2\n")
    shop.sitemap([shop.product(i) for i in range(2)])
    begun = time.monotonic()
    crawl(ws, shop.url)
    assert time.monotonic() - begun >= 0.2 * (len(shop.asked) - 2)


def test_a_shop_that_refuses_connections_is_an_error_that_names_cause_and_cure(ws: Workspace) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match=r"can't be reached.*Check the address"):
        crawl(ws, f"http://127.0.0.1:{port}/")
    assert ws.tables.version("products") is None


def test_a_shop_without_products_and_one_that_forbids_all_are_told_apart(shop: Shop, ws: Workspace) -> None:
    shop.page("/", "<h1>Nothing to sell</h1>")
    with pytest.raises(EmptyError, match="no product on 1 pages"):
        crawl(ws, shop.url)
    shop.page("/robots.txt", "User-agent: *\nDisallow: /\n")
    with pytest.raises(FetchError, match=r"robots.txt forbids every page"):
        crawl(ws, shop.url)


def test_what_is_no_address_is_misuse(ws: Workspace) -> None:
    with pytest.raises(UsageError, match="no shop address"):
        crawl(ws, "ftp://shop.example/")


def test_a_second_crawl_of_the_same_store_at_once_is_refused(shop: Shop, ws: Workspace) -> None:
    held = SqliteQueue(ws.scratch("crawl") / "here.sqlite")
    with pytest.raises(UsageError, match="crawled already"):
        crawl(ws, shop.url, store="here")
    held.close()


CHILD = """
import os, signal, sys
from crawlers.run import crawl
from crawlers.sqlite_queue import SqliteQueue
from dataset.workspace import Workspace
done, limit = 0, int(sys.argv[3])
def dying(plain):
    def wrapped(*args, **kwargs):
        global done
        done += 1
        if done == limit:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args, **kwargs)
    return wrapped
for name in ("page_done", "image_attempted", "mark_written"):
    setattr(SqliteQueue, name, dying(getattr(SqliteQueue, name)))
crawl(Workspace.open(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("limit", [3, 17, 40, 62])
def test_kill_9_loses_nothing_and_writes_nothing_twice(shop: Shop, ws: Workspace, limit: int) -> None:
    """Killed before the n-th commit; 62 is between the commit of rows to a table and the queue's mark."""
    shop.sitemap([shop.product(i) for i in range(30)])
    command = [sys.executable, "-c", CHILD, str(ws.root), shop.url, str(limit)]
    child = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False)
    assert child.returncode == -signal.SIGKILL
    result = crawl(ws, shop.url)
    products = [r["product_id"] for r in ws.tables.read("products").to_pylist()]
    images = [r["url"] for r in ws.tables.read("fetches").to_pylist()]
    assert (result.products, len(products), len(set(products))) == (30, 30, 30)
    assert (len(images), len(set(images))) == (30, 30)
    assert len({r["crawl_id"] for r in ws.tables.read("products").to_pylist()}) == 1


def test_a_result_is_one_line_for_a_person_and_plain_json(shop: Shop, ws: Workspace) -> None:
    shop.sitemap([shop.product(1, images=["/gone.jpg"])])
    result = crawl(ws, shop.url, store="here")
    assert result.line() == "here: 1 products on 2 pages (sitemap); images: 0 ok, 1 failed, 0 refused (http_404 1)"
    assert json.loads(json.dumps(result.as_json()))["reasons"] == {"http_404": 1}


def hear_ctrl_c() -> None:
    """A suite that was started in the background has SIGINT ignored, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_at_once_and_the_same_command_goes_on(shop: Shop, ws: Workspace) -> None:
    shop.page("/robots.txt", "User-agent: *\nCrawl-delay: 0.3\n")
    shop.sitemap([shop.product(i) for i in range(4)])
    code = "import sys; from crawlers.run import crawl; from dataset.workspace import Workspace as W; "
    code += (
        "print('go', flush=True); crawl(W.open(sys.argv[1]), sys.argv[2], progress=lambda n, t: print(n, flush=True))"
    )
    command = [sys.executable, "-c", code, str(ws.root), shop.url]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as child:
        assert child.stdout
        while child.stdout.readline().strip() != "2":
            pass
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert child.returncode != 0
    assert "KeyboardInterrupt" in said
    assert crawl(ws, shop.url).images_ok == 4
    assert max(shop.asked.count(f"/p/{i}") for i in range(4)) <= 2


def test_a_full_disk_stops_the_crawl_with_its_own_error(
    shop: Shop, ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(data: bytes) -> str:
        raise StorageError("can't write: No space left on device", where="blobs")

    shop.sitemap([shop.product(1)])
    with monkeypatch.context() as broken:
        broken.setattr(ws.blobs, "put", full)
        with pytest.raises(StorageError, match="No space left"):
            crawl(ws, shop.url)
    assert crawl(ws, shop.url).images_ok == 1
