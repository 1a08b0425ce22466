"""The page's 'Edit' card in a real Chromium."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modiste_api_drawn import parts, photo, served
from PIL import Image
from test_modiste_api_edit import cloth, patchwork
from test_modiste_page import HOSTILE, NAMELESS, Open, Watched, browser, opened

from dataset.source_mark import source_type_of

__all__ = ["browser", "opened"]  # fixtures
pytestmark = pytest.mark.timeout(200)
WORDS = "white background, centre it, twice as large"


def asked(open_page: Open, url: str, words: str, data: bytes | None = None, **more: Any) -> Watched:
    one = open_page(url, **more)
    one.drop(("blue cloth.png", data or cloth()))
    one.finished(1)
    one.page.fill("#edit-words", words)
    one.page.press("#edit-words", "Enter")
    one.page.locator(".edit-card .pair, .edit-card .problem").first.wait_for()
    return one


def test_a_sentence_shows_before_and_after_the_chain_the_verdict_and_gives_the_file(
    opened: Open, tmp_path: Path
) -> None:
    with served() as service:
        one = asked(opened, service.url, WORDS)
        assert one.text(".understood strong").startswith("background white, compose square, upscale 2")
        assert one.page.locator(".edit-card .pair figcaption").all_inner_texts() == ["Before", "After"]
        assert one.text(".edit-card .verdict") in (
            "The garment stays true to the photo, within the limits", "Look at it before you use it"
        )  # fmt: skip
        with one.page.expect_download() as saved:
            one.page.click("#save-edit")
        assert saved.value.suggested_filename == "blue-cloth-edited.png"
        saved.value.save_as(tmp_path / "made.png")
        data = (tmp_path / "made.png").read_bytes()
    assert np.asarray(Image.open(tmp_path / "made.png"))[0, 0].tolist() == [255, 255, 255]
    assert source_type_of(data)


def test_the_figures_are_there_for_who_wants_them(opened: Open) -> None:
    with served() as service:
        one = asked(opened, service.url, "white background, centre it")
        one.page.click("#edit-figures")
        rows = one.page.locator(".edit-card tbody tr").all_inner_texts()
        assert [row.split("\t")[0] for row in rows] == ["Background", "Compose"]
        assert all("0 of" in row for row in rows)
        assert one.text(".edit-card .verdict") == "Not one garment pixel changed"


def test_words_that_mean_nothing_are_told_with_what_was_understood(opened: Open) -> None:
    with served() as service:
        one = asked(opened, service.url, "white background and add a unicorn")
        said = one.text(".edit-card .problem")
        assert "unicorn" in said
        assert "understood: background white" in said
        assert one.page.input_value("#edit-words") == "white background and add a unicorn"
        one.faults = [each for each in one.faults if "422" not in each]  # the browser's own words about a refusal


def test_a_refused_edit_says_why_and_shows_no_picture(opened: Open) -> None:
    with served() as service:
        one = asked(opened, service.url, "make it white", patchwork())
        assert one.page.locator(".edit-card .problem").get_attribute("data-code") == "refused"
        assert "limit" in one.text(".edit-card .problem")
        assert one.page.locator(".edit-card .pair").count() == 0
        assert one.page.locator(".edit-card tbody tr").count() == 1


def test_a_backdrop_is_chosen_named_laid_under_and_taken_away_again(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("blue cloth.png", cloth()))
        one.finished(1)
        sent: Any = {"name": "a <b>beach.png", "mimeType": "image/png", "buffer": beach()}
        one.page.set_input_files("#choose-backdrop", sent)
        assert one.text("#without-backdrop").startswith("Backdrop: a <b>beach.png")
        one.page.fill("#edit-words", "centre it")
        one.page.press("#edit-words", "Enter")
        one.page.locator(".edit-card .pair").wait_for()
        assert one.text(".understood strong").startswith("background backdrop, compose square")
        with one.page.expect_download() as saved:
            one.page.click("#save-edit")
        assert np.asarray(Image.open(saved.value.path()))[2, 2].tolist() == [240, 200, 120]
        one.page.click("#without-backdrop")
        assert one.page.locator("#choose-backdrop").count() == 1


def test_a_look_alone_is_asked_for_without_words(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("a.png", cloth()))
        one.finished(1)
        one.page.set_input_files("#choose-look", {"name": "warm.png", "mimeType": "image/png", "buffer": beach()})
        one.page.locator("#without-look").wait_for()
        one.page.click("#edit-run")
        one.page.locator(".edit-card .pair").wait_for()
        assert one.text(".understood strong") == "style look"
        assert one.page.evaluate(NAMELESS) == []


def beach() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 70), (240, 200, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def test_nothing_is_edited_before_it_is_asked_for(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.finished(1)
        assert not any("/v1/edit" in url for url in one.asked)
        one.page.press("#edit-words", "Enter")  # an empty field asks for nothing
        one.page.wait_for_load_state("networkidle")
        assert not any("/v1/edit" in url for url in one.asked)


def test_an_example_is_taken_over_and_the_words_stay_when_the_card_is_drawn_anew(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("a.png", cloth()))
        one.finished(1)
        one.page.locator(".edit-card .examples button").first.click()
        assert one.page.input_value("#edit-words") == "white background, centre it"
        one.page.click("#edit-run")
        one.page.locator(".edit-card .pair").wait_for()
        assert one.page.input_value("#edit-words") == "white background, centre it"


def test_strange_words_stay_words(opened: Open) -> None:
    with served() as service:
        one = asked(opened, service.url, HOSTILE)
        assert "onerror" in one.text(".edit-card .problem")
        assert one.page.title() == "Modiste"
        one.faults = [each for each in one.faults if "422" not in each]


@pytest.mark.parametrize("width", [390, 1280])
def test_on_a_phone_and_on_a_desk_nothing_runs_over_the_edge(opened: Open, width: int) -> None:
    with served() as service:
        one = asked(opened, service.url, WORDS, width=width)
        one.page.click("#edit-figures")
        assert one.page.evaluate("() => document.documentElement.scrollWidth") == width
        assert one.page.evaluate(NAMELESS) == []


def test_without_a_segmenter_the_card_says_what_would_bring_it(opened: Open) -> None:
    made = parts()
    made.look = None
    made.missing["cutout"] = "no weight here. Fetch it with modiste weights fetch"
    with served(made) as service:
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.finished(1)
        assert "modiste weights fetch" in one.text(".edit-card .lacking")
