from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.errors import EmptyError, UsageError
from modiste.cutout import cut_out, find_images, unique_names


def middle(rgb: np.ndarray) -> np.ndarray:
    """Says the middle half is garment."""
    probability = np.zeros(rgb.shape[:2], np.float32)
    height, width = probability.shape
    probability[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return probability


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "look.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40), (10, 120, 200)).save(path, exif=exif)
    return path


def test_the_cutout_has_the_oriented_photos_size_and_the_source_stays(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    result = cut_out([photo], tmp_path / "out", middle, white=True)
    assert [row["status"] for row in result.rows] == ["ok"]
    with Image.open(tmp_path / "out" / "look.png") as image:
        assert (image.size, image.mode, image.getpixel((0, 0))[3], image.getpixel((20, 30))[3]) == (
            (40, 60),
            "RGBA",
            0,
            255,
        )
    with Image.open(tmp_path / "out" / "look.on-white.jpg") as image:
        assert min(image.getpixel((0, 0))) > 250
    assert photo.read_bytes() == before


def test_a_file_that_is_no_image_is_a_row_and_the_rest_goes_on(photo: Path, tmp_path: Path) -> None:
    (photo.parent / "page.jpg").write_bytes(b"<html>sold out</html>")
    result = cut_out([photo.parent], tmp_path / "out", middle)
    assert [(Path(row["image"] or "").name, row["reason"]) for row in result.rows] == [
        ("look.jpg", None),
        ("page.jpg", "html"),
    ]
    assert result.line().startswith("cutout: 1 of 2 images")


def test_a_photo_without_a_garment_is_a_row_and_gives_no_file(photo: Path, tmp_path: Path) -> None:
    result = cut_out([photo], tmp_path / "out", lambda rgb: np.zeros(rgb.shape[:2], np.float32))
    assert result.rows[0]["reason"] == "no_garment"
    assert not (tmp_path / "out").exists()


def test_a_second_run_asks_the_model_for_nothing(photo: Path, tmp_path: Path) -> None:
    cut_out([photo], tmp_path / "out", middle)

    def never(rgb: np.ndarray) -> np.ndarray:
        raise AssertionError("the cutout is there already")

    assert cut_out([photo], tmp_path / "out", never).rows[0]["status"] == "ok"


def test_two_files_of_one_stem_keep_names_of_their_own() -> None:
    files = [Path("a/look.jpg"), Path("a/look.png"), Path("b/look.jpg"), Path("b/coat.jpg")]
    names = unique_names(files)
    assert len(set(names.values())) == 4
    assert names[Path("b/coat.jpg")] == "coat"


def test_a_path_that_is_not_there_is_misuse_and_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        find_images([tmp_path / "nowhere"])
    with pytest.raises(EmptyError, match="no images there"):
        find_images([tmp_path])
