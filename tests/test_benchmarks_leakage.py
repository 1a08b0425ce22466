"""benchmarks/leakage.py in its small form on drawn garments, and the arithmetic of its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))

import leakage_looks as looks  # noqa: E402
from leakage_scores import Answers, Judged, apart, summed  # noqa: E402
from leakage_stock import NEAR, RELISTED, SEASONS, SECOND, SHARES, VARIANT, Photo, make_stock  # noqa: E402

from dataset.blobs import sha256_of  # noqa: E402


def answers(right: list[int], groups: list[str]) -> Answers:
    return Answers(np.array(right, dtype=bool), np.array(groups), np.array(["s"] * len(groups)), 0.5)


def judged(test: Answers, unseen: Answers) -> Judged:
    nothing = np.zeros(len(test.right), dtype=bool)
    return Judged("grouped", 0, None, None, test, unseen, nothing, nothing)  # type: ignore[arg-type]


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    found = []
    for k in range(60):
        path = tmp_path / f"{k}.png"
        noise = np.random.default_rng(k).integers(0, 256, (12, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((90, 120)).save(path)
        found.append(Photo(path, ("dress", "pants")[k % 2]))
    return found


def test_a_look_follows_from_the_shops_name_and_shops_differ():
    shops = [looks.look_of(name, 0) for name in "abcdefgh"]
    assert shops == [looks.look_of(name, 0) for name in "abcdefgh"]
    assert len({(look.gains, look.quality) for look in shops}) == 8


def test_a_copy_loses_four_percent_of_its_sides_at_most():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 300, 3), dtype=np.uint8))
    for seed in range(20):
        cut = looks.trimmed(noise, 0.04, Random(seed))
        assert cut.size == (288, 384)
        again = looks.opened(looks.saved_again(looks.jpeg(noise, 90), Random(seed), crop=0.04))
        assert again.width / again.height == pytest.approx(300 / 400, abs=0.02)


def test_the_truth_names_pictures_that_the_shops_show_and_no_page_tells_it(photos: list[Photo], tmp_path: Path):
    stock = make_stock(photos, ["a", "b", "c"], tmp_path / "stock", seed=0)
    listed = [(shop, season, product) for shop, rows in stock.listed.items() for season, product in rows]
    shown = {sha256_of(Path(image.file).read_bytes()): shop for shop, _, p in listed for image in p.images}
    assert {pair.kind for pair in stock.pairs} == set(SHARES)
    assert all(pair.first in shown and pair.second in shown for pair in stock.pairs)
    crossing = {pair.kind for pair in stock.pairs if shown[pair.first] != shown[pair.second]}
    assert crossing == set(NEAR[1:])
    assert all(0 <= season < SEASONS for _, season, _ in listed)
    assert len({(shop, product.sku) for shop, _, product in listed}) == len(listed)


def test_the_gap_is_the_test_score_less_the_score_on_unseen_shops():
    names = [f"g{k // 2}" for k in range(200)]
    run = judged(answers([1] * 160 + [0] * 40, names), answers([1] * 100 + [0] * 100, names))
    told = summed([run, run])
    assert (told.test[0], told.unseen[0], told.gap[0]) == (0.8, 0.5, pytest.approx(0.3))
    assert told.gap[1] < 0.3 < told.gap[2]
    assert 0.1 < told.gap[2] - told.gap[1] < 0.4


def test_pictures_of_one_group_count_less_than_as_many_of_many():
    right = [1, 0] * 100
    many = summed([judged(answers(right, [f"g{k}" for k in range(200)]), answers(right, ["u"] * 200))])
    few = summed([judged(answers(sorted(right), [f"g{k // 20}" for k in range(200)]), answers(right, ["u"] * 200))])
    assert few.test[2] - few.test[1] > 2 * (many.test[2] - many.test[1])


def test_a_split_against_itself_is_apart_by_nothing():
    run = judged(answers([1, 0, 1, 1], list("abcd")), answers([1], ["u"]))
    assert apart([run], [run]) == (0.0, 0.0, 0.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_small_form_finds_every_leak_that_dedup_and_pages_know_of(tmp_path: Path):
    words = ["--products", "30", "--seeds", "1", "--small", "--json", str(tmp_path / "found.json")]
    command = [sys.executable, str(ROOT / "benchmarks" / "leakage.py"), "--data", "", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    alike = "grouped, dedup by hash alone"
    assert set(found["splits"]) == {"random", "grouped", "shop-out", "season-out", alike}
    assert all(
        run["leaks"] == 0 for name in ("grouped", "shop-out", "season-out") for run in found["splits"][name]["runs"]
    )
    assert found["splits"]["random"]["runs"][0]["leaks"] > 0
    torn = found["leaks"].pop("random")
    assert sum(counts["across"] for counts in torn.values()) > 0
    for kind in (SECOND, VARIANT, RELISTED):
        if kind in torn:
            assert torn[kind]["found"] == torn[kind]["across"]
    assert not any(counts["joined_across"] for kinds in found["leaks"].values() for counts in kinds.values())
    assert "| random |" in done.stdout
