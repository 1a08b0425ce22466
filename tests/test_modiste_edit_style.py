from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from test_modiste_edit_tools import drawn

from dataset.errors import ImageError, UsageError
from modiste.edit_ask import understood
from modiste.edit_chain import from_words, parse_chain
from modiste.edit_photo import run_chain
from modiste.edit_steps import Style
from modiste.edit_style import GAINS, beside, look_of, style


@pytest.fixture
def warm(tmp_path: Path) -> str:
    """A reference in evening light: orange and dark."""
    rng = np.random.default_rng(3)
    rgb = np.clip(np.array([190, 120, 60]) + rng.normal(0, 25, (80, 120, 1)), 0, 255).astype(np.uint8)
    path = tmp_path / "Evening_Light.png"
    Image.fromarray(rgb).save(path)
    return str(path)


def lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def test_the_backdrop_takes_the_look_and_no_garment_pixel_changes(warm: str) -> None:
    before = drawn()
    after, facts = style(before, Style(like=warm))
    assert (after.flat()[before.garment] == before.flat()[before.garment]).all()
    far = beside(before.garment) == 1
    moved = (lab(after.flat()) - lab(before.flat()))[far].mean(axis=0)
    assert moved[2] > 5  # towards orange
    assert moved[0] < -5
    assert facts["moved_lab"][0] == -18.0  # as far as is allowed, and no further


def test_beside_the_garment_the_look_is_eased_in() -> None:
    mask = np.zeros((400, 400), bool)
    mask[100:300, 100:300] = True
    share = beside(mask)
    assert share[200, 200] == 0
    assert 0 < share[200, 302] < 0.8
    assert share[200, 320] == 1


def test_on_the_garment_it_is_told_and_judged_by_its_own_limits(warm: str) -> None:
    before = drawn()
    after, _ = style(before, Style(like=warm, garment=True, strength=0.3))
    assert (after.rgb[before.garment] != before.rgb[before.garment]).any()
    done = run_chain(before, from_words(f"style {warm} garment strength 0.3"))
    assert done.steps[0]["guard"]["changed"] > 0
    assert done.verdict in ("pass", "review")


def test_too_strong_a_look_on_the_garment_is_refused(warm: str) -> None:
    with pytest.raises(ImageError, match="style: the garment's colour moved") as caught:
        run_chain(drawn(), from_words(f"style {warm} garment strength 1"))
    assert caught.value.code == "refused"


def test_kept_off_the_garment_it_passes_with_no_pixel_changed(warm: str) -> None:
    done = run_chain(drawn(), from_words(f"style {warm}"))
    assert (done.verdict, done.steps[0]["guard"]["changed"]) == ("pass", 0)


def test_the_map_reaches_the_references_mean_and_spread_where_that_lies_within_bounds() -> None:
    rng = np.random.default_rng(0)
    own = np.clip(rng.normal((120, 120, 120), (20, 20, 20), (4000, 3)), 0, 255).astype(np.uint8)
    goal = np.clip(rng.normal((135, 125, 118), (24, 22, 20), (4000, 3)), 0, 255).astype(np.uint8)
    look = look_of(own, goal)
    reached = (lab(own[None])[0] - look.own) @ look.turn + look.own + look.moved
    assert np.abs(reached.mean(0) - lab(goal[None])[0].mean(0)).max() < 0.5
    assert np.abs(reached.std(0) / lab(goal[None])[0].std(0) - 1).max() < 0.12


def test_a_flat_reference_flattens_no_further_than_the_bound() -> None:
    rng = np.random.default_rng(0)
    own = rng.integers(0, 256, (4000, 3)).astype(np.uint8)
    look = look_of(own, np.full((100, 3), 90, np.uint8))
    assert np.linalg.eigvalsh(look.turn).min() == pytest.approx(GAINS[0])


@pytest.mark.parametrize("words", ["style {} garment strength 0.5", "style {} strength 1.0", "style {}"])
def test_words_and_chain_agree_and_a_files_name_stays_as_it_is(warm: str, words: str) -> None:
    chain = from_words(words.format(warm))
    assert from_words(chain.words()) == chain
    assert "Evening_Light.png" in chain.words()
    assert parse_chain({"steps": [{"style": chain.steps[0][1].model_dump()}]}, "a.yaml") == chain


def test_another_reference_of_the_same_name_is_another_chain(warm: str) -> None:
    first = from_words(f"style {warm}").digest("w")
    Image.new("RGB", (9, 9), "blue").save(warm)
    assert from_words(f"style {warm}").digest("w") != first


@pytest.mark.parametrize("words", ["style", "style nowhere.png", "style {here}"])
def test_a_look_that_is_no_picture_is_misuse(words: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(UsageError, match=r"like|no such picture|style"):
        from_words(words.format(here=tmp_path / "notes.txt"))


@pytest.mark.parametrize(
    ("sentence", "chain"),
    [
        ("centre it, in the style of {}", "style {}, compose square"),
        ("with the look of {} on the garment too", "style {} garment"),
        ("{}的风格，白底", "style {}, background 白"),
        ("put it on {} and centre it", "background {}, compose square"),
    ],
)
def test_a_sentence_may_name_a_picture(sentence: str, chain: str, warm: str) -> None:
    assert understood(sentence.format(warm)).words() == chain.format(warm)


def test_a_picture_nobody_asked_anything_of_is_named_as_not_understood(warm: str) -> None:
    with pytest.raises(UsageError, match=r"Evening_Light\.png"):
        understood(f"white background, {warm}")
