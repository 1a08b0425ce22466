"""The funnel: what became of every image a page named, stage by stage, with a coded reason for every loss.

In: a workspace and the rows of a snapshot. Out: stages whose parts add up to their total,
each total being what the stage
before kept (plus what came in from elsewhere, said as `joined`). One row per reason leaves DuckDB, whatever the size.
Checked images are the base of four questions: near-duplicates, masks, labels, snapshot. They branch; they don't chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from dataset.workspace import Workspace
from reports.wording import SPLITS, in_words

# The fate of one image address in one shop: the newest bytes we have of it, else the newest refusal or failure.
_FATES = """
  named AS (
    SELECT store, unnest(image_urls) AS url FROM products UNION SELECT store, url FROM fetches
  ), attempts AS (
    SELECT store, url, status, reason, sha256 FROM fetches QUALIFY row_number() OVER (PARTITION BY store, url
      ORDER BY (sha256 IS NOT NULL) DESC, fetched_at DESC NULLS LAST, crawl_id DESC, page_url) = 1
  ), fates AS (
    SELECT n.store, n.url, a.sha256, a.reason,
           CASE WHEN a.sha256 IS NOT NULL THEN 'ok' WHEN a.status IS NULL THEN 'waiting'
                WHEN a.status = 'refused' THEN 'refused' ELSE 'failed' END AS fate
    FROM named n LEFT JOIN attempts a ON a.url = n.url AND a.store IS NOT DISTINCT FROM n.store WHERE n.url IS NOT NULL
  ), fetched AS (SELECT DISTINCT sha256 FROM fates WHERE sha256 IS NOT NULL)
"""
_RANK = """CASE WHEN source = 'review' THEN 0 WHEN source = 'cutout' OR source LIKE 'import:%' THEN 1
  WHEN source LIKE 'model:%' THEN 2 ELSE 3 END"""


@dataclass(frozen=True)
class Part:
    """`kind` is kept, lost or waiting (nothing tried yet)."""

    label: str
    count: int
    kind: str
    code: str = ""


@dataclass(frozen=True)
class Stage:
    """sum of part counts == total == what `after` kept + joined."""

    name: str
    unit: str
    parts: tuple[Part, ...]
    after: str = ""
    joined: int = 0
    note: str = ""

    @property
    def total(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def kept(self) -> int:
        return sum(part.count for part in self.parts if part.kind == "kept")


def funnel(ws: Workspace, snapshot: pa.Table | None) -> list[Stage]:
    """All stages; `snapshot` is the rows of the newest snapshot (a `sha256` and a `split` column), or None."""
    stages = [*_asking(ws), *_fetching(ws), _checking(ws), _alike(ws), _masking(ws), _labelling(ws)]
    if snapshot is not None:
        stages += _freezing(ws, snapshot)
    return stages


def _asking(ws: Workspace) -> list[Stage]:
    """The newest fate of each page asked for; nothing where images came from elsewhere."""
    rows = ws.tables.query(
        """WITH newest AS (SELECT status, reason FROM pages QUALIFY row_number() OVER (PARTITION BY store, url
           ORDER BY fetched_at DESC NULLS LAST) = 1)
        SELECT status, reason, count(*) AS n FROM newest GROUP BY ALL ORDER BY n DESC, reason"""
    ).to_pylist()
    if not rows:
        return []
    read = sum(row["n"] for row in rows if row["status"] in ("ok", "unchanged"))
    lost = [
        Part(f"{row['status']}: {in_words(row['reason'])}", row["n"], "lost", row["reason"] or "unsaid")
        for row in rows
        if row["status"] in ("failed", "refused")
    ]
    return [Stage("Pages asked for", "page addresses", _filled([Part("read", read, "kept"), *lost]))]


def _fetching(ws: Workspace) -> list[Stage]:
    rows = ws.tables.query(
        f"WITH {_FATES} SELECT fate, reason, count(*) AS n FROM fates GROUP BY ALL ORDER BY n DESC, reason"
    )
    found = [(row["fate"], row["reason"], row["n"]) for row in rows.to_pylist()]
    fetched = sum(n for fate, _, n in found if fate == "ok")
    waiting = sum(n for fate, _, n in found if fate == "waiting")
    lost = [
        Part(f"{fate}: {in_words(why)}", n, "lost", why or "unsaid")
        for fate, why, n in found
        if fate in ("failed", "refused")
    ]
    parts = [Part("fetched", fetched, "kept"), *lost, Part(in_words("not_asked"), waiting, "waiting", "not_asked")]
    different = ws.tables.query(f"WITH {_FATES} SELECT count(*) AS n FROM fetched")["n"][0].as_py()
    same = [
        Part("different images", different, "kept"),
        Part(in_words("same_bytes"), fetched - different, "lost", "same_bytes"),
    ]
    return [
        Stage("Listed on pages", "image addresses", _filled(parts)),
        Stage("Fetched", "image addresses", _filled(same), "Listed on pages"),
    ]


def _checking(ws: Workspace) -> Stage:
    rows = ws.tables.query(
        f"""WITH {_FATES} SELECT i.status, i.reason, f.sha256 IS NULL AS joined, count(*) AS n
        FROM fetched f FULL JOIN images i ON i.sha256 = f.sha256 GROUP BY ALL ORDER BY n DESC, i.reason"""
    ).to_pylist()
    parts = [Part("usable", sum(r["n"] for r in rows if r["status"] == "ok"), "kept")]
    bad: dict[str, int] = {}
    for row in rows:
        if row["status"] not in ("ok", None):
            bad[row["reason"] or "unsaid"] = bad.get(row["reason"] or "unsaid", 0) + row["n"]
    parts += [Part(f"bad: {in_words(why)}", n, "lost", why) for why, n in bad.items()]
    waiting = sum(r["n"] for r in rows if r["status"] is None)
    joined = sum(r["n"] for r in rows if r["joined"])
    note = f"{joined} came in as older versions of an address, or without one." if joined else ""
    return Stage(
        "Checked",
        "images",
        _filled([*parts, Part(in_words("not_checked"), waiting, "waiting", "not_checked")]),
        "Fetched",
        joined,
        note,
    )


def _alike(ws: Workspace) -> Stage:
    row = ws.tables.query(
        """WITH u AS (SELECT g.cluster_id FROM images i LEFT JOIN groups g ON g.sha256 = i.sha256 WHERE i.status =
        'ok'),
        c AS (SELECT cluster_id, count(*) AS n FROM u GROUP BY 1)
        SELECT coalesce(sum(n) FILTER (cluster_id IS NULL), 0)::BIGINT AS waiting,
          coalesce(sum(n) FILTER (cluster_id IS NOT NULL AND n = 1), 0)::BIGINT AS single,
          count(*) FILTER (cluster_id IS NOT NULL AND n > 1) AS clusters,
          coalesce(sum(n - 1) FILTER (cluster_id IS NOT NULL AND n > 1), 0)::BIGINT AS again FROM c"""
    ).to_pylist()[0]
    parts = [
        Part("one of a kind", row["single"], "kept"),
        Part("first of several look-alikes", row["clusters"], "kept"),
        Part("near-duplicates of those", row["again"], "kept", "near_duplicate"),
        Part("not compared yet", row["waiting"], "waiting", "not_compared"),
    ]
    different = row["single"] + row["clusters"]
    note = (
        f"{different} different pictures. Near-duplicates are kept, but share one split: none is learned, then tested."
    )
    return Stage("Near-duplicates", "images", _filled(parts), "Checked", note=note)


def _masking(ws: Workspace) -> Stage:
    rows = ws.tables.query(
        f"""WITH best AS (SELECT sha256, source, status, reason FROM masks WHERE kind = 'composite'
          QUALIFY row_number() OVER (PARTITION BY sha256 ORDER BY status = 'ok' DESC, {_RANK}, source) = 1)
        SELECT m.status, m.reason, if(m.source LIKE 'model:%', 'model', m.source) AS source, count(*) AS n
        FROM images i LEFT JOIN best m ON m.sha256 = i.sha256 WHERE i.status = 'ok' GROUP BY ALL ORDER BY n DESC,
        source, reason"""
    ).to_pylist()
    good = [
        Part(f"mask from {in_words(r['source'])}", r["n"], "kept", r["source"]) for r in rows if r["status"] == "ok"
    ]
    bad: dict[str, int] = {}
    for row in rows:
        if row["status"] not in ("ok", None):
            bad[row["reason"] or "unsaid"] = bad.get(row["reason"] or "unsaid", 0) + row["n"]
    lost = [Part(f"bad mask: {in_words(why)}", n, "lost", why) for why, n in bad.items()]
    waiting = sum(r["n"] for r in rows if r["status"] is None)
    parts = [*good, *lost, Part(in_words("not_masked"), waiting, "waiting", "not_masked")]
    return Stage("Masked", "images", _filled(parts), "Checked")


def _labelling(ws: Workspace) -> Stage:
    row = ws.tables.query(
        """WITH said AS (SELECT sha256, bool_or(value IS NOT NULL) AS mapped FROM labels GROUP BY 1)
        SELECT count(*) FILTER (mapped) AS mapped, count(*) FILTER (NOT mapped) AS unmapped,
          count(*) FILTER (mapped IS NULL) AS waiting
        FROM images i LEFT JOIN said USING (sha256) WHERE i.status = 'ok'"""
    ).to_pylist()[0]
    parts = [
        Part("with at least one label", row["mapped"], "kept"),
        Part(in_words("word_unmapped"), row["unmapped"], "lost", "word_unmapped"),
        Part(in_words("not_labelled"), row["waiting"], "waiting", "not_labelled"),
    ]
    return Stage("Labelled", "images", _filled(parts), "Checked")


def _freezing(ws: Workspace, snapshot: pa.Table) -> list[Stage]:
    """Why a usable image is not in the snapshot: the first of the reasons that holds."""
    usable = ws.tables.query(
        """WITH verdicts AS (SELECT sha256, verdict FROM reviews WHERE field = 'image' AND verdict IN ('accept',
        'reject')
          QUALIFY row_number() OVER (PARTITION BY sha256 ORDER BY created_at DESC, review_id) = 1)
        SELECT i.sha256, CASE WHEN EXISTS (FROM takedowns d WHERE d.kind = 'sha256' AND d.value = i.sha256) THEN
        'taken down'
          WHEN v.verdict = 'reject' THEN 'rejected by a reviewer' WHEN g.split IS NULL THEN 'no split yet'
          ELSE 'left out by its query, or newer than it' END AS why
        FROM images i LEFT JOIN verdicts v USING (sha256) LEFT JOIN groups g USING (sha256) WHERE i.status = 'ok'"""
    ).to_pandas()
    frozen = set(snapshot["sha256"].to_pylist())
    inside = usable["sha256"].isin(frozen)
    reasons = usable.loc[~inside, "why"].value_counts()
    joined = len(frozen) - int(inside.sum())
    parts = [Part("in the snapshot", len(frozen), "kept")]
    parts += [
        Part(str(why), int(n), "waiting" if "yet" in str(why) else "lost", str(why)) for why, n in reasons.items()
    ]
    counts = {entry["values"]: entry["counts"] for entry in snapshot["split"].value_counts().to_pylist()}
    order = [*SPLITS, *sorted(str(name) for name in counts if name not in SPLITS)]
    split = [Part(name, int(counts.get(name, 0)), "kept", name) for name in order]
    note = f"{joined} images of the snapshot are gone from the tables since." if joined else ""
    return [
        Stage("In the snapshot", "images", _filled(parts), "Checked", joined, note),
        Stage("Split", "images", _filled(split), "In the snapshot"),
    ]


def _filled(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Without empty parts, but never without any."""
    return tuple(part for part in parts if part.count) or (parts[0],)
