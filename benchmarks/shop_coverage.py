"""Coverage of the crawler on real shop systems: each is installed, filled with known goods, served on loopback and
crawled; its own database is the truth.

In: --shops FOLDER (each system is installed under it on the first run, from PyPI and npm). Out: a table, and --json
FILE with every page missed and every field wrong. Requests are counted by a door before the shop, not by the crawler
(CPU seconds hold the door's). System packages: postgresql, nodejs (20), npm, locales; mongod; see shops/*.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from shops.door import open_door
from shops.pictures import Seen, look
from shops.processes import free_port
from shops.score import FIELDS, Score, Tally, score, wilson
from shops.truth import Listed, System

from crawlers.run import crawl
from dataset.errors import ModisteError
from dataset.workspace import Workspace

SYSTEMS = {name: name.upper() for name in ("demo", "oscar", "cartridge", "shuup", "evershop", "expresscart")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--shops", type=Path, required=True, help="folder the shops are installed in, kept between runs"
    )
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    reports = []
    for name in options.only:
        system: System = getattr(import_module(f"shops.{name}"), SYSTEMS[name])
        folder = (options.shops / name).resolve()
        system.prepare(folder)
        reports.append(measure(system, folder, folder.parent / f"{name}-workspace"))
    print(table(reports))
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n")


def measure(system: System, folder: Path, workspace: Path) -> dict[str, Any]:
    """Crawl a served shop into a fresh workspace and compare."""
    listed, port = system.listed(folder), free_port()
    shutil.rmtree(workspace, ignore_errors=True)
    ws = Workspace.init(workspace, contact="https://shop.example/coverage")
    with open_door(port) as door, system.serve(folder, port, door.url):
        crawled = _crawled(ws, door.url)
    images = {_target(row["url"]) for row in _rows(ws, "fetches")}
    pages = sum(unquote(target) not in images for target in door.requests)
    about = {"system": system.name, "version": system.version, "requests": len(door.requests), "pages": pages}
    return {**about, **crawled, **asdict(compare(ws, listed))}


def _crawled(ws: Workspace, url: str) -> dict[str, Any]:
    """The strategy it took and what it cost; `ended` says why where it brought nothing."""
    before, cpu, strategy, ended = time.monotonic(), time.process_time(), "none", ""
    try:
        strategy = crawl(ws, url).strategy
    except ModisteError as error:
        ended = str(error)
    spent = {"seconds": round(time.monotonic() - before, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
    return {"strategy": strategy, "ended": ended, **spent}


def compare(ws: Workspace, listed: list[Listed]) -> Score:
    files = {file for page in listed for file in page.pictures}
    seen = {file: look(Path(file).read_bytes()) for file in files}
    pictures = {file: image for file, image in seen.items() if image}
    return score(listed, _rows(ws, "products"), pictures, _fetched(ws))


def _fetched(ws: Workspace) -> dict[str, list[Seen]]:
    """product_id -> images; a row that says 'ok' without a readable blob counts as none."""
    images: dict[str, list[Seen]] = defaultdict(list)
    for row in _rows(ws, "fetches"):
        if row["status"] == "ok" and (image := look(ws.blobs.get(row["sha256"]))):
            images[row["product_id"]].append(image)
    return images


def _rows(ws: Workspace, table: str) -> list[dict[str, Any]]:
    with suppress(ModisteError):
        return ws.tables.read(table).to_pylist()
    return []


def _target(url: str) -> str:
    """As a server sees it, decoded: clients differ in what they quote."""
    parts = urlsplit(url)
    return unquote(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def table(reports: list[dict[str, Any]]) -> str:
    """One column a shop; below it what a crawl ended with, where it brought nothing."""
    columns = [dict(_cells(report)) for report in reports]
    lines = [f"{label:<24}" + "".join(f"{column[label]:>22}" for column in columns) for label in columns[0]]
    return "\n".join([*lines, *(f"{r['system']}: {r['ended']}" for r in reports if r["ended"])])


def _cells(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    r, found = report, max(1, report["found"])
    yield "shop", f"{r['system']} {r['version']}"
    yield "strategy", r["strategy"]
    yield "products found", f"{r['found']}/{r['listed']}"
    yield "  95 % (Wilson)", _interval(r["found"], r["listed"])
    yield "variants' own pages", f"{r['variants_found']}/{r['variants_listed']}"
    yield "pictures found", f"{r['pictures_found']}/{r['pictures_listed']}"
    yield "  95 % (Wilson)  ", _interval(r["pictures_found"], r["pictures_listed"])
    yield "  full width", f"{r['pictures_full']}/{r['pictures_found']}"
    yield "  twice, foreign", f"{r['pictures_twice']}, {r['pictures_foreign']}"
    for name in FIELDS:
        tally = Tally(**r["fields"][name])
        yield f"{name} right", f"{tally.right}/{tally.of}"
        yield f"  wrong, unsaid {name}", f"{tally.wrong}, {tally.unsaid}"
    yield "rows twice", str(r["twice"])
    yield "rows of no product", str(len(r["strangers"]))
    yield "requests", str(r["requests"])
    yield "image requests a picture", f"{(r['requests'] - r['pages']) / max(1, r['pictures_found']):.2f}"
    yield "pages a product found", f"{r['pages'] / found:.2f}"
    yield "seconds, CPU-s", f"{r['seconds']}, {r['cpu_seconds']}"


def _interval(right: int, of: int) -> str:
    low, high = wilson(right, of)
    return f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
