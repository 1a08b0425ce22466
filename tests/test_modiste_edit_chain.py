from __future__ import annotations

from pathlib import Path

import pytest

from dataset.errors import SettingsError, UsageError
from modiste.edit_ask import understood
from modiste.edit_chain import from_words, parse_chain, read_chain


def test_words_become_steps_in_the_order_they_run() -> None:
    chain = from_words("upscale 2, compose 1600x2000 margin 0.1 straighten, background navy blue shadow")
    assert [name for name, _ in chain.steps] == ["background", "compose", "upscale"]
    said = "background navy blue shadow, compose 1600x2000 margin 0.1 straighten, upscale 2"
    assert chain.words().removesuffix(" lanczos") == said  # where no network is installed
    assert from_words(chain.words()) == chain


@pytest.mark.parametrize(
    "words", ["beautify lint denoise 0.3", "beautify no white-balance", "recolour #102030", "repair navier-stokes"]
)
def test_what_a_chain_says_of_itself_is_read_back_as_the_same(words: str) -> None:
    chain = from_words(words)
    assert from_words(chain.words()) == chain


def test_an_unknown_step_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'background'"):
        from_words("backgrund white")
    with pytest.raises(SettingsError, match="did you mean 'upscale'"):
        parse_chain({"steps": [{"upscal": {}}]}, "a.yaml")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'shadow'"):
        parse_chain({"steps": [{"background": {"shadw": "soft"}}]}, "a.yaml")
    with pytest.raises(SettingsError, match="did you mean 'steps'"):
        parse_chain({"stps": []}, "a.yaml")


@pytest.mark.parametrize(
    ("words", "told"),
    [("", "without steps"), ("upscale, upscale 3", "comes twice"), ("upscale 7", "times"),
     ("recolour sofa", "no colour"), ("compose square-99999", "out of bounds"),
     ("recolour", "to: Field required"), ("beautify brightly", "brightly")],
)  # fmt: skip
def test_a_chain_that_makes_no_sense_is_misuse(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        from_words(words)


def test_a_yaml_chain_and_those_that_ship_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("keep: garment\nsteps:\n  - compose\n  - background: {to: white}\n")
    assert read_chain(str(path)).words() == "background white, compose square"
    assert read_chain(str(path)).keep == "garment"
    assert (
        read_chain("editing/packshot").words() == "beautify, background white shadow, compose square-2000 margin 0.08"
    )
    with pytest.raises(UsageError, match="editing/true-pixels"):
        read_chain("editing/nothing")


@pytest.mark.parametrize(
    ("sentence", "chain"),
    [
        ("white background, centre it, twice as large", "background white, compose square, upscale 2"),
        ("Please put it on a plain light grey background with a soft shadow.", "background light grey shadow"),
        ("make it navy blue and straighten the photo", "recolour navy blue, compose square straighten"),
        ("fix the colours, remove lint, 1600x2000 with a margin of 8%", "beautify lint, compose 1600x2000 margin 0.08"),
        ("gradient from white to light grey background; 4x", "background white..light grey, upscale 4"),
        ("no shadow, background #f4f4f4", "background #f4f4f4"),
        ("白底，居中，放大两倍", "background 白, compose square, upscale 2"),
        ("请把背景换成浅灰色，加柔和阴影", "background 浅灰色 shadow"),
        ("衣服改成红色，摆正，去毛球，边距10%", "beautify lint, recolour 红色, compose square margin 0.1 straighten"),
        ("美化一下照片", "beautify"),
    ],
)
def test_a_sentence_becomes_a_chain(sentence: str, chain: str) -> None:
    assert understood(sentence).words() == from_words(chain).words()


@pytest.mark.parametrize(
    ("sentence", "unknown", "known"),
    [
        ("white background and add a unicorn", "'unicorn'|unicorn", "background white"),
        ("centre it, but happier", "happier", "compose square"),
        ("blah", "blah", "nothing"),
        ("白底，更高级", "更高级", "background 白"),
        ("please", "asks for no edit", "nothing"),
    ],
)
def test_words_that_mean_nothing_are_named_beside_what_was_understood(sentence: str, unknown: str, known: str) -> None:
    with pytest.raises(UsageError, match=unknown) as caught:
        understood(sentence)
    assert f"understood: {known}" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_number_the_upscale_does_not_know_is_said() -> None:
    with pytest.raises(UsageError, match="times"):
        understood("seven times larger, 9x")
