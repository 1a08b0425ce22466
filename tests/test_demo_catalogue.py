"""The catalogue: built once, the same for a seed, with an annotator's folder that agrees with the images."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.blobs import sha256_of
from dataset.errors import UsageError
from modiste.demo.catalogue import Catalogue, build_drawn, build_photos, load

DATA = Path(os.environ.get("MODISTE_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return build_drawn(tmp_path_factory.mktemp("shop"), products=6, seed=5)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(shop: Catalogue) -> list[Path]:
    return [shop.file_of(picture) for product in shop.products for picture in product.images if picture.file]


def test_two_builds_of_one_seed_are_equal_to_the_byte(shop: Catalogue, tmp_path: Path) -> None:
    again = build_drawn(tmp_path, products=6, seed=5)
    assert [path.read_bytes() for path in files(again)] == [path.read_bytes() for path in files(shop)]
    one, other = (sorted(p.relative_to(s.root).as_posix() for p in s.annotations.rglob("*")) for s in (shop, again))
    assert one == other


def test_a_saved_catalogue_loads_as_it_was_and_is_not_built_twice(shop: Catalogue) -> None:
    before = [path.stat().st_mtime_ns for path in files(shop)]
    assert load(shop.root) == shop == build_drawn(shop.root, products=6, seed=5)
    assert [path.stat().st_mtime_ns for path in files(shop)] == before


def test_cutouts_are_named_by_the_image_and_show_its_own_pixels(shop: Catalogue) -> None:
    images = {sha256_of(path.read_bytes()): path for path in files(shop)}
    cutouts = sorted((shop.annotations / "person").glob("*.png"))
    assert 0 < len(cutouts) < len(images)
    photo = np.asarray(Image.open(images[cutouts[0].stem]).convert("RGB"))
    cut = np.asarray(Image.open(cutouts[0]))
    assert cut.shape == (*photo.shape[:2], 4)
    assert (cut[..., :3][cut[..., 3] > 0] == photo[cut[..., 3] > 0]).all()


def test_every_person_cutout_has_a_garment_cutout_inside_it(shop: Catalogue) -> None:
    for person in (shop.annotations / "person").glob("*.png"):
        body, clothes = (
            np.asarray(Image.open(shop.annotations / kind / person.name))[..., 3] for kind in ("person", "garment")
        )
        assert clothes.any()
        assert not ((clothes > 0) & (body == 0)).any()


def test_the_truth_covers_each_drawn_image_and_the_planted_duplicate(shop: Catalogue) -> None:
    truth = rows(shop.annotations / "truth.csv")
    known = {sha256_of(path.read_bytes()) for path in files(shop)}
    assert {row["sha256"] for row in truth} == known
    planted = [row for row in truth if row["field"] == "duplicate_of"]
    assert len(planted) == 1
    assert planted[0]["value"] in known


def test_the_shop_words_of_a_product_are_the_truth_of_its_images(shop: Catalogue) -> None:
    truth = {(row["sha256"], row["field"]): row["value"] for row in rows(shop.annotations / "truth.csv")}
    for product in shop.products:
        sha256 = sha256_of(shop.file_of(product.images[0]).read_bytes())
        assert truth[sha256, "colour"] == product.colour
        assert truth[sha256, "type"] == product.category[-1]


def test_too_few_products_are_refused_with_the_smallest_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="6 or more"):
        build_drawn(tmp_path, products=2, seed=1)


def test_a_folder_without_photographs_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="street"):
        build_photos(tmp_path, tmp_path / "out", limit=None)


def test_street_labels_become_cutouts_and_splits_follow_the_photo_number(tmp_path: Path) -> None:
    photos, clothes = tmp_path / "photos", np.zeros((30, 20), np.uint8)
    for folder in ("photos", "labels"):
        (photos / "street" / folder).mkdir(parents=True)
    (photos / "street" / "labels.json").write_text('{"0": "null", "14": "dress", "41": "skin"}')
    clothes[5:25, 5:15], clothes[10:20, 5:15] = 41, 14
    for number in range(5, 13):
        Image.new("RGB", (20, 30), (number * 9, 80, 90)).save(photos / "street" / "photos" / f"{number:04d}.jpg")
        Image.fromarray(clothes).save(photos / "street" / "labels" / f"{number:04d}.png")
    shop = build_photos(photos, tmp_path / "out", limit=None)
    splits = {row["sha256"]: row["split"] for row in rows(shop.annotations / "splits.csv")}
    by_number = [
        splits[sha256_of((photos / "street" / "photos" / f"{n:04d}.jpg").read_bytes())] for n in (5, 6, 7, 10, 11)
    ]
    assert by_number == ["test", "validation", "train", "test", "validation"]
    areas = [
        (np.asarray(Image.open(p))[..., 3] > 0).sum()
        for k in ("person", "garment")
        for p in sorted((shop.annotations / k).glob("*"))
    ]
    assert areas == [200] * 8 + [100] * 8
    assert shop.products[0].name == "Street look 0005: dress"


def test_a_limit_takes_an_even_sample_of_both_sets_of_real_photographs(tmp_path: Path) -> None:
    if not (DATA / "street").is_dir():
        pytest.skip(f"no photographs at {DATA}; set MODISTE_DATA")
    shop = build_photos(DATA, tmp_path, limit=20)
    sections = [product.category[0] for product in shop.products]
    assert (sections.count("street"), sections.count("wardrobe")) == (10, 10)
    assert {row["split"] for row in rows(shop.annotations / "splits.csv")} >= {"train"}
    assert all(path.is_relative_to(DATA.resolve()) or path.is_relative_to(DATA.absolute()) for path in files(shop))
