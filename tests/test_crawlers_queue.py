"""One contract, two queues: SQLite for one worker, Redis for several. What holds for one must hold for the other."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crawlers_redis import redis_server

from crawlers.queue import Found, Known, Queue
from crawlers.redis_queue import RedisQueue
from crawlers.sqlite_queue import SqliteQueue
from dataset.errors import FetchError, UsageError

Open = Callable[[], Queue]
STORES = itertools.count()


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(params=["sqlite", "redis"])
def open_queue(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "sqlite":
        return lambda: SqliteQueue(tmp_path / "shop.sqlite")
    address, store = request.getfixturevalue("redis_address"), f"shop{next(STORES)}"
    return lambda: RedisQueue(address, store)


@pytest.fixture
def queue(open_queue: Open) -> Iterator[Queue]:
    opened = open_queue()
    yield opened
    opened.close()


def product(number: int, *images: str) -> tuple[dict[str, Any], list[str]]:
    return {"product_id": f"P{number}", "url": f"http://s/p/{number}", "price": "1.00"}, list(images)


def test_the_page_of_highest_priority_goes_first_then_the_oldest(queue: Queue) -> None:
    for url, priority in [("a", 0), ("b", 10), ("c", 10), ("d", 0)]:
        assert queue.add_page(f"http://s/{url}", "listing", 1, priority)
    assert not queue.add_page("http://s/a", "leaf", 5, 30)
    tasks = [queue.claim_page() for _ in range(5)]
    assert [t and (t.url[-1], t.kind, t.depth) for t in tasks[:4]] == [(u, "listing", 1) for u in "bcad"]
    assert (tasks[4], queue.counts().claimed, queue.counts().pending) == (None, 4, 0)


def test_what_a_page_held_is_there_as_a_whole(queue: Queue) -> None:
    queue.add_page("http://s/", "listing")
    queue.claim_page()
    found = Found([("http://s/2", "listing", 1, 20)], [product(1, "http://s/1.jpg", "http://cdn/1.jpg")], {"v": 1})
    assert queue.page_done("http://s/", found) == 1
    counts = queue.counts()
    assert (counts.done, counts.pending, counts.products, counts.tried, counts.pages) == (1, 1, 1, 1, 2)
    assert (queue.images_left(), sorted(queue.image_hosts(9))) == (2, ["cdn", "s"])
    assert [row for _, row in queue.unwritten("visits", 9)] == [{"v": 1}]
    assert [row["product_id"] for _, row in queue.unwritten("products", 9)] == ["P1"]


def test_a_product_seen_twice_is_one_and_an_image_of_two_is_fetched_once_with_a_row_for_each(queue: Queue) -> None:
    assert queue.page_done("x", Found(products=[product(1, "http://s/i.jpg"), product(1, "http://s/j.jpg")])) == 1
    assert queue.page_done("y", Found(products=[product(2, "http://s/i.jpg")])) == 1
    assert [t.url for t in queue.claim_images("s", 9)] == ["http://s/i.jpg"]
    queue.image_attempted("http://s/i.jpg", {"url": "http://s/i.jpg", "status": "ok", "reason": None}, again_at=None)
    queue.page_done("z", Found(products=[product(3, "http://s/i.jpg")]))
    rows = [row for _, row in queue.unwritten("attempts", 9)]
    assert sorted((r["product_id"], r["status"], r["position"]) for r in rows) == [
        ("P1", "ok", 0), ("P2", "ok", 0), ("P3", "ok", 0),
    ]  # fmt: skip
    assert (queue.images_left(), queue.outcomes()) == (0, {("ok", None): 3})


def test_an_image_to_be_tried_again_comes_back_when_it_is_due_and_counts_its_attempts(queue: Queue) -> None:
    queue.add_images([("http://s/i.jpg", {"product_id": None, "page_url": None, "position": 0})])
    (task,) = queue.claim_images("s", 9)
    result = {"url": task.url, "status": "failed", "reason": "timeout"}
    queue.image_attempted(task.url, result, again_at=time.time() + 60)
    assert (queue.claim_images("s", 9), queue.images_left()) == ([], 1)
    queue.image_attempted(task.url, result, again_at=time.time() - 1)
    (again,) = queue.claim_images("s", 9)
    assert (again.attempts, queue.outcomes()) == (2, {("failed", "timeout"): 1})


def test_images_of_a_page_that_opts_out_are_refused_rows_and_never_asked_for(queue: Queue) -> None:
    refusal = {"reason": "noai", "policy": "{}"}
    queue.page_done("x", Found(products=[product(1, "http://s/i.jpg")], refusal=refusal))
    ((_, row),) = queue.unwritten("attempts", 9)
    assert (row["status"], row["reason"], row["url"], row["page_url"]) == (
        "refused", "noai", "http://s/i.jpg", "http://s/p/1",
    )  # fmt: skip
    assert (queue.images_left(), queue.image_hosts(9)) == (0, [])


def test_pages_that_end_badly_are_counted_by_reason_and_postponed_ones_come_back(queue: Queue) -> None:
    for number in range(4):
        queue.add_page(f"http://s/{number}", "leaf")
        queue.claim_page()
    queue.page_ended("http://s/0", "failed", "http_404", {"n": 0})
    queue.page_ended("http://s/1", "failed", "http_404", {"n": 1})
    queue.page_ended("http://s/2", "failed", "retry_later", {"n": 2})
    queue.page_ended("http://s/3", "pending", "budget")
    assert queue.page_reasons() == {"http_404": 2, "retry_later": 1}
    assert (queue.counts().failed, queue.counts().pending) == (3, 1)
    assert (queue.postponed(), queue.counts().pending, queue.page_reasons()) == (1, 2, {"http_404": 2})


def test_written_rows_are_not_given_again(queue: Queue) -> None:
    queue.page_done("x", Found(products=[product(n) for n in range(3)], visit={"v": 1}))
    assert queue.waiting() == 4
    keys = [key for key, _ in queue.unwritten("products", 2)]
    queue.mark_written("products", keys)
    assert [row["product_id"] for _, row in queue.unwritten("products", 9)] == ["P2"]
    assert queue.waiting() == 2


def test_what_was_claimed_comes_back_when_the_queue_is_opened_again(open_queue: Open) -> None:
    queue = open_queue()
    queue.set_state(status="running")
    queue.add_page("http://s/", "listing", 3)
    queue.claim_page()
    queue.add_images([("http://s/i.jpg", {"product_id": None, "page_url": None, "position": 0})])
    queue.claim_images("s", 9)
    queue.close()
    again = open_queue()
    page = again.claim_page()
    assert page is not None
    assert (page.url, page.depth, again.state("status")) == ("http://s/", 3, "running")
    assert [t.url for t in again.claim_images("s", 9)] == ["http://s/i.jpg"]
    again.close()


def test_beginning_anew_forgets_the_crawl_and_keeps_what_makes_asking_cheap(queue: Queue) -> None:
    known = Known('"e"', None, "0" * 64, 5)
    queue.set_state(status="finished")
    queue.page_done("http://s/", Found(products=[product(1, "http://s/i.jpg")]), known)
    queue.begin_anew()
    assert (queue.state("status"), queue.counts().pages, queue.counts().products) == (None, 0, 0)
    assert (queue.images_left(), queue.image_hosts(9), queue.outcomes()) == (0, [], {})
    assert queue.page_done("http://s/", Found(products=[product(1)])) == 1


def test_widening_asks_again_for_what_names_pages_but_not_for_products(queue: Queue) -> None:
    for url, kind in [("http://s/map", "sitemap"), ("http://s/p", "leaf"), ("http://s/l", "listing")]:
        queue.add_page(url, kind)
        queue.claim_page()
        queue.page_done(url, Found())
    queue.widen()
    assert {t.kind for t in (queue.claim_page(), queue.claim_page()) if t} == {"sitemap", "listing"}
    assert queue.claim_page() is None


def test_following_instead_makes_listings_of_what_was_only_read(queue: Queue) -> None:
    queue.add_page("http://s/p", "leaf", 1)
    queue.claim_page()
    queue.page_done("http://s/p", Found())
    queue.follow_instead("http://s/")
    tasks = [queue.claim_page(), queue.claim_page()]
    assert {(t.url, t.kind) for t in tasks if t} == {("http://s/p", "listing"), ("http://s/", "listing")}


def test_pages_of_a_kind_that_nobody_holds_can_be_dropped(queue: Queue) -> None:
    for url, kind in [("http://s/held", "leaf"), ("http://s/a", "leaf"), ("http://s/l", "listing")]:
        queue.add_page(url, kind, 0, 5 if url.endswith("held") else 0)
    held = queue.claim_page()
    assert held is not None
    assert (held.url, queue.drop_pending("leaf"), queue.counts().pending) == ("http://s/held", 1, 1)
    assert queue.add_page("http://s/a", "leaf")


def test_hosts_are_given_a_few_at_a_time_until_all_had_a_turn(queue: Queue) -> None:
    images = [(f"http://h{n}/i.jpg", {"product_id": None, "page_url": None, "position": 0}) for n in range(7)]
    queue.add_images(images)
    given: set[str] = set()
    for _ in range(60):
        hosts = queue.image_hosts(3)
        assert len(hosts) <= 3
        given |= set(hosts)
    assert given == {f"h{n}" for n in range(7)}


def test_two_workers_in_redis_never_hold_the_same_page_or_image(redis_address: str) -> None:
    one, two = (RedisQueue(redis_address, "shared") for _ in range(2))
    for number in range(20):
        one.add_page(f"http://s/{number}", "leaf")
    one.add_images([(f"http://s/{n}.jpg", {"product_id": None, "page_url": None, "position": 0}) for n in range(20)])
    pages = [q.claim_page() for _ in range(10) for q in (one, two)]
    images = [t.url for q in (one, two) for t in q.claim_images("s", 10)]
    assert len({t.url for t in pages if t}) == 20
    assert len(set(images)) == 20
    assert not one.alone()
    one.close()
    two.close()


def test_what_a_dead_worker_held_and_had_not_written_is_taken_over(redis_address: str) -> None:
    dead = RedisQueue(redis_address, "orphan", worker="elsewhere:1:x")
    dead.add_page("http://s/a", "leaf")
    dead.add_page("http://s/b", "leaf")
    dead.claim_page()
    dead.page_done("http://s/a", Found(products=[product(1, "http://s/i.jpg")], visit={"v": 1}))
    dead.claim_page()
    dead.claim_images("s", 9)
    dead._db.delete("modiste:orphan:beat:elsewhere:1:x")  # its heartbeat has run out
    heir = RedisQueue(redis_address, "orphan")
    assert [row["product_id"] for _, row in heir.unwritten("products", 9)] == ["P1"]
    assert heir.waiting() == 2
    page = heir.claim_page()
    assert page is not None
    assert page.url == "http://s/b"
    assert [t.url for t in heir.claim_images("s", 9)] == ["http://s/i.jpg"]
    assert heir.alone()
    heir.close()


def test_workers_agree_on_what_the_first_one_settled(redis_address: str) -> None:
    one, two = (RedisQueue(redis_address, "agreed") for _ in range(2))
    assert (one.settle("crawl_id", "first"), two.settle("crawl_id", "second")) == ("first", "first")
    one.close()
    two.close()


def test_a_file_that_another_process_holds_and_a_redis_that_is_not_there_say_so(tmp_path: Path) -> None:
    held = SqliteQueue(tmp_path / "s.sqlite")
    with pytest.raises(UsageError, match="being crawled already"):
        SqliteQueue(tmp_path / "s.sqlite")
    held.close()
    with pytest.raises(FetchError, match="no Redis answers"):
        RedisQueue("redis://127.0.0.1:1/0", "s")
