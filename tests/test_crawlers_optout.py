"""Opt-outs stated in headers, pages and images: which directive binds which purpose and whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from parsel import Selector

from crawlers.optout import OptOut, directives, from_bytes, from_headers, from_page, of_page
from crawlers.policy import REASONS

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NOAI , noimageai", ["noai", "noimageai"]),
        ("noindex; nofollow", ["noindex", "nofollow"]),
        ("none", ["noindex", "nofollow"]),
        ("googlebot: noai, noml", []),
        ("googlebot: noindex, modiste: noml", ["noml"]),
        ("modistebot: noimageai", ["noimageai"]),
        ("*: noai", ["noai"]),
        ("unavailable_after: 25 Jun 2025 15:00:00 PST", ["unavailable"]),
        ("unavailable_after: Friday, 25-Jun-27 15:00:00 UTC, noai", ["noai"]),
        ("noarchive, unavailable_after: Wed, 25 Jun 2025 15:00:00 GMT", ["noarchive", "unavailable"]),
        ("unavailable_after: 2025-09-21", ["unavailable"]),
        ("unavailable_after: 2025-09-21T10:00:00Z", ["unavailable"]),
        ("otherbot: unavailable_after: 2025-09-21", []),
        ("unavailable_after: soon", []),
        ("max-image-preview: none, max-snippet:-1", ["max-image-preview: none", "max-snippet:-1"]),
        (",,;", []),
    ],
)
def test_directives_are_those_addressed_to_us(value: str, expected: list[str]) -> None:
    assert directives(value, NOW) == expected


BOTH, TRAINING, NONE = ("training", "price-report"), ("training",), ()


@pytest.mark.parametrize(
    ("header", "bound"),
    [
        ("noai", TRAINING), ("noimageai", TRAINING), ("noml", TRAINING), ("noindex", BOTH), ("noimageindex", BOTH),
        ("none", BOTH), ("unavailable_after: 1 Jan 2020 00:00:00 GMT", BOTH), ("noarchive", NONE), ("nosnippet", NONE),
        ("max-image-preview:none", NONE), ("notranslate", NONE), ("indexifembedded", NONE), ("all", NONE),
        ("nofollow", NONE),
    ],
)  # fmt: skip
def test_each_directive_binds_the_purposes_of_the_table(header: str, bound: tuple[str, ...]) -> None:
    found = {purpose: from_headers([header], None, purpose) for purpose in BOTH}
    assert tuple(purpose for purpose in BOTH if found[purpose]) == bound
    assert all(stated.reason in REASONS for stated in found.values() if stated)


def test_of_several_headers_each_binds_and_the_one_that_refuses_is_the_evidence() -> None:
    found = from_headers(["noarchive", "googlebot: noindex", "noimageai"], "0", "training")
    assert found == OptOut("noimageai", "X-Robots-Tag: noimageai")


@pytest.mark.parametrize(("tdm", "bound"), [("1", True), (" 1 ", True), ("0", False), ("2", False), ("", False)])
def test_a_tdm_header_reserves_by_one_alone(tdm: str, bound: bool) -> None:
    assert bool(from_headers([], tdm, "training")) is bound
    assert from_headers([], tdm, "price-report") is None


def test_usage_headers_refuse_training_alone() -> None:
    assert from_headers([], None, "training", ["train-ai=n"]) == OptOut("usage_reserved", "header: train-ai=n")
    assert from_headers([], None, "price-report", ["train-ai=n"]) is None


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ('<meta name="robots" content="noai">', "noai"),
        ('<META NAME="ROBOTS" CONTENT="index, NOIMAGEAI">', "noimageai"),
        ('<meta name="modiste" content="noml">', "noml"),
        ('<meta name="googlebot" content="noindex">', None),
        ('<meta http-equiv="X-Robots-Tag" content="noindex">', "noindex"),
        ('<meta name="tdm-reservation" content="1">', "tdm_reserved"),
        ('<meta name="robots" content="index"><meta name="robots" content="noindex">', "noindex"),
        ('<meta name="description" content="noai">', None),
        ('<meta \x08="1" name="robots" content="noai">', "noai"),
    ],
)
def test_a_pages_meta_tags_are_read_like_headers(tags: str, reason: str | None) -> None:
    found = from_page(Selector(f"<html><head>{tags}</head></html>", type="html"), "training")
    assert (found.reason if found else None) == reason


def test_what_a_host_reserves_holds_for_a_page_that_says_nothing_and_ai_txt_is_never_lifted() -> None:
    page = Selector('<meta name="tdm-reservation" content="0">', type="html")
    ai, tdm = OptOut("ai_txt", "line 1"), OptOut("tdm_reserved", "rule 1")
    assert of_page(page, [], None, "training", by_host=ai) == ai
    assert of_page(page, [], None, "training", by_host=tdm) is None
    assert of_page(Selector("<p>", type="html"), [], None, "training", by_host=tdm) == tdm
    assert of_page(page, ["noai"], None, "training", by_host=tdm) == OptOut("noai", "X-Robots-Tag: noai")


@pytest.mark.parametrize(
    ("inside", "evidence"),
    [
        (b"<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING</plus:DataMining>",
         "XMP plus:DataMining DMI-PROHIBITED-AIMLTRAINING"),
        (b"http://ns.useplus.org/ldf/vocab/DMI-ALLOWED", None),
        (b"c2pa.training-mining\xa1cuse\x6anotAllowed", "C2PA training-mining: notAllowed"),
        (b"c2pa.training-mining\xa1cuse\x67allowed", None),
    ],
)  # fmt: skip
def test_an_images_own_metadata_refuses_training(inside: bytes, evidence: str | None) -> None:
    found = from_bytes(b"\xff\xd8\xff\xe1" + inside + b"\xff\xd9", "training")
    assert (found.evidence if found else None) == evidence
    assert from_bytes(inside, "price-report") is None
