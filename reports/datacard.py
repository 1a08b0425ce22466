"""The data card: where a data set comes from, what was refused and lost, how far its labels agree, what it lacks.

In: tables of a workspace and its newest snapshot. Out: `reports/data.html`. After Gebru et al., Datasheets for Datasets
(2021). Only counts of what the tables hold; what they don't hold is listed as a gap, never estimated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset.workspace import Workspace
from reports import static
from reports.funnel import funnel
from reports.intervals import wilson
from reports.overview import newest_snapshot, shade
from reports.provenance import Provenance, counts, provenance
from reports.quality import balance
from reports.wording import in_words, number
from reports.written import Written, made_at, place, write

# Two sources that label one field of one image agree where they share a value.
_AGREEMENT = """
WITH said AS (SELECT sha256, field, if(source LIKE 'model:%', 'model', source) AS source, list(DISTINCT value) AS told
  FROM labels WHERE value IS NOT NULL GROUP BY ALL)
SELECT a.field, a.source AS one, b.source AS other, count(*) AS n, count(*) FILTER (list_has_any(a.told,
b.told)) AS agree
FROM said a JOIN said b ON a.sha256 = b.sha256 AND a.field = b.field AND a.source < b.source
GROUP BY ALL ORDER BY n DESC, a.field, one, other LIMIT 40
"""
_SPLITS = """SELECT store, coalesce(split, 'none yet') AS split, count(*) AS n FROM groups GROUP BY ALL ORDER BY 1, 2"""
_FACES = """SELECT count(*) AS images, count(faces) AS counted, count(*) FILTER (faces > 0) AS with_faces,
  coalesce(sum(faces), 0)::BIGINT AS faces FROM images WHERE status = 'ok'"""
_DUPLICATES = """WITH sized AS (SELECT cluster_id, count(*) AS n, count(DISTINCT store) AS stores,
    count(DISTINCT split) AS parts FROM groups GROUP BY 1)
  SELECT count(*) FILTER (n > 1) AS clusters, coalesce(sum(n) FILTER (n > 1), 0)::BIGINT AS images,
  count(*) FILTER (stores > 1) AS across, count(*) FILTER (parts > 1) AS torn FROM sized"""
_TONES = ("skin_tone", "skin-tone", "tone", "ita")


def data_card(ws: Workspace, *, out: Path | None = None) -> Written:
    """Write the card to `out` (default `reports/data.html`)."""
    page, found = place(ws, out, "data"), counts(ws)
    head = {"title": ws.settings.name, "kind": "data card"}
    if not any(found[key] for key in ("products", "fetches", "images")):
        empty = "This workspace is empty: no page was crawled and no image brought in. Start with: modiste crawl URL"
        return write(page, "data.html.j2", {**head, "facts": [("made", made_at())], "empty": empty})
    warnings: list[str] = []
    snapshot = newest_snapshot(ws, warnings)
    came = provenance(ws)
    stages = funnel(ws, None if snapshot is None else snapshot.rows)
    faces, duplicates = ws.tables.query(_FACES).to_pylist()[0], ws.tables.query(_DUPLICATES).to_pylist()[0]
    fields = balance(ws)
    values: dict[str, Any] = {
        **head,
        "warnings": warnings,
        "found": found,
        "came": came,
        "funnel": stages,
        "shade": shade,
        "widest": max([stage.total for stage in stages] + [1]),
        "faces": faces,
        "duplicates": duplicates,
        "facts": [
            ("purpose", ws.settings.purpose),
            ("snapshot", snapshot.name if snapshot else "none yet"),
            ("made", made_at()),
        ],
        "contents": [
            ("sources", "Sources"),
            ("funnel", "Losses"),
            ("labels", "Labels"),
            ("people", "People"),
            ("gaps", "Known gaps"),
        ],
        "agreement": [_agreement(row) for row in ws.tables.query(_AGREEMENT).to_pylist()],
        "fields": [(name, static.bars(values)) for name, values in fields.items()],
        "splits": static.stacked(
            [(r["store"] or "unsaid", r["split"], r["n"]) for r in ws.tables.query(_SPLITS).to_pylist()]
        ),
        "tones": [(name, static.bars(fields[name])) for name in fields if name in _TONES],
        "gaps": _gaps(found, came, faces, fields, snapshot is not None),
    }
    return write(page, "data.html.j2", values, {"products": found["products"], "usable images": found["usable"]})


def _agreement(row: dict[str, Any]) -> list[str | int]:
    low, high = wilson(row["agree"], row["n"])
    share = f"{row['agree'] / row['n']:.2f} [{low:.2f}, {high:.2f}]"
    return [str(row["field"]), f"{in_words(row['one'])} and {in_words(row['other'])}", int(row["n"]), share]


def _gaps(
    found: dict[str, int], came: Provenance, faces: dict[str, int], fields: dict[str, Any], is_frozen: bool
) -> list[str]:
    """What a reader would otherwise assume."""
    unsaid = sum(row["products"] for row in came.licences if row["licence"] == "unsaid")
    gaps = [
        (unsaid, f"{number(unsaid)} products state no licence for their images."),
        (
            not faces["counted"] or faces["counted"] < faces["images"],
            f"Faces were looked for in {number(faces['counted'])} of {number(faces['images'])} usable images.",
        ),
        (
            not any(name in fields for name in _TONES),
            "No table holds skin tones: coverage of skin is unknown here. Measured slices stand in the model card.",
        ),
        (found["masked"] < found["usable"], f"{number(found['usable'] - found['masked'])} usable images have no mask."),
        (
            found["labelled"] < found["usable"],
            f"{number(found['usable'] - found['labelled'])} usable images have no label.",
        ),
        (
            found["split"] < found["usable"],
            f"{number(max(found['usable'] - found['split'], 0))} usable images are in no split.",
        ),
        (not found["reviews"], "No person has reviewed any label or mask."),
        (
            found["stores"] < 2,
            "All products come from one shop or none: nothing here shows how a model does elsewhere.",
        ),
        (not is_frozen, "Nothing is frozen: figures change with the next crawl."),
    ]
    return [text for holds, text in gaps if holds]
