"""What was taken down stays away when the same shop is crawled again, and nothing of it is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Shop, serving

from crawlers.run import crawl
from dataset.takedown import takedown
from dataset.workspace import Workspace


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as running:
        yield running


@pytest.fixture
def ws(tmp_path: Path, shop: Shop) -> Workspace:
    ws = Workspace.init(tmp_path / "ws", contact="crawl@x.example")
    shop.sitemap([shop.product(i) for i in range(3)])
    crawl(ws, shop.url)
    return ws


def again(ws: Workspace, shop: Shop) -> list[dict[str, object]]:
    """The rows of a second crawl that begins anew."""
    for path in (ws.root / "crawl").glob("*.sqlite*"):
        path.unlink()
    crawl(ws, shop.url)
    return ws.tables.read("fetches").to_pylist()


def test_the_same_bytes_at_another_address_are_refused(ws: Workspace, shop: Shop) -> None:
    first = next(r for r in ws.tables.read("fetches").to_pylist() if str(r["url"]).endswith("/img/0.jpg"))
    takedown(ws, "url", str(first["url"]), "asked", yes=True)
    shop.answers["/img/moved.jpg"] = shop.answers["/img/0.jpg"]
    shop.sitemap([shop.product(9, images=["/img/moved.jpg"])])
    rows = {str(r["url"]).rsplit("/", 1)[1]: r for r in again(ws, shop)}
    assert (rows["moved.jpg"]["status"], rows["moved.jpg"]["reason"]) == ("refused", "taken_down")
    assert not ws.blobs.has(str(first["sha256"]))


def test_a_product_taken_down_is_not_written_again(ws: Workspace, shop: Shop) -> None:
    product = ws.tables.read("products").to_pylist()[0]
    takedown(ws, "product", f"{product['store']}|{product['product_id']}", "asked", yes=True)
    again(ws, shop)
    assert product["product_id"] not in ws.tables.read("products")["product_id"].to_pylist()
    reasons = {r["url"]: r["reason"] for r in ws.tables.read("pages").to_pylist()}
    assert reasons[product["url"]] == "taken_down"


def test_a_real_crawl_leaves_nothing_of_a_domain_taken_down(ws: Workspace, shop: Shop) -> None:
    domain = shop.url.split("://")[1].split(":")[0]
    found = takedown(ws, "domain", domain, "asked", yes=True)
    assert (found.before["images"], found.before["products"]) == (3, 3)
    assert found.before["queue rows"] > 0
    assert (found.after["rows"], found.after["blobs"], found.after["queue rows"]) == (0, 0, 0)
    assert list(ws.blobs) == []
