"""`modiste edit` as a user meets it: files in, files with their mark and lineage out, a row for whatever went wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dataset.errors import UsageError
from dataset.source_mark import is_made
from modiste import edit as edit_module
from modiste.cli.main import app
from modiste.cutout_sources import Source, of_file
from modiste.edit import EditResult, edit_photos
from modiste.edit_chain import from_words
from modiste.edit_guard import Rules
from train.closer import Seen

SHIRT = (slice(40, 160), slice(60, 140))


def save_photo(path: Path, size: tuple[int, int] = (200, 220)) -> Path:
    """A noisy blue shirt on a light wall."""
    rng = np.random.default_rng(3)
    rgb = np.full((*size, 3), 210, np.int16) + rng.integers(-2, 3, (*size, 1))
    rgb[SHIRT] = np.array([50, 80, 150]) + rng.integers(-12, 13, rgb[SHIRT].shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb.astype(np.uint8)).save(path)
    return path


def look(rgb: np.ndarray) -> Seen:
    """Finds the shirt wherever it is blue."""
    there = (rgb[..., 2].astype(int) - rgb[..., 0] > 40).astype(np.float32)
    return Seen(there, there)


def edit(paths: list[Path], out: Path, words: str = "background white, compose square", **more: object) -> EditResult:
    return edit_photos([of_file(path) for path in paths], out, look, from_words(words), **more)  # type: ignore[arg-type]


def test_an_output_is_marked_and_its_lineage_names_the_bytes_it_came_from(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "in" / "a.png")
    before = photo.read_bytes()
    (row,) = edit([photo], tmp_path / "out").rows
    made, facts = (Path(each).read_bytes() for each in row["outs"])
    assert (photo.read_bytes(), row["status"], row["verdict"]) == (before, "ok", "pass")
    assert (is_made(made), is_made(before)) == (True, False)
    told = json.loads(facts)
    assert told["source"]["sha256"] == hashlib.sha256(before).hexdigest()
    assert told["result"]["sha256"] == hashlib.sha256(made).hexdigest()
    assert [step["guard"]["changed"] for step in told["steps"]] == [0, 0]
    assert told["digital_source_type"].endswith("/composite")


def test_what_is_done_stays_and_another_chain_does_it_anew(tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / "in" / f"{name}.png") for name in "ab"]
    first = edit(photos, tmp_path / "out")
    assert ([row["kept"] for row in first.rows], first.failed) == ([False, False], False)
    assert [row["kept"] for row in edit(photos, tmp_path / "out").rows] == [True, True]
    assert "(2 there already)" in edit(photos, tmp_path / "out").line()
    assert [row["kept"] for row in edit(photos, tmp_path / "out", "background black").rows] == [False, False]


def test_a_refused_picture_is_a_row_and_what_lay_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = save_photo(tmp_path / "in" / "a.png")
    (row,) = edit([photo], tmp_path / "out").rows
    lay_there = Path(row["out"]).read_bytes()
    nothing_goes = {"recolour": Rules(delta_mean=(0.0, 0.0))}
    for module in ("modiste.edit_photo", "modiste.edit_chain"):
        monkeypatch.setattr(f"{module}.guard_rules", lambda: nothing_goes)
    refused = edit([photo], tmp_path / "out", "recolour red")
    (row,) = refused.rows
    assert (row["reason"], row["verdict"], refused.failed) == ("refused", "refuse", True)
    assert "CIEDE2000" in row["note"]
    assert (tmp_path / "out" / "a.png").read_bytes() == lay_there


def test_bad_photos_are_rows_and_the_others_go_on(tmp_path: Path) -> None:
    good = save_photo(tmp_path / "in" / "good.png")
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "in" / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("RGBA", (50, 50), (0, 0, 255, 90)).save(tmp_path / "in" / "glass.png")
    Image.new("RGB", (90, 90), "white").save(tmp_path / "in" / "empty.png")
    (tmp_path / "in" / "cut.png").write_bytes(good.read_bytes()[:600])
    done = edit(sorted((tmp_path / "in").iterdir()), tmp_path / "out")
    found = {Path(row["image"]).name: row["reason"] for row in done.rows}
    assert found.pop("cut.png") in ("truncated", "undecodable")
    assert found == {"good.png": None, "moving.gif": "animated", "glass.png": "transparent", "empty.png": "no_garment"}
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["good.edit.json", "good.png"]
    assert "1 of 5 photos" in done.line()


def test_a_damage_mask_of_another_size_is_a_row_and_one_that_fits_is_filled(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "in" / "a.png")
    mask = np.zeros((200, 220), np.uint8)
    mask[80:83, 80:120] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    (row,) = edit([photo], tmp_path / "out", "repair telea", damage=tmp_path / "masks").rows
    made = np.asarray(Image.open(row["out"]).convert("RGB"))
    changed = (made != np.asarray(Image.open(photo))).any(-1)
    assert changed.any()
    assert not changed[mask == 0].any()
    Image.fromarray(mask[:100]).save(tmp_path / "masks" / "a.png")
    (row,) = edit([photo], tmp_path / "out2", "repair telea", damage=tmp_path / "masks").rows
    assert row["reason"] == "mask_size"


@pytest.mark.parametrize(
    ("out", "words", "kind", "told"),
    [("in", "upscale 2 lanczos", "png", "holds a source"), ("out", "repair telea", "png", "shown what is damaged"),
     ("out", "upscale 2 lanczos", "jpg", "png or webp")],
)  # fmt: skip
def test_what_would_harm_is_misuse(tmp_path: Path, out: str, words: str, kind: str, told: str) -> None:
    photo = save_photo(tmp_path / "in" / "a.png")
    with pytest.raises(UsageError, match=told):
        edit([photo], tmp_path / out, words, kind=kind)


def test_a_photo_that_vanishes_is_a_row(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "in" / "a.png")
    source: Source = of_file(photo)
    photo.unlink()
    (row,) = edit_module.edit_photos([source], tmp_path / "out", look, from_words("background white")).rows
    assert row["status"] == "bad"


def test_the_command_says_what_it_understood_and_never_runs_unasked(tmp_path: Path) -> None:
    photo, out = str(save_photo(tmp_path / "in" / "a.png")), str(tmp_path / "out")
    asked = CliRunner().invoke(app, ["edit", photo, "--out", out, "--ask", "white background, centre it"])
    assert asked.exit_code != 0
    assert "understood: background white, compose square" in asked.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--do", "bakground white"], "background"), (["--ask", "make it funky"], "funky"), ([], "one of --do, --chain"),
     (["--do", "upscale 2", "--chain", "editing/packshot"], "one of --do, --chain"), (["--chain", "none"], "packshot")],
)  # fmt: skip
def test_misuse_exits_with_2_and_says_what_was_expected(tmp_path: Path, words: list[str], told: str) -> None:
    photo = str(save_photo(tmp_path / "in" / "a.png"))
    done = CliRunner().invoke(app, ["edit", photo, "--out", str(tmp_path / "out"), *words])
    output = f"{done.output} {done.exception}"
    assert told in output
    assert isinstance(done.exception, UsageError) or done.exit_code == 2 or "SettingsError" in repr(done.exception)
