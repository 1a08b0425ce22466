"""Codes become words a shop owner reads; a code nobody knows stays legible."""

from __future__ import annotations

import pytest

from reports.wording import in_shops, in_words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("robots", "robots.txt disallows it"),
        ("http_500", "answered 500 (internal server error)"),
        ("http_404", "answered 404 (not found)"),
        ("http_529", "answered 529"),
        ("quite_new_code", "quite new code"),
        (None, "unsaid"),
    ],
)
def test_a_code_is_said_in_words(code: str | None, words: str) -> None:
    assert in_words(code) == words


def test_one_shop_is_not_several() -> None:
    assert (in_shops(1), in_shops(0), in_shops(1200)) == ("in 1 shop", "in 0 shops", "in 1,200 shops")
