"""The arithmetic of benchmarks/shop_coverage.py, on rows and pictures made here."""

from __future__ import annotations

import io
import socket
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image, ImageOps

BENCHMARKS = str(Path(__file__).parents[1] / "benchmarks")
sys.path.append(BENCHMARKS)

from shops.door import open_door  # noqa: E402
from shops.goods import draw, goods  # noqa: E402
from shops.pictures import Seen, look, which  # noqa: E402
from shops.score import Score, Tally, same, score, wilson  # noqa: E402
from shops.truth import Listed  # noqa: E402


def seen(folder: Path, name: str, width: int = 900, quality: int = 90) -> Seen:
    draw(folder / name)
    body = io.BytesIO()
    with Image.open(folder / name) as image:
        image.resize((width, width * 4 // 3)).save(body, "JPEG", quality=quality)
    found = look(body.getvalue())
    assert found
    return found


def coat(path: str = "/p/coat", **more: object) -> Listed:
    values = {
        "name": "Coat",
        "price": "10.00",
        "currency": "EUR",
        "availability": "InStock",
        "pictures": (),
        "sku": "1",
    }
    return Listed(**{"path": path, **values, **more})  # type: ignore[arg-type]


def row(url: str = "http://127.0.0.1:1/p/coat/", **more: object) -> dict[str, object]:
    return {"url": url, "product_id": "1", "name": "Coat", "price": "10.0", "currency": "EUR", "variants": None} | more


def test_a_rendition_is_known_for_its_picture_and_another_picture_is_not(tmp_path: Path) -> None:
    pictures = [seen(tmp_path, f"{n}.jpg") for n in range(4)]
    assert which(seen(tmp_path, "2.jpg", width=160, quality=50), pictures) == 2
    assert which(seen(tmp_path, "9.jpg"), pictures) is None


def test_a_thumbnail_cut_from_the_middle_is_known_for_its_picture(tmp_path: Path) -> None:
    pictures = [seen(tmp_path, f"{n}.jpg") for n in range(4)]
    with Image.open(tmp_path / "1.jpg") as image:
        body = io.BytesIO()
        ImageOps.fit(image, (65, 55)).save(body, "JPEG")
    thumbnail = look(body.getvalue())
    assert thumbnail
    assert which(thumbnail, pictures) == 1


def test_what_is_no_image_has_no_fingerprint() -> None:
    assert look(b"<!doctype html>") is None


def test_fields_are_right_wrong_or_unsaid(tmp_path: Path) -> None:
    total = score([coat()], [row(currency="GBP", availability=None)], {}, {})
    assert (total.found, total.listed) == (1, 1)
    assert total.fields["price"] == Tally(right=1)
    assert total.fields["currency"] == Tally(wrong=1)
    assert total.fields["availability"] == Tally(unsaid=1)
    assert "/p/coat: currency 'EUR', got 'GBP'" in total.wrong


def test_missed_pages_strangers_and_rows_twice_are_counted_apart() -> None:
    rows = [row(), row(product_id="2"), row("http://127.0.0.1:1/blog/coats")]
    total = score([coat(), coat("/p/hat")], rows, {}, {})
    assert (total.found, total.twice, total.missed, total.strangers) == (1, 1, ["/p/hat"], ["/blog/coats"])


def test_a_size_counts_as_a_variant_by_its_page_or_by_its_number_in_the_parent() -> None:
    sizes = [coat(f"/p/coat-{s}", sku=f"1-{s}", variant_of="/p/coat") for s in "sml"]
    rows = [row(variants='[{"sku": "1-m"}]'), row("http://127.0.0.1:1/p/coat-s", product_id="1-s")]
    total = score([coat(), *sizes], rows, {}, {})
    assert (total.listed, total.variants_found, total.variants_listed, total.strangers) == (1, 2, 3, [])


def test_pictures_are_counted_once_each_and_foreign_ones_apart(tmp_path: Path) -> None:
    files = {name: seen(tmp_path, name) for name in ("a.jpg", "b.jpg")}
    fetched = {"1": [seen(tmp_path, "a.jpg"), seen(tmp_path, "a.jpg", width=300), seen(tmp_path, "logo.jpg")]}
    total = score([coat(pictures=("a.jpg", "b.jpg"))], [row()], files, fetched)
    counts = (total.pictures_listed, total.pictures_found, total.pictures_full, total.pictures_twice)
    assert (*counts, total.pictures_foreign) == (2, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("name", "wanted", "got", "right"),
    [
        ("price", "10.00", "10", True),
        ("price", "10.00", "ten", False),
        ("price", None, "10", False),
        ("list_price", None, None, True),
        ("availability", None, "OutOfStock", True),
        ("availability", None, "InStock", False),
        ("availability", "InStock", None, False),
        ("name", "Wool  Coat", "Wool Coat", True),
    ],
)
def test_values_are_compared_by_what_they_mean(name: str, wanted: str | None, got: str | None, right: bool) -> None:
    assert same(name, wanted, got) is right


def test_wilson_holds_at_the_ends() -> None:
    assert wilson(120, 120) == pytest.approx((0.9690, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_counts_of_an_empty_crawl_are_zero() -> None:
    assert score([coat()], [], {}, {}) == Score(listed=1, missed=["/p/coat"])


def test_the_goods_hold_every_kind_a_catalogue_holds(tmp_path: Path) -> None:
    made = goods(tmp_path)
    assert len({good.slug for good in made}) == len(made) == 120
    assert {len(good.pictures) for good in made} == {0, 1, 2, 3, 4}
    assert sum(good.stock == 0 for good in made) == 13
    assert sum(not good.purchasable for good in made) == 6
    assert sum(bool(good.sizes) for good in made) == 30
    assert max(len(good.category) for good in made) == 4


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def test_the_door_counts_requests_and_passes_them_on() -> None:
    with HTTPServer(("127.0.0.1", 0), _Shop) as shop:
        threading.Thread(target=shop.serve_forever, daemon=True).start()
        with open_door(shop.server_address[1]) as door:
            for path in ("/", "/p/1?size=s"):
                with urllib.request.urlopen(door.url + path, timeout=5) as reply:
                    assert reply.read() == b"ok"
            with socket.create_connection(("127.0.0.1", int(door.url.rsplit(":", 1)[1])), timeout=5) as line:
                line.sendall(b"GET /in-two HT")
                line.sendall(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while line.recv(4096):
                    pass
        shop.shutdown()
    assert door.requests == ["/", "/p/1?size=s", "/in-two"]
