"""Near-duplicates: exact search, mirrored copies, and chains that stay apart."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import duplicates
from dataset.check import check
from dataset.duplicates import Looks, cluster, clusters, dedup, near_pairs
from dataset.errors import EmptyError, UsageError
from dataset.hashes import distance, parse, perceptual_hash
from dataset.quality import luma
from dataset.workspace import Workspace


def picture(seed: int, size: tuple[int, int] = (200, 260)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def hashed(image: Image.Image) -> np.ndarray:
    return parse([perceptual_hash(luma(np.asarray(image)))])


def encoded(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def random_hashes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64)


def test_a_smaller_re_encoded_copy_is_near_and_another_picture_is_not():
    copy = Image.open(io.BytesIO(encoded(picture(1).resize((100, 130)), quality=50)))
    assert distance(hashed(picture(1)), hashed(copy.convert("RGB")))[0] <= 2
    assert distance(hashed(picture(1)), hashed(picture(2)))[0] > 16


def test_a_mirrored_copy_is_near_without_being_decoded_mirrored():
    mirrored = [picture(seed).transpose(Image.Transpose.FLIP_LEFT_RIGHT) for seed in range(12)]
    far = [int(distance(hashed(picture(seed)), hashed(copy))[0]) for seed, copy in enumerate(mirrored)]
    assert sorted(far)[9] <= duplicates.RADIUS


@pytest.mark.parametrize("radius", [0, 2, 4, 6, 8])
def test_the_search_finds_exactly_what_brute_force_finds(radius: int):
    hashes = random_hashes(60)
    near = hashes[:30] ^ (np.uint64(1) << np.arange(30, dtype=np.uint64)) ^ np.uint64(0b111 << 50)
    everything = np.concatenate([hashes, near])
    i, j, far = near_pairs(Looks(everything), radius=radius)
    apart = distance(everything[:, None], everything[None, :])
    expected = [(a, b) for a, b in np.argwhere(apart <= radius).tolist() if a < b]
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected
    assert far.tolist() == [apart[a, b] for a, b in expected]
    assert len(expected) >= 30 or radius < 4


def test_new_images_are_compared_with_the_old_but_the_old_not_again():
    hashes = random_hashes(10)
    everything = np.concatenate([hashes, hashes[:1], hashes[4:5]])
    i, j, _ = near_pairs(Looks(np.concatenate([hashes[:2], everything])), new_from=12)
    assert set(j.tolist()) <= {12, 13}
    assert (2, 12) in set(zip(i.tolist(), j.tolist(), strict=True))


def test_a_chain_of_lookalikes_does_not_become_one_cluster():
    start = int(random_hashes(1)[0])
    chain = np.array([start ^ ((1 << 6 * k) - 1) for k in range(9)], dtype=np.uint64)
    label = clusters(chain, radius=6)
    assert label[0] != label[-1]
    assert np.bincount(label).max() <= 2


def test_a_cluster_is_called_by_its_first_member_and_equal_hashes_share_it():
    a, b = random_hashes(2)
    assert clusters(np.array([a, b, b ^ np.uint64(3), a], dtype=np.uint64)).tolist() == [0, 1, 1, 0]


def test_clusters_do_not_depend_on_the_order_of_images():
    hashes = random_hashes(40)
    everything = np.concatenate([hashes, hashes ^ np.uint64(7)])
    order = np.random.default_rng(1).permutation(len(everything))
    label, shuffled = clusters(everything), clusters(everything[order])
    same, shuffled_same = label[order][:, None] == label[order][None, :], shuffled[:, None] == shuffled[None, :]
    assert np.array_equal(same, shuffled_same)


def test_dedup_writes_one_cluster_per_picture_and_again_changes_nothing(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    bodies = [encoded(picture(seed), quality=level) for seed in range(3) for level in (60, 90)]
    names = [ws.blobs.put(body) for body in bodies]
    ws.tables.append("fetches", [{"url": n, "status": "ok", "sha256": n} for n in names])
    check(ws)
    result = dedup(ws)
    rows = {row["sha256"]: row["cluster_id"] for row in ws.tables.read("groups").to_pylist()}
    assert (result.images, result.clusters, result.duplicates, result.largest) == (6, 3, 3, 2)
    assert [rows[name] for name in names] == [min(names[k : k + 2]) for k in (0, 0, 2, 2, 4, 4)]
    assert dedup(ws).changed == 0


def test_dedup_before_check_and_a_senseless_radius_are_told(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    with pytest.raises(EmptyError, match="modiste check"):
        dedup(ws)
    with pytest.raises(UsageError, match="radius 64"):
        dedup(ws, radius=64)


def test_two_packshots_of_one_silhouette_stay_apart_where_two_scenes_join() -> None:
    hashes = parse(["0f0f0f0f0f0f0f0f", "0f0f0f0f0f0f0f00"])  # 4 bits apart
    assert clusters(hashes).tolist() == [0, 0]
    assert clusters(hashes, np.array([True, True])).tolist() == [0, 1]
    assert clusters(hashes, np.array([True, False])).tolist() == [0, 0]


def test_a_packshot_saved_again_still_joins() -> None:
    hashes = parse(["0f0f0f0f0f0f0f0f", "0f0f0f0f0f0f0f0c"])  # 2 bits apart
    assert clusters(hashes, np.array([True, True])).tolist() == [0, 0]


def garment(colour: tuple[int, int, int], backdrop: int = 240) -> Image.Image:
    """One cut, drawn, in a colour."""
    image = Image.new("RGB", (300, 400), (backdrop,) * 3)
    image.paste(colour, (75, 80, 225, 380))
    image.paste(colour, (20, 90, 280, 170))
    light = (
        np.array(picture(11, (300, 400)).convert("L"))[..., None] / 255
    )  # folds: a flat shape's hash is mere rounding
    return Image.fromarray((np.asarray(image) * (0.6 + 0.4 * light)).astype(np.uint8))


def checked(ws: Workspace, *bodies: bytes) -> list[str]:
    names = [ws.blobs.put(body) for body in bodies]
    ws.tables.append("fetches", [{"url": n, "status": "ok", "sha256": n} for n in names])
    check(ws)
    return names


def cluster_of(ws: Workspace) -> dict[str, str]:
    return {row["sha256"]: row["cluster_id"] for row in ws.tables.read("groups").to_pylist()}


def test_one_cut_in_two_colours_is_no_duplicate_though_the_hash_says_so(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    red, green = garment((170, 60, 60)), garment((60, 115, 60))
    assert distance(hashed(red), hashed(green))[0] <= duplicates.PACKSHOT_RADIUS
    a, b, again = checked(ws, encoded(red), encoded(green), encoded(red, quality=88))
    dedup(ws)
    found = cluster_of(ws)
    assert found[a] == found[again] != found[b]


def test_variants_in_other_colours_stay_apart_as_duplicates_and_together_as_a_group(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    names = checked(ws, encoded(garment((170, 60, 60))), encoded(garment((60, 115, 60))))
    ws.tables.append(
        "fetches", [{"store": "s", "product_id": "1", "url": n + "!", "status": "ok", "sha256": n} for n in names]
    )
    assert (dedup(ws).duplicates, len(set(cluster_of(ws).values()))) == (0, 2)
    assert len({row["group_id"] for row in ws.tables.read("groups").to_pylist()}) == 1


def test_a_known_picture_is_found_again_after_every_old_blob_is_gone(tmp_path: Path):
    ws = Workspace.init(tmp_path / "ws")
    old = checked(ws, *(encoded(picture(seed)) for seed in range(4)))
    dedup(ws)
    for name in old:
        ws.blobs.delete(name)
    (new,) = checked(ws, encoded(picture(2).resize((150, 195)), quality=60))
    assert dedup(ws).duplicates == 1
    assert cluster_of(ws)[new] == cluster_of(ws)[old[2]]


def test_pictures_measured_before_colours_were_are_compared_by_hash_alone():
    hashes, grids = (
        random_hashes(1).repeat(2),
        np.stack([np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 90, np.uint8)]),
    )
    grids[1, ::2, :, 1] = 200
    assert cluster(Looks(hashes, None, grids, np.array([True, True]))).tolist() == [0, 1]
    assert cluster(Looks(hashes, None, grids, np.array([True, False]))).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_hash_is_that_of_imagehash_but_for_two_bits(seed: int):
    import imagehash

    for size in ((200, 260), (33, 500), (900, 640)):
        image = picture(seed, size)
        ours, theirs = parse([perceptual_hash(luma(np.asarray(image))), str(imagehash.phash(image))])
        assert np.bitwise_count(ours ^ theirs) <= 2
