"""Whose mask is taken: the network's where somebody is seen or the backdrop says little, else the backdrop's."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.errors import UsageError
from modiste.cutout import cut_out
from modiste.cutout_backdrop import has_head, settled
from modiste.cutout_settings import CutoutSettings
from modiste.cutout_sources import of_file
from modiste.edit_chain import from_words
from modiste.edit_photo import edit_one
from train.closer import Seen

SIZE = (240, 180)


def flat() -> np.ndarray:
    """A blue shirt on a grey sheet, with grain."""
    rgb = np.full((*SIZE, 3), 190.0)
    rgb[60:190, 50:130] = (40, 60, 150)
    return np.clip(rgb + np.random.default_rng(0).normal(0, 2, rgb.shape), 0, 255).astype(np.uint8)


def part(rgb: np.ndarray) -> Seen:
    """The network sees two thirds of it."""
    chance = np.zeros(rgb.shape[:2], np.float32)
    chance[60:150, 50:130] = 0.95
    return Seen(chance, chance)


def somebody(rgb: np.ndarray) -> Seen:
    """The same under a head."""
    seen = part(rgb)
    person = seen.person.copy()
    person[30:60, 75:105] = 0.95
    return Seen(person, seen.garment)


def test_a_flat_garment_seen_in_part_is_cut_out_whole() -> None:
    found, way = settled(flat(), part(flat()))
    assert way == "backdrop"
    assert (found.garment[65:185, 55:125] > 0.9).all()
    assert (found.garment[:50] < 0.1).all()


def test_where_a_head_is_seen_the_networks_mask_stays_to_the_bit() -> None:
    seen = somebody(flat())
    assert has_head(seen)
    found, way = settled(flat(), seen)
    assert (found, way) == (seen, "network")


def test_a_busy_backdrop_leaves_the_network_its_mask() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    seen = part(noise)
    assert settled(noise, seen) == (seen, "network")


def test_a_thing_the_network_sees_no_garment_in_is_none() -> None:
    nothing = Seen(np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32))
    assert settled(flat(), nothing) == (nothing, "network")


def test_a_hand_that_holds_the_garment_is_left_out() -> None:
    rgb, seen = flat(), part(flat())
    rgb[150:190, 60:90] = (205, 150, 125)
    person = seen.person.copy()
    person[150:190, 60:90] = 0.95
    found, way = settled(rgb, Seen(person, seen.garment))
    assert way == "backdrop"
    assert (found.garment[155:185, 65:85] < 0.2).all()
    assert (found.garment[155:185, 100:125] > 0.9).all()
    assert (found.person[155:185, 65:85] > 0.9).all()


def test_the_choice_can_be_forced_either_way_and_another_word_is_refused() -> None:
    assert settled(flat(), part(flat()), "network")[1] == "network"
    assert settled(flat(), somebody(flat()), "backdrop")[1] == "backdrop"
    with pytest.raises(UsageError, match="magic"):
        settled(flat(), part(flat()), "magic")
    with pytest.raises(UsageError, match="mask"):
        CutoutSettings(mask="magic").check()


def test_row_line_and_ledger_say_whose_mask_it_was_and_another_choice_makes_it_anew(tmp_path: Path) -> None:
    Image.fromarray(flat()).save(tmp_path / "shirt.png")
    source, settings = of_file(tmp_path / "shirt.png"), CutoutSettings(edges="none")
    auto = cut_out([source], tmp_path / "out", part, settings)
    assert auto.rows[0]["mask"] == "backdrop"
    assert "1 by their backdrop" in auto.line()
    assert json.loads((tmp_path / "out" / ".modiste-cutout.jsonl").read_text())["row"]["mask"] == "backdrop"
    network = cut_out([source], tmp_path / "out", part, replace(settings, mask="network"))
    assert (network.rows[0]["mask"], network.rows[0]["kept"]) == ("network", False)
    assert network.rows[0]["alpha_share"] < auto.rows[0]["alpha_share"] - 0.05


def test_an_edits_lineage_says_whose_mask_it_was() -> None:
    file = io.BytesIO()
    Image.fromarray(flat()).save(file, "PNG")
    done = edit_one("shirt", file.getvalue(), part, from_words("background white"))
    assert done.mask == "backdrop"
    assert json.loads(done.files[1][1])["mask"] == "backdrop"
