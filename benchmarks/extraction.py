"""What is read off a page, field by field, beside a plain mapping of extruct's output (plain_extruct.py).

In: folders of folders, each with page.html and expected.json (url, products, optionally `check`: the fields that are
scored, and `also`: other right answers by field); the default is tests/fixtures/pages. Out: a table a folder, and
--json FILE: precision, recall and F1 by field over the pages with a product (rules: extraction_score.py; intervals:
bootstrap over pages, 1,000 draws, seed 0), how many of the pages without one yielded something, CPU time a page.
--worst N prints our N worst pages with each error. Never asks the network.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plain_extruct
from extraction_score import FIELDS, Counts, Judged, figures, judge

from crawlers.extract.page import extract

PAGES = Path(__file__).parents[1] / "tests" / "fixtures" / "pages"
Fields = dict[str, Any]
Report = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """One page as one extractor read it; `judged` is None where the page has no product, `fault` if it raised."""

    name: str
    judged: Judged | None
    came_out: bool
    cpu_s: float
    fault: str = ""


def ours(body: bytes, url: str) -> Fields | None:
    products = extract(body, url).products
    return products[0].as_json() if products else None


EXTRACTORS: dict[str, Callable[[bytes, str], Fields | None]] = {"ours": ours, "plain extruct": plain_extruct.product}


def read(folder: Path, extractor: Callable[[bytes, str], Fields | None]) -> Read:
    """Reads one page and compares. An extractor that raises has read nothing, and says so."""
    expected, body = json.loads((folder / "expected.json").read_text()), (folder / "page.html").read_bytes()
    found, fault, start = None, "", time.process_time()
    try:
        found = extractor(body, expected["url"])
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    cpu_s = time.process_time() - start
    judged = judge(expected, found) if expected["products"] else None
    return Read(folder.name, judged, found is not None, cpu_s, fault)


def report(reads: list[Read]) -> Report:
    judged = [each.judged for each in reads if each.judged]
    counts: dict[str, list[Counts]] = {f: [page.counts[f] for page in judged if f in page.counts] for f in FIELDS}
    silent = [each for each in reads if not each.judged]
    cpu_ms = [1000 * each.cpu_s for each in reads]
    return {
        "pages": len(reads), "with_product": len(judged), "product_read": sum(e.came_out for e in reads if e.judged),
        "without_product": len(silent), "without_product_but_yielded": [e.name for e in silent if e.came_out],
        "fields": {f: figures(pages) for f, pages in counts.items() if pages},
        "cpu_ms": {"median": float(np.median(cpu_ms)), "p95": float(np.percentile(cpu_ms, 95))},
        "faults": {each.name: each.fault for each in reads if each.fault},
    }  # fmt: skip


def lines(folder: Path, reports: dict[str, Report]) -> list[str]:
    first = next(iter(reports.values()))
    head = f"{folder}: {first['pages']} pages, {first['with_product']} with a product"
    table = [head, f"{'field':13}{'n':>4}{'given':>6}" + "".join(f"  {name:^38}" for name in reports)]
    table.append(f"{'':23}" + f"  {'precision':>9} {'recall':>6} {'F1':>6}  {'95 %':13}" * len(reports))
    for field in first["fields"]:
        asked = first["fields"][field]
        rows = "".join(_row(each, field) for each in reports.values())
        table.append(f"{field:13}{asked['n']:4}{asked['given']:6}{rows}")
    for name, each in reports.items():
        leaked, cpu_ms = len(each["without_product_but_yielded"]), each["cpu_ms"]
        table.append(
            f"{name}: {each['product_read']} of {each['with_product']} products read; "
            f"{leaked} of {each['without_product']} pages without one yielded one; raised on {len(each['faults'])}; "
            f"CPU {cpu_ms['median']:.1f} ms a page, p95 {cpu_ms['p95']:.1f}"
        )
    return table


def _row(each: Report, field: str) -> str:
    found = each["fields"][field]
    low, high = found["f1_95"] or (None, None)
    precision, recall, f1 = (_number(found[name]) for name in ("precision", "recall", "f1"))
    return f"  {precision:>9} {recall:>6} {f1:>6}  [{_number(low)}, {_number(high)}]"


def _number(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"


def worst(reads: list[Read], count: int) -> list[str]:
    """The pages with most errors, each error on a line; a page that should have yielded nothing counts as ten."""
    ranked = sorted(reads, key=lambda each: -_badness(each))[:count]
    told = []
    for each in (e for e in ranked if _badness(e)):
        told.append(f"{each.name} {each.fault}")
        told += [f"    {error}" for error in (each.judged.errors if each.judged else ["a product came out"])]
    return told


def _badness(each: Read) -> int:
    return len(each.judged.errors) if each.judged else 10 * each.came_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", default=[PAGES])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worst", type=int, default=0)
    words = parser.parse_args()
    told: dict[str, dict[str, Report]] = {}
    for folder in words.folders:
        pages = sorted(page.parent for page in folder.glob("*/expected.json"))
        if not pages:
            parser.error(f"no page.html beside an expected.json in any folder of {folder}")
        reads = {name: [read(page, extractor) for page in pages] for name, extractor in EXTRACTORS.items()}
        told[str(folder)] = {name: report(each) for name, each in reads.items()}
        print("\n".join([*lines(folder, told[str(folder)]), *worst(reads["ours"], words.worst), ""]))
    if words.json:
        words.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
