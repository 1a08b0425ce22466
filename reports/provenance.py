"""Where the rows came from: shops, crawls, licences, opt-outs, take-downs,
and the versions of the tables that were read.

In: a workspace. Out: plain values for one box of the report. Counts addresses and products, never guesses a licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dataset.workspace import Workspace

TABLES = ("products", "fetches", "images", "groups", "labels", "masks", "embeddings", "reviews", "takedowns")


@dataclass(frozen=True)
class Provenance:
    stores: list[dict[str, Any]]
    licences: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    takedowns: list[dict[str, Any]]
    versions: dict[str, int]


def provenance(ws: Workspace) -> Provenance:
    """Everything the box shows. `refusals` counts image addresses by store and coded reason."""
    stores = """
      WITH p AS (SELECT store, count(DISTINCT product_id) AS products, count(DISTINCT crawl_id) AS crawls,
          min(fetched_at)::DATE::VARCHAR AS first, max(fetched_at)::DATE::VARCHAR AS last,
          string_agg(DISTINCT extractor, ', ') AS extractor FROM products GROUP BY 1),
      f AS (SELECT store, count(DISTINCT sha256) AS images, count(DISTINCT url) FILTER (status = 'refused') AS refused,
          string_agg(DISTINCT source, ', ' ORDER BY source) AS source FROM fetches GROUP BY 1)
      SELECT coalesce(p.store, f.store) AS store, coalesce(products, 0) AS products, coalesce(images, 0) AS images,
        coalesce(refused, 0) AS refused, coalesce(crawls, 0) AS crawls, first, last, extractor, source
      FROM p FULL JOIN f ON p.store = f.store ORDER BY images DESC, store"""
    licences = """SELECT coalesce(nullif(trim(licence), ''), 'unsaid') AS licence, count(DISTINCT (store,
    product_id)) AS products
      FROM products GROUP BY 1 ORDER BY products DESC, licence LIMIT 20"""
    refusals = """SELECT store, coalesce(reason, 'unsaid') AS reason, count(DISTINCT url) AS n FROM fetches
      WHERE status = 'refused' GROUP BY ALL ORDER BY n DESC, store, reason LIMIT 40"""
    takedowns = "SELECT kind, count(*) AS n FROM takedowns GROUP BY 1 ORDER BY 1"
    seen, stated, refused, gone = (ws.tables.query(sql).to_pylist() for sql in (stores, licences, refusals, takedowns))
    versions = {name: version for name in TABLES if (version := ws.tables.version(name)) is not None}
    return Provenance(seen, stated, refused, gone, versions)


def counts(ws: Workspace) -> dict[str, int]:
    """Rows that matter of every step, for the cards at the top."""
    row = ws.tables.query(
        """SELECT (SELECT count(*) FROM (SELECT DISTINCT store, product_id FROM products)) AS products,
          (SELECT count(DISTINCT store) FROM products) AS stores,
          (SELECT count(*) FROM fetches) AS fetches, (SELECT count(*) FROM images) AS images,
          (SELECT count(*) FROM images WHERE status = 'ok') AS usable, (SELECT count(*) FROM groups) AS grouped,
          (SELECT count(DISTINCT group_id) FROM groups) AS groups,
          (SELECT count(*) FROM groups WHERE split IS NOT NULL) AS split,
          (SELECT count(DISTINCT sha256) FROM masks WHERE kind = 'composite' AND status = 'ok') AS masked,
          (SELECT count(*) FROM (SELECT DISTINCT sha256, field, value FROM labels WHERE value IS NOT NULL)) AS labels,
          (SELECT count(DISTINCT sha256) FROM labels WHERE value IS NOT NULL) AS labelled,
          (SELECT count(*) FROM reviews) AS reviews"""
    )
    return dict(row.to_pylist()[0])
