"""The crawler's pure parts: opt-outs, addresses, pace, links, sniffing, sitemaps, site files, single fields, image
choice.
"""

from __future__ import annotations

import gzip
from email.utils import formatdate
from pathlib import Path

import pytest
from parsel import Selector

from crawlers import links, optout, sitemaps, sniff
from crawlers.addresses import AddressGuard, is_public
from crawlers.extract import fields
from crawlers.extract.image_urls import srcset
from crawlers.extract.page import extract
from crawlers.pace import retry_after_s
from crawlers.site_config import SHIPPED, load_site, site_for
from dataset.errors import SettingsError

SHOP = "https://shop.example/list"


@pytest.mark.parametrize(
    ("header", "purpose", "reason"),
    [
        ("noai, noimageai", "training", "noai"),
        ("noai", "price-report", None),
        ("googlebot: noindex", "training", None),
        ("googlebot: nofollow, noindex", "training", None),
        ("modiste: noml", "training", "noml"),
        ("none", "price-report", "noindex"),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST", "training", None),
        ("max-image-preview: large, noimageindex", "price-report", "noimageindex"),
        ("ALL", "training", None),
    ],
)
def test_an_opt_out_header_binds_by_purpose_and_addressee(header: str, purpose: str, reason: str | None) -> None:
    found = optout.from_headers([header], None, purpose)
    assert (found.reason if found else None) == reason


def test_a_tdm_reservation_keeps_images_from_training_only() -> None:
    page = Selector('<meta name="tdm-reservation" content="1">', type="html")
    assert [bool(optout.from_page(page, purpose)) for purpose in ("training", "price-report")] == [True, False]


@pytest.mark.parametrize("address", ["10.1.2.3", "169.254.169.254", "::1", "fe80::1", "::ffff:192.168.0.1",
                                     "64:ff9b::7f00:1",
                                     "100.64.0.1", "0.0.0.0", "224.0.0.1", "fd00::1"])  # fmt: skip
def test_private_and_link_local_addresses_are_not_public_however_written(address: str) -> None:
    assert not is_public(address)
    assert is_public("93.184.215.14")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:81", "2130706433", "127.1", "0x7f.1", "localhost", "metadata.internal", "[::1]"]
)
def test_literals_that_lead_inside_are_refused_save_the_named_host_and_port(host: str) -> None:
    guard = AddressGuard("http://127.0.0.1:80/")
    assert guard.refuses_literal(f"http://{host}/a.jpg")
    assert guard.refuses_literal("http://127.0.0.1/a.jpg") is None


def test_retry_after_is_seconds_or_a_date_and_nonsense_says_nothing() -> None:
    assert (retry_after_s("7"), retry_after_s("soon"), retry_after_s(None)) == (7.0, None, None)
    assert retry_after_s(formatdate(0, usegmt=True)) == 0.0


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "empty"), (b"\n<!-- x --> <HTML>", "html"), (b"{}", "not_an_image"), (b"\xff\xd8\xff\xe0", None),
     (b"RIFF\0\0\0\0WEBPVP8 ", None), (b"RIFF\0\0\0\0WAVE", "not_an_image"), (b"\0\0\0\x1cftypavif", None)],
)  # fmt: skip
def test_the_first_bytes_say_what_a_body_is(body: bytes, reason: str | None) -> None:
    assert sniff.refusal(body) == reason


def test_links_lose_tracking_and_files_carts_and_other_hosts_are_left_out() -> None:
    html = """<a href="/p?b=2&a=1&utm_source=x#top">p</a><a href="/a.pdf">f</a><a href="/cart/">c</a>
              <a href="https://other.example/">o</a><a href="mailto:x@y">m</a><a rel="nofollow" href="/n">n</a>"""
    found = [url for url, _, _ in links.find(Selector(html, type="html"), SHOP)]
    assert found == ["https://shop.example/p?a=1&b=2"]


def test_the_next_page_comes_before_products_and_these_before_the_rest() -> None:
    html = '<a href="/about">x</a><li><a href="/p/1"><img src="t.jpg"></a></li><a rel="next" href="?page=2">more</a>'
    best = {url: priority for url, _, priority in reversed(list(links.find(Selector(html, type="html"), SHOP)))}
    assert sorted(best, key=lambda u: -best[u]) == [
        SHOP + "?page=2",
        "https://shop.example/p/1",
        "https://shop.example/about",
    ]


def test_a_gzipped_sitemap_index_and_a_web_page_in_its_place() -> None:
    index = b"<sitemapindex><sitemap><loc>https://s.example/a.xml.gz</loc></sitemap></sitemapindex>"
    assert list(sitemaps.read(gzip.compress(index))) == [("https://s.example/a.xml.gz", True)]
    assert list(sitemaps.read(b"<html><body>not found</body></html>")) == []
    assert list(sitemaps.read(b"\x1f\x8bnonsense")) == []


def test_a_sitemap_bomb_is_cut_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MAX_BYTES", 200)
    many = b"<urlset>" + b"<url><loc>https://s.example/p</loc></url>" * 1_000 + b"</urlset>"
    assert len(list(sitemaps.read(gzip.compress(many)))) == 4


def test_a_store_without_markup_is_read_by_its_site_file() -> None:
    html = b"""<h2 class="title">Kilt</h2><span class="was">$90</span><span class="now">$1,050.5</span>
        <select class="size"><option>S</option><option>M</option></select>
        <div class="pictures"><img src="/k.jpg"></div>"""
    site = load_site(SHIPPED / "plain-store.yaml")
    [product] = extract(html, "https://plain-store.example/k", site=site).products
    assert (product.name, product.price, product.currency, product.sizes) == ("Kilt", "1050.50", "USD", ["S", "M"])
    assert (product.images, product.source["price"]) == (["https://plain-store.example/k.jpg"], ["selector", 0.95])
    assert product.list_price is None  # a struck price below the price is no discount


def test_a_misspelled_key_in_a_site_file_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("host: x.example\nselector: {}\n")
    with pytest.raises(SettingsError, match="unknown key 'selector', did you mean 'selectors'"):
        site_for("x.example", [tmp_path])


@pytest.mark.parametrize(
    ("written", "code", "amount"),
    [("1.299,00 €", None, "1299.00"), ("229.990", "CLP", "229990"), ("229.990", "EUR", "229.99"), (12.5, None, "12.50"),
     ("free", None, None), (0, None, None), ({"@value": "7"}, None, "7"), ([None, "8.00"], None, "8.00"),
     (True, None, None)],
)  # fmt: skip
def test_prices_become_decimal_strings(written: object, code: str | None, amount: str | None) -> None:
    assert fields.price(written, code) == amount


def test_a_shared_sign_says_no_currency_and_a_wrong_check_digit_no_gtin() -> None:
    assert [fields.currency(x) for x in ("eur", "£", "$", "US$", None)] == ["EUR", "GBP", None, "USD", None]
    assert [fields.gtin(x) for x in ("4006381333931", "4006381333930", "123")] == ["4006381333931", None, None]


def test_a_srcset_with_commas_in_its_urls_gives_the_widest() -> None:
    written = "/w_300,h_400/a.jpg 300w, /w_900,h_1200/a.jpg 900w"
    assert srcset(written) == [("/w_300,h_400/a.jpg", 300), ("/w_900,h_1200/a.jpg", 900)]
