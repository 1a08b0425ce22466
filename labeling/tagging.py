"""The step `label tags`: what the shop says about a product, and what its pixels say, as labels of a taxonomy.

In: `images`, `fetches`, `products`, `masks` and a taxonomy. Out: rows of `labels` with source `store` (categories,
colour, name,
description, each with the confidence of where it stood) or `rule` (view, colour measured inside the garment mask).
Sources that contradict each other are all kept. A shop's word that maps to nothing is a row with value null, never a
guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dataset.errors import EmptyError
from dataset.images import decode
from dataset.masks import binary_from_png
from dataset.progress import Progress, silent
from dataset.taxonomy import Taxonomy, load_taxonomy
from dataset.workspace import Workspace
from labeling.colour import dominant_colours
from labeling.grabcut import seed_of
from labeling.workers import in_workers

CONFIDENCE = {"categories": 0.95, "colour": 0.95, "name": 0.8, "description": 0.5}
STEP_UP = 0.02  # a breadcrumb's last word is the product's own; each one above it says less
MEASURED = 0.7  # of a measured colour's share: the shop's own word is surer than pixels under unknown light
LEAST_SHARE = 0.25  # of the garment a second colour must cover to be a label
COMMIT_EVERY = 500
SHORT_SIDE_PX = 256
BEST_MASK = ("cutout", "review", "model", "grabcut")
Found = list[tuple[str, str | None, str, float]]  # field, value or None, word, confidence

PRODUCTS_OF_IMAGES = """
WITH latest AS (
    SELECT * FROM products QUALIFY row_number() OVER (PARTITION BY store, product_id ORDER BY fetched_at DESC) = 1)
SELECT DISTINCT f.sha256, p.store, p.product_id, p.name, p.colour, p.categories, p.description
FROM fetches f JOIN latest p USING (store, product_id) JOIN images i ON i.sha256 = f.sha256
WHERE i.status = 'ok'
"""


@dataclass(frozen=True)
class TagsResult:
    """Rows written by source, images that have at least one store label, and the shop's words that map to nothing."""

    images: int
    tagged: int
    store: int
    rule: int
    unmapped: dict[str, int]

    def line(self) -> str:
        words = ", ".join(list(self.unmapped)[:5])
        missing = f", {len(self.unmapped)} unmapped words ({words})" if self.unmapped else ""
        return f"{self.store} store and {self.rule} rule labels, {self.tagged} of {self.images} images tagged{missing}"


@dataclass(frozen=True)
class _ColourJob:
    sha256: str
    photo: bytes
    mask: bytes


def label_tags(
    ws: Workspace, *, taxonomy: str = "clothing", workers: int | None = None, progress: Progress = silent
) -> TagsResult:
    """Write the labels that are new or changed. Raises EmptyError where `check` found no image."""
    words = load_taxonomy(taxonomy)
    images = ws.tables.read("images", ["sha256", "view"], "status = 'ok'").to_pylist()
    if not images:
        raise EmptyError("no usable image to tag", where=str(ws.root), cure="Run crawl and check first")
    named = words.reference
    from_store = _store_labels(ws, words)
    views = [(row["sha256"], "view", row["view"], "uniformity", 1.0) for row in images if row["view"]]
    known = {(row["sha256"], row["field"], row["source"], row["word"]): _content(row) for row in _labels(ws)}
    store = _write(ws, _changed(from_store, "store", named, known))
    rule = _write(ws, _changed(views, "rule", named, known))
    rule += _measure_colours(
        ws, words, named, {key[0] for key in known if key[1:3] == ("colour", "rule")}, workers, progress
    )
    tagged = len({label[0] for label in from_store if label[2] is not None})
    unmapped = Counter(label[3] for label in from_store if label[2] is None)
    return TagsResult(len(images), tagged, store, rule, dict(unmapped.most_common()))


def read_product(words: Taxonomy, product: dict[str, Any]) -> Found:
    """Labels of one product's own words; of the same (field, word) the most trusted place counts."""
    found: Found = []
    for above, word in enumerate(reversed(product.get("categories") or [])):
        confidence = max(0.0, CONFIDENCE["categories"] - STEP_UP * above)
        found += _read_word(words, next(iter(words.fields)), word, confidence, list(words.fields))
    if product.get("colour"):
        found += _read_word(words, "colour", product["colour"], CONFIDENCE["colour"], ["colour"])
    for place in ("name", "description"):
        if product.get(place):
            found += _scan(words, product[place], CONFIDENCE[place], list(words.fields))
    best: dict[tuple[str, str], tuple[str, str | None, str, float]] = {}
    for label in found:
        key = (label[0], label[2])
        if key not in best or label[3] > best[key][3]:
            best[key] = label
    return list(best.values())


def _read_word(words: Taxonomy, about: str, word: str, confidence: float, fields: list[str]) -> Found:
    """A word mapped whole, else the synonyms inside it, else one row of field `about` with value None."""
    word = word.strip()
    mapped = [(name, words.map(name, word)) for name in fields]
    whole: Found = [(name, value, word.lower(), confidence) for name, value in mapped if value]
    return whole or _scan(words, word, confidence, fields) or [(about, None, word.lower(), confidence)]


def _scan(words: Taxonomy, text: str, confidence: float, fields: Iterable[str]) -> Found:
    return [(name, value, str(said).lower(), confidence) for name in fields for value, said in words.find(name, text)]


def _store_labels(ws: Workspace, words: Taxonomy) -> list[tuple[str, str, str | None, str, float]]:
    """(sha256, field, value, word, confidence) of every image; each product is read once."""
    rows = ws.tables.query(PRODUCTS_OF_IMAGES).to_pylist()
    read: dict[tuple[str, str], Found] = {}
    labels: dict[tuple[str, str, str], tuple[str, str, str | None, str, float]] = {}
    for row in rows:
        product = (row["store"], row["product_id"])
        if product not in read:
            read[product] = read_product(words, row)
        for name, value, word, confidence in read[product]:
            key = (row["sha256"], name, word)
            if key not in labels or confidence > labels[key][4]:
                labels[key] = (row["sha256"], name, value, word, confidence)
    return [labels[key] for key in sorted(labels)]


def _labels(ws: Workspace) -> list[dict[str, Any]]:
    return ws.tables.read("labels", where="source IN ('store', 'rule')").to_pylist()


def _content(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["value"], round(row["confidence"], 4), row["taxonomy"]


def _changed(
    labels: Iterable[tuple[str, str, str | None, str, float]], source: str, named: str, known: dict[Any, Any]
) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    rows = [
        {"sha256": sha256, "field": name, "value": value, "word": word, "source": source, "confidence": confidence,
         "taxonomy": named, "created_at": now}
        for sha256, name, value, word, confidence in labels
    ]  # fmt: skip
    return [row for row in rows if known.get((row["sha256"], row["field"], source, row["word"])) != _content(row)]


def _write(ws: Workspace, rows: list[dict[str, Any]]) -> int:
    return ws.tables.upsert("labels", rows) if rows else 0


def _measure_colours(
    ws: Workspace, words: Taxonomy, named: str, done: set[str], workers: int | None, progress: Progress
) -> int:
    """Colour labels of the garment masks that have none yet; returns the rows written."""
    wanted = [(sha256, blob) for sha256, blob in _garments(ws) if sha256 not in done]
    jobs = (_ColourJob(sha256, ws.blobs.get(sha256), ws.blobs.get(blob)) for sha256, blob in wanted)
    labels: list[tuple[str, str, str | None, str, float]] = []
    written = 0
    for number, found in enumerate(in_workers(_colours_of, jobs, total=len(wanted), workers=workers), start=1):
        sha256, colours = found
        for rank, (name, share) in enumerate(colours, start=1):
            labels.append((sha256, "colour", words.map("colour", name), f"measured {rank}: {name}", MEASURED * share))
        if number % COMMIT_EVERY == 0 or number == len(wanted):
            written += _write(ws, _changed(labels, "rule", named, {}))
            labels = []
        progress(number, len(wanted))
    return written


def _garments(ws: Workspace) -> list[tuple[str, str]]:
    """(sha256, mask blob) of each image's best garment mask, by source."""
    rows = ws.tables.read(
        "masks", ["sha256", "source", "mask_sha256"], "kind = 'garment' AND status = 'ok'"
    ).to_pylist()
    best: dict[str, tuple[int, str]] = {}
    for row in rows:
        rank = BEST_MASK.index(row["source"].split(":")[0])
        best[row["sha256"]] = min(best.get(row["sha256"], (99, "")), (rank, row["mask_sha256"]))
    return [(sha256, blob) for sha256, (_, blob) in sorted(best.items())]


def _colours_of(job: _ColourJob) -> tuple[str, list[tuple[str, float]]]:
    mask = binary_from_png(job.mask)
    rgb = decode(job.photo).rgb
    step = max(1, min(rgb.shape[:2]) // SHORT_SIDE_PX)
    small = np.ascontiguousarray(mask[::step, ::step])
    colours = dominant_colours(np.ascontiguousarray(rgb[::step, ::step]), small, seed=seed_of(job.sha256))
    kept = [(colour.name, colour.share) for n, colour in enumerate(colours) if n == 0 or colour.share >= LEAST_SHARE]
    return job.sha256, kept
