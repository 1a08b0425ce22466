"""Pages made to hurt: each is answered within a bounded time, and none raises."""

from __future__ import annotations

import time

import pytest

from crawlers.extract.page import extract

SOLD = b"<title>Coat</title><h1>Coat</h1><p class=price>$5</p><button>Add to cart</button>"
PAGES = {
    "deep": b"<div class=cart-drawer>" * 50_000 + SOLD,
    "wide": SOLD + b"<p>$5</p>" * 100_000,
    "noise": SOLD + b'<div class="related"><a>x</a></div>' * 50_000,
    "items": b'<div itemscope itemtype="http://schema.org/Product"><b itemprop=name>x</b></div>' * 20_000,
    "items in items": b'<div itemscope itemprop=offers itemtype="http://schema.org/Offer">' * 390,
    "tiles": SOLD + b'<li><a href="/x"><img>x</a> $5</li>' * 30_000,
    "choices": SOLD + b"<select name=size><option selected>M</select>" * 30_000,
    "one long word": b"<h1>" + b"a" * 2_000_000 + b"</h1>" + SOLD,
    "digits": b"<h1>Coat</h1><p class=price>" + b"1 " * 1_000_000 + b"</p>",
    "a long class": b'<p class="' + b"price-" * 200_000 + b'">$5</p>' + SOLD,
    "nuls": b"\x00" * 1000 + SOLD.replace(b"h1", b"h\x001"),
    "open braces": b'<script type="application/ld+json">' + b'{"@type":' * 50_000 + b"</script>",
    "open brackets": b'<script type="application/ld+json">' + b"[" * 100_000 + b"</script>",
    "scripts": b'<script type="application/ld+json">{"@type":"Product","name":"x"}</script>' * 20_000,
    "metas": b'<meta property="og:title" content="b">' * 50_000 + SOLD,
}


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_page_is_answered_in_bounded_time(name: str) -> None:
    started = time.process_time()
    page = extract(PAGES[name], "https://shop.example/coat")
    assert len(page.products) <= 1
    assert time.process_time() - started < 5


def test_nul_bytes_hide_nothing() -> None:
    products = extract(PAGES["nuls"], "https://shop.example/coat").products
    assert [(p.name, p.price) for p in products] == [("Coat", "5")]
