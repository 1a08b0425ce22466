"""The drawn scenes: the same seed gives the same bytes, masks are of what is seen, tags say what was drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from modiste.demo.scenes.figure import BUILDS, POSES, stand
from modiste.demo.scenes.garment import Garment
from modiste.demo.scenes.looks import dress_up
from modiste.demo.scenes.palette import CLOTH, rgb
from modiste.demo.scenes.scene import PACKSHOT, SCENE, Drawn, draw_packshot, draw_scene
from modiste.demo.stock import stock

DRESS = Garment("dress", "emerald", "plain", "short", "knee", "v-neck", "wrap")


def scene(garment: Garment = DRESS, seed: int = 3, **how: bool) -> Drawn:
    return draw_scene(dress_up(garment, seed), garment, place="studio", pose="contrapposto", seed=seed, **how)


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others() -> None:
    assert scene().data == scene().data
    assert scene().data != scene(seed=4).data


def test_masks_have_the_size_of_the_image_and_the_garment_lies_inside_the_person() -> None:
    drawn = scene()
    size = Image.open(io.BytesIO(drawn.data)).size
    assert size == SCENE
    assert drawn.person.shape == drawn.garment.shape == (size[1], size[0])
    assert not (drawn.garment & ~drawn.person).any()


def test_a_scene_has_background_skin_and_garment_in_the_proportions_of_a_standing_person() -> None:
    drawn = scene()
    assert 0.08 < drawn.person.mean() < 0.4
    assert 0.25 < drawn.garment.sum() / drawn.person.sum() < 0.85


def test_a_person_fills_four_fifths_of_the_height_and_is_one_piece() -> None:
    rows = np.flatnonzero(scene().person.any(axis=1))
    assert rows[-1] - rows[0] > 0.8 * SCENE[1]
    assert rows.size == rows[-1] - rows[0] + 1


def test_the_garments_pixels_show_the_colour_of_the_tag() -> None:
    drawn = scene()
    mean = np.asarray(drawn.pixels)[drawn.garment].mean(axis=0)
    distance = {word: np.abs(mean - rgb(tone)).sum() for word, tone in CLOTH.items()}
    assert drawn.tags["colour"] in sorted(distance, key=distance.__getitem__)[:3]


def test_the_mask_ends_where_the_drawn_figure_ends() -> None:
    red = Garment("dress", "red", "plain", "long", "maxi", "crew", "a-line")
    drawn = draw_packshot(red, seed=5)
    cloth = np.asarray(drawn.pixels).astype(int)
    reddish = (cloth[..., 0] - cloth[..., 1] > 60) & (cloth[..., 0] - cloth[..., 2] > 60)
    assert (reddish & drawn.garment).sum() / (reddish | drawn.garment).sum() > 0.94


def test_a_longer_skirt_is_a_larger_garment() -> None:
    mini, midi = (Garment("skirt", "teal", "plain", None, length, None, "a-line") for length in ("mini", "midi"))
    areas = [
        draw_scene(dress_up(g, 8), g, place="studio", pose="arms down", seed=8).garment.sum() for g in (mini, midi)
    ]
    assert areas[1] > 1.15 * areas[0]


def test_shoes_and_hats_alone_are_no_garment() -> None:
    for kind, cut in (("shoes", "sneakers"), ("hat", "fedora")):
        drawn = draw_packshot(Garment(kind, "red", cut=cut), seed=1)
        assert drawn.person.any()
        assert not drawn.garment.any()


def test_a_packshot_stands_free_on_a_light_ground() -> None:
    drawn = draw_packshot(DRESS, seed=2)
    assert drawn.pixels.size == PACKSHOT
    border = np.asarray(drawn.pixels)[:4].mean()
    assert border > 225
    assert not drawn.person[:4].any()
    assert not drawn.person[:, :4].any()


def test_a_detail_is_nearer_than_the_whole_scene_and_says_so() -> None:
    assert scene(detail=True).garment.mean() > 1.5 * scene().garment.mean()
    assert scene(detail=True).tags["view"] == "detail"


@pytest.mark.parametrize("pose", [name for name in POSES if name != "mannequin"])
def test_every_build_stands_on_the_ground_in_every_pose(pose: str) -> None:
    for build in BUILDS.values():
        figure = stand(build, POSES[pose])
        assert max(leg[2][1] for leg in figure.leg.values()) == pytest.approx(-34)
        assert 700 < -figure.head_base[1] + 100 < 830


def test_the_stock_names_its_garment_and_variants_differ_in_colour_alone() -> None:
    offers = stock(30, seed=1)
    assert all(offer.garment.colour in offer.name for offer in offers)
    pairs = [(a, b) for a in offers for b in offers if a.group == b.group and a is not b]
    assert pairs
    for one, other in pairs:
        assert one.garment.colour != other.garment.colour
        assert (one.garment.cut, one.garment.sleeve, one.price) == (
            other.garment.cut,
            other.garment.sleeve,
            other.price,
        )
