"""`/v1/edit` over a real server on loopback: what was understood, what the guard measured, and the picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from modiste_api_drawn import parts, photo, served
from PIL import Image
from test_modiste_api import code, form

from dataset.source_mark import source_type_of
from modiste.api_limits import Limits

BLUE = (10, 10, 250)


def cloth(size: tuple[int, int] = (120, 160)) -> bytes:
    """A blue cloth with folds and a printed cross, on grey paper."""
    rng = np.random.default_rng(0)
    rgb = np.full((size[1], size[0], 3), 225, np.int16)
    folds = (14 * np.sin(np.arange(size[0]) / 5)).astype(np.int16)[None, :, None]
    rgb[30:130, 25:95] = (np.array(BLUE) * 0.6 + 20 + folds)[:, 25:95]
    rgb[70:76, 40:80] = rgb[55:90, 57:63] = 190
    rgb += rng.integers(-2, 3, rgb.shape)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def ask() -> Iterator[httpx.Client]:
    with served() as one, httpx.Client(base_url=one.url, timeout=60) as client:
        yield client


def edited(client: httpx.Client, data: bytes | None = None, **options: str) -> dict[str, Any]:
    answer = client.post("/v1/edit", files=form(data or cloth()), data=options)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["results"][0])


def test_a_sentence_gives_the_chain_the_verdict_the_figures_and_the_picture(ask: httpx.Client) -> None:
    found = edited(ask, ask="white background, centre it, twice as large")
    assert found["chain"].startswith("background white, compose square, upscale 2")
    assert found["verdict"] in ("pass", "review")
    assert [each["step"] for each in found["steps"]] == ["background", "compose", "upscale"]
    assert [each["guard"]["changed"] for each in found["steps"]][:2] == [0, 0]
    picture = Image.open(io.BytesIO(base64.b64decode(found["png"].partition(",")[2])))
    assert picture.size == (found["width"], found["height"])
    assert found["mask"] in ("network", "backdrop")
    assert picture.getpixel((1, 1)) == (255, 255, 255)


def test_words_of_the_command_line_give_the_same_picture_as_the_sentence(ask: httpx.Client) -> None:
    first = edited(ask, ask="白底，居中")
    second = edited(ask, steps="background 白, compose square")
    assert first["chain"] == second["chain"] == "background 白, compose square"
    assert first["png"] == second["png"]


def test_the_file_itself_comes_with_its_mark(ask: httpx.Client) -> None:
    answer = ask.post(
        "/v1/edit", files=form(cloth()), data={"steps": "background white"}, headers={"Accept": "image/png"}
    )
    assert answer.headers["content-type"] == "image/png"
    assert source_type_of(answer.content) == "composite"


def test_what_deserves_a_look_is_said_in_words(ask: httpx.Client) -> None:
    found = edited(ask, steps="beautify, background white")
    assert all(reason.startswith(("beautify: ", "background: ")) for reason in found["reasons"])
    assert (found["verdict"] == "review") == bool(found["reasons"])


def test_words_that_mean_nothing_are_named_beside_what_was_understood(ask: httpx.Client) -> None:
    answer = ask.post("/v1/edit", files=form(cloth()), data={"ask": "white background and add a unicorn"})
    assert (answer.status_code, code(answer)) == (422, "not_understood")
    assert "unicorn" in answer.json()["detail"]
    assert "understood: background white" in answer.json()["detail"]
    assert "--ask" not in answer.text


@pytest.mark.parametrize(
    "options",
    [
        {"steps": "background /etc/hostname.png"}, {"steps": "style /etc/passwd"}, {"steps": "style"},
        {"ask": "in the style of /etc/passwd.png, white background"}, {"ask": "put it on /etc/x.jpg"},
        {"steps": "repair"}, {"steps": "backgrund white"}, {"steps": "upscale 9"}, {"steps": ""},
        {"steps": "compose square-9999"}, {}, {"steps": "upscale", "ask": "upscale"}, {"steps": "upscale", "keep": "x"},
        {"steps": "x" * 1_001}, {"ask": "upscale", "damage": "1"},
    ],
)  # fmt: skip
def test_a_step_that_can_not_be_had_here_is_an_option_that_there_is_not(
    ask: httpx.Client, options: dict[str, str]
) -> None:
    answer = ask.post("/v1/edit", files=form(cloth()), data=options)
    assert (answer.status_code, code(answer)) == (422, "bad_option")


def test_a_file_that_is_there_and_one_that_is_not_are_told_the_same(ask: httpx.Client) -> None:
    said = {
        ask.post("/v1/edit", files=form(cloth()), data={"steps": f"background {path}"})
        .json()["detail"]
        .replace(path, "")
        for path in ("/usr/share/nowhere.png", str(__file__).replace(".py", ".png"), "x.png")
    }
    assert len(said) == 1


def test_a_refused_edit_is_a_problem_with_every_figure(ask: httpx.Client) -> None:
    found = edited(ask, patchwork(), steps="recolour white")
    assert found["error"]["code"] == "refused"
    assert found["error"]["steps"][-1]["guard"]["verdict"] == "refuse"
    assert found["error"]["steps"][-1]["guard"]["blind"] > 0.4
    assert "limit" in found["error"]["detail"]
    answer = ask.post(
        "/v1/edit", files=form(patchwork()), data={"steps": "recolour white"}, headers={"Accept": "image/png"}
    )
    assert (answer.status_code, code(answer)) == (422, "refused")
    assert answer.json()["steps"][-1]["step"] == "recolour"


def patchwork() -> bytes:
    """Its outline is seen by the made-up network (darker than 200) where the photo hardly has an edge."""
    rgb = np.full((160, 120, 3), 203, np.uint8)
    rgb[30:130, 25:95] = 196
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("data", "expected"), [(photo((255, 255, 255)), "no_garment"), (b"hello", "not_an_image")])
def test_a_photo_that_can_not_be_edited_is_its_own_problem(ask: httpx.Client, data: bytes, expected: str) -> None:
    answer = ask.post("/v1/edit", files=form(data, cloth()), data={"steps": "background white"})
    bad, good = answer.json()["results"]
    assert bad["error"]["code"] == expected
    assert good["verdict"]


def test_a_piece_that_is_not_there_is_told_as_such(ask: httpx.Client) -> None:
    found = edited(ask, steps="recolour red of yellow")
    assert found["error"]["code"] == "no_such_piece"
    assert found["error"]["status"] == 422
    assert edited(ask, steps="recolour red at 60 100")["chain"] == "recolour red at 60 100"


def test_an_animation_and_a_see_through_picture_are_told_what_they_are(ask: httpx.Client) -> None:
    frames, clear = io.BytesIO(), io.BytesIO()
    images = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    images[0].save(frames, "WEBP", save_all=True, append_images=images[1:])
    Image.new("RGBA", (40, 40), (255, 0, 0, 90)).save(clear, "PNG")
    for data, expected in ((frames.getvalue(), "animated"), (clear.getvalue(), "transparent")):
        assert edited(ask, data, steps="background white")["error"]["code"] == expected


def test_a_result_larger_than_the_service_allows_is_not_begun() -> None:
    with served(parts(), Limits(rate=0, pixels=100_000)) as one:
        answer = httpx.post(f"{one.url}/v1/edit", files=form(cloth()), data={"steps": "upscale 4"}, timeout=60)
        assert answer.json()["results"][0]["error"]["code"] == "result_too_large"
        answer = httpx.post(
            f"{one.url}/v1/edit", files=form(cloth()), data={"steps": "compose square-2000"}, timeout=60
        )
        assert code(answer) == "bad_option"


def test_without_a_segmenter_it_is_not_here() -> None:
    made = parts()
    made.look = None
    made.missing["cutout"] = "no weight. Fetch one"
    with served(made) as one:
        answer = httpx.post(f"{one.url}/v1/edit", files=form(cloth()), data={"steps": "upscale"}, timeout=60)
        assert (answer.status_code, code(answer)) == (503, "not_here")
        assert "no weight" in answer.json()["detail"]


def test_edits_run_as_a_job_too(ask: httpx.Client) -> None:
    made = ask.post("/v1/jobs/edit", files=form(cloth()), data={"steps": "background white"})
    assert made.status_code == 202
    while (found := ask.get(made.headers["location"]).json())["status"] == "running":
        pass
    assert found["results"][0]["chain"] == "background white"
