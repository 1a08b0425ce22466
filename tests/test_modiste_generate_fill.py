"""`modiste generate --fill` and `--outline`: a photo keeps its size and every pixel outside the hole; refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from test_train_data import drawn_workspace
from test_train_generation import PARTS
from test_train_generation import train as train_plain
from test_train_generation_flow import train
from typer.testing import CliRunner

from dataset.errors import UsageError
from dataset.source_mark import is_made
from dataset.workspace import Workspace
from modiste.cli import generate as command
from modiste.generate import Generated, generate
from modiste.generate_window import joined, spread_in, window_of


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return drawn_workspace(tmp_path_factory.mktemp("ws"), PARTS)


@pytest.fixture(scope="module")
def run(ws: Workspace) -> str:
    return train(ws, "inpaint", zoom=2).run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (90, 61, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def mask(path: Path, size: tuple[int, int] = (90, 61), box: tuple[slice, slice] | None = None) -> Path:
    plane = np.zeros(size, np.uint8)
    if box is not None:
        plane[box] = 255
    Image.fromarray(plane).save(path)
    return path


HOLE = (slice(50, 90), slice(0, 17))  # at the photo's corner


def filled(ws: Workspace, run: str, photo: Path, **words: Any) -> Generated:
    if "hole" not in words:
        words["hole"] = mask(photo.parent / "hole.png", box=HOLE)
    words = {"out": photo.parent / "out", **words}
    return generate(ws, run, fill=photo, device="cpu", **words)


def test_every_pixel_outside_the_hole_stays_and_the_hole_is_filled(ws: Workspace, run: str, photo: Path) -> None:
    found = filled(ws, run, photo, n=2, label="Red", seed=4)
    truth = np.asarray(Image.open(photo))
    made = [np.asarray(Image.open(Path(found.out) / name)) for name in found.files]
    lost = np.zeros(truth.shape[:2], bool)
    lost[HOLE] = True
    assert made[0].shape == truth.shape
    assert all(np.array_equal(each[~lost], truth[~lost]) for each in made)
    assert not np.array_equal(made[0][lost], truth[lost])
    assert not np.array_equal(made[0][lost], made[1][lost])


def test_a_coarse_filling_says_so_and_names_the_better_tool(ws: Workspace, run: str, photo: Path) -> None:
    found = filled(ws, run, photo)
    assert "each drawn pixel covers" in found.line()
    assert f"modiste edit {photo} --do repair --damage" in found.line()
    assert json.loads(Path(found.lineage).read_text())["note"] == found.note


def test_a_filling_at_the_photos_own_pixels_needs_no_warning(ws: Workspace, run: str, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(small)
    found = filled(ws, run, small, hole=mask(tmp_path / "hole.png", (16, 16), (slice(2, 9), slice(2, 9))))
    assert found.note == ""


def test_what_lies_under_the_mask_makes_no_difference(ws: Workspace, run: str, photo: Path) -> None:
    first = (Path(filled(ws, run, photo).out) / "inpaint-0-0000.png").read_bytes()
    other = np.asarray(Image.open(photo)).copy()
    other[HOLE] = 255 - other[HOLE]
    Image.fromarray(other).save(photo)
    again = filled(ws, run, photo)
    assert again.files == ("inpaint-0-0000.png",)  # one, where nobody says how many
    assert (Path(again.out) / again.files[0]).read_bytes() == first


def test_a_filled_photo_is_marked_as_a_composite_and_names_photo_and_hole(ws: Workspace, run: str, photo: Path) -> None:
    found = filled(ws, run, photo, label="red", begin=0.5)
    data = (Path(found.out) / found.files[0]).read_bytes()
    assert is_made(data)
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    (row,) = json.loads(Path(found.lineage).read_text())["pictures"]
    assert (row["photo"], row["hole"], row["label"]) == ("photo.png", "hole.png", "red")
    assert row["begin"] == 0.5
    assert row["lost"] == pytest.approx(40 * 17 / (90 * 61), abs=1e-4)
    assert len(row["photo_sha256"]) == len(row["nearest"]["sha256"]) == 64
    assert Image.open(io.BytesIO(Path(found.sheet).read_bytes())).height > 160


@pytest.mark.parametrize(
    ("size", "box", "words"),
    [
        ((61, 90), HOLE, r"hole.png is 90 x 61 px \(expected 61 x 90, the photo's size"),
        ((90, 61), None, "black all over"),
        ((90, 61), (slice(None), slice(None)), r"white all over .*leave --fill and --hole out"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(
    ws: Workspace, run: str, photo: Path, size: tuple[int, int], box: Any, words: str
) -> None:
    wrong = mask(photo.parent / "hole.png", size, box)
    with pytest.raises(UsageError, match=words):
        filled(ws, run, photo, hole=wrong)
    assert not (photo.parent / "out").exists()


def test_files_words_and_runs_that_can_not_fill_are_refused(ws: Workspace, run: str, photo: Path) -> None:
    with pytest.raises(UsageError, match="go together"):
        filled(ws, run, photo, hole=None)
    with pytest.raises(UsageError, match="there is no file"):
        filled(ws, run, photo, hole=photo.parent / "none.png")
    (photo.parent / "text.png").write_text("hello")
    with pytest.raises(UsageError, match=r"text.png: no known image format"):
        filled(ws, run, photo, hole=photo.parent / "text.png")
    with pytest.raises(UsageError, match="above 0, 1 at most"):
        filled(ws, run, photo, begin=1.5)
    with pytest.raises(UsageError, match="--begin without --fill"):
        generate(ws, run, begin=0.5, out=photo.parent, device="cpu")
    with pytest.raises(UsageError, match="blue, red"):
        filled(ws, run, photo, label="tuxedo")
    for recipe in ("diffusion", "gan-28"):
        with pytest.raises(UsageError, match=r"a run that knows holes.*generation/inpaint"):
            filled(ws, train_plain(ws, recipe).run, photo)
    with pytest.raises(UsageError, match="--fill for generation/pix2pix"):
        filled(ws, train_plain(ws, "pix2pix").run, photo)


def test_garments_are_drawn_into_an_outline(ws: Workspace, run: str, tmp_path: Path) -> None:
    shape = mask(tmp_path / "shape.png", (50, 80), (slice(5, 45), slice(20, 60)))
    own = train(ws, "outline").run
    found = generate(ws, own, outline=shape, n=2, out=tmp_path / "out", device="cpu")
    assert [Image.open(tmp_path / "out" / name).size for name in found.files] == [(16, 16)] * 2
    data = (tmp_path / "out" / found.files[0]).read_bytes()
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in data
    assert json.loads(Path(found.lineage).read_text())["pictures"][0]["outline"] == "shape.png"
    with pytest.raises(UsageError, match="shows no outline"):
        generate(ws, own, outline=mask(tmp_path / "black.png"), out=tmp_path, device="cpu")
    with pytest.raises(UsageError, match="a run that knows outlines"):
        generate(ws, train(ws, "inpaint", silhouette=False).run, outline=shape, out=tmp_path, device="cpu")


def test_the_window_holds_the_hole_and_its_surroundings_inside_the_photo() -> None:
    rgb, lost = np.full((300, 200, 3), 7, np.uint8), np.zeros((300, 200), bool)
    lost[280:300, 90:110] = True
    found = window_of(rgb, lost, (32, 32), 3)
    assert found.canvas.shape == (300, 300, 3)
    assert (found.canvas == 7).all()
    assert found.lost[found.place].sum() == 400
    assert (found.place[0], found.place[1]) == (slice(200, 300), slice(100, 200))
    lost[:] = False
    lost[10:260, 60:70] = True
    assert window_of(rgb, lost, (32, 32), 3).place[0] == slice(0, 300)


def test_what_is_drawn_meets_the_photo_at_the_rim() -> None:
    seen = np.full((64, 64, 3), 200, np.uint8)
    gone = np.zeros((64, 64), bool)
    gone[20:44, 20:44] = True
    drawn = np.full((16, 16, 3), 150, np.uint8)  # all of it 50 too dark
    assert np.abs(joined(drawn, seen, gone).astype(int)[gone] - 200).max() <= 1
    error, known = np.zeros((9, 9, 3), np.float32), np.ones((9, 9), np.float32)
    known[3:6, 3:6] = 0
    error[:, :3] = 10
    inside = spread_in(error, known)[3:6, 3:6, 0]
    assert (inside >= 0).all()
    assert inside[:, 0].mean() > inside[:, 2].mean()


def test_the_command_fills_and_tells_its_examples(ws: Workspace, run: str, photo: Path) -> None:
    app = typer.Typer()
    app.command()(command.generate)
    hole = mask(photo.parent / "hole.png", box=HOLE)
    words = [run, "-w", str(ws.root), "--fill", str(photo), "--hole", str(hole), "--out", str(photo.parent / "made")]
    found = CliRunner().invoke(app, [*words, "--json", "--device", "cpu"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["files"] == ["inpaint-0-0000.png"]
    assert "--hole mask.png" in " ".join(CliRunner().invoke(app, ["--help"]).output.split())
