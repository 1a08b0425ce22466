"""Crawling side by side on one machine: ours, stock Scrapy, a bare downloader and img2dataset against a loopback store.

    python benchmarks/crawl.py --data DIR --json FILE --img2dataset /elsewhere/venv/bin/python

img2dataset pins pandas 2, so it has an environment of its own: python -m venv /elsewhere/venv, then
/elsewhere/venv/bin/pip install img2dataset==1.47.0. Without it its rows say 'not run'.

In: --pages product pages, --rounds rounds (contenders take turns, in an order that moves on each round), --data for
real photographs. Out: a table of medians, ratios per round, and --json FILE. --only NAME … runs some; --profile FILE
writes cProfile's figures of `ours …` (with --only, one of them); --grow crawls 1, 2 and 4 times the pages for memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import crawl_table
from crawl_measure import Contender, Run, measure
from crawl_store import Store, serving

CONTENDERS = (
    Contender("pages alone", "crawl_scrapy.py", keeps_images=False),
    Contender("ImagesPipeline", "crawl_scrapy.py"),
    Contender("FilesPipeline", "crawl_scrapy.py"),
    Contender("ours", "crawl_ours.py"),
    Contender("ours pages", "crawl_ours.py", keeps_images=False),
    Contender("ours + decode", "crawl_ours.py"),
    Contender("ours + check", "crawl_ours.py"),
    Contender("bare aiohttp", "crawl_bare.py", reads="list"),
    Contender("ours import", "crawl_ours.py", reads="list"),
    Contender("img2dataset", "crawl_img2dataset.py", reads="list"),
    Contender("img2dataset mended", "crawl_img2dataset.py", reads="list"),
    Contender("img2dataset bare", "crawl_img2dataset.py", reads="list"),
)
GROWTH = (1, 2, 4)


def contenders(only: list[str], img2dataset: str | None) -> list[Contender]:
    """Those asked for, in the table's order; what can't run here says why in `missing`."""
    found = []
    for each in CONTENDERS:
        if only and each.name not in only:
            continue
        if each.script == "crawl_img2dataset.py":
            each = replace(
                each, python=img2dataset or "", missing="" if img2dataset else "no --img2dataset PYTHON given"
            )
        elif each.name == "ours import" and find_spec("crawlers.url_list") is None:
            each = replace(each, missing="no module crawlers.url_list")
        found.append(each)
    return found


@dataclass(frozen=True)
class Stores:
    """The store, the same without images, and one of a single product of each, which tells what start-up costs."""

    whole: Store
    bare: Store
    tiny: Store
    tiny_bare: Store


@contextmanager
def opened(products: int, data: Path | None, https: bool) -> Iterator[Stores]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as kept:
        folder = Path(name)
        whole, tiny = (kept.enter_context(serving(n, data, folder, https=https)) for n in (products, 1))
        bare, tiny_bare = (kept.enter_context(serving(n, data, folder, images=0, https=https)) for n in (products, 1))
        yield Stores(whole, bare, tiny, tiny_bare)


def run_rounds(chosen: list[Contender], stores: Stores, words: argparse.Namespace) -> list[list[Run]]:
    """Every round runs every contender once, begun at another one each time."""
    done: list[list[Run]] = []
    able = [each for each in chosen if not each.missing]
    for number in range(words.rounds):
        start = number * len(able) // words.rounds
        order = able[start:] + able[:start]
        done.append([_one(each, stores, words.work, words.profile) for each in order])
    return done


def _one(contender: Contender, stores: Stores, place: Path | None, profile: Path | None = None) -> Run:
    store, tiny = (stores.bare, stores.tiny_bare) if contender.name == "ours pages" else (stores.whole, stores.tiny)
    profile = profile if contender.script == "crawl_ours.py" else None
    with tempfile.TemporaryDirectory(prefix="crawl-", dir=place) as folder:
        run = measure(contender, store, tiny, Path(folder), profile)
    print(f"  {run.name}: {run.cpu_s:.2f} CPU s, {run.wall_s:.1f} s {run.fault}", flush=True)
    return run


def compare(words: argparse.Namespace) -> dict[str, object]:
    chosen = contenders(words.only, words.img2dataset)
    with opened(words.pages, words.data, words.https) as stores:
        store = stores.whole
        print(f"{store.pages} pages, {store.images} images, {words.rounds} rounds", flush=True)
        rounds = run_rounds(chosen, stores, words)
    rows = crawl_table.rows(chosen, rounds, store.images)
    ratios = crawl_table.ratios(rounds)
    print("\n".join(["", *crawl_table.lines(rows), "", *crawl_table.ratio_lines(ratios)]))
    return {
        "pages": store.pages, "images": store.images, "rows": rows, "ratios": ratios,
        "rounds": [[asdict(run) for run in each] for each in rounds],
    }  # fmt: skip


def grow(words: argparse.Namespace) -> dict[str, object]:
    """Peak memory of a crawl of 1, 2 and 4 times the pages, ours and stock."""
    chosen = contenders(words.only or ["ours", "ImagesPipeline"], words.img2dataset)
    peaks: dict[str, dict[int, float]] = {each.name: {} for each in chosen}
    for factor in GROWTH:
        with opened(factor * words.pages, words.data, words.https) as stores:
            for each in chosen:
                peaks[each.name][stores.whole.pages] = _one(each, stores, words.work).peak_mb
    for name, found in peaks.items():
        print(f"{name:20}" + "   ".join(f"{pages} pages {peak:.0f} MB" for pages, peak in found.items()))
    return {"peak_mb": peaks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pages", type=int, default=850)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], choices=[each.name for each in CONTENDERS], metavar="NAME")
    parser.add_argument("--img2dataset", metavar="PYTHON")
    parser.add_argument("--profile", type=Path)
    parser.add_argument(
        "--work", type=Path, help="a folder on the disk to write to; its file system is much of the cost"
    )
    parser.add_argument("--https", action="store_true", help="serve over TLS, as shops do")
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    found = grow(words) if words.grow else compare(words)
    machine = {
        "https": words.https,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "photos": "drawn" if words.data is None else "street",
        "written to": str(words.work or tempfile.gettempdir()),
    }
    if words.json:
        words.json.write_text(json.dumps({"machine": machine, **found}, indent=1))


if __name__ == "__main__":
    main()
