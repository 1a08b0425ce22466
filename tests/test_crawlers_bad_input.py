"""Bad input from a hostile server: every kind gets its coded row, and the crawl goes on to everything else."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crawlers_hostile import (
    Behaviour,
    Hostile,
    answer,
    drip,
    endless,
    flood,
    gzip_bomb,
    hostile,
    picture,
    png_bomb,
    product,
    redirect,
    reset,
    silent,
)  # fmt: skip

from crawlers import dimensions, sniff
from crawlers.addresses import AddressGuard
from crawlers.client import Answer, Client, Failure
from crawlers.pace import HostPace
from crawlers.run import crawl
from dataset.blobs import sha256_of
from dataset.workspace import Workspace

JPEG = "image/jpeg"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\n"


@pytest.fixture
def server() -> Iterator[Hostile]:
    with hostile() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    made = Workspace.init(tmp_path / "ws", contact="crawl@x.example")
    made.settings.crawl.timeout_s = 1.0
    made.settings.crawl.max_image_bytes = 300_000
    return made


def asked(server: Hostile, path: str, cap: int = 300_000) -> str | Answer:
    """One request through the client: its coded reason, or the answer."""

    async def ask() -> str | Answer:
        guard = AddressGuard(server.url)
        async with Client("modiste/1.0", guard, HostPace(), timeout_s=1.0, concurrency=4) as client:
            try:
                found = await client.get(server.url + path, cap=cap)
            except Failure as failure:
                return failure.reason
            return found.stopped or found

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (drip(HEAD), "timeout"),
        (drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), "timeout"),
        (silent, "timeout"),
        (reset, "connection"),
        (endless(JPEG), "too_large"),
        (answer(b"x", JPEG, Content_Length=str(10 * 2**30)), "too_large"),
        (answer(b"xyz", JPEG, Content_Length="1000"), "connection"),
        (answer(b"xyz", JPEG, Content_Length="-5"), "connection"),
        (answer(b"xyz", JPEG, Content_Length="three"), "connection"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nnonsense\r\n", "connection"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "connection"),
        (b"SPQR 9.9 nonsense\r\n\r\n", "connection"),
        (b"HTTP/1.1 99999999 OK\r\n\r\n", "connection"),
        (b"", "connection"),
        (b"\x00\x01\x02\r\n\r\n", "connection"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "connection"),
        (flood(20_000), "connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", "connection"),
        (answer(b"not gzip at all", JPEG, Content_Encoding="gzip"), "connection"),
        (answer(gzip_bomb(1), JPEG, Content_Encoding="gzip"), "too_large"),
        (answer(gzip_bomb(1)[10:-8], JPEG, Content_Encoding="deflate"), "too_large"),
    ],
)  # fmt: skip
def test_what_no_server_should_send_is_a_coded_failure(server: Hostile, given: bytes | Behaviour, reason: str) -> None:
    server.answers["/x"] = given
    assert asked(server, "/x") == reason


def test_a_body_without_a_length_that_ends_with_the_connection_is_whole(server: Hostile) -> None:
    server.answers["/x"] = b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff"
    found = asked(server, "/x")
    assert isinstance(found, Answer)
    assert found.body == b"\xff\xd8\xff"


def test_a_gzip_bomb_is_inflated_no_further_than_the_cap(server: Hostile) -> None:
    """300 MB in 300 kB: peak memory may grow by the cap and some buffers, not by what the bomb holds."""
    server.answers["/x"] = answer(gzip_bomb(300), "text/html", Content_Encoding="gzip")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert asked(server, "/x", cap=16 * 2**20) == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize(
    ("body", "size", "reason"),
    [
        (png_bomb(65_536, 65_536), (65_536, 65_536), "too_many_pixels"),
        (png_bomb(10_000, 10_000), (10_000, 10_000), "too_many_pixels"),
        (b"GIF89a" + b"\xff\xff" * 2, (65_535, 65_535), "too_many_pixels"),
        (picture("JPEG")[:60], None, None),
        (picture("JPEG"), (16, 16), None),
        (picture("GIF", frames=3), (16, 16), None),
        (picture("WEBP", frames=3), (16, 16), None),
        (picture("AVIF"), (16, 16), None),
        (picture("BMP"), (16, 16), None),
        (b"<?xml version='1.0'?><!-- a --><svg xmlns='http://www.w3.org/2000/svg'>", None, "svg"),
        (b"<!---->" * 140 + b"x", None, "not_an_image"),
    ],
)
def test_headers_tell_bombs_and_drawings_from_pictures(
    body: bytes, size: tuple[int, int] | None, reason: str | None
) -> None:
    assert dimensions.size(body) == size
    assert sniff.refusal(body) == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP"])
def test_no_cut_of_an_image_breaks_the_header_check(kind: str) -> None:
    body = picture(kind)
    for length in range(len(body)):
        assert sniff.refusal(body[:length]) in (None, "empty", "not_an_image")


GIF = picture("GIF", 7, frames=4)
IMAGES: dict[str, tuple[bytes | Behaviour, str | None]] = {
    "drip.jpg": (drip(HEAD), "timeout"),
    "silent.jpg": (silent, "timeout"),
    "reset.jpg": (reset, "connection"),
    "short.jpg": (answer(b"\xff\xd8\xff", JPEG, Content_Length="1000"), "connection"),
    "status.jpg": (b"SPQR 9.9 nonsense\r\n\r\n", "connection"),
    "flood.jpg": (flood(20_000), "connection"),
    "endless.jpg": (endless(JPEG, b"\xff\xd8\xff"), "too_large"),
    "length.jpg": (answer(b"x", JPEG, Content_Length=str(10 * 2**30)), "too_large"),
    "gzip.jpg": (answer(gzip_bomb(10), JPEG, Content_Encoding="gzip"), "too_large"),
    "loop.jpg": (redirect("/img/loop2.jpg"), "redirect_loop"),
    "loop2.jpg": (redirect("/img/loop.jpg"), "redirect_loop"),
    "file.jpg": (redirect("file:///etc/passwd"), "scheme"),
    "data.jpg": (redirect("data:image/png;base64,AAAA"), "scheme"),
    "inner.jpg": (redirect("http://169.254.169.254/latest/meta-data"), "private_address"),
    "nat64.jpg": (redirect("http://[64:ff9b::a9fe:a9fe]/"), "private_address"),
    "port.jpg": (redirect("http://shop.example:25/a.jpg"), "bad_url"),
    "html.jpg": (answer(b"<!doctype html><p>sorry</p>", JPEG), "html"),
    "nothing.jpg": (answer(b"", JPEG), "empty"),
    "drawn.jpg": (answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "svg"),
    "bomb.png": (answer(png_bomb(65_536, 65_536), "image/png"), "too_many_pixels"),
    "gone.jpg": (answer(b"", status="410 Gone"), "http_410"),
    "truncated.jpg": (answer(picture("JPEG", 1)[:200], JPEG), None),
    "other.gif": (answer(picture("JPEG", 2), "image/gif"), None),
    "moving.gif": (answer(GIF, "image/gif"), None),
    "new.avif": (answer(picture("AVIF", 3), "image/avif"), None),
}  # fmt: skip
BIG = b"<p>" + b"many words " * (50 * 2**20 // 11)
PAGES: dict[str, tuple[Callable[[], bytes | Behaviour], str | None]] = {
    "drip": (lambda: drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"), "timeout"),
    "endless": (lambda: endless("text/html", b"<html>"), "too_large"),
    "huge": (lambda: answer(BIG), "too_large"),
    "gzip": (lambda: answer(gzip_bomb(100), Content_Encoding="gzip"), "too_large"),
    "status": (lambda: b"SPQR 9.9 nonsense\r\n\r\n", "connection"),
    "flood": (lambda: flood(20_000), "connection"),
    "loop": (lambda: redirect("/p/loop"), "redirect_loop"),
    "cookies": (lambda: redirect("/p/wall"), "redirect_loop"),
    "wall": (lambda: redirect("/p/cookies"), "redirect_loop"),
    "file": (lambda: redirect("file:///etc/passwd"), "http_302"),  # Scrapy follows the web's schemes only
    "private": (lambda: redirect("http://10.0.0.1/"), "offsite"),
    "image": (lambda: answer(picture("JPEG"), JPEG), "not_html"),
    "nul": (lambda: answer(b"\x00" * 900), "not_html"),
    "error": (lambda: answer(b"", status="500 Oops"), "http_500"),
    "consent": (lambda: answer(b"<form>We value your privacy <button>Accept all cookies</button></form>"), None),
    "utf8": (lambda: answer(product("utf8", ["/img/utf8.jpg"], before="\udcff\udcfe".encode("utf-8", "surrogateescape")
                                    .decode("latin-1"))), None),
    "deep": (lambda: answer(product("deep", ["/img/deep.jpg"], after="<div>" * 100_000)), None),
}  # fmt: skip


def stocked(server: Hostile, good: int) -> None:
    """A shop of good products, of one product with every bad image, and of every bad page."""
    pages = [f"/p/good{n}" for n in range(good)]
    for n in range(good):
        server.answers[f"/p/good{n}"] = answer(product(f"good{n}", [f"/img/good{n}.jpg"]))
        server.answers[f"/img/good{n}.jpg"] = answer(picture("JPEG", n), JPEG)
    for name in ("utf8", "deep"):
        server.answers[f"/img/{name}.jpg"] = answer(picture("JPEG", 50), JPEG)
    server.answers["/p/images"] = answer(product("images", [f"/img/{name}" for name in IMAGES]))
    server.answers |= {f"/img/{name}": given for name, (given, _) in IMAGES.items()}
    server.answers |= {f"/p/{name}": made() for name, (made, _) in PAGES.items()}
    pages += ["/p/images", *[f"/p/{name}" for name in PAGES]]
    rows = "".join(f"<url><loc>{server.url}{path}</loc></url>" for path in pages)
    server.answers["/good.xml"] = answer(f"<urlset>{rows}</urlset>".encode(), "text/xml")
    bomb = answer(gzip_bomb(200), "application/gzip")
    server.answers["/bomb.xml.gz"] = bomb
    server.answers["/robots.txt"] = answer(
        f"Sitemap: {server.url}/bomb.xml.gz\nSitemap: {server.url}/good.xml\n".encode(), "text/plain"
    )


@pytest.mark.slow
def test_a_shop_of_every_bad_kind_at_once_gives_every_good_thing_and_a_coded_row_for_each_bad_one(
    server: Hostile, ws: Workspace
) -> None:
    stocked(server, good=10)
    result = crawl(ws, server.url, store="hostile")
    images = {str(r["url"]).rsplit("/", 1)[1]: r for r in ws.tables.read("fetches").to_pylist()}
    pages = {str(r["url"]).rsplit("/", 1)[1]: r for r in ws.tables.read("pages").to_pylist()}
    names = {r["name"] for r in ws.tables.read("products").to_pylist()}
    assert names == {f"Dress {n}" for n in ("images", "utf8", "deep", *[f"good{i}" for i in range(10)])}
    assert {name: images[name]["reason"] for name in IMAGES} == {name: reason for name, (_, reason) in IMAGES.items()}
    assert {name: pages[name]["reason"] for name in PAGES} == {name: reason for name, (_, reason) in PAGES.items()}
    assert {images[f"good{n}.jpg"]["status"] for n in range(10)} == {"ok"}
    assert images["moving.gif"]["sha256"] == sha256_of(GIF)
    assert result.products == 13


def test_a_calendar_and_facets_without_end_are_bounded_by_the_budget(server: Hostile, ws: Workspace) -> None:
    ws.settings.crawl.max_pages = 40

    def page(path: str) -> bytes:
        number = sum(map(ord, path)) % 10_000
        days = "".join(f'<a href="/calendar/{number}/{n}">next day</a>' for n in range(30))
        facets = "".join(f'<a href="{path.split("?")[0]}?c={n}&s={number}&sid={n}">filter</a>' for n in range(30))
        return answer(
            f'<html><body>{days}{facets}<li><a href="/p/1"><img src="/t.jpg"></a></li></body></html>'.encode()
        )

    server.fallback = lambda path: page(path) if path.endswith("/") or "/calendar/" in path or "?" in path else answer(
        b"", status="404 Not Found")  # fmt: skip
    server.answers["/p/1"] = answer(product("one", ["/img/1.jpg"]))
    server.answers["/img/1.jpg"] = answer(picture("JPEG"), JPEG)
    result = crawl(ws, server.url + "/", store="endless")
    assert (result.products, result.images_ok) == (1, 1)
    assert len(server.asked) <= 40 + 20  # the budget, and the files a crawl begins with
