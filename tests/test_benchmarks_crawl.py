"""The crawl benchmark: a store of six pages, and the arithmetic of its table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # scripts, not a package: run by their path, they import each other from there

import crawl_pages  # noqa: E402
import crawl_store  # noqa: E402
import crawl_table  # noqa: E402
from crawl_measure import Contender, Run  # noqa: E402

NOTHING = {"pages": 0, "images": 0, "other": 0}


def run(name: str, cpu_s: float, startup_s: float = 0.5, images: int = 100, fault: str = "") -> Run:
    return Run(name, cpu_s, 0.1, 2 * cpu_s, 60.0, startup_s, startup_s, images, NOTHING, fault)


def test_the_store_shares_out_every_image_once_and_its_pages_are_as_long_as_real_ones() -> None:
    goods = crawl_pages.catalogue(850, 2_531)
    pages = crawl_pages.write_pages(goods, "http://127.0.0.1")
    assert len(pages) == 871
    assert len({path for each in goods for path in each.images}) == 2_531
    lengths = sorted(len(pages[each.path]) for each in goods)
    assert (lengths[0] > 30_000, lengths[-1] < 60_000) == (True, True)


def test_the_store_counts_requests_and_forgets_them_when_asked(tmp_path: Path) -> None:
    with crawl_store.serving(6, None, tmp_path) as store:
        bodies = {crawl_store.urllib.request.urlopen(url).read() for url in store.urls.read_text().split()}
        crawl_store.urllib.request.urlopen(f"{store.url}/").close()
        assert store.asked() == {"pages": 1, "images": 18, "other": 0, "distinct_images": 18}
        assert store.asked()["images"] == 0
    assert (store.images, store.pages, len(bodies)) == (18, 8, 18)


def test_ratios_are_taken_within_a_round_and_leave_out_a_run_with_a_fault() -> None:
    first = [run("ours", 2.0), run("ImagesPipeline", 5.0)]
    second = [run("ours", 1.0), run("ImagesPipeline", 4.5)]
    third = [run("ours", 0.1, fault="99 of 100 images"), run("ImagesPipeline", 4.0)]
    found = crawl_table.ratios([first, second, third])[0]
    assert found["cpu"] == {"median": 3.5, "low": 2.5, "high": 4.5, "rounds": [2.5, 4.5]}
    assert found["cpu_without_startup"] == {"median": 5.5, "low": 3.0, "high": 8.0, "rounds": [3.0, 8.0]}


def test_cpu_beyond_pages_takes_off_the_same_rounds_pages_and_no_start_up_twice() -> None:
    same_round = [run("pages alone", 1.5), run("ours", 2.0, startup_s=0.7), run("bare aiohttp", 0.6)]
    ours = crawl_table.beyond_pages_ms(Contender("ours", ""), same_round[1], same_round, 100)
    assert ours == pytest.approx(3.0)  # (2.0 - 0.7) - (1.5 - 0.5) s over 100 images
    listed = Contender("bare aiohttp", "", reads="list")
    assert crawl_table.beyond_pages_ms(listed, same_round[2], same_round, 100) == pytest.approx(1.0)


@pytest.mark.slow
def test_every_contender_brings_all_images_of_a_small_store(tmp_path: Path) -> None:
    names = ["pages alone", "ImagesPipeline", "FilesPipeline", "bare aiohttp", "ours", "img2dataset"]
    file = tmp_path / "found.json"
    command = [
        sys.executable,
        str(BENCHMARKS / "crawl.py"),
        *["--pages", "6", "--rounds", "1", "--json"],
        str(file),
        "--only",
    ]
    said = subprocess.run([*command, *names], check=True, capture_output=True, text=True).stdout
    found = json.loads(file.read_text())
    runs = {row["name"]: row for row in found["rounds"][0]}
    assert {name: run["images"] for name, run in runs.items()} == dict.fromkeys(names[1:5], 18) | {"pages alone": 0}
    assert [run["fault"] for run in runs.values()] == [""] * 5
    assert "img2dataset         not run: no --img2dataset PYTHON given" in said
    ratio = next(r for r in found["ratios"] if (r["name"], r["peer"]) == ("ours", "ImagesPipeline"))
    assert ratio["cpu"]["median"] == pytest.approx(runs["ImagesPipeline"]["cpu_s"] / runs["ours"]["cpu_s"])
