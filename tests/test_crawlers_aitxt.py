"""ai.txt, usage lines of robots.txt, RSL terms: what a host's files say of training."""

from __future__ import annotations

import pytest

from crawlers import aitxt, robots, rsl, usage

SHOP = "https://shop.example"
SPAWNING = b"""# Spawning AI
User-Agent: *
Disallow: *.jpg
Disallow: /private/
Allow: *.png
Allow: /private/free.jpg$
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/img/a.jpg", "line 3: Disallow: *.jpg"),
        ("/img/a.png", None),
        ("/private/a.webp", "line 4: Disallow: /private/"),
        ("/private/free.jpg", None),
    ],
)
def test_ai_txt_keeps_file_types_and_paths_from_training(path: str, line: str | None) -> None:
    assert aitxt.read(SPAWNING).against(SHOP + path) == line


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b"User-Agent: *\nDisallow: /\nDisallow: *\n", True),
        (b"User-Agent: GPTBot\nDisallow: /\n", False),
        (b"User-Agent: *\nAllow: /\n\nUser-Agent: modiste\nDisallow: /\n", True),
        (b"# ai.txt\nSpec-Version: 1.0\nTraining: deny\n", True),
        (b"Training: conditional\n", False),
        (b"", False),
        (b"\xef\xbb\xbfUser-Agent: *\r\nDisallow: /\r\n", True),
    ],
)
def test_ai_txt_binds_us_where_it_means_everyone_or_us(body: bytes, refused: bool) -> None:
    assert (aitxt.read(body).against(SHOP + "/a.jpg") is not None) is refused


def test_a_web_page_in_ai_txts_place_says_nothing() -> None:
    with pytest.raises(ValueError, match="web page"):
        aitxt.read(b"\n <!doctype html><p>Disallow: /")


@pytest.mark.parametrize(
    ("value", "refuses"),
    [
        ("search=yes, ai-train=no", True),
        ("ai-train=yes", False),
        ("search=no,ai-input=no", None),
        ("train-ai=n", True),
        ("train-ai=y;x=1, ai-train=no", True),
        ("TRAIN-AI = N", True),
        ("", None),
        ("ai-train", None),
    ],
)
def test_usage_preferences_speak_of_training_or_not_at_all(value: str, refuses: bool | None) -> None:
    assert usage.against_training(value) is refuses


AIPREF = b"""User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: / train-ai=n
Content-Usage: /ai-ok/ train-ai=y
Content-Usage: /both/ train-ai=y
Content-Usage: /both/ train-ai=n

User-Agent: modiste-news
User-Agent: ExampleBot
Content-Signal: ai-train=yes
"""


@pytest.mark.parametrize(("path", "number"), [("/test", 4), ("/ai-ok/test", None), ("/both/x", 7)])
def test_the_longest_usage_rule_holds_and_of_equals_the_refusal(path: str, number: int | None) -> None:
    found = usage.in_robots(robots.read(AIPREF, SHOP).lines, SHOP + path)
    assert (found.split(":")[0] if found else None) == (f"line {number}" if number else None)


def test_a_content_signal_of_another_agents_group_is_not_ours_and_one_before_any_group_is() -> None:
    theirs = b"User-agent: GPTBot\nContent-Signal: ai-train=no\n\nUser-agent: *\nAllow: /\n"
    everyones = b"Content-Signal: ai-train=no\nUser-agent: *\nDisallow:\n"
    assert usage.in_robots(robots.read(theirs, SHOP).lines, SHOP + "/a") is None
    assert usage.in_robots(robots.read(everyones, SHOP).lines, SHOP + "/a") == "line 1: Content-Signal: ai-train=no"


def terms(inner: str, url: str = "/", server: str = "") -> str:
    body = f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{url}"{server}>{inner}</content></rsl>'
    found = rsl.decide(rsl.read(body.encode(), SHOP + "/license.xml"), SHOP + "/img/a.jpg")
    return found.against if found else "not covered"


@pytest.mark.parametrize(
    ("licence", "against"),
    [
        (
            '<permits type="usage">search</permits><prohibits type="usage">ai-train</prohibits>',
            "prohibits usage ai-train",
        ),
        ('<permits type="usage">search ai-index</permits>', "permits usage ai-index search only"),
        ('<permits type="usage">all</permits>', ""),
        ('<permits type="user">commercial</permits><payment type="free"/>', ""),
        ('<payment type="attribution"/>', ""),
        ('<payment type="subscription"/>', "payment subscription"),
    ],
)
def test_rsl_terms_refuse_what_they_prohibit_or_sell(licence: str, against: str) -> None:
    assert terms(f"<license>{licence}</license>") == against


def test_one_rsl_licence_of_two_that_allows_training_is_enough_and_a_server_is_not() -> None:
    both = '<license><payment type="purchase"/></license><license><permits type="usage">ai-train</permits></license>'
    assert terms(both) == ""
    assert (
        terms(both, server=' server="https://licences.example"')
        == "a licence must be had from https://licences.example"
    )
    assert terms("<license/>", url="/texts/*") == "not covered"
    assert terms("<license/>", url="https://other.example/") == "not covered"


@pytest.mark.parametrize("body", [b"", b"<html>", b"<rsl>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_bytes_that_are_no_rsl_are_told_apart(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"XML|RSL"):
        rsl.read(body, SHOP)
