from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from dataset.errors import ImageError, StorageError, UsageError
from modiste.cutout import CutoutResult, cut_out, watched
from modiste.cutout_settings import CutoutSettings
from modiste.cutout_sources import of_file
from train.closer import Seen

PLAIN = CutoutSettings(edges="none")


def middle(rgb: np.ndarray) -> Seen:
    """Says the middle half is garment."""
    chance = np.zeros(rgb.shape[:2], np.float32)
    height, width = chance.shape
    chance[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return Seen(chance, chance)


def pair(rgb: np.ndarray) -> Seen:
    """Two people, the right one larger; only the right one wears a garment."""
    person = np.zeros(rgb.shape[:2], np.float32)
    person[10:30, 5:15] = 1
    person[5:35, 30:50] = 1
    garment = np.zeros_like(person)
    garment[15:30, 32:48] = 1
    return Seen(person, garment)


def never(rgb: np.ndarray) -> Seen:
    raise AssertionError("the cutout is there already")


def run(path: Path, out: Path, look=middle, settings: CutoutSettings = PLAIN, **more: Any) -> CutoutResult:  # type: ignore[no-untyped-def]
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return cut_out([of_file(each) for each in files], out, look, settings, **more)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """60 x 40 px stored, turned by its EXIF, with a place in it."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "look.png"
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path, exif=exif)
    return path


def test_the_cutout_has_the_oriented_photos_size_and_the_source_stays(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    row = run(photo, tmp_path / "out").rows[0]
    with Image.open(tmp_path / "out" / "look.png") as image:
        assert (image.size, image.mode) == ((40, 60), "RGBA")
        assert not image.getexif()
    assert (row["status"], row["people"], row["alpha_share"]) == ("ok", 1, 0.25)
    assert photo.read_bytes() == before


def test_inside_the_garment_every_pixel_is_the_photos_and_outside_nothing_is_left(photo: Path, tmp_path: Path) -> None:
    run(photo, tmp_path / "out")
    made = np.asarray(Image.open(tmp_path / "out" / "look.png"))
    with Image.open(photo) as stored:
        upright = np.asarray(stored.transpose(Image.Transpose.ROTATE_270))
    whole = made[:, :, 3] == 255
    assert (made[whole, :3] == upright[whole]).all()
    assert made[made[:, :, 3] == 0].max() == 0


def test_a_wide_gamut_profile_is_converted_and_said(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.new("RGB", (40, 40), (10, 120, 200)).save(tmp_path / "a.png", icc_profile=profile)
    row = run(tmp_path / "a.png", tmp_path / "out").rows[0]
    assert "converted to sRGB" in row["note"]
    with Image.open(tmp_path / "out" / "a.png") as image:
        carried = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(carried)


@pytest.mark.parametrize("mode", ["CMYK", "P", "I;16", "L", "RGBA"])
def test_pictures_of_other_kinds_are_cut_out_too(mode: str, tmp_path: Path) -> None:
    kind = "jpg" if mode == "CMYK" else "png"
    colour = np.full((40, 40), 30_000, np.uint16)
    image = Image.fromarray(colour) if mode == "I;16" else Image.new("RGB", (40, 40), (10, 120, 200)).convert(mode)
    image.save(tmp_path / f"a.{kind}")
    assert run(tmp_path / f"a.{kind}", tmp_path / "out").rows[0]["status"] == "ok"


def test_a_photos_own_transparency_stays(tmp_path: Path) -> None:
    pixels = np.full((40, 40, 4), 200, np.uint8)
    pixels[:, :20, 3], pixels[:, 20:, 3] = 0, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    run(tmp_path / "a.png", tmp_path / "out")
    alpha = np.asarray(Image.open(tmp_path / "out" / "a.png"))[:, :, 3]
    assert (alpha[20, 15], alpha[20, 25]) == (0, 255)


def test_bad_files_are_rows_and_the_rest_goes_on(photo: Path, tmp_path: Path) -> None:
    (photo.parent / "page.jpg").write_bytes(b"<html>sold out</html>")
    Image.new("RGB", (1, 1)).save(photo.parent / "pixel.png")
    (photo.parent / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 short")
    result = run(photo.parent, tmp_path / "out")
    reasons = {Path(row["image"]).name: row["reason"] for row in result.rows}
    assert reasons == {"look.png": None, "page.jpg": "html", "pixel.png": "too_small", "cut.jpg": "truncated"}
    assert result.line().startswith("cutout: 1 of 4 images")
    assert not result.failed


@pytest.mark.parametrize("what", ["garment", "person"])
def test_a_photo_of_nothing_is_a_row_and_gives_no_file(what: str, photo: Path, tmp_path: Path) -> None:
    def nothing(rgb: np.ndarray) -> Seen:
        return Seen(*np.zeros((2, *rgb.shape[:2]), np.float32))

    result = run(photo, tmp_path / "out", nothing, CutoutSettings(what=what, edges="none"))
    assert (result.rows[0]["reason"], result.failed) == (f"no_{what}", True)
    assert list((tmp_path / "out").glob("*.png")) == []


def test_a_second_run_asks_the_model_for_nothing_until_a_setting_changes(photo: Path, tmp_path: Path) -> None:
    run(photo, tmp_path / "out")
    assert run(photo, tmp_path / "out", never).rows[0]["kept"] is True
    white = run(photo, tmp_path / "out", settings=CutoutSettings(edges="none", on="white"))
    assert white.rows[0]["kept"] is False
    with Image.open(tmp_path / "out" / "look.png") as image:
        assert (image.mode, image.getpixel((0, 0))) == ("RGB", (255, 255, 255))


def test_another_weight_a_changed_photo_or_a_lost_output_is_cut_out_again(photo: Path, tmp_path: Path) -> None:
    run(photo, tmp_path / "out", weights="a")
    assert run(photo, tmp_path / "out", weights="b").rows[0]["kept"] is False
    (tmp_path / "out" / "look.png").unlink()
    assert run(photo, tmp_path / "out", weights="b").rows[0]["kept"] is False
    Image.new("RGB", (50, 50)).save(photo)
    assert run(photo, tmp_path / "out", weights="b").rows[0]["kept"] is False


def test_each_of_several_people_gets_a_file_and_the_largest_can_stand_alone(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), (9, 99, 199)).save(tmp_path / "two.jpg")
    each = run(tmp_path / "two.jpg", tmp_path / "each", pair, CutoutSettings("person", "each", edges="none"))
    assert [Path(name).name for name in each.rows[0]["outs"]] == ["two-1.png", "two-2.png"]
    run(tmp_path / "two.jpg", tmp_path / "large", pair, CutoutSettings("person", "largest", edges="none"))
    alpha = np.asarray(Image.open(tmp_path / "large" / "two.png"))[:, :, 3]
    assert (alpha[20, 10], alpha[20, 40]) == (0, 255)


def test_several_people_in_one_picture_are_said(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), (9, 99, 199)).save(tmp_path / "two.jpg")
    row = run(tmp_path / "two.jpg", tmp_path / "all", pair, CutoutSettings("person", edges="none")).rows[0]
    assert (row["people"], len(row["outs"])) == (2, 1)
    assert "--people largest or each" in row["note"]


@pytest.mark.slow
def test_a_photo_of_thirty_megapixels_keeps_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (6_000, 5_000), (9, 99, 199)).save(tmp_path / "large.jpg")
    row = run(tmp_path / "large.jpg", tmp_path / "out").rows[0]
    with Image.open(row["out"]) as image:
        assert image.size == (6_000, 5_000)
    assert row["alpha_share"] == pytest.approx(0.25, abs=0.001)


def test_a_template_makes_the_shops_square_and_says_what_it_enlarged(photo: Path, tmp_path: Path) -> None:
    settings = CutoutSettings(edges="none", on="#102030", shadow="soft", template="square-200", format="jpg")
    row = run(photo, tmp_path / "out", settings=settings).rows[0]
    with Image.open(row["out"]) as image:
        assert (image.size, image.format) == ((200, 200), "JPEG")
        assert image.getpixel((3, 3)) == pytest.approx((16, 32, 48), abs=4)
    assert "no further" in row["note"]


def test_where_memory_runs_out_the_edges_are_refined_in_strips(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modiste import cutout_photo

    whole = cutout_photo.refine

    def tight(rgb: np.ndarray, prior: np.ndarray, *, method: str):  # type: ignore[no-untyped-def]
        if len(sizes) == 0:
            sizes.append(rgb.shape[0])
            raise MemoryError
        return whole(rgb, prior, method=method)

    sizes: list[int] = []
    monkeypatch.setattr(cutout_photo, "refine", tight)
    row = run(photo, tmp_path / "out").rows[0]
    assert (row["status"], row["note"]) == ("ok", "memory ran out: edges in 4 strips")


def test_memory_that_never_suffices_is_a_row_and_is_tried_again_next_time(photo: Path, tmp_path: Path) -> None:
    def huge(rgb: np.ndarray) -> Seen:
        raise MemoryError

    assert run(photo, tmp_path / "out", huge).rows[0]["reason"] == "out_of_memory"
    assert run(photo, tmp_path / "out").rows[0]["status"] == "ok"


def test_a_full_disk_stops_the_batch_and_the_next_run_goes_on(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageError("can't write: No space left on device", where=str(path))

    with monkeypatch.context() as patch:
        patch.setattr("modiste.cutout.write_atomically", full)
        with pytest.raises(StorageError, match="No space"):
            run(photo, tmp_path / "out")
    assert run(photo, tmp_path / "out").rows[0]["kept"] is False


def test_a_watched_folder_gives_whole_files_once_and_ctrl_c_ends_it(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([None, None, None])

    def poll(seconds: float) -> None:
        if next(looks, "end") == "end":
            raise KeyboardInterrupt

    monkeypatch.setattr("modiste.cutout_sources.time.sleep", poll)
    result = cut_out(watched(photo.parent, tmp_path / "out"), tmp_path / "out", middle, PLAIN)
    assert [Path(row["image"]).name for row in result.rows] == ["look.png"]


def test_the_watched_folder_cannot_be_the_output(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder that is watched"):
        next(watched(tmp_path, tmp_path))


@pytest.mark.parametrize(
    "settings",
    [
        CutoutSettings(what="hat"), CutoutSettings(format="jpg"), CutoutSettings(template="big"),
        CutoutSettings(margin=-1), CutoutSettings(on="no-such-file.jpg"), CutoutSettings(edges="magic"),
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_misuse(settings: CutoutSettings, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run(photo, tmp_path / "out", never, settings)


def test_a_background_that_is_no_picture_is_misuse(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "wall.jpg").write_bytes(b"<html>")
    with pytest.raises(UsageError, match="picture file"):
        run(photo, tmp_path / "out", never, CutoutSettings(on=str(tmp_path / "wall.jpg")))


def test_a_folder_in_place_of_a_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        of_file(tmp_path).read()
    assert caught.value.code == "unreadable"


def test_several_at_a_time_give_the_rows_in_order_and_the_same_bytes_and_the_network_takes_turns(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(7):
        noise = np.random.default_rng(number).integers(0, 256, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "3.png").write_bytes(b"no image")
    inside, most = [0], [0]

    def alone(rgb: np.ndarray) -> Seen:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        inside[0] -= 1
        return middle(rgb)

    files = [of_file(path) for path in sorted((tmp_path / "in").iterdir())]
    one = cut_out(files, tmp_path / "one", alone, PLAIN, workers=1)
    four = cut_out([*files, files[0]], tmp_path / "four", alone, PLAIN, workers=4)
    assert [row["status"] for row in four.rows] == ["ok"] * 3 + ["bad"] + ["ok"] * 4
    assert (most[0], four.rows[-1]["kept"]) == (1, True)
    made = {path.name: path.read_bytes() for path in (tmp_path / "four").glob("*.png")}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "one").glob("*.png")}
    assert [row["image"] for row in one.rows] == [row["image"] for row in four.rows[:-1]]
