"""A second picture beside the photo at `/v1/edit`: a look, a backdrop, over a real server on loopback."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import httpx
import numpy as np
import pytest
from modiste_api_drawn import jpeg_bomb, parts, photo, png_bomb, served
from PIL import Image
from test_modiste_api import code, form
from test_modiste_api_edit import ask, cloth

from dataset.source_mark import source_type_of
from modiste.api_limits import Limits

__all__ = ["ask"]  # a fixture
BEACH = (240, 200, 120)


def picture(colour: tuple[int, int, int] = BEACH, mode: str = "RGB", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (90, 70), (*colour, 90) if mode == "RGBA" else colour).save(buffer, kind)
    return buffer.getvalue()


def sent(client: httpx.Client, options: dict[str, str], **pictures: bytes) -> httpx.Response:
    files = form(cloth()) + [(name, (f"{name}.png", data, "image/png")) for name, data in pictures.items()]
    return client.post("/v1/edit", files=files, data=options)


def opened(result: dict[str, Any]) -> tuple[np.ndarray, bytes]:
    data = base64.b64decode(result["png"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data))), data


@pytest.mark.parametrize(
    "options", [{"steps": "background backdrop"}, {"ask": "put it on the backdrop"}, {"ask": "背景换成backdrop"}]
)
def test_a_photo_is_laid_on_the_picture_that_was_sent_as_backdrop(ask: httpx.Client, options: dict[str, str]) -> None:
    answer = sent(ask, options, backdrop=picture())
    assert answer.status_code == 200, answer.text
    result = answer.json()["results"][0]
    pixels, data = opened(result)
    assert result["chain"] == "background backdrop"
    assert tuple(pixels[2, 2]) == BEACH
    assert source_type_of(data) == "compositeCapture"
    assert result["steps"][0]["done"]["picture_sha256"] == hashlib.sha256(picture()).hexdigest()
    assert result["steps"][0]["guard"]["changed"] == 0


@pytest.mark.parametrize("options", [{"steps": "style look"}, {"ask": "in the style of look"}])
def test_the_look_of_a_picture_is_taken_over_off_the_garment(ask: httpx.Client, options: dict[str, str]) -> None:
    result = sent(ask, options, look=picture((250, 120, 40))).json()["results"][0]
    pixels, _ = opened(result)
    before = np.asarray(Image.open(io.BytesIO(cloth())).convert("RGB")).astype(int)
    warmer = (pixels[5, 5].astype(int) - before[5, 5])[[0, 2]]
    assert result["chain"] == "style look"
    assert warmer[0] > warmer[1]
    assert result["steps"][0]["guard"]["changed"] == 0
    assert result["steps"][0]["done"]["reference_sha256"]


def test_look_and_backdrop_serve_several_photos_of_one_request(ask: httpx.Client) -> None:
    files = form(cloth(), cloth((100, 150))) + [
        (name, ("x.png", picture(), "image/png")) for name in ("look", "backdrop")
    ]
    answer = ask.post("/v1/edit", files=files, data={"steps": "background backdrop, style look"})
    assert [each["chain"] for each in answer.json()["results"]] == ["style look, background backdrop"] * 2


def test_in_json_the_second_picture_comes_as_base64_and_never_as_an_address(ask: httpx.Client) -> None:
    body = {"images": [{"base64": base64.b64encode(cloth()).decode()}], "steps": "background backdrop"}
    made = ask.post("/v1/edit", json={**body, "backdrop": {"base64": base64.b64encode(picture()).decode()}})
    assert tuple(opened(made.json()["results"][0])[0][2, 2]) == BEACH
    answer = ask.post("/v1/edit", json={**body, "backdrop": {"url": "http://127.0.0.1/x.png"}})
    assert (answer.status_code, code(answer)) == (422, "bad_option")
    assert "backdrop" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("options", "name", "said"),
    [
        ({"steps": "background white"}, "look", "no step uses look"),
        ({"steps": "background white"}, "backdrop", "no step uses backdrop"),
        ({"steps": "style look"}, None, "style names a picture file"),
        ({"steps": "background backdrop"}, None, "background names a picture file"),
        ({"steps": "style look"}, "backdrop", "style names a picture file"),
        ({"steps": "style /etc/passwd"}, "look", "style names a picture file"),
    ],
)
def test_a_picture_nobody_uses_and_one_that_was_not_sent_are_told(
    ask: httpx.Client, options: dict[str, str], name: str | None, said: str
) -> None:
    answer = sent(ask, options, **({name: picture()} if name else {}))
    assert (answer.status_code, code(answer)) == (422, "bad_option")
    assert said in answer.json()["detail"]


def animation() -> bytes:
    frames = io.BytesIO()
    images = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    images[0].save(frames, "WEBP", save_all=True, append_images=images[1:])
    return frames.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello", "not_an_image"), (b"", "empty"), (png_bomb(), "too_many_pixels"), (jpeg_bomb(), "too_many_pixels"),
        (photo()[:300], None), (animation(), "animated"), (picture(mode="RGBA"), "transparent"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/edit", "/v1/jobs/edit"])
def test_a_second_picture_is_refused_as_a_first_one_would_be_and_by_its_name(
    ask: httpx.Client, data: bytes, expected: str | None, path: str
) -> None:
    files = [*form(cloth()), ("backdrop", ("x.png", data, "image/png"))]
    answer = ask.post(path, files=files, data={"steps": "background backdrop"})
    alone = ask.post("/v1/edit", files=form(data), data={"steps": "background white"}).json()["results"][0]["error"]
    assert 400 <= answer.status_code < 500
    assert code(answer) == alone["code"]
    assert expected in (None, code(answer))
    assert answer.json()["detail"].startswith("backdrop: ")


def test_a_second_picture_of_too_many_bytes_or_given_twice_or_as_text_is_refused() -> None:
    limits = Limits(rate=0, image_bytes=60_000)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    with served(parts(), limits) as one, httpx.Client(base_url=one.url, timeout=60) as client:
        large = sent(client, {"steps": "background backdrop"}, backdrop=buffer.getvalue())
        assert (large.status_code, code(large)) == (413, "too_large")
        twice = [*form(cloth()), *[("backdrop", ("x.png", picture(), "image/png"))] * 2]
        answer = client.post("/v1/edit", files=twice, data={"steps": "background backdrop"})
        assert (answer.status_code, code(answer)) == (422, "bad_option")
        answer = sent(client, {"steps": "background backdrop", "backdrop": "beach.png"})
        assert (answer.status_code, code(answer)) == (422, "no_image")


def test_another_work_takes_no_second_picture(ask: httpx.Client) -> None:
    answer = ask.post("/v1/cutout", files=[*form(cloth()), ("backdrop", ("x.png", picture(), "image/png"))])
    assert (answer.status_code, code(answer)) == (422, "bad_option")
    assert "images are sent as 'image'" in answer.json()["detail"]


def test_a_job_takes_a_second_picture_too(ask: httpx.Client) -> None:
    files = [*form(cloth()), ("backdrop", ("x.png", picture(), "image/png"))]
    made = ask.post("/v1/jobs/edit", files=files, data={"steps": "background backdrop"})
    assert made.status_code == 202
    while (found := ask.get(made.headers["location"]).json())["status"] == "running":
        pass
    assert tuple(opened(found["results"][0])[0][2, 2]) == BEACH


def test_the_description_names_both_pictures_in_form_and_json(ask: httpx.Client) -> None:
    document = ask.get("/openapi.json").json()
    content = document["paths"]["/v1/edit"]["post"]["requestBody"]["content"]
    fields = content["multipart/form-data"]["schema"]["properties"]
    assert {name: fields[name]["format"] for name in ("look", "backdrop")} == {"look": "binary", "backdrop": "binary"}
    assert {"look", "backdrop"} <= set(document["components"]["schemas"]["EditRequest"]["properties"])
    assert "backdrop" not in document["components"]["schemas"]["CutoutRequest"]["properties"]
