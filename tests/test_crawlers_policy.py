"""The gate against a shop on loopback: robots.txt, what hosts reserve, lists, purpose; the pace it sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from crawlers_shop import Answer, Shop, serving

from crawlers.addresses import AddressGuard
from crawlers.client import Client
from crawlers.pace import HostPace
from crawlers.policy import REASONS, Decision, Gate, contact_warning

TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


def judged(shop: Shop, *paths: str, image: bool = True, **settings: object) -> list[Decision]:
    """Each path through one gate; a path may be a whole URL."""

    async def ask() -> list[Decision]:
        pace = HostPace()
        async with Client("modiste/1.0", AddressGuard(shop.url), pace, timeout_s=5, concurrency=4) as client:
            gate = Gate(client, **{"deny_hosts": [], "taken_down": set(), **settings})  # type: ignore[arg-type]
            urls = [path if "://" in path else shop.url + path for path in paths]
            return await asyncio.gather(*[gate.check(url, image=image) for url in urls])

    return asyncio.run(ask())


def reasons(shop: Shop, *paths: str, **settings: object) -> list[str | None]:
    return [decision.reason for decision in judged(shop, *paths, **settings)]  # type: ignore[arg-type]


def test_robots_txt_is_asked_once_by_many_at_once_and_its_line_is_the_evidence(shop: Shop) -> None:
    shop.page("/robots.txt", "User-agent: *\nDisallow: /img\nDisallow: /img/secret/\nAllow: /img/free\n")
    found = judged(shop, *[f"/img/secret/{n}" for n in range(20)], "/img/free/x")
    assert shop.asked.count("/robots.txt") == 1
    assert {d.reason for d in found[:20]} == {"robots"}
    assert found[0].evidence.endswith("/img/secret/0 for modiste (line 3: Disallow: /img/secret/)")
    assert found[20].reason is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("\ufeffUser-agent: *\nDisallow: /a", "robots"),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Modiste\nDisallow: /b", None),
        ("User-agent: modiste\nDisallow: /a\nUser-agent: *\nAllow: /", "robots"),
        ("User-agent: modiste\nUser-agent: other\nDisallow: /*.jpg$", "robots"),
        ("User-agent: *\nDisallow: /*.jpg$\nAllow: /a.jpg$", None),
        ("User-agent: *\nDisallow:", None),
        ("<!doctype html><p>not here</p>", None),
        ("User-agent: *\r\nDisallow: /a # all of it\r\n", "robots"),
        ("\x00\x00User-agent", None),
    ],
)
def test_robots_txt_is_read_as_rfc_9309_says(shop: Shop, body: str, expected: str | None) -> None:
    shop.page("/robots.txt", body)
    assert reasons(shop, "/a.jpg") == [expected]


@pytest.mark.parametrize(("status", "expected"), [(404, None), (403, None), (410, None), (500, "robots_unavailable")])
def test_a_robots_txt_that_cannot_be_had_keeps_us_out_only_by_the_servers_own_fault(
    shop: Shop, status: int, expected: str | None
) -> None:
    shop.page("/robots.txt", "User-agent: *\nDisallow: /", status)
    assert reasons(shop, "/a.jpg") == [expected]


def test_a_robots_txt_that_was_busy_once_is_asked_again(shop: Shop) -> None:
    shop.answers["/robots.txt"] = [Answer(b"", 500), Answer(b"User-agent: *\nDisallow: /b", 200, TEXT)]
    assert reasons(shop, "/a.jpg", "/b.jpg") == [None, "robots"]


def test_a_long_patience_asked_by_robots_txt_keeps_out_and_breaks_nothing(shop: Shop) -> None:
    shop.answers["/robots.txt"] = Answer(b"", 503, {"Retry-After": "9999"})
    found = judged(shop, "/a.jpg", "/b.jpg")
    assert [d.reason for d in found] == ["robots_unavailable"] * 2
    assert "retry_later" in found[0].evidence


def test_redirects_of_robots_txt_are_followed_five_times_and_then_it_counts_as_absent(shop: Shop) -> None:
    for n in range(5):
        shop.answers[f"/r{n}" if n else "/robots.txt"] = Answer(b"", 301, {"Location": f"/r{n + 1}"})
    shop.page("/r5", "User-agent: *\nDisallow: /")
    assert reasons(shop, "/a.jpg") == ["robots"]
    shop.answers["/r5"] = Answer(b"", 302, {"Location": "/r6"})
    assert reasons(shop, "/a.jpg") == [None]


@pytest.mark.parametrize("to", ["http://169.254.169.254/", "file:///etc/passwd", "http://[bad/", "data:text/plain,x"])
def test_a_redirect_of_robots_txt_into_nowhere_keeps_out(shop: Shop, to: str) -> None:
    shop.answers["/robots.txt"] = Answer(b"", 301, {"Location": to})
    assert reasons(shop, "/a.jpg")[0] in ("private_address", "robots_unavailable")


def test_a_robots_txt_of_megabytes_is_read_as_far_as_the_cap(shop: Shop) -> None:
    filler = "# nothing but words\n" * 100_000
    shop.page("/robots.txt", f"User-agent: *\nDisallow: /early\n{filler}Disallow: /late\n")
    assert reasons(shop, "/early", "/late") == ["robots", None]


@pytest.mark.parametrize(
    ("line", "delay"),
    [("Crawl-delay: 2", 2.0), ("Request-rate: 1/5", 5.0), ("Crawl-delay: nan", 0.0), ("Crawl-delay: -1", 0)],
)
def test_crawl_delay_and_request_rate_set_the_hosts_pace(shop: Shop, line: str, delay: float) -> None:
    shop.page("/robots.txt", f"User-agent: *\n{line}\n")

    async def ask() -> float:
        pace = HostPace()
        async with Client("modiste/1.0", AddressGuard(shop.url), pace, timeout_s=5, concurrency=4) as client:
            await Gate(client, deny_hosts=[], taken_down=set()).robots(shop.url + "/a")
        return pace.delay(shop.url.removeprefix("http://"))

    assert asyncio.run(ask()) == delay


RESERVED = json.dumps([{"location": "/img/", "tdm-reservation": 1}])
FILES = {
    "/.well-known/tdmrep.json": (RESERVED, "tdm_reserved", "/.well-known/tdmrep.json rule 1: /img/ tdm-reservation 1"),
    "/ai.txt": ("User-Agent: *\nDisallow: *.jpg\n", "ai_txt", "/ai.txt line 2: Disallow: *.jpg"),
    "/robots.txt": ("User-agent: *\nContent-Signal: search=yes, ai-train=no\n", "usage_reserved",
                    "/robots.txt line 2: Content-Signal: search=yes, ai-train=no"),
}  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_what_a_hosts_file_reserves_refuses_its_images_for_training_alone(shop: Shop, path: str) -> None:
    body, reason, evidence = FILES[path]
    shop.page(path, body)
    [found] = judged(shop, "/img/a.jpg")
    assert (found.reason, found.evidence) == (reason, shop.url + evidence)
    assert reason in REASONS
    assert reasons(shop, "/img/a.jpg", purpose="price-report") == [None]


def test_a_price_report_asks_for_no_file_but_robots_txt(shop: Shop) -> None:
    judged(shop, "/img/a.jpg", purpose="price-report")
    assert shop.asked == ["/robots.txt"]


def test_rsl_terms_named_by_robots_txt_are_asked_for_and_hold(shop: Shop) -> None:
    shop.page("/robots.txt", "License: /rsl.xml\nUser-agent: *\nAllow: /\n")
    licence = '<license><prohibits type="usage">ai-all</prohibits></license>'
    shop.page("/rsl.xml", f'<rsl xmlns="https://rslstandard.org/rsl"><content url="/img/*">{licence}</content></rsl>')
    found = judged(shop, "/img/a.jpg", "/free/a.jpg")
    assert [d.reason for d in found] == ["rsl_prohibits", None]
    assert found[0].evidence == "RSL terms for /img/*: prohibits usage ai-all"


def test_files_that_cannot_be_read_reserve_nothing_and_the_evidence_says_so(shop: Shop) -> None:
    shop.page("/.well-known/tdmrep.json", "<!doctype html>home")
    shop.page("/ai.txt", "", 500)
    [found] = judged(shop, "/img/a.jpg")
    assert found.reason is None
    assert "/.well-known/tdmrep.json: HTTP 200, which is not JSON; /ai.txt: HTTP 500" in found.evidence
    assert [shop.asked.count(path) for path in ("/.well-known/tdmrep.json", "/ai.txt", "/llms.txt")] == [1, 1, 0]


def test_a_file_that_robots_txt_disallows_is_not_asked_for(shop: Shop) -> None:
    shop.page("/robots.txt", "User-agent: *\nDisallow: /ai.txt\n")
    [found] = judged(shop, "/img/a.jpg")
    assert "/ai.txt: disallowed, so not asked" in found.evidence
    assert "/ai.txt" not in shop.asked


def test_a_page_is_read_although_its_host_reserves_it_and_the_gate_knows_for_its_images(shop: Shop) -> None:
    shop.page("/.well-known/tdmrep.json", RESERVED.replace("/img/", "/p/"))

    async def ask() -> tuple[str | None, str | None, object]:
        async with Client("modiste/1.0", AddressGuard(shop.url), HostPace(), timeout_s=5, concurrency=4) as client:
            gate = Gate(client, deny_hosts=[], taken_down=set())
            before = gate.reserved(shop.url + "/p/1")
            decision, known = await gate.check(shop.url + "/p/1"), gate.reserved(shop.url + "/p/1")
            return decision.reason, known.reason if known else None, before

    assert asyncio.run(ask()) == (None, "tdm_reserved", None)


def test_an_image_hosts_own_files_hold_for_it_and_not_the_shops(shop: Shop) -> None:
    with serving() as images:
        images.page("/ai.txt", "User-Agent: *\nDisallow: /\n")
        host = images.url.removeprefix("http://")

        async def ask() -> list[str | None]:
            guard = AddressGuard(shop.url, [host])
            async with Client("modiste/1.0", guard, HostPace(), timeout_s=5, concurrency=4) as client:
                gate = Gate(client, deny_hosts=[], taken_down=set())
                return [(await gate.check(f"{url}/a.jpg", image=True)).reason for url in (shop.url, images.url)]

        assert asyncio.run(ask()) == [None, "ai_txt"]


def test_only_hosts_lets_the_named_shop_and_the_listed_domains_pass(shop: Shop) -> None:
    urls = ["/a", "http://other.example/b.jpg", "http://img.denied.example/c.jpg"]
    found = judged(shop, *urls, only_hosts=["denied.example"], deny_hosts=["img.denied.example"])
    assert [d.reason for d in found] == [None, "host_not_listed", "denied_host"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://[bad/a.jpg", "bad_url"),
        ("http://shop.example:99999/a.jpg", "bad_url"),
        ("http://shop.example:25/a.jpg", "bad_url"),
        ("http://shop.example:6667/a.jpg", "bad_url"),
        ("http://eve:pw@shop.example/a.jpg", "bad_url"),
        ("http://good.example\\@127.0.0.1/", "private_address"),
        ("file:///etc/passwd", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("//", "scheme"),
        ("http:///a.jpg", "scheme"),
    ],
)
def test_what_is_no_url_to_ask_is_refused_before_anything_is_asked(shop: Shop, url: str, reason: str) -> None:
    async def ask() -> Decision:
        async with Client("m", AddressGuard(shop.url), HostPace(), timeout_s=5, concurrency=4) as client:
            return await Gate(client, deny_hosts=[], taken_down=set()).check(url)

    found = asyncio.run(ask())
    assert (found.reason, "pw" in found.evidence) == (reason, False)
    assert shop.asked == []


def test_a_missing_contact_is_said_with_its_cure() -> None:
    assert "Set `contact:`" in str(contact_warning("  ", "https://shop.example/"))
    assert contact_warning("crawl@x.example", "https://shop.example/") is None
    assert contact_warning("", "http://127.0.0.1:8000/") is None
