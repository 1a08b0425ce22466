"""`import urls`: lists of every form, judged like a crawl, resumed like a crawl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawlers_shop import Shop, serving

from crawlers.url_list import import_urls
from dataset.errors import DataError, EmptyError, UsageError
from dataset.workspace import Workspace


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        for number in range(6):
            running.picture(f"/{number}.jpg", number)
        yield running


@pytest.fixture
def ws(tmp_path: Path, shop: Shop) -> Workspace:
    host = shop.url.removeprefix("http://")
    return Workspace.init(tmp_path / "w", crawl={"allow_hosts": [host]})


def test_a_text_list_brings_each_image_once_and_skips_comments(shop: Shop, ws: Workspace, tmp_path: Path) -> None:
    listed = tmp_path / "found.txt"
    listed.write_text(f"# from a search\n{shop.url}/0.jpg\n\n{shop.url}/1.jpg\n{shop.url}/0.jpg\n")
    result = import_urls(ws, listed)
    assert (result.listed, result.images_ok, result.products) == (3, 2, 0)
    rows = ws.tables.read("fetches").to_pylist()
    assert {(r["store"], r["source"], r["product_id"], r["status"]) for r in rows} == {("found", "list", None, "ok")}
    assert all(ws.blobs.has(r["sha256"]) for r in rows)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_product_label_and_licence_of_a_list_become_product_rows(
    shop: Shop, ws: Workspace, tmp_path: Path, form: str
) -> None:
    rows = [
        {"url": f"{shop.url}/0.jpg", "product": "A", "label": "dress", "licence": "CC0"},
        {"url": f"{shop.url}/1.jpg", "product": "A", "label": "dress", "licence": "CC0"},
        {"url": f"{shop.url}/2.jpg", "product": None, "label": "hat", "licence": None},
        {"url": f"{shop.url}/3.jpg", "product": None, "label": None, "licence": None},
    ]
    listed = tmp_path / f"list.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), listed)
    elif form == "jsonl":
        listed.write_text("".join(json.dumps(r) + "\n" for r in rows))
    else:
        lines = [",".join(v or "" for v in r.values()) for r in rows]
        listed.write_text("url,product,label,licence\n" + "\n".join(lines) + "\n")
    result = import_urls(ws, listed, store="search")
    assert (result.listed, result.images_ok, result.products) == (4, 4, 2)
    products = {p["product_id"]: p for p in ws.tables.read("products").to_pylist()}
    assert products["A"]["image_urls"] == [f"{shop.url}/0.jpg", f"{shop.url}/1.jpg"]
    assert (products["A"]["categories"], products["A"]["licence"]) == (["dress"], "CC0")
    assert products[f"{shop.url}/2.jpg"]["categories"] == ["hat"]
    kept = {r["url"]: r["product_id"] for r in ws.tables.read("fetches").to_pylist()}
    assert (kept[f"{shop.url}/1.jpg"], kept[f"{shop.url}/3.jpg"]) == ("A", None)


def test_the_same_list_again_asks_nothing_and_a_longer_one_asks_for_what_is_new(
    shop: Shop, ws: Workspace, tmp_path: Path
) -> None:
    listed = tmp_path / "found.txt"
    listed.write_text(f"{shop.url}/0.jpg\n")
    import_urls(ws, listed)
    asked = len(shop.asked)
    assert import_urls(ws, listed).was_finished
    assert len(shop.asked) == asked
    listed.write_text(f"{shop.url}/0.jpg\n{shop.url}/1.jpg\n")
    assert import_urls(ws, listed).images_ok == 2
    assert shop.asked.count("/0.jpg") == 1
    assert len(ws.tables.read("fetches")) == 2


def test_what_cannot_be_had_is_a_coded_row_and_the_rest_comes(shop: Shop, ws: Workspace, tmp_path: Path) -> None:
    shop.page("/page.jpg", "<html>no picture</html>")
    shop.picture("/mine.jpg", 9, X_Robots_Tag="noai")
    listed = tmp_path / "mixed.txt"
    bad = ["/page.jpg", "/none.jpg", "/mine.jpg"]
    others = ["http://169.254.169.254/latest/", "ftp://x.example/a.jpg", "not a url", "http://", "http://[::1"]
    listed.write_text("\n".join([shop.url + "/0.jpg", *[shop.url + b for b in bad], *others]))
    result = import_urls(ws, listed)
    assert (result.images_ok, result.images_failed + result.images_refused) == (1, 8)
    assert result.reasons == {"scheme": 3, "bad_url": 1, "html": 1, "http_404": 1, "noai": 1, "private_address": 1}


def test_a_workspace_that_asks_for_free_licences_refuses_what_names_none_or_another(
    shop: Shop, ws: Workspace, tmp_path: Path
) -> None:
    ws.settings.crawl.licences = "free"
    listed = tmp_path / "list.csv"
    listed.write_text(f"url,licence\n{shop.url}/0.jpg,CC0\n{shop.url}/1.jpg,CC BY-NC 4.0\n{shop.url}/2.jpg,\n")
    result = import_urls(ws, listed)
    assert (result.images_ok, result.reasons) == (1, {"licence_not_free": 1, "licence_missing": 1})
    assert not {"/1.jpg", "/2.jpg"} & set(shop.asked)


def test_loopback_is_refused_unless_the_workspace_allows_it(shop: Shop, tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "strict")
    listed = tmp_path / "found.txt"
    listed.write_text(f"{shop.url}/0.jpg\n")
    assert import_urls(ws, listed).reasons == {"private_address": 1}
    assert shop.asked == []


def test_lists_that_cannot_be_read_say_what_is_wrong(ws: Workspace, tmp_path: Path) -> None:
    for name, content, error, words in [
        ("none.csv", None, UsageError, "no such list"), ("list.xlsx", b"x", UsageError, "no kind of list"),
        ("list.csv", b"a,b\n1,2\n", DataError, "no column of URLs; its columns: a, b"),
        ("list.parquet", b"PAR", DataError, "can't be read as .parquet"),
        ("list.txt", b"\xff\xfe\x00", DataError, "can't be read as .txt"),
        ("empty.txt", b"# nothing\n", EmptyError, "no URL in the list"),
    ]:  # fmt: skip
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(error, match=words):
            import_urls(ws, tmp_path / name)
