"""Licence markup of pages, and what a workspace's policy makes of it."""

from __future__ import annotations

import json

import pytest
from parsel import Selector

from crawlers.licences import Licence, PageLicences, mentioned, of_page, refusal, stated

URL = "https://shop.example/p/1"
BY = "https://creativecommons.org/licenses/by/4.0/"


def page(*nodes: object, extra: str = "") -> Selector:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)
    return Selector(f"<html><head>{extra}{scripts}</head><body></body></html>", type="html")


def image(name: str, **said: object) -> dict[str, object]:
    return {"@type": "ImageObject", "contentUrl": f"/img/{name}.jpg", **said}


def test_an_image_object_inside_a_product_states_its_licence_and_credit() -> None:
    node = {"@type": "Product", "image": [image("a", license=BY, creditText="Ada", copyrightNotice="© Ada")]}
    found = of_page(page(node), URL).of("https://shop.example/img/a.jpg")
    assert found == Licence(BY, None, "Ada", "© Ada", "ImageObject")
    assert found.words() == f"ImageObject: license {BY}, creditText Ada, copyrightNotice © Ada"


def test_a_larger_rendition_is_known_by_its_file_name() -> None:
    found = of_page(page(image("a", license=BY)), URL)
    assert found.of("https://cdn.example/2048/A.jpg?width=2048") is not None
    assert found.of("https://cdn.example/b.jpg") is None


@pytest.mark.parametrize(
    "tag", [f'<link rel="license" href="{BY}">', f'<a rel="nofollow License" href="{BY}">CC BY</a>']
)
def test_a_licence_link_holds_for_the_whole_page(tag: str) -> None:
    found = of_page(page(extra=tag), URL).of("https://shop.example/any.jpg")
    assert found is not None
    assert (found.url, found.is_free) == (BY, True)


def test_rsl_terms_linked_from_a_page_are_no_licence_of_its_images() -> None:
    assert of_page(page(extra='<link rel="license" type="application/rsl+xml" href="/rsl.xml">'), URL).page is None


@pytest.mark.parametrize(
    ("name", "is_free"),
    [
        (BY, True),
        ("https://creativecommons.org/publicdomain/zero/1.0/", True),
        ("http://creativecommons.org/publicdomain/mark/1.0/", True),
        ("CC0-1.0", True),
        ("CC-BY-4.0", True),
        ("Public Domain", True),
        ("https://creativecommons.org/licenses/by-nc/4.0/", False),
        ("https://creativecommons.org/licenses/by-sa/4.0/", False),
        ("CC-BY-ND-4.0", False),
        ("https://shop.example/terms", False),
        ("CC BY-NC 4.0", False),
    ],
)
def test_free_is_the_public_domain_cc0_and_cc_by(name: str, is_free: bool) -> None:
    assert Licence(name).is_free is is_free


@pytest.mark.parametrize(
    ("said", "policy", "reason"),
    [
        ({}, "any", None),
        ({}, "stated", "licence_missing"),
        ({"acquireLicensePage": "/buy"}, "stated", "licence_missing"),
        ({"license": "/terms"}, "stated", None),
        ({"license": "/terms"}, "free", "licence_not_free"),
        ({"license": {"@type": "CreativeWork", "url": BY}}, "free", None),
    ],
)
def test_the_policy_decides_what_markup_is_enough(said: dict[str, object], policy: str, reason: str | None) -> None:
    found = refusal(of_page(page(image("a", **said)), URL), ["https://shop.example/img/a.jpg"], policy)
    assert (found.reason if found else None) == reason


def test_one_image_without_a_licence_refuses_its_page_and_is_named() -> None:
    found = refusal(
        of_page(page(image("a", license=BY)), URL), ["https://s.example/a.jpg", "https://s.example/b.jpg"], "free"
    )
    assert found
    assert found.evidence == "licences: free; https://s.example/b.jpg: no licence markup"


def test_the_products_licence_is_the_first_stated_one_else_the_place_to_have_it() -> None:
    found = of_page(page(image("a", acquireLicensePage="/buy"), image("b", license=BY)), URL)
    assert stated(found, ["https://s.example/a.jpg", "https://s.example/b.jpg"]) == BY
    assert stated(found, ["https://s.example/a.jpg"]) == "https://shop.example/buy"
    assert stated(found, ["https://s.example/c.jpg"]) is None


def test_a_page_without_the_word_and_an_apis_answer_are_not_searched() -> None:
    written = page(image("a", license=BY))
    assert mentioned(b"<html>license</html>", written, URL).images
    assert mentioned(b"<html></html>", written, URL) == PageLicences() == mentioned(b"license", None, URL)


def test_broken_markup_says_nothing() -> None:
    broken = page(
        {"@type": "ImageObject", "license": [None], "contentUrl": {"a": 1}}, extra='<a rel="license" href=" ">'
    )
    assert of_page(broken, "https://[bad").of("https://s.example/a.jpg") is None
