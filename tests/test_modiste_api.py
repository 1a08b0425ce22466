"""The service's answers, over a real server on loopback with made-up models."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from crawlers_shop import Answer, Shop, serving
from modiste_api_drawn import OPEN, Served, jpeg_bomb, parts, photo, png_bomb, served

from dataset.workspace import Workspace
from modiste.api_limits import Limits
from modiste.api_parts import Parts

BLUE = (10, 10, 250)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    with served() as one:
        yield one


@pytest.fixture(scope="module")
def ask(service: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=180) as client:
        yield client


def form(*images: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{number}.jpg", data)) for number, data in enumerate(images)]


def code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["cure"]
    return str(found["code"])


def test_tags_come_in_the_order_of_the_images_and_of_the_fields_asked(ask: httpx.Client) -> None:
    found = ask.post("/v1/tag", files=form(photo(), photo(BLUE)), data={"fields": "material,type"}).json()
    assert [each["image"] for each in found["results"]] == ["0.jpg", "1.jpg"]
    assert [list(each["tags"]) for each in found["results"]] == [["material", "type"]] * 2
    assert [each["tags"]["type"]["label"] for each in found["results"]] == ["dress", "coat"]
    assert found["results"][0]["tags"]["material"]["labels"] == ["cotton"]
    assert found["models"] == [{"name": "tagger", "fingerprint": "f" * 64}]


def test_base64_and_data_urls_give_what_an_upload_gives(ask: httpx.Client) -> None:
    text = base64.b64encode(photo()).decode()
    body = {"images": [{"base64": text}, {"base64": f"data:image/jpeg;base64,{text}"}], "fields": ["type"]}
    first, second = ask.post("/v1/tag", json=body).json()["results"]
    assert first["tags"] == second["tags"]
    assert (
        first["tags"] == ask.post("/v1/tag", files=form(photo()), data={"fields": "type"}).json()["results"][0]["tags"]
    )


def test_a_flow_tells_the_path_and_an_unknown_one_where_to_look(ask: httpx.Client) -> None:
    found = ask.post("/v1/flow/two", files=form(photo())).json()["results"][0]
    assert found["path"][0]["node"] == "type"
    assert found["models_called"] == ["tagger"]
    refused = ask.post("/v1/flow/none", files=form(photo()))
    assert (refused.status_code, code(refused)) == (404, "not_found")


def test_a_cutout_is_a_data_url_or_the_file_itself(ask: httpx.Client) -> None:
    found = ask.post("/v1/cutout", files=form(photo(BLUE))).json()["results"][0]
    assert (found["width"], found["height"]) == (48, 64)
    assert found["mask"] in ("network", "backdrop")
    file = ask.post("/v1/cutout", files=form(photo(BLUE)), headers={"Accept": "image/png"})
    assert file.headers["content-type"] == "image/png"
    assert file.content == base64.b64decode(found["png"].partition(",")[2])


def test_no_garment_is_told_and_not_made_up(ask: httpx.Client) -> None:
    blank = photo((255, 255, 255))
    for path in ("/v1/cutout", "/v1/colour"):
        assert ask.post(path, files=form(blank)).json()["results"][0]["error"]["code"] == "no_garment"
    refused = ask.post("/v1/cutout", files=form(blank), headers={"Accept": "image/png"})
    assert (refused.status_code, code(refused)) == (422, "no_garment")


def test_colours_are_those_inside_the_garment(ask: httpx.Client) -> None:
    found = ask.post("/v1/colour", files=form(photo(BLUE))).json()["results"][0]["colours"]
    assert found[0]["name"] == "blue"
    assert found[0]["share"] > 0.9
    assert found[0]["rgb"].startswith("#")


def test_similar_products_show_no_script_address_and_conditions_are_quoted(service: Served, ask: httpx.Client) -> None:
    where = {"store": "it's", "price_max": 20, "tags": {"type": "dress"}}
    found = ask.post("/v1/similar", files=form(photo()), data={"k": "2", "where": json.dumps(where)}).json()
    hit = found["results"][0]["hits"][1]
    assert (hit["url"], hit["price"]) == (None, 19.9)
    assert hit["thumbnail"].startswith("data:image/jpeg;base64,")
    asked = service.app.service.worker.parts.similar.asked[-1]  # type: ignore[union-attr]
    assert asked == (2, "store IN ('it''s') AND price <= 20.0 AND list_contains(tags, 'type=dress')")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"), (b"hello", "not_an_image"), (b"<html><p>no</p>", "html"), (photo()[:-400], "truncated"),
        (png_bomb(), "too_many_pixels"), (jpeg_bomb(), "too_many_pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not_an_image"),
    ],
)  # fmt: skip
def test_a_bad_image_is_its_own_problem_and_the_others_are_answered(
    ask: httpx.Client, data: bytes, expected: str
) -> None:
    answer = ask.post("/v1/tag", files=form(data, photo()))
    bad, good = answer.json()["results"]
    assert answer.status_code == 200
    assert bad["error"]["code"] == expected
    assert good["tags"]["type"]["label"] == "dress"


@pytest.mark.parametrize(
    ("sent", "status", "expected"),
    [
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "wrong_content_type"),
        ({"content": b"x"}, 415, "wrong_content_type"),
        ({"content": b"{", "headers": JSON}, 400, "bad_request"),
        ({"content": b'{"images":' + b"[" * 200_000, "headers": JSON}, 400, "bad_request"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, "bad_request"),
        ({"json": {"images": []}}, 422, "no_image"),
        ({"json": {"images": [{}]}}, 422, "bad_option"),
        ({"json": {"images": [{"base64": ""}], "colour": 1}}, 422, "bad_option"),
        ({"files": {"other": ("a.jpg", b"1")}}, 422, "no_image"),
        ({"data": {"fields": "type"}, "files": {"image": ("a.jpg", photo())}, "params": {}}, 200, ""),
        ({"data": {"fields": "nope"}, "files": {"image": ("a.jpg", photo())}}, 422, "bad_option"),
        ({"files": [("image", ("a.jpg", b"1"))] * 17}, 413, "too_many_images"),
        ({"json": {"images": [{"base64": "AA=="}] * 17}}, 413, "too_many_images"),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_told_so(
    ask: httpx.Client, sent: dict[str, Any], status: int, expected: str
) -> None:
    answer = ask.post("/v1/tag", **sent)
    assert answer.status_code == status
    assert not expected or code(answer) == expected


@pytest.mark.parametrize("option", [{"background": "/etc/passwd"}, {"template": "square-9999"}, {"shadow": "x"}])
def test_a_cutout_reads_no_file_of_the_server_and_grows_to_no_poster(ask: httpx.Client, option: dict[str, str]) -> None:
    assert code(ask.post("/v1/cutout", files=form(photo()), data=option)) == "bad_option"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///etc/passwd", "bad_url"), ("gopher://shop.example/", "bad_url"), ("http://", "bad_url"),
        ("http://user:word@shop.example/a.jpg", "bad_url"), ("http://shop.example:22/a.jpg", "bad_url"),
        ("http://127.0.0.1:8080/a.jpg", "private_address"), ("http://localhost:8080/", "private_address"),
        ("http://2130706433:8080/", "private_address"), ("http://[::ffff:10.0.0.1]/", "private_address"),
        ("http://169.254.169.254/latest/meta-data", "private_address"),
        ("http://１２７.0.0.1:8080/", "private_address"),
    ],
)  # fmt: skip
def test_a_poisoned_url_is_refused_before_anything_is_asked(ask: httpx.Client, url: str, expected: str) -> None:
    answer = ask.post("/v1/tag", json={"images": [{"url": url}, {"base64": base64.b64encode(photo()).decode()}]})
    bad, good = answer.json()["results"]
    assert (bad["image"], bad["error"]["code"]) == (url, expected)
    assert "tags" in good


def test_urls_are_fetched_by_the_crawlers_rules_and_redirects_are_judged(tmp_path: Any) -> None:
    with serving() as shop:
        port = shop.url.rsplit(":", 1)[1]
        shop.picture("/a.jpg")
        shop.answers["/away"] = Answer(b"", 302, {"Location": f"http://127.0.0.1:{int(port) + 1}/a.jpg"})
        shop.page("/page", "<html><body>no picture</body></html>")
        ws = Workspace.init(tmp_path / "w", crawl={"allow_hosts": [f"127.0.0.1:{port}"], "delay_s": 0.0})
        urls = [{"url": f"{shop.url}{path}"} for path in ("/a.jpg", "/away", "/page", "/gone")]
        with served(ws=ws) as one, httpx.Client(base_url=one.url, timeout=180) as client:
            good, away, page, gone = client.post("/v1/tag", json={"images": urls}).json()["results"]
    assert "tags" in good
    assert [each["error"]["code"] for each in (away, page, gone)] == ["private_address", "html", "http_404"]
    assert gone["error"]["status"] == 424


def test_a_name_that_resolves_to_loopback_is_refused(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    from aiohttp.resolver import ThreadedResolver

    async def loopback(self: Any, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(ThreadedResolver, "resolve", loopback)
    url = f"http://rebind.example:{shop.url.rsplit(':', 1)[1]}/a.jpg"
    with served() as one:
        found = httpx.post(f"{one.url}/v1/tag", json={"images": [{"url": url}]}, timeout=180).json()["results"][0]
    assert found["error"]["code"] == "private_address"
    assert shop.asked == []


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as one:
        yield one


def test_limits_on_bytes_hold_for_uploads_and_base64(ask: httpx.Client) -> None:
    tight = Limits(rate=0, image_bytes=1_000, body_bytes=10_000)
    with served(limits=tight) as one, httpx.Client(base_url=one.url, timeout=180) as client:
        text = base64.b64encode(b"x" * 2_000).decode()
        for sent in ({"files": form(b"x" * 2_000)}, {"json": {"images": [{"base64": text}]}}):
            assert client.post("/v1/tag", **sent).json()["results"][0]["error"]["code"] == "too_large"  # type: ignore[arg-type]
        assert code(client.post("/v1/tag", files=form(b"x" * 20_000))) == "too_large"
        chunks = (b'{"images":[{"base64":"' if n == 0 else b"A" * 4_000 for n in range(5))  # no Content-Length
        answer = client.post("/v1/tag", content=chunks, headers={"content-type": "application/json"})
        assert (answer.status_code, code(answer)) == (413, "too_large")
        assert one.app.service.crowd.held_bytes == 0


def test_parts_that_are_not_here_say_what_brings_them() -> None:
    with served(Parts(missing={"cutout": "this installation lacks street-3.onnx"})) as one:
        for path, cure in (("tag", "--weights"), ("cutout", "Reinstall"), ("similar", "modiste embed")):
            answer = httpx.post(f"{one.url}/v1/{path}", files=form(photo()))
            assert (answer.status_code, code(answer)) == (503, "not_here")
            assert cure in answer.json()["cure"]
        assert httpx.get(f"{one.url}/v1/models", timeout=180).json()["missing"] == {
            "cutout": "this installation lacks street-3.onnx"
        }


def test_facts_are_told(ask: httpx.Client) -> None:
    assert ask.get("/v1/health").json()["status"] == "ok"
    found = ask.get("/v1/models").json()
    assert found["models"][0]["fields"] == {"type": ["dress", "coat"], "material": ["cotton", "silk"]}
    assert found["flows"][0]["nodes"][0]["id"] == "type"
    text = ask.get("/metrics").text
    assert 'modiste_requests_total{method="GET",path="/v1/health",status="200"}' in text
    assert 'path="none"' not in text or "nope" not in text
    assert 'modiste_images_total{outcome="ok",work="tag"}' in text


def test_the_description_has_examples_that_are_answered(ask: httpx.Client) -> None:
    document = ask.get("/openapi.json").json()
    for path, name in (("/v1/tag", "tag"), ("/v1/cutout", "cutout"), ("/v1/similar", "similar")):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/json", "multipart/form-data"}
        found = ask.post(path, json=content["application/json"]["example"]).json()
        assert list(found) == ["results", "models"], name
    assert document["openapi"].startswith("3.1")
    assert ask.get("/docs").status_code == ask.get("/redoc").status_code == 404


def test_every_answer_forbids_what_a_page_could_load_from_elsewhere(ask: httpx.Client) -> None:
    for path in ("/v1/health", "/nope"):
        headers = ask.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_a_job_tells_its_progress_and_gives_its_results_in_order(ask: httpx.Client) -> None:
    sent = ask.post("/v1/jobs/tag", files=form(*[photo(), photo(BLUE)] * 20, b"no"))
    assert sent.status_code == 202
    where = sent.headers["location"]
    while (found := ask.get(where).json())["status"] == "running":
        assert found["total"] == 41
    assert (found["status"], found["done"]) == ("done", 41)
    assert [each["image"] for each in found["results"]] == [f"{number}.jpg" for number in range(41)]
    assert found["results"][40]["error"]["code"] == "not_an_image"
    assert code(ask.get("/v1/jobs/unknown")) == "not_found"


def test_a_job_can_be_cancelled() -> None:
    made = parts()
    made.tagger.hold.clear()  # type: ignore[union-attr]
    with served(made, OPEN) as one, httpx.Client(base_url=one.url, timeout=180) as client:
        where = client.post("/v1/jobs/tag", files=form(*[photo()] * 30)).headers["location"]
        made.tagger.entered.wait(10)  # type: ignore[union-attr]
        assert client.delete(where).json()["status"] == "cancelled"
        made.tagger.hold.set()  # type: ignore[union-attr]
        assert client.get(where).json()["done"] == 0
        assert one.app.service.jobs.running == 0
