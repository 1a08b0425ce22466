from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset.errors import MaskError, UsageError
from modiste.edit_guard import Judgement, guard_rules, judge
from modiste.edit_outline import blind_share, left_behind
from modiste.edit_photo import in_place_without
from modiste.edit_picture import steps_of


@pytest.fixture
def photo() -> np.ndarray:
    """240 x 200 px: woven cloth with a printed word on it."""
    rng = np.random.default_rng(1)
    rgb = np.full((240, 200, 3), (150, 60, 70), np.uint8) + rng.integers(0, 12, (240, 200, 1)).astype(np.uint8)
    cv2.putText(rgb, "MODE", (40, 130), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (240, 240, 240), 3)
    return rgb


@pytest.fixture
def garment() -> np.ndarray:
    mask = np.zeros((240, 200), bool)
    mask[20:220, 20:180] = True
    return mask


def judged(photo: np.ndarray, result: np.ndarray, garment: np.ndarray, step: str, where: object = None) -> Judgement:
    return judge(photo, result, garment, where, guard_rules()[step])  # type: ignore[arg-type]


def test_an_untouched_garment_passes_whatever_lies_behind_it(photo: np.ndarray, garment: np.ndarray) -> None:
    result = np.where(garment[..., None], photo, 255).astype(np.uint8)
    found = judged(photo, result, garment, "background")
    assert (found.verdict, found.changed, found.pixels, found.delta_mean) == ("pass", 0, 200 * 160, 0.0)


def test_one_changed_garment_pixel_is_refused_in_words(photo: np.ndarray, garment: np.ndarray) -> None:
    result = photo.copy()
    result[100, 100] ^= 1
    found = judged(photo, result, garment, "background")
    assert (found.verdict, found.changed) == ("refuse", 1)
    assert found.reasons == ("1 garment pixels changed (limit 0)",)


def test_another_colour_is_refused_by_its_ciede2000(photo: np.ndarray, garment: np.ndarray) -> None:
    found = judged(photo, photo[..., ::-1], garment, "beautify")
    assert found.verdict == "refuse"
    assert found.delta_mean > 20
    assert found.texture < 0.6  # the weave is still there: it is the colour that is refused


def test_a_blurred_print_drifts_as_a_logo_though_the_mean_colour_hardly_moves(
    photo: np.ndarray, garment: np.ndarray
) -> None:
    result = photo.copy()
    result[95:140, 30:160] = cv2.GaussianBlur(photo, (0, 0), 3)[95:140, 30:160]
    found = judged(photo, result, garment, "beautify")
    assert found.verdict == "refuse"
    assert found.logo > 0.5
    assert found.delta_mean < 7


def test_a_moved_garment_is_compared_with_itself_and_nowhere_else(photo: np.ndarray, garment: np.ndarray) -> None:
    canvas = np.full((300, 260, 3), 255, np.uint8)
    canvas[30:270, 40:240] = photo
    places = steps_of([[1, 0, -40], [0, 1, -30]], (300, 260), (240, 200))
    assert judged(photo, canvas, garment, "compose", places).changed == 0
    shifted = np.roll(canvas, 1, axis=1)
    assert judged(photo, shifted, garment, "compose", places).verdict == "refuse"


def test_an_honest_resize_passes_and_a_resized_other_garment_does_not(photo: np.ndarray, garment: np.ndarray) -> None:
    half = np.asarray(cv2.resize(photo, (100, 120), interpolation=cv2.INTER_AREA))
    places = steps_of([[2, 0, 0.5], [0, 2, 0.5]], (120, 100), (240, 200))
    found = judged(photo, half, garment, "compose", places)
    assert (found.verdict, found.changed) == ("pass", None)
    assert judged(photo, half[:, ::-1], garment, "compose", places).verdict == "refuse"


def test_a_garment_cut_off_by_the_frame_is_lost(photo: np.ndarray, garment: np.ndarray) -> None:
    places = steps_of([[1, 0, 0], [0, 1, 0]], (120, 200), (240, 200))
    found = judged(photo, photo[:120], garment, "compose", places)
    assert found.lost == pytest.approx(0.5, abs=0.01)
    assert found.verdict == "refuse"


def test_what_was_made_counts_as_made_and_its_pixels_as_nobodys(photo: np.ndarray, garment: np.ndarray) -> None:
    made = np.zeros_like(garment)
    made[50:60, 50:90] = True
    result = np.where(made[..., None], 0, photo).astype(np.uint8)
    found = judged(photo, result, garment, "repair", in_place_without(made))
    assert found.made == pytest.approx(400 / 32000, abs=1e-4)
    assert (found.changed, found.verdict) == (0, "pass")


def test_sizes_that_do_not_fit_and_empty_garments_are_errors(photo: np.ndarray, garment: np.ndarray) -> None:
    with pytest.raises(MaskError, match="garment mask"):
        judged(photo, photo, garment[:100], "background")
    with pytest.raises(MaskError, match="result of"):
        judged(photo, photo[:100], garment, "background")
    with pytest.raises(UsageError, match="no garment pixel"):
        judged(photo, photo, np.zeros_like(garment), "background")


def test_an_outline_that_cuts_through_cloth_is_blind_and_one_on_an_edge_is_not() -> None:
    rgb = np.full((300, 300, 3), 230, np.uint8)
    rgb[50:250, 50:250] = (60, 80, 160)
    whole, half = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
    whole[50:250, 50:250] = True
    half[50:250, 50:150] = True  # its right side, a third of its outline, cuts the cloth in two
    assert blind_share(rgb, whole) < 0.02
    assert 0.25 < blind_share(rgb, half) < 0.42


def test_sleeves_beyond_a_white_stripe_are_left_behind_though_the_outline_runs_on_edges() -> None:
    rgb = np.full((300, 300, 3), 205, np.uint8)
    rgb[60:250, 40:260] = (180, 20, 40)
    rgb[60:250, 92:100] = rgb[60:250, 200:208] = 240
    body, whole = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
    body[60:250, 100:200] = True
    whole[60:250, 40:260] = True
    assert blind_share(rgb, body) < 0.05
    assert left_behind(rgb, body) > 0.5
    assert left_behind(rgb, whole) == 0


def test_a_backdrop_of_the_figures_colours_says_nothing_of_what_is_left_behind() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (300, 300, 3)).astype(np.uint8)
    figure = np.zeros((300, 300), bool)
    figure[60:250, 100:200] = True
    assert left_behind(rgb, figure) < 0.05
    assert left_behind(rgb, np.ones((300, 300), bool)) == 0


def test_what_is_left_behind_is_refused_by_the_steps_that_rely_on_the_outline() -> None:
    for step in ("background", "recolour", "style"):
        assert guard_rules()[step].left == (0.15, 0.50)
    assert guard_rules()["beautify"].left is None
