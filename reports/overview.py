"""The workspace report: everything there is to know about a workspace, on one page that needs no network.

In: tables, the newest snapshot, run folders. Out: `reports/overview.html`, one file. Missing parts say so, with the
next command to type. Reads only; running it again writes the file anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import ModisteError
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, list_snapshots, load_snapshot, read_meta
from dataset.workspace import Workspace
from reports import catalogue, charts
from reports.funnel import Part, Stage, funnel
from reports.page import render
from reports.pictures import Pictures, product_pictures
from reports.provenance import counts, provenance
from reports.quality import balance, histograms, look_alikes, picks, unmapped
from reports.runs import RunView, edited_words, read_runs
from reports.wording import SPLITS, in_shops, size

SHOWN_RUNS, SHOWN_FIGURES = 6, 4
_TITLES = {
    "summary": "At a glance", "funnel": "Funnel", "catalogue": "Catalogue", "quality": "Image quality",
    "masks": "Masks",
    "labels": "Labels", "models": "Models", "provenance": "Provenance",
}  # fmt: skip
_COLUMNS = [
    "store", "product_id", "url", "name", "brand", "price", "list_price", "currency", "availability", "categories",
    "colour", "licence", "fetched_at", "image_urls", "crawl_id", "extractor",
]  # fmt: skip
Section = dict[str, Any]


@dataclass(frozen=True)
class ReportResult:
    path: str
    bytes: int
    products: int
    images: int
    runs: int
    next_step: str | None

    def line(self) -> str:
        counted = f"{self.products} products, {self.images} images, {self.runs} runs"
        return f"report: {counted} -> {self.path} ({size(self.bytes)})"


def report(
    ws: Workspace, *, out: Path | None = None, blur_faces: bool = False, progress: Progress = silent
) -> ReportResult:
    """Write the report of `ws` to `out` (default `reports/overview.html` of the workspace) and say what is in it.

    With `blur_faces` no face is shown; raises MissingWeights where some were never counted and can't be.
    """
    out = (out or ws.reports / "overview.html").resolve()
    found, pictures, warnings = counts(ws), Pictures(ws.blobs, faces_in=ws if blur_faces else None), list[str]()
    progress(0, 5)
    snapshot = newest_snapshot(ws, warnings)
    runs, broken = read_runs(ws)
    warnings += [
        f"Run {name} can't be read and is left out: its run.json or evaluation.json is damaged." for name in broken
    ]
    warnings += [edited_words(view) for view in runs if view.run.edited]
    runs = [view for view in runs if not view.run.edited]
    empty = not any(found[key] for key in ("products", "fetches", "images")) and not runs
    values: dict[str, Any] = {
        **_header(ws, found, snapshot, runs),
        "empty": empty,
        "warnings": warnings,
        "snapshot": snapshot,
    }
    values |= _funnel_section(ws, snapshot)
    progress(1, 5)
    values |= {"catalogue": _catalogue(ws, pictures) if found["products"] else None}
    progress(2, 5)
    values |= _image_sections(ws, pictures)
    progress(3, 5)
    values |= {
        "runs": [_run(view, pictures) for view in runs[:SHOWN_RUNS]],
        "provenance": provenance(ws),
        "pictures": pictures,
    }
    progress(4, 5)
    page = render("overview.html.j2", values | {"contents": _contents(values)}, charts=not empty).encode(
        "utf-8", "replace"
    )
    write_atomically(out, page)
    progress(5, 5)
    return ReportResult(str(out), len(page), found["products"], found["images"], len(runs), values["next_step"])


def next_step(found: dict[str, int], snapshot: bool, runs: list[RunView]) -> str | None:
    """The command that would bring this workspace further, or None where the main path is walked."""
    tasks = {view.run.task for view in runs if view.run.done}
    steps = [
        (found["fetches"] or found["products"], "modiste crawl URL"), (found["images"], "modiste check"),
        (found["grouped"], "modiste dedup"), (found["masked"], "modiste label masks"),
        (found["labels"], "modiste label tags"), (found["split"], "modiste split"), (snapshot, "modiste snapshot NAME"),
        ("segmentation" in tasks, "modiste train segmentation"), ("tagging" in tasks, "modiste train tagging"),
        (all(view.metrics for view in runs if view.run.done), "modiste evaluate"),
    ]  # fmt: skip
    return next((command for done, command in steps if not done), None)


def _header(ws: Workspace, found: dict[str, int], snapshot: Snapshot | None, runs: list[RunView]) -> Section:
    cards = [
        ("products", found["products"], in_shops(found["stores"])),
        ("fetch attempts", found["fetches"], "refusals counted too"),
        ("usable images", found["usable"], f"of {found['images']} checked"),
        ("groups", found["groups"], f"{found['grouped']} images"),
        ("masked images", found["masked"], "composite masks"),
        ("labels", found["labels"], f"on {found['labelled']} images"),
        ("in the snapshot", snapshot.rows.num_rows if snapshot else 0, snapshot.name if snapshot else "none yet"),
        ("training runs", len(runs), f"{sum(bool(view.metrics) for view in runs)} judged"),
    ]
    return {
        "name": ws.settings.name, "purpose": ws.settings.purpose, "made_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cards": [{"name": name, "value": value, "more": more} for name, value, more in cards],
        "next_step": next_step(found, snapshot is not None, runs),
    }  # fmt: skip


def newest_snapshot(ws: Workspace, warnings: list[str]) -> Snapshot | None:
    """By its own date. One that can't be loaded is said in the report and the next older one is shown."""
    dated = []
    for name in list_snapshots(ws):
        try:
            dated.append((str(read_meta(ws, name).get("created_at", "")), name))
        except ModisteError as error:
            warnings.append(str(error))
    for _, name in sorted(dated, reverse=True):
        try:
            return load_snapshot(ws, name)
        except ModisteError as error:
            warnings.append(str(error))
    return None


def _funnel_section(ws: Workspace, snapshot: Snapshot | None) -> Section:
    stages = funnel(ws, None if snapshot is None else snapshot.rows)
    return {"funnel": stages, "widest": max([stage.total for stage in stages] + [1]), "shade": shade}


def shade(stage: Stage, part: Part) -> str:
    """Kept parts of one bar are told apart by three blues."""
    if part.kind != "kept":
        return part.kind
    return ("kept", "kept2", "kept3")[[p for p in stage.parts if p.kind == "kept"].index(part) % 3]


def _catalogue(ws: Workspace, pictures: Pictures) -> Section:
    current = catalogue.latest(ws.tables.read("products", _COLUMNS))
    currency, prices = catalogue.main_currency(current), catalogue.prices(current)
    colours = catalogue.colours(current)
    section: Section = {
        "products": current.num_rows, "currency": currency,
        "assortment": charts.assortment(catalogue.assortment(current)),
        "availability": charts.availability(catalogue.availability(current)),
        "colours": charts.ranked(list(colours.itertuples(index=False, name=None)),
        "products") if len(colours) else None,
        "discounts": catalogue.discounts(current).to_dict("records"),
        "examples": product_pictures(ws, catalogue.examples(current), pictures),
        "prices": None, "other_currencies": 0,
    }  # fmt: skip
    if currency is not None:
        section["other_currencies"] = int(prices.loc[prices["currency"] != currency, "n"].sum())
        histogram = catalogue.price_histogram(current, currency)
        if len(histogram):
            section["prices"] = charts.price_bars(histogram, currency)
            section["spread"] = charts.price_spread(prices, currency)
    return section


def _image_sections(ws: Workspace, pictures: Pictures) -> Section:
    random, worst = picks(ws)
    clusters = [
        {"n": cluster[0]["n"], "members": [{**item, "picture": pictures.image(item["sha256"])} for item in cluster]}
        for cluster in look_alikes(ws)
    ]
    sheets = {"random": cells(random, pictures), "worst": cells(worst, pictures)} if random else None
    labels = [(field, charts.ranked(values, "images")) for field, values in balance(ws).items()]
    return {
        "quality": charts.quality(histograms(ws)), "look_alikes": clusters, "sheets": sheets, "labels": labels,
        "unmapped": unmapped(ws),
    }  # fmt: skip


def cells(rows: list[Section], pictures: Pictures) -> list[Section]:
    return [
        {
            **row, "image": pictures.image(row["sha256"]), "mask": pictures.overlay(row["sha256"], row["mask_sha256"]),
            "predicted": pictures.overlay(row["sha256"], row["predicted"]) if row["predicted"] != row["mask_sha256"]
            else None,
        }
        for row in rows
    ]  # fmt: skip


def _run(view: RunView, pictures: Pictures) -> Section:
    data = view.run.data
    figures = [{"name": path.stem, "uri": pictures.figure(path)} for path in view.figures[:SHOWN_FIGURES]]
    wall = float(data.get("wall_s") or 0)
    counted = dict(data.get("counts") or {})
    return {
        "id": view.run.id, "task": view.run.task, "status": data["status"], "recipe": data["recipe"].get("name",
        "unnamed"),
        "snapshot": data.get("snapshot", "–"), "fingerprint": data.get("fingerprint", ""),
        "time": f"{wall / 60:.0f} min" if wall >= 90 else f"{wall:.0f} s" if wall else "",
        "counts": ", ".join(f"{part} {n}" for part, n in counted.items()), "metrics": _metric_rows(view),
        "other_parts": any(set(parts) - set(SPLITS[1:]) for parts in view.metrics.values()),
        "forest": charts.forest(view), "curves": charts.curves(view),
        "confusions": [(c["name"], charts.confusion(c["classes"], c["matrix"])) for c in view.confusions],
        "figures": [figure for figure in figures if figure["uri"]],
    }  # fmt: skip


def _metric_rows(view: RunView) -> list[Section]:
    rows = []
    for metric, parts in view.metrics.items():
        judged = parts.get("test") or next(iter(parts.values()))
        others = [(part, score) for part, score in parts.items() if part not in SPLITS[1:]]
        rows.append({"metric": metric, "validation": parts.get("validation"), "test": parts.get("test"),
                     "others": others, "baselines": judged.baselines})  # fmt: skip
    return rows


def _contents(values: Section) -> list[tuple[str, str]]:
    there = {
        "summary": True, "funnel": not values["empty"], "catalogue": values["catalogue"],
        "quality": values["quality"] or values["look_alikes"], "masks": values["sheets"],
        "labels": values["labels"] or values["unmapped"], "models": values["runs"], "provenance": not values["empty"],
    }  # fmt: skip
    return [(name, _TITLES[name]) for name, shown in there.items() if shown]
