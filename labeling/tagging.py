"""The step `label tags`: what the shop says about a product, and what its pixels say, as labels of a taxonomy.

In: `images`, `fetches`, `products`, `masks` and a taxonomy. Out: rows of `labels` with source `store` (categories,
colour, name, sizes, description, each with the confidence of where it stood) or `rule` (view, colour measured inside
the garment mask, and the field `disagreement`: in which field sources contradict each other; all of them are kept).
A shop's word that maps to nothing is a row with value null, never a guess. A label of these two sources that no longer
follows from the products or the taxonomy is taken back; persons' and models' labels are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from dataset.errors import EmptyError
from dataset.history import remove
from dataset.progress import Progress, silent
from dataset.schema import KEYS
from dataset.taxonomy import Taxonomy, taxonomy_of
from dataset.workspace import Workspace
from labeling.measured import PREFIX, garments, measure_colours
from labeling.shop_text import Said, conflicts, read_shop

DISAGREEMENT = "disagreement"
VIEW = "view"
COMMIT_EVERY = 500
Found = list[tuple[str, str | None, str, float]]  # field, value or None, word, confidence
Label = tuple[str, str, str | None, str, float]  # sha256, field, value, word, confidence

PRODUCTS_OF_IMAGES = """
WITH latest AS (
    SELECT * FROM products QUALIFY row_number() OVER (PARTITION BY store, product_id ORDER BY fetched_at DESC) = 1)
SELECT DISTINCT f.sha256, p.store, p.product_id, p.name, p.brand, p.colour, p.categories, p.sizes, p.description
FROM fetches f JOIN latest p USING (store, product_id) JOIN images i ON i.sha256 = f.sha256
WHERE i.status = 'ok'
"""


@dataclass(frozen=True)
class TagsResult:
    """Rows written by source, rows taken back, images that have at least one store label, images whose sources
    contradict each other, and the shop's words that map to nothing."""

    images: int
    tagged: int
    store: int
    rule: int
    unmapped: dict[str, int]
    removed: int = 0
    disagreements: int = 0

    def line(self) -> str:
        words = ", ".join(list(self.unmapped)[:5])
        missing = f", {len(self.unmapped)} unmapped words ({words})" if self.unmapped else ""
        gone = f", {self.removed} taken back" if self.removed else ""
        clash = f", sources disagree on {self.disagreements} images" if self.disagreements else ""
        return (
            f"{self.store} store and {self.rule} rule labels, {self.tagged} of {self.images} images tagged"
            f"{gone}{clash}{missing}"
        )


def label_tags(
    ws: Workspace, *, taxonomy: str | None = None, workers: int | None = None, progress: Progress = silent
) -> TagsResult:
    """Write the labels that are new or changed and take back those that no longer follow. `taxonomy` is the
    workspace's unless named. Raises EmptyError where `check` found no image."""
    words = taxonomy_of(ws, taxonomy)
    images = ws.tables.read("images", ["sha256", "view"], "status = 'ok'").to_pylist()
    if not images:
        raise EmptyError("no usable image to tag", where=str(ws.root), cure="Run crawl and check first")
    from_store, disputed = _store_labels(ws, words)
    rules: list[Label] = [(row["sha256"], VIEW, row["view"], "uniformity", 1.0) for row in images if row["view"]]
    rules += disputed
    known = _known(ws)
    masks = garments(ws)
    gone = _outdated(known, from_store, rules, {sha256 for sha256, _ in masks}, words)
    removed = _remove(ws, gone)
    store = _write(ws, from_store, "store", words, known)
    rule = _write(ws, rules, "rule", words, known)
    wanted = [(sha256, blob) for sha256, blob in masks if f"{sha256} {blob}" not in _measured(known, words)]
    rule += _measure(ws, words, wanted, known, workers, progress)
    tagged = len({label[0] for label in from_store if label[2] is not None})
    unmapped = Counter(label[3] for label in from_store if label[2] is None)
    clashes = len({label[0] for label in disputed})
    return TagsResult(len(images), tagged, store, rule, dict(unmapped.most_common()), removed, clashes)


def read_product(words: Taxonomy, product: dict[str, Any]) -> Found:
    """Labels of one product's own words; of the same (field, word) the most trusted place counts."""
    return [(one.field, one.value, one.word, one.confidence) for one in read_shop(words, product)]


def _store_labels(ws: Workspace, words: Taxonomy) -> tuple[list[Label], list[Label]]:
    """(labels, disagreements) of every image; each product is read once."""
    read: dict[tuple[str, str], list[Said]] = {}
    of_image: dict[str, dict[tuple[str, str, str], Said]] = {}
    for row in ws.tables.query(PRODUCTS_OF_IMAGES).to_pylist():
        product = (row["store"], row["product_id"])
        if product not in read:
            read[product] = read_shop(words, row)
        said = of_image.setdefault(row["sha256"], {})
        for one in read[product]:
            key = (one.field, one.word, one.place)
            if key not in said or one.confidence > said[key].confidence:
                said[key] = one
    labels: dict[tuple[str, str, str], Label] = {}
    disputed: list[Label] = []
    for sha256, found in sorted(of_image.items()):
        for (name, word, _), one in sorted(found.items()):
            label = (sha256, name, one.value, word, one.confidence)
            labels[sha256, name, word] = max(labels.get((sha256, name, word), label), label, key=lambda item: item[4])
        for name, sides in sorted(conflicts(words, found.values()).items()):
            told = "; ".join(sorted({f"{one.place}: {one.value}" for one in sides}))
            disputed.append((sha256, DISAGREEMENT, name, f"{name} {told}", 1.0))
    return list(labels.values()), disputed


def _known(ws: Workspace) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    rows = ws.tables.read("labels", where="source IN ('store', 'rule')").to_pylist()
    return {(row["sha256"], row["field"], row["source"], row["word"]): row for row in rows}


def _outdated(
    known: dict[tuple[str, str, str, str], dict[str, Any]],
    store: list[Label],
    rules: list[Label],
    masked: set[str],
    words: Taxonomy,
) -> list[dict[str, Any]]:
    """Rows of this taxonomy (of any version) that nothing says any more. A measured colour stands as long as its
    image has a garment mask: measuring again replaces it."""
    wanted = {(label[0], label[1], "store", label[3]) for label in store}
    wanted |= {(label[0], label[1], "rule", label[3]) for label in rules}
    gone = []
    for key, row in known.items():
        measured = row["source"] == "rule" and str(row["word"]).startswith(PREFIX)
        mine = str(row["taxonomy"] or "").split("@")[0] == words.name
        if mine and key not in wanted and not (measured and row["sha256"] in masked):
            gone.append(row)
    return gone


def _remove(ws: Workspace, rows: list[dict[str, Any]]) -> int:
    """Taken out of the newest version only: what was labelled before stays to be read in the table's history."""
    if not rows:
        return 0
    keys = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in KEYS["labels"]})
    return remove(ws.tables, "labels", keys)


def _measured(known: dict[tuple[str, str, str, str], dict[str, Any]], words: Taxonomy) -> set[str]:
    """'sha256 mask' of what was measured under this very taxonomy."""
    found = set()
    for row in known.values():
        if row["source"] == "rule" and str(row["word"]).startswith(PREFIX) and row["taxonomy"] == words.reference:
            found.add(f"{row['sha256']} {str(row['word']).rsplit(' mask ', 1)[-1]}")
    return found


def _measure(
    ws: Workspace,
    words: Taxonomy,
    wanted: list[tuple[str, str]],
    known: dict[tuple[str, str, str, str], dict[str, Any]],
    workers: int | None,
    progress: Progress,
) -> int:
    """Colour labels of masks not measured yet; an image's older measurements are replaced."""
    stale: dict[str, list[dict[str, Any]]] = {}
    for row in known.values():
        if row["source"] == "rule" and str(row["word"]).startswith(PREFIX):
            stale.setdefault(row["sha256"], []).append(row)
    labels: list[Label] = []
    old: list[dict[str, Any]] = []
    written = 0
    for number, (sha256, found) in enumerate(measure_colours(ws, words, wanted, workers), start=1):
        said = [(sha256, "colour", value, word, confidence) for value, word, confidence in found]
        labels += said
        old += [row for row in stale.get(sha256, []) if row["word"] not in {label[3] for label in said}]
        if number % COMMIT_EVERY == 0 or number == len(wanted):
            written += _write(ws, labels, "rule", words, known)
            _remove(ws, old)
            labels, old = [], []
        progress(number, len(wanted))
    return written


def _write(
    ws: Workspace, labels: Iterable[Label], source: str, words: Taxonomy, known: dict[Any, dict[str, Any]]
) -> int:
    now = datetime.now(UTC)
    rows = [
        {"sha256": sha256, "field": name, "value": value, "word": word, "source": source, "confidence": confidence,
         "taxonomy": words.reference, "created_at": now}
        for sha256, name, value, word, confidence in labels
    ]  # fmt: skip
    new = [
        row for row in rows if _content(known.get((row["sha256"], row["field"], source, row["word"]))) != _content(row)
    ]
    return ws.tables.upsert("labels", new) if new else 0


def _content(row: dict[str, Any] | None) -> tuple[Any, ...] | None:
    return None if row is None else (row["value"], round(row["confidence"], 4), row["taxonomy"])
