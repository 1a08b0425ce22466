"""What a crawl was asked for decides whether an absent product may be called gone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from crawlers_shop import serving
from test_reports_changes import found, sight, ws  # noqa: F401  # `ws` is a fixture

from crawlers.run import crawl
from dataset.crawl_notes import CrawlNote, read_notes, write_note
from dataset.workspace import Workspace
from modiste.crawl_scopes import partial_crawls
from reports.assortment import catalogue_report
from reports.crawls import crawls

WHOLE = {"store": "a.example", "url": "https://a.example/", "part": None, "max_products": None, "max_pages": 500}
ENDED = {"products": 3, "pages": 9, "finished": True}


def noted(ws: Workspace, crawl_id: str, **changes: Any) -> None:  # noqa: F811
    write_note(ws, CrawlNote(crawl_id, **{**WHOLE, **ENDED, **changes}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"part": "/women/"}, "asked for /women/ only"),
        ({"max_products": 3}, "asked for 3 products at most"),
        ({"max_products": 4}, ""),
        ({"pages": 500}, "stopped at the limit of 500 pages"),
        ({"finished": False}, "not finished"),
    ],
)
def test_what_was_asked_decides_whether_an_absent_product_is_gone(
    ws: Workspace,  # noqa: F811
    changes: dict[str, Any],
    why: str,
) -> None:
    sight(ws, "a.example-20260301T000000-aaaaaa", 0, {"a": {}, "b": {}})
    noted(ws, "a.example-20260301T000000-aaaaaa")
    sight(ws, "a.example-20260308T000000-bbbbbb", 7, {"a": {}})
    noted(ws, "a.example-20260308T000000-bbbbbb", **changes)
    known = partial_crawls(ws)
    assert known == ({"a.example-20260308T000000-bbbbbb": why} if why else {})
    assert crawls(ws, known)[1].whole_or_why == why
    assert found(ws, known) == {("b", "not_seen" if why else "gone")}


def test_an_older_crawl_of_a_part_is_known_after_a_newer_one_of_all(ws: Workspace) -> None:  # noqa: F811
    sight(ws, "a.example-1-a", 0, {"a": {}})
    noted(ws, "a.example-1-a", part="/women/")
    sight(ws, "a.example-2-b", 7, {"a": {}, "m": {}})
    noted(ws, "a.example-2-b")
    assert found(ws, partial_crawls(ws)) == {("m", "first_seen")}
    assert found(ws) == {("m", "new")}  # what it would be without the note


@pytest.mark.parametrize(
    ("url", "kind"),
    [("http://www.A.example", "gone"), ("https://a.example/de/", "not_seen"), ("https://b.example/", "not_seen")],
)
def test_a_crawl_that_began_elsewhere_calls_nothing_gone(ws: Workspace, url: str, kind: str) -> None:  # noqa: F811
    sight(ws, "a.example-1-a", 0, {"a": {}, "b": {}})
    noted(ws, "a.example-1-a")
    sight(ws, "a.example-2-b", 7, {"a": {}})
    noted(ws, "a.example-2-b", url=url)
    assert found(ws, partial_crawls(ws)) == {("b", kind)}


def test_the_report_says_what_was_asked(ws: Workspace, tmp_path: Path) -> None:  # noqa: F811
    sight(ws, "a.example-1-a", 0, {"a": {}, "b": {}})
    sight(ws, "a.example-2-b", 7, {"a": {}})
    noted(ws, "a.example-2-b", part="/women/")
    written = catalogue_report(ws, out=tmp_path / "r.html", partial=partial_crawls(ws))
    page = Path(written.path).read_text("utf-8")
    assert "did not see the whole shop: asked for /women/ only." in page


def test_a_note_that_cannot_be_read_is_a_crawl_cut_short(ws: Workspace) -> None:  # noqa: F811
    noted(ws, "c1")
    (path,) = (ws.root / "crawl" / "scopes").iterdir()
    for text in ("{", "[]", '{"crawl_id": "c1"}', ""):
        path.write_text(text)
        assert partial_crawls(ws) == {"c1": "not finished"}


def test_the_newest_note_of_a_crawl_counts(ws: Workspace) -> None:  # noqa: F811
    noted(ws, "s/x-1-a", finished=False)
    noted(ws, "s/x-1-a")
    assert [note.finished for note in read_notes(ws).values()] == [True]


@pytest.mark.parametrize(
    ("asked", "path", "why"),
    [
        ({}, "/", ""),
        ({"only": "/p/"}, "/", "asked for /p/ only"),
        ({"max_products": 2}, "/", "asked for 2 products at most"),
        ({}, "/list", "asked for /list only"),
    ],
)
def test_a_real_crawl_is_known_by_its_queue_where_it_left_no_note(
    ws: Workspace,  # noqa: F811
    asked: dict[str, Any],
    path: str,
    why: str,
) -> None:
    with serving() as shop:
        paths = [shop.product(number) for number in range(4)]
        shop.sitemap(paths)
        shop.page("/list", "".join(f"<a href='{each}'>one</a>" for each in paths))
        shop.page("/p/", "".join(f"<a href='{each}'>one</a>" for each in paths))
        crawl(ws, shop.url.rstrip("/") + path, store="a.example", **asked)
    for note in (ws.root / "crawl" / "scopes").glob("*.json"):
        note.unlink()
    assert list(partial_crawls(ws).values()) == ([why] if why else [])


def test_a_queue_that_is_no_database_says_nothing(ws: Workspace) -> None:  # noqa: F811
    (ws.scratch("crawl") / "x.sqlite").write_bytes(b"no database" * 50)
    sqlite3.connect(ws.root / "crawl" / "y.sqlite").close()
    assert partial_crawls(ws) == {}
