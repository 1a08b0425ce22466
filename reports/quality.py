"""What the images are like: score histograms, near-duplicate examples, and which images the sheets show.

In: a workspace. Out: small lists of plain values; the counting is DuckDB's. Never decodes an image.
"""

from __future__ import annotations

from typing import Any

from dataset.workspace import Workspace

SCORES: dict[str, str] = {
    "sharpness": "1 is sharp",
    "exposure": "1 is neither dark nor blown out",
    "contrast": "1 uses the full range",
    "compression": "1 shows no JPEG blocks",
    "resolution": "1 is 512 px or more on the short side",
    "uniformity": "near 1 is a packshot's plain backdrop",
}
BINS = 20


def histograms(ws: Workspace) -> dict[str, list[int]]:
    """score -> counts in BINS equal bins of [0, 1], usable images that were measured; an unmeasured score is left
    out."""
    columns = ", ".join(SCORES)
    rows = ws.tables.query(
        f"""SELECT score, least(floor(value * {BINS}), {BINS - 1})::INTEGER AS bin, count(*) AS n
        FROM (UNPIVOT (SELECT {columns} FROM images WHERE status = 'ok') ON {columns} INTO NAME score VALUE value)
        WHERE isfinite(value) GROUP BY ALL"""
    ).to_pylist()
    found: dict[str, list[int]] = {name: [0] * BINS for name in SCORES if any(row["score"] == name for row in rows)}
    for row in rows:
        found[row["score"]][max(0, row["bin"])] += row["n"]
    return found


def look_alikes(ws: Workspace, clusters: int = 6, most: int = 4) -> list[list[dict[str, Any]]]:
    """Up to `clusters` near-duplicate clusters, the largest first, with up to `most` of their images each."""
    rows = ws.tables.query(
        f"""WITH sized AS (SELECT cluster_id, count(*) AS n FROM groups g JOIN images i USING (sha256)
          WHERE i.status = 'ok' GROUP BY 1 HAVING n > 1 ORDER BY n DESC, cluster_id LIMIT {int(clusters)})
        SELECT s.cluster_id, s.n, i.sha256, g.store, i.width, i.height, i.format, g.split
        FROM sized s JOIN groups g USING (cluster_id) JOIN images i USING (sha256)
        QUALIFY row_number() OVER (PARTITION BY s.cluster_id ORDER BY i.sha256) <= {int(most)}
        ORDER BY s.n DESC, s.cluster_id, i.sha256"""
    ).to_pylist()
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["cluster_id"], []).append(row)
    return list(found.values())


def picks(ws: Workspace, count: int = 12) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(random, worst): masked images with their best composite and, where there is one, a model's beside it."""
    sql = """WITH good AS (SELECT sha256, source, mask_sha256, quality, flags FROM masks m
          WHERE kind = 'composite' AND status = 'ok' AND EXISTS (FROM images i WHERE i.sha256 = m.sha256 AND i.status
          = 'ok')),
        best AS (SELECT * FROM good QUALIFY row_number() OVER (PARTITION BY sha256 ORDER BY
          CASE WHEN source = 'review' THEN 0 WHEN source = 'cutout' THEN 1 WHEN source LIKE 'model:%' THEN 3 ELSE 2
          END, source) = 1),
        model AS (SELECT sha256, arg_max(mask_sha256, source) AS predicted FROM good WHERE source LIKE 'model:%' GROUP
        BY 1)
        SELECT b.*, predicted, g.store, g.split FROM best b LEFT JOIN model USING (sha256) LEFT JOIN groups g USING
        (sha256)
        """
    random = ws.tables.query(f"{sql} ORDER BY md5(b.sha256) LIMIT {int(count)}").to_pylist()
    worst = ws.tables.query(
        f"{sql} WHERE b.quality IS NOT NULL ORDER BY b.quality, b.sha256 LIMIT {int(count)}"
    ).to_pylist()
    return random, worst


def balance(ws: Workspace, most: int = 10) -> dict[str, list[tuple[str, int]]]:
    """field -> [(value, images)], most frequent first; beyond `most` they are added up as 'other'."""
    rows = ws.tables.query(
        """SELECT field, value, count(DISTINCT sha256) AS n FROM labels WHERE value IS NOT NULL
        GROUP BY ALL ORDER BY field, n DESC, value"""
    ).to_pylist()
    fields: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        fields.setdefault(row["field"], []).append((row["value"], row["n"]))
    for field, values in fields.items():
        rest = sum(n for _, n in values[most:])
        fields[field] = values[:most] + ([("other", rest)] if rest else [])
    return fields


def unmapped(ws: Workspace, most: int = 40) -> list[dict[str, Any]]:
    """[{field, word, n}]: words no taxonomy value was found for, by how many images wait for them."""
    return ws.tables.query(
        f"""SELECT field, word, count(DISTINCT sha256) AS n FROM labels WHERE value IS NULL AND word IS NOT NULL
        GROUP BY ALL ORDER BY n DESC, field, word LIMIT {int(most)}"""
    ).to_pylist()
