"""Sitemaps as they are found: every form, broken ones, bombs, and a million addresses in flat memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from crawlers.sitemaps import Entry, entries, looks_like_one, read
from crawlers.strategies.languages import Languages, one_of_each, split

ROOT = Path(__file__).parents[1]
S = "https://s.example"


@pytest.mark.parametrize(
    "written",
    [
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{S}/p</loc></url></urlset>',
        f'\n\n<?xml version="1.0"?><urlset xmlns="http://wrong.example"><url><loc> {S}/p\n</loc></url></urlset>',
        f'<sm:urlset xmlns:sm="x"><sm:url><sm:loc>{S}/p</sm:loc></sm:url></sm:urlset>',
        f"<urlset><url><loc><![CDATA[{S}/p]]></loc></url></urlset>",
        f'<urlset xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><i:image><i:loc>{S}/i.jpg</i:loc>'
        f"</i:image><loc>{S}/p</loc></url></urlset>",
        f"<rss><channel><link>{S}/</link><item><title>t</title><link>{S}/p</link></item></channel></rss>",
        f'<feed xmlns="http://www.w3.org/2005/Atom"><link href="{S}/"/><entry><link href="{S}/p"/></entry></feed>',
        f"{S}/p\r\n",
        f"\ufeff<urlset><url><loc>{S}/p</loc><lastmod>nonsense</lastmod></url><url><loc></loc></url></urlset>",
    ],
)
def test_every_form_of_sitemap_names_its_page_and_no_image(written: str) -> None:
    assert list(read(written.encode())) == [(f"{S}/p", False)]
    assert list(read(gzip.compress(written.encode()))) == [(f"{S}/p", False)]


def test_bare_ampersands_are_kept_wherever_a_chunk_ends() -> None:
    rows = "".join(f"<url><loc>{S}/i.php?a={n}&b=2&amp;c=3&lang=en</loc></url>" for n in range(3_000))
    found = [url for url, _ in read(f"<urlset>{rows}</urlset>".encode())]
    assert found == [f"{S}/i.php?a={n}&b=2&c=3&lang=en" for n in range(3_000)]


def test_a_file_that_breaks_off_names_what_was_whole() -> None:
    assert list(read(f"<urlset><url><loc>{S}/a</loc></url><url><loc>{S}/cut".encode())) == [(f"{S}/a", False)]
    packed = gzip.compress(f"<urlset>{f'<url><loc>{S}/a</loc></url>' * 9_000}</urlset>".encode())
    assert 0 < len(list(read(packed[: len(packed) // 2]))) < 9_000


@pytest.mark.parametrize("body", [b"", b"<html><body>404</body></html>", b"\x1f\x8bx", b"\x00\xff\xfe", b"no\nsitemap"])
def test_what_is_no_sitemap_names_nothing(body: bytes) -> None:
    assert not looks_like_one(body)
    assert list(entries(body)) == []


def test_entities_are_never_loaded_or_blown_up() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "https://s.example/ha"}">' for n in range(9))
    rows = "<url><loc>&l8;</loc></url><url><loc>&f;</loc></url>"
    body = f'<!DOCTYPE urlset [{lol}<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset>{rows}</urlset>'
    assert list(read(body.encode())) == []


@pytest.mark.parametrize(
    "filling", [b" " * 100, b"<a/>" * 25, b"<a>" * 30, b"<url><loc>https://s.example/" + b"a" * 70]
)
def test_a_bomb_of_300_megabytes_ends_in_seconds(filling: bytes) -> None:
    body = b"".join(_packed(b"<urlset>", filling * 10_000, 300_000_000 // (10_000 * len(filling))))
    begun = time.process_time()
    assert list(entries(body)) == []
    assert time.process_time() - begun < 20


def _packed(head: bytes, block: bytes, times: int) -> list[bytes]:
    """A gzip file made of members, so that the test never holds what it means."""
    packer = zlib.compressobj(9, wbits=31)
    return [packer.compress(head), *(packer.compress(block) for _ in range(times)), packer.flush()]


MILLION = """
import re, sys, zlib
from crawlers.sitemaps import entries
packer = zlib.compressobj(1, wbits=31)
parts = [packer.compress(b"<urlset>")]
for block in range(int(sys.argv[1]) // 1000):
    row = b"<url><loc>https://s.example/products/coat-%d</loc><lastmod>2026-01-01</lastmod></url>"
    parts.append(packer.compress(b"".join(row % n for n in range(block * 1000, block * 1000 + 1000))))
parts += [packer.compress(b"</urlset>"), packer.flush()]
body = b"".join(parts)
count = sum(1 for _ in entries(body))
print(count, int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.slow
def test_a_million_addresses_are_read_in_flat_memory() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MILLION, "1000000"]
    ran = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=True)
    count, megabytes = map(int, ran.stdout.split())
    assert count == 1_000_000
    assert megabytes < 100


def test_alternates_lead_to_the_own_language_and_copies_are_counted() -> None:
    both = (("en", f"{S}/en/coat"), ("de-at", f"{S}/de/mantel"), ("x-default", f"{S}/coat"))
    languages = Languages("de", {})
    found = [languages.kept(Entry(f"{S}{path}", alternates=both)) for path in ("/en/coat", "/de/mantel")]
    assert found == [f"{S}/de/mantel"] * 2
    assert languages.left_out == {"en": 1}


def test_a_prefixed_copy_goes_and_what_only_another_language_has_stays() -> None:
    languages = Languages("en", {})
    paths = ["/fr/p/1", "/p/1", "/p/2", "/fr/p/3", "/fr/p/2?x=1"]
    kept = [url for url in (languages.kept(Entry(S + path)) for path in paths) if url]
    assert kept == [f"{S}/p/1", f"{S}/p/2"]
    assert languages.rest() == [f"{S}/fr/p/3", f"{S}/fr/p/2?x=1"]
    assert languages.left_out == {"fr": 1}


def test_without_a_known_language_nothing_is_left_out() -> None:
    languages = Languages("", {})
    assert [languages.kept(Entry(S + p)) for p in ("/fr/p/1", "/en/p/1")] == [f"{S}/fr/p/1", f"{S}/en/p/1"]


def test_a_path_that_only_looks_like_a_language_is_none() -> None:
    assert split(f"{S}/tv/1") == ("", "/tv/1")
    assert split(f"{S}/de-AT/p?a=1") == ("de", "/p?a=1")


def test_of_sitemaps_that_differ_in_a_language_alone_one_is_read() -> None:
    named = [f"{S}/sitemap-{code}.xml" for code in ("de", "en", "fr")] + [f"{S}/sitemap_products_1.xml"]
    assert one_of_each(named, "en") == [f"{S}/sitemap-en.xml", f"{S}/sitemap_products_1.xml"]
    assert one_of_each(named, "it") == named
