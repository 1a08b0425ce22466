"""A coarse outline finds the true one, colours lose the old background, and the inside stays the photo's own."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from dataset.errors import MaskError, UsageError
from labeling.clipping import on_colour
from labeling.guided import foreground_colour, guided_filter
from labeling.refine import METHODS, Refined, refine, trimap

RED, GREEN = (200, 30, 40), (30, 160, 60)


def disc(side: int = 240, radius: float = 0.3) -> np.ndarray:
    """(side, side) float32 alpha of an antialiased disc."""
    rows, columns = np.mgrid[:side, :side] - side / 2 + 0.5
    return np.clip(radius * side - np.hypot(rows, columns) + 0.5, 0, 1).astype(np.float32)


def photo(alpha: np.ndarray, seed: int = 0) -> np.ndarray:
    """That disc in red before green, with a camera's grain."""
    mixed = np.array(RED) * alpha[..., None] + np.array(GREEN) * (1 - alpha[..., None])
    return np.clip(mixed + np.random.default_rng(seed).normal(0, 2, mixed.shape), 0, 255).astype(np.uint8)


def coarse(alpha: np.ndarray, shrink: int = 8) -> np.ndarray:
    """As a small network would say it: reduced, blurred, enlarged."""
    size = (alpha.shape[1] // shrink, alpha.shape[0] // shrink)
    small = cv2.GaussianBlur(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), (0, 0), 0.7)
    return np.clip(cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR), 0, 1)


def sad(found: Refined, truth: np.ndarray) -> float:
    return float(np.abs(found.alpha / 255 - truth).sum())


@pytest.fixture(params=["guided", "matting"])
def method(request: pytest.FixtureRequest) -> str:
    if request.param == "matting":
        pytest.importorskip("pymatting", reason="matting needs pymatting")
    return str(request.param)


def test_a_coarse_outline_comes_nearer_to_the_true_one(method: str) -> None:
    truth = disc()
    found = refine(photo(truth), coarse(truth), method=method)
    assert sad(found, truth) < 0.75 * float(np.abs(coarse(truth) - truth).sum())


def test_pixels_wholly_inside_equal_the_photo_to_the_bit(method: str) -> None:
    rgb = photo(disc())
    found = refine(rgb, coarse(disc()), method=method)
    assert (found.alpha == 255).mean() > 0.15
    assert (found.foreground[found.alpha == 255] == rgb[found.alpha == 255]).all()


def test_no_green_fringe_shows_on_white(method: str) -> None:
    truth = disc()
    shown = on_colour(refine(photo(truth), coarse(truth), method=method).rgba()).astype(int)
    greener = shown[..., 1] - shown[..., 0]
    assert greener.max() < 25
    assert (photo(truth).astype(int)[..., 1] - photo(truth)[..., 0]).max() > 100


def test_a_large_photo_is_refined_coarse_to_fine_and_only_along_the_outline(method: str) -> None:
    truth = disc(1020, 0.2)
    found = refine(photo(truth), coarse(truth, 20), method=method)
    assert found.unknown_share < 0.1
    most = {"guided": 0.55, "matting": 0.2}[method]
    assert sad(found, truth) < most * float(np.abs(coarse(truth, 20) - truth).sum())


def test_the_outline_has_no_seam_where_tiles_meet(method: str) -> None:
    truth = disc(480, 0.4)
    error = np.abs(refine(photo(truth), coarse(truth), method=method).alpha / 255 - truth)
    assert error[380:389].mean() < 2 * error.mean() + 0.002


def test_none_keeps_the_alpha_and_takes_the_old_background_out() -> None:
    truth = disc()
    found = refine(photo(truth), truth, method="none")
    half = (truth > 0.3) & (truth < 0.7)
    assert np.abs(found.alpha / 255 - truth).max() < 0.005
    assert np.abs(found.foreground[half].astype(int) - RED).mean() < 12
    assert np.abs(photo(truth)[half].astype(int) - RED).mean() > 40


def test_a_mask_that_is_all_or_nothing_changes_nothing() -> None:
    rgb = photo(disc(60))
    for level in (0.0, 1.0):
        found = refine(rgb, np.full((60, 60), level, np.float32), method="guided")
        assert found.unknown_share == 0
        assert (found.alpha == level * 255).all()
        assert (found.foreground == rgb).all()


def test_the_unknown_band_is_as_wide_as_asked() -> None:
    probability = np.zeros((20, 40), np.float32)
    probability[:, 20:] = 1
    assert trimap(probability, 3)[10].tolist() == [0] * 17 + [128] * 6 + [255] * 17


def test_what_cannot_be_refined_is_refused_with_its_cure() -> None:
    rgb = photo(disc(20))
    with pytest.raises(MaskError, match="one size"):
        refine(rgb, np.zeros((20, 21), np.float32))
    with pytest.raises(MaskError, match="Divide a mask of 0 and 255 by 255"):
        refine(rgb, np.full((20, 20), 255, np.float32))
    with pytest.raises(MaskError, match="probabilities"):
        refine(rgb, np.full((20, 20), np.nan, np.float32))
    with pytest.raises(UsageError, match="none, guided, matting"):
        refine(rgb, disc(20), method="magic")
    assert "magic" not in METHODS


def test_a_guided_filter_follows_the_guides_step_not_the_blurred_masks() -> None:
    guide = np.zeros((40, 40, 3), np.float32)
    guide[:, 20:] = 0.8
    blurred = cv2.blur((guide[..., 0] > 0).astype(np.float32), (9, 9))
    sharp = guided_filter(guide, blurred, 6, 1e-4)
    assert sharp[20, 20] - sharp[20, 19] > 2.5 * (blurred[20, 20] - blurred[20, 19])


def test_the_foreground_under_a_half_transparent_edge_is_the_foregrounds_colour() -> None:
    alpha = disc(80)
    colour = foreground_colour(photo(alpha).astype(np.float32) / 255, alpha)
    edge = (alpha > 0.2) & (alpha < 0.8)
    assert np.abs(colour[edge] * 255 - RED).mean() < 12


def test_factorising_leaves_the_process_its_stdout_for_other_threads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib

    module, seen, before = importlib.import_module("pymatting.preconditioner.ichol"), [], sys.stdout
    factorise = module._ichol
    shifted = iter([-1])  # "not positive definite": pymatting prints six lines and shifts the diagonal

    def watched(*values: object) -> int:
        seen.append(sys.stdout)
        return next(shifted, None) or factorise(*values)

    monkeypatch.setattr(module, "_ichol", watched)
    alpha = disc(60)
    refine(photo(alpha), coarse(alpha, 4), method="matting")
    assert len(seen) >= 2
    assert all(stream is before for stream in seen)
    assert capsys.readouterr().out == ""
