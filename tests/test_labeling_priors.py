"""Priors: the best installed is taken, what is missing is named; a model's masks; better masks stay; real photos."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from labeling_drawn import checked_workspace, drawn_cutouts, iou, masks, photo
from PIL import Image
from typer.testing import CliRunner

from dataset import package_files
from dataset.errors import UsageError
from dataset.masks import from_png
from dataset.package_files import MissingWeights, cache_folder, is_fetched
from dataset.workspace import Workspace
from labeling import litert, person_net
from labeling.masks import Model, label_masks, rank
from labeling.person_net import Person, Roi
from labeling.priors import NAMES, NEEDS, best_installed, check_installed, from_model, mean_logit, prior_of
from labeling.scene import guess_scene
from labeling.worn import garment_by_body
from modiste.cli.label import group

PERSON, DRESS = masks()
SHA = "ab" * 32
DATA = Path(os.environ.get("MODISTE_DATA") or Path(__file__).parents[2] / "shared" / "data")
FETCHED = litert.is_installed() and all(map(is_fetched, NEEDS["combined"]))
networks = pytest.mark.skipif(
    not FETCHED, reason="no networks here: modiste weights fetch, pip install 'modiste[priors]'"
)
real = pytest.mark.skipif(not DATA.is_dir(), reason="no real photographs beside the checkout (MODISTE_DATA)")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without any weight."""
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def said(rgb: np.ndarray) -> np.ndarray:
    """A 'model' that knows the drawn figure: 0.9 sure of each class."""
    rows, columns = (
        np.linspace(0, size - 1, seen).astype(int) for size, seen in zip(PERSON.shape, rgb.shape, strict=False)
    )
    index = np.where(DRESS, 2, PERSON)[np.ix_(rows, columns)]
    return np.where(index[..., None] == np.arange(3), 0.9, 0.05).astype(np.float32)


def sources(ws: Workspace) -> list[str]:
    return sorted(row["source"] for row in ws.tables.read("masks", where="kind = 'composite'").to_pylist())


def test_without_weights_the_best_prior_is_skin_and_the_line_says_how_to_get_a_better_one(bare: Path) -> None:
    assert best_installed() == "skin"
    line = label_masks(checked_workspace(bare / "ws", 1)).line()
    assert "1 by GrabCut (prior: skin)" in line
    assert line.endswith("'modiste weights fetch pose-full pose-detection selfie' gives a better prior")


def test_a_prior_whose_weights_are_missing_names_all_of_them_before_any_image_is_read(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 1)
    with pytest.raises(MissingWeights, match="Run 'modiste weights fetch pose-full pose-detection'"):
        label_masks(ws, prior="pose")
    assert sources(ws) == []


def test_unknown_words_and_a_model_that_was_not_given_are_misuse(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 1)
    for words in ({"prior": "magic"}, {"method": "magic"}, {"method": "model"}, {"prior": "model"}):
        with pytest.raises(UsageError):
            label_masks(ws, **words)


def test_a_weights_file_cut_short_is_refused_by_name(bare: Path) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "selfie.tflite").write_bytes(b"TFL3" * 10)
    with pytest.raises(MissingWeights, match="selfie"):
        check_installed("selfie")


@pytest.mark.skipif(not litert.is_installed(), reason="ai-edge-litert is not installed: pip install 'modiste[priors]'")
def test_bytes_that_are_no_network_are_an_error_with_a_cure(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bare / "net.tflite"
    path.write_bytes(b"no network at all")
    monkeypatch.setattr(litert, "path_of", lambda name: path)
    with pytest.raises(MissingWeights, match="modiste weights fetch drawn"):
        litert.network("drawn")


def test_a_models_masks_are_of_its_run_and_weak(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 1)
    result = label_masks(ws, model=Model("run-1", said))
    assert (result.model, result.grabcut, sources(ws)) == (1, 0, ["model:run-1"])
    row = ws.tables.read("masks", where="kind = 'composite'").to_pylist()[0]
    assert "weak" in row["flags"]
    assert iou(from_png(ws.blobs.get(row["mask_sha256"]))[..., 2] > 0, DRESS) > 0.95


def test_a_cutout_is_never_followed_by_a_guess_but_a_guess_by_a_better_one(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 2)
    label_masks(ws, cutouts=drawn_cutouts(bare / "cut", range(1)), prior="rectangle")
    assert sources(ws) == ["cutout", "grabcut:rectangle"]
    label_masks(ws, prior="skin")
    label_masks(ws, method="model", model=Model("run-1", said))
    assert sources(ws) == ["cutout", "grabcut:rectangle", "grabcut:skin", "model:run-1"]
    label_masks(ws, prior="rectangle")
    assert len(sources(ws)) == 4


def test_sources_are_ranked_from_a_reviewer_down_to_the_rectangle() -> None:
    order = [
        "review",
        "cutout",
        "import:coco",
        "model:r",
        "grabcut:combined",
        "grabcut:pose",
        "grabcut:rectangle",
        "grabcut",
    ]
    assert [rank(source) for source in order] == sorted({rank(source) for source in order})


def test_a_prior_that_finds_nobody_becomes_a_coded_row(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 1)
    nobody = Model("run-1", lambda rgb: np.eye(3, dtype=np.float32)[np.zeros(rgb.shape[:2], int)])
    assert label_masks(ws, model=nobody).reasons == {"nothing_found": 1}
    row = ws.tables.read("masks", where="kind = 'composite'").to_pylist()[0]
    assert json.loads(row["method"])["error"].endswith("nobody was found (prior: model). Give a cutout")


def test_a_models_probabilities_of_any_size_become_a_prior_of_the_photos_size() -> None:
    prior = from_model(np.tile(np.float32([0.2, 0.3, 0.5]), (10, 6, 1)), (50, 31))
    assert prior.person.shape == (50, 31)
    assert prior.person == pytest.approx(0.8)
    assert prior.garment == pytest.approx(0.5)


def test_a_mean_in_logits_is_not_ruled_by_one_sure_voice() -> None:
    voices = [np.full((2, 2), value, np.float32) for value in (1.0, 0.3, 0.3)]
    assert mean_logit(voices)[0, 0] == pytest.approx(0.7246, abs=1e-3)  # by hand: logits 4.595, -0.847, -0.847


def test_a_roi_takes_points_there_and_back() -> None:
    roi = Roi(40.0, 70.0, 120.0, 0.4, 1.0)
    points = np.array([[40.0, 70.0], [10.0, 90.0]])
    there = (roi.matrix() @ np.c_[points, np.ones(2)].T).T
    assert there[0] == pytest.approx([127.5, 127.5])
    assert roi.back(there) == pytest.approx(points)


def test_overlapping_detections_are_one_person_and_distant_ones_two() -> None:
    boxes = np.array([[0, 0, 0.4, 1], [0.02, 0, 0.42, 1], [0.6, 0, 1, 1.0]])
    points = np.zeros((3, 2, 2))
    assert len(person_net._suppressed(boxes, points, np.array([0.9, 0.8, 0.7]))) == 2


def test_a_beige_coat_is_not_taken_for_bare_skin() -> None:
    """A body whose trunk has the face's own colour: colour can't tell, so only the head and hands are bare."""
    points = np.zeros((33, 2))
    points[[0, 2, 5, 9, 10]] = [(50, 24), (54, 20), (46, 20), (53, 30), (47, 30)]
    points[[11, 12, 23, 24, 25, 26]] = [(65, 50), (35, 50), (60, 110), (40, 110), (60, 150), (40, 150)]
    rgb = np.full((220, 100, 3), (222, 180, 150), np.uint8)
    rgb[110:] = (30, 30, 90)
    person = np.zeros((220, 100), bool)
    person[5:210, 30:70] = True
    garment = garment_by_body(rgb, person, [Person(person.astype(np.float32), points, np.zeros(33))])
    assert garment[60:105, 32:68].all()
    assert not garment[:30].any()
    assert garment[120:200, 40:60].all()


def test_the_command_names_the_missing_weights(bare: Path) -> None:
    ws = checked_workspace(bare / "ws", 1)
    done = CliRunner().invoke(group, ["masks", "-w", str(ws.root), "--prior", "selfie"])
    assert "modiste weights fetch selfie" in str(done.exception)


@networks
def test_every_prior_is_of_the_photos_size_and_between_0_and_1() -> None:
    for size in ((1, 1), (3, 900), (240, 160)):
        rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
        for name in NAMES[1:]:
            person = prior_of(rgb, name).person
            assert (person.shape, person.dtype) == (size, np.float32)
            assert 0 <= person.min() <= person.max() <= 1


@networks
def test_a_flat_wall_has_nobody_in_it() -> None:
    person, garment, _ = guess_scene(np.full((300, 200, 3), 128, np.uint8), SHA, "combined")
    assert not person.any()
    assert not garment.any()


@networks
def test_a_huge_photo_keeps_its_size() -> None:
    huge = np.repeat(np.repeat(photo(), 12, axis=0), 12, axis=1)
    person, _, _ = guess_scene(huge, SHA, "selfie")
    assert person.shape == huge.shape[:2]


@networks
@real
def test_a_person_on_the_street_is_found_twice_the_same_and_beside_another_too() -> None:
    rgb = np.asarray(Image.open(DATA / "street" / "photos" / "0521.jpg").convert("RGB"))
    truth = np.asarray(Image.open(DATA / "street" / "labels" / "0521.png")) > 0
    person, _, done = guess_scene(rgb, SHA, "combined")
    assert iou(person, truth) > 0.93
    assert done["garment"] == "body"
    assert (guess_scene(rgb, SHA, "combined")[0] == person).all()
    both, _, done = guess_scene(np.hstack([rgb, rgb[:, ::-1]]), SHA, "combined")
    assert done["people"] == 2
    assert iou(both, np.hstack([truth, truth[:, ::-1]])) > 0.9


def test_the_known_weights_hold_all_that_priors_need() -> None:
    assert {name for names in NEEDS.values() for name in names} <= set(package_files.PACKAGE_FILES)
