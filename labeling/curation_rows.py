"""What curation shows of each image, gathered from the tables as plain rows.

In: images, labels, masks, groups, products, fetches, reviews, takedowns. Out: `Row`s sorted by sha256: the best mask,
the best label of each field with its source (of a multi field all values of that source), what every source said, where
sources contradict each other, predictions of runs, provenance, quality, opt-outs. An image that was taken down is none
of them. Never changes a table.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataset import taxonomy
from dataset.errors import UsageError
from dataset.mask_sources import stands
from dataset.progress import Progress, silent
from dataset.schema import SCHEMAS
from dataset.several import MULTI
from dataset.taxonomy import Taxonomy
from dataset.taxonomy_overlay import NAME as OVERLAY
from dataset.thresholds import ISSUES, issues
from dataset.workspace import Workspace
from labeling.contradictions import Said, contradictions
from labeling.curation_files import class_maps, pictures
from labeling.tagging import DISAGREEMENT

BETWEEN = ", "  # values of a multi field, as the App shows them
LABEL_TRUST = ("person", "import", "store", "rule")
OF_IMAGES = tuple(measure for measure in ISSUES) + tuple(name for name in ("faces",) if name in SCHEMAS["images"].names)
_WEB = re.compile(r"https?://", re.IGNORECASE)

FACTS = """
WITH pages AS (SELECT sha256, arg_min(store, fetched_at) AS store, arg_min(product_id, fetched_at) AS product_id,
                      arg_min(url, fetched_at) AS image_url, arg_min(page_url, fetched_at) AS page_url
               FROM fetches WHERE sha256 IS NOT NULL GROUP BY sha256),
latest AS (SELECT store, product_id, arg_max(url, fetched_at) AS product_url, arg_max(name, fetched_at) AS product_name,
                  arg_max(brand, fetched_at) AS product_brand, arg_max(licence, fetched_at) AS licence
           FROM products GROUP BY store, product_id),
last AS (SELECT url, arg_max(status, fetched_at) AS status, arg_max(reason, fetched_at) AS reason
         FROM fetches GROUP BY url),
refused AS (SELECT f.sha256, min(coalesce(last.reason, 'refused')) AS opt_out FROM fetches f JOIN last USING (url)
            WHERE f.sha256 IS NOT NULL AND last.status = 'refused' GROUP BY f.sha256),
sizes AS (SELECT cluster_id, count(*) AS cluster_size FROM groups GROUP BY cluster_id),
verdicts AS (SELECT sha256, arg_max(verdict, created_at) AS review, arg_max(reviewer, created_at) AS reviewer,
                    max(created_at) AS reviewed_at FROM reviews GROUP BY sha256)
SELECT i.sha256, i.width, i.height, i.bytes, i.format, i.view, {measures}, pages.store, page_url, image_url,
       product_url, product_name, product_brand, licence, opt_out,
       g.group_id, g.split, g.cluster_id, cluster_size, review, reviewer, reviewed_at
FROM images i LEFT JOIN pages USING (sha256) LEFT JOIN latest USING (store, product_id)
LEFT JOIN groups g USING (sha256) LEFT JOIN sizes ON sizes.cluster_id = g.cluster_id LEFT JOIN verdicts USING (sha256)
LEFT JOIN refused USING (sha256)
WHERE i.status = 'ok' AND NOT EXISTS (SELECT 1 FROM takedowns d WHERE d.kind = 'sha256' AND d.value = i.sha256)
ORDER BY i.sha256
"""
NOT_SHOWN = ("sha256", "width", "height", "bytes", "format", "view")
LINKS = ("page_url", "image_url", "product_url")
SAID = """
SELECT sha256, field, value, source, confidence, created_at, row_number() OVER (PARTITION BY sha256, field, source
         ORDER BY created_at DESC, confidence DESC, value) = 1 AS newest,
       rank() OVER (PARTITION BY sha256, field, source ORDER BY created_at DESC) = 1 AS sitting
FROM labels WHERE value IS NOT NULL ORDER BY sha256, field, source, value
"""
OVERRULED = """
SELECT sha256, field, max(created_at) AS at FROM reviews
WHERE verdict IN ('reject', 'relabel', 'accept') AND field NOT IN ('mask', 'image')
GROUP BY sha256, field HAVING arg_max(verdict, created_at) = 'reject'
"""


@dataclass(frozen=True)
class Row:
    """One image. `mask` is a class-map PNG (0, 1, 2); `labels` and `predicted` map a taxonomy field to what is said;
    `values` are plain fields; `words` is every label of every source, `disagreements` the fields they contradict in."""

    sha256: str
    filepath: Path
    width: int
    height: int
    bytes: int
    mask: Path | None = None
    predicted_mask: Path | None = None
    labels: dict[str, Said] = field(default_factory=dict)
    predicted: dict[str, Said] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def curation_rows(ws: Workspace, *, progress: Progress = silent) -> list[Row]:
    """Rows of every usable image, sorted by sha256; makes the files that are missing."""
    measures = ", ".join(f"i.{name}" for name in OF_IMAGES)
    facts = ws.tables.query(FACTS.format(measures=measures)).to_pylist()
    wanted = {fact["sha256"] for fact in facts}
    masks, guesses = _masks(ws, wanted)
    shown = [mask["mask_sha256"] for found in (masks, guesses) for mask in found.values()]
    maps = class_maps(ws, shown, progress)
    files = pictures(ws, {fact["sha256"]: fact["format"] for fact in facts})
    words = taxonomy_of(ws)
    multi = multi_of(words)
    told = _told(ws, multi)
    rows = []
    for fact in facts:
        sha256 = fact["sha256"]
        mask, guess, said = masks.get(sha256), guesses.get(sha256), told.get(sha256, {})
        values = _values(fact, mask, said, words)
        rows.append(
            Row(
                sha256, files[sha256], fact["width"], fact["height"], fact["bytes"],
                maps[mask["mask_sha256"]] if mask else None, maps[guess["mask_sha256"]] if guess else None,
                _best(said, ("model",), multi, without=True), _best(said, ("model",), multi), values,
            )
        )  # fmt: skip
    return rows


def _values(fact: dict[str, Any], mask: dict[str, Any] | None, said: Any, words: Taxonomy | None) -> dict[str, Any]:
    found = {name: fact[name] for name in fact if name not in NOT_SHOWN}
    for name in LINKS:  # an App makes a link of it: nothing but the web's own addresses
        found[name] = found[name] if found[name] and _WEB.match(found[name]) else None
    found["issues"] = issues(fact)
    found["said"] = sorted({_line(name, each) for name, all_ in said.items() if name != DISAGREEMENT for each in all_})
    found["disagreements"] = contradictions(said, words)
    keys = ("mask_quality", "mask_source", "mask_sha256", "mask_flags", "mask_scores")
    told = (mask["quality"], mask["source"], mask["mask_sha256"], mask["flags"] or [], _scores(mask)) if mask else None
    return found | dict(zip(keys, told or (None, None, None, [], []), strict=True))


def _scores(mask: dict[str, Any]) -> list[str]:
    """The mask's worst scores first, as text."""
    try:
        found = sorted((float(score), rule) for rule, score in json.loads(mask["scores"] or "{}").items())
    except (ValueError, TypeError, AttributeError):
        return []
    return [f"{rule} {score:.2f}" for score, rule in found if score < 1]


def _line(name: str, said: Said) -> str:
    return f"{name}={said.value} ({said.source}" + (f" {said.confidence:.2f})" if said.confidence is not None else ")")


def _masks(ws: Workspace, wanted: set[str]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """{sha256: best composite}, and {sha256: newest composite that a run drew}."""
    rows = ws.tables.read("masks", where="kind = 'composite' AND status = 'ok' AND mask_sha256 IS NOT NULL").to_pylist()
    rows = [row for row in rows if row["sha256"] in wanted]
    rows.sort(key=stands, reverse=True)
    guesses = [row for row in rows if row["source"].startswith("model:")]
    return {row["sha256"]: row for row in rows}, {row["sha256"]: row for row in guesses}


def _told(ws: Workspace, multi: frozenset[str]) -> dict[str, dict[str, list[Said]]]:
    """{sha256: {field: everything said}}. A field that was rejected last has no labels but what a person said since, as
    in a snapshot; of a person's words the newest count, of a multi field all of the newest sitting."""
    gone = {(row["sha256"], row["field"]): row["at"] for row in ws.tables.query(OVERRULED).to_pylist()}
    found: dict[str, dict[str, list[Said]]] = defaultdict(lambda: defaultdict(list))
    for row in ws.tables.query(SAID).to_pylist():
        person = row["source"] == "person"
        rejected = gone.get((row["sha256"], row["field"]))
        since = person and row["created_at"] is not None and rejected is not None and row["created_at"] > rejected
        newest = row["sitting" if row["field"] in multi else "newest"]
        if (person and not newest) or (rejected is not None and not since):
            continue
        found[row["sha256"]][row["field"]].append(Said(row["value"], row["confidence"], row["source"]))
    return found


def _best(
    said: dict[str, list[Said]], kinds: tuple[str, ...], multi: frozenset[str], *, without: bool = False
) -> dict[str, Said]:
    """The surest of each field, of sources of these kinds, or `without` them; of a multi field all values of that
    source, sorted, with `BETWEEN` between them."""
    found = {}
    for name, all_ in said.items():
        if fit := [each for each in all_ if (each.source.split(":")[0] in kinds) != without]:
            found[name] = best = min(fit, key=_rank)
            if name in multi:
                values = {each.value for each in fit if each.source == best.source}
                found[name] = replace(best, value=BETWEEN.join(sorted(values)))
    return found


def _rank(said: Said) -> tuple[int, float, str]:
    kind = said.source.split(":")[0]
    trust = LABEL_TRUST.index(kind) if kind in LABEL_TRUST else len(LABEL_TRUST)
    return trust, -(said.confidence or 0.0), said.value


def multi_of(words: Taxonomy | None) -> frozenset[str]:
    """Fields that may have several values; none without a taxonomy."""
    return frozenset(name for name, each in words.fields.items() if each.kind == MULTI) if words else frozenset()


def taxonomy_of(ws: Workspace) -> Taxonomy | None:
    """The workspace's taxonomy with its people's words, read again where a file changed; None where it can't be read:
    curation can be looked at without one."""
    try:
        files = [taxonomy.path_of(ws.settings.taxonomy, ws.root), ws.root / OVERLAY]
        times = tuple(path.stat().st_mtime_ns for path in files if path.is_file())
        return _read_taxonomy(ws.settings.taxonomy, ws.root, times)
    except UsageError:
        return None


@lru_cache(maxsize=4)
def _read_taxonomy(name: str, root: Path, changed: tuple[int, ...]) -> Taxonomy:
    return taxonomy.taxonomy_of(Workspace.open(root), name)
