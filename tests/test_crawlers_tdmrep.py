"""TDM reservations by file, header and meta tag, with the protocol's precedence; path patterns."""

from __future__ import annotations

import json

import pytest
from parsel import Selector

from crawlers import tdmrep
from crawlers.optout import OptOut, of_page
from crawlers.patterns import matches, path_of

SHOP = "https://shop.example"
RULES = [
    {"location": "/directory-a/", "tdm-reservation": 1},
    {"location": "/directory-b/html/", "tdm-reservation": 1, "tdm-policy": "https://shop.example/policy.json"},
    {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
    {"location": "/", "tdm-reservation": 1},
]


def decided(path: str, rules: object = RULES) -> tuple[int, bool] | None:
    rule = tdmrep.decide(tdmrep.read(json.dumps(rules).encode()), SHOP + path)
    return (rule.number, rule.reserved) if rule else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/directory-a/x.jpg", (1, True)),
        ("/directory-b/html/x", (2, True)),
        ("/directory-b/images/x.jpg", (3, False)),
        ("/directory-b/images/deep/x.jpg?v=1", (3, False)),
        ("/directory-b/images/x.png", (4, True)),
        ("/Directory-A/x", (4, True)),
    ],
)
def test_the_first_rule_in_sequence_that_matches_decides(path: str, expected: tuple[int, bool]) -> None:
    assert decided(path) == expected


def test_where_no_rule_matches_nothing_is_reserved() -> None:
    assert decided("/other/", RULES[:3]) is None


@pytest.mark.parametrize("value", [2, "2", None, "yes", [1], {}])
def test_a_value_that_the_protocol_does_not_know_counts_as_unset(value: object) -> None:
    assert decided("/x", [{"location": "/", "tdm-reservation": value}]) is None


@pytest.mark.parametrize("body", [b"<!doctype html>", b"", b'{"version": 1}', b"[" * 100_000, b"\xff\xfe", b'"text"'])
def test_bytes_that_are_no_such_file_are_told_apart(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        tdmrep.read(body)


def test_a_rule_without_its_brackets_and_one_with_a_whole_url_are_still_meant() -> None:
    assert decided("/a/b", {"location": "https://shop.example/a/*", "tdm-reservation": "1"}) == (1, True)


def test_the_words_name_rule_pattern_and_policy() -> None:
    rule = tdmrep.decide(tdmrep.read(json.dumps(RULES).encode()), SHOP + "/directory-b/html/x")
    assert rule
    assert rule.words() == ("rule 2: /directory-b/html/ tdm-reservation 1, tdm-policy https://shop.example/policy.json")


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish*", "/fishheads", True),
        ("/*.php$", "/folder/a.php", True),
        ("/*.php$", "/a.php?x=1", False),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("*.jpg", "/img/a.jpg?w=3", True),
        ("/a*b*c$", "/a-b-c", True),
        ("/a*bc*c$", "/abc", False),
        ("/foo-%24", "/foo-$", True),
        ("/%7Ejoe", "/~joe", True),
        ("/caf%c3%a9", "/café", True),
        ("", "/a", False),
        ("*", "/", True),
    ],
)
def test_patterns_are_prefixes_with_wildcards(pattern: str, url: str, expected: bool) -> None:
    assert matches(pattern, path_of(SHOP + url)) is expected


def test_a_pattern_of_wildcards_alone_takes_no_time() -> None:
    assert not matches("/" + "*a" * 2_000 + "$", path_of(SHOP + "/" + "a" * 1_999 + "b"))


@pytest.mark.parametrize(
    ("file", "header", "meta", "reserved"),
    [
        (True, None, None, True),
        (True, "0", None, False),
        (False, "1", None, True),
        (False, "1", "0", False),
        (True, "0", "1", True),
        (False, "0", "2", False),
        (True, "yes", "maybe", True),
    ],
)
def test_meta_stands_over_header_over_file(file: bool, header: str | None, meta: str | None, reserved: bool) -> None:
    page = Selector(f'<meta name="TDM-Reservation" content="{meta}">' if meta else "<p>", type="html")
    by_host = OptOut("tdm_reserved", "rule 1") if file else None
    assert bool(of_page(page, [], header, "training", by_host=by_host)) is reserved
    assert of_page(page, [], header, "price-report") is None
