"""The service's small parts on their own: batches, limits, keys, names."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from modiste_api_drawn import OPEN, photo, served
from typer.testing import CliRunner

from dataset.errors import DataError, UsageError
from modiste.api import Access
from modiste.api_batches import Lane
from modiste.api_keys import KeyFile
from modiste.api_limits import Buckets, Budget, Limits, client_of
from modiste.api_problems import Problem
from modiste.cli.serve import group


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as one:
        yield one


def test_photos_that_come_together_go_through_together(pool: ThreadPoolExecutor) -> None:
    sizes: list[int] = []

    async def ask() -> list[int]:
        lane: Lane[int, int] = Lane(lambda items: [sizes.append(len(items)) or n * n for n in items][:], pool, most=4,
                                    wait_s=0.05)  # fmt: skip
        found = await asyncio.gather(*(lane.ask(number) for number in range(10)))
        await lane.close()
        return list(found)

    assert asyncio.run(ask()) == [number * number for number in range(10)]
    assert sorted(set(sizes), reverse=True) == [4, 2]


def test_one_bad_item_fails_alone(pool: ThreadPoolExecutor) -> None:
    def inverse(items: list[int]) -> list[float]:
        return [1 / item for item in items]

    async def ask() -> list[float | BaseException]:
        lane: Lane[int, float] = Lane(inverse, pool, most=3, wait_s=0.05)
        found = await asyncio.gather(*(lane.ask(number) for number in (1, 0, 2)), return_exceptions=True)
        await lane.close()
        return list(found)

    first, bad, last = asyncio.run(ask())
    assert (first, last) == (1.0, 0.5)
    assert isinstance(bad, ZeroDivisionError)


def test_who_stopped_waiting_is_dropped_before_anything_is_computed(pool: ThreadPoolExecutor) -> None:
    computed: list[str] = []
    go, begun = threading.Event(), threading.Event()

    def work(items: list[str]) -> list[str]:
        computed.extend(items)
        begun.set()
        go.wait(10)
        return items

    async def ask() -> int:
        lane: Lane[str, str] = Lane(work, pool)
        first = asyncio.create_task(lane.ask("first"))
        await asyncio.to_thread(begun.wait, 10)
        gone, last = (asyncio.create_task(lane.ask(word)) for word in ("gone", "last"))
        await asyncio.sleep(0)
        gone.cancel()
        go.set()
        assert await asyncio.gather(first, last) == ["first", "last"]
        await lane.close()
        return lane.dropped

    assert asyncio.run(ask()) == 1
    assert computed == ["first", "last"]


def test_a_budget_lets_in_by_turns_and_forgets_who_left() -> None:
    async def run() -> list[str]:
        budget, said = Budget(10), []

        async def one(name: str, amount: int) -> None:
            async with budget.of(amount):
                said.append(name)
                await asyncio.sleep(0)

        async with budget.of(8):
            tasks = [asyncio.create_task(one(*each)) for each in (("large", 99), ("left", 5), ("small", 1))]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.sleep(0)
            assert said == []
        await asyncio.gather(*tasks, return_exceptions=True)
        assert budget.used == 0
        return said

    assert asyncio.run(run()) == ["large", "small"]


def test_a_bucket_fills_with_time_and_says_how_long_to_wait() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])
    for _ in range(3):
        buckets.take("one")
    with pytest.raises(Problem) as refused:
        buckets.take("one")
    assert (refused.value.status, refused.value.retry_after_s) == (429, 0.5)
    buckets.take("another")
    now[0] = 0.5
    buckets.take("one")


def test_one_customer_of_ipv6_is_one_client() -> None:
    assert client_of("2001:db8:1:2:3::4") == client_of("2001:db8:1:2:ffff::1") != client_of("2001:db8:1:3::1")


def test_a_key_is_known_until_it_is_revoked_and_never_written_down(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    key = file.add("the app")
    other = KeyFile(file.path)
    assert other.known(key) == key.split("_")[1]
    assert [other.known(each) for each in ("", key[:-1], key + "x", "modiste_x_y", key.replace("modiste", "m"))] == [
        None
    ] * 5
    assert key.split("_", 2)[2] not in file.path.read_text()
    assert file.path.stat().st_mode & 0o077 == 0
    file.revoke(key.split("_")[1])
    assert other.known(key) is None


def test_a_key_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("[1]")
    with pytest.raises(DataError, match="no file of API keys"):
        KeyFile(tmp_path / "keys.json").known("x")
    with pytest.raises(UsageError, match="no key 'abc'"):
        KeyFile(tmp_path / "none.json").revoke("abc")


def test_without_a_good_key_nothing_but_health_is_answered(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    key = file.add("me")
    with served(access=Access(keys=file)) as one, httpx.Client(base_url=one.url, timeout=60) as client:
        refused = client.get("/v1/models")
        assert (refused.status_code, refused.json()["code"]) == (401, "no_key")
        assert client.get("/v1/models", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
        assert client.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert client.get("/metrics", headers={"X-API-Key": key}).status_code == 200
        assert client.get("/v1/health").status_code == 200
        file.revoke(key.split("_")[1])
        assert client.get("/v1/models", headers={"X-API-Key": key}).status_code == 401


def test_another_name_or_another_sites_page_is_refused() -> None:
    with served() as one, httpx.Client(base_url=one.url, timeout=60) as client:
        named = client.get("/v1/health", headers={"Host": "rebind.example"})
        assert (named.status_code, named.json()["code"]) == (421, "wrong_host")
        sent = {"files": {"image": ("a.jpg", photo())}}
        assert client.post("/v1/tag", headers={"Origin": "http://evil.example"}, **sent).status_code == 403  # type: ignore[arg-type]
        assert client.post("/v1/tag", headers={"Origin": "null"}, **sent).status_code == 403  # type: ignore[arg-type]
        assert client.post("/v1/tag", headers={"Origin": one.url}, **sent).status_code == 200  # type: ignore[arg-type]


def test_a_site_that_is_allowed_may_ask() -> None:
    site = "https://shop.example"
    with served(access=Access(origins=[site])) as one:
        answer = httpx.get(f"{one.url}/v1/health", headers={"Origin": site}, timeout=60)
        assert answer.headers["access-control-allow-origin"] == site


def test_too_many_a_second_are_told_to_wait() -> None:
    with served(limits=Limits(rate=0.1, burst=2)) as one, httpx.Client(base_url=one.url, timeout=60) as client:
        answers = [client.get("/v1/health") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 5


def test_off_loopback_or_behind_another_name_a_key_is_needed(tmp_path: Path) -> None:
    for words in (["--host", "0.0.0.0"], ["--allow-host", "api.shop.example"]):
        result = CliRunner().invoke(group, [*words, "--keys", str(tmp_path / "none.json")])
        assert isinstance(result.exception, UsageError)
        assert "modiste serve keys add NAME" in str(result.exception)


def test_keys_are_made_listed_and_revoked_by_command(tmp_path: Path) -> None:
    where = ["--keys", str(tmp_path / "keys.json")]
    made = CliRunner().invoke(group, ["keys", "add", "me", *where])
    key = made.stdout.splitlines()[0]
    listed = CliRunner().invoke(group, ["keys", "list", *where]).stdout
    assert key.split("_")[1] in listed
    assert key not in listed
    assert "revoked" in CliRunner().invoke(group, ["keys", "revoke", key.split("_")[1], *where]).stdout


def test_limits_are_generous_enough_for_a_phone_photo_by_default() -> None:
    assert Limits().pixels >= 24_000_000
    assert OPEN.held_pixels >= OPEN.pixels


def test_a_photo_that_failed_is_let_go_at_once_and_not_at_the_next_garbage_collection(pool: ThreadPoolExecutor) -> None:
    class Photo:
        pass

    def broken(items: list[Photo]) -> list[int]:
        raise Problem("no_garment")

    async def ask(photo: Photo) -> None:
        lane: Lane[Photo, int] = Lane(broken, pool, most=4)
        with pytest.raises(Problem):
            await lane.ask(photo)
        await lane.close()

    photo = Photo()
    left = weakref.ref(photo)
    gc.disable()
    try:
        asyncio.run(ask(photo))
        del photo
        pool.submit(int).result()  # the pool's threads keep their last call until the next
        assert left() is None
    finally:
        gc.enable()
