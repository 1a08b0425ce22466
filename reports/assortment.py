"""The catalogue report: what shops offer now and what changed since the crawl before; HTML, with CSV and Parquet.

In: tables of a workspace. Out: `reports/catalogue.html`, and beside it every change as `catalogue-changes.csv` and
`.parquet`. DuckDB adds up in shards of products, so a million of them fit in bounded memory. Currencies are never
mixed; what is uncertain is called uncertain. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dataset.errors import UsageError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from reports import catalogue, static
from reports.changes import KINDS, SHARD_ROWS, Tally, changes, shards_of
from reports.crawls import Crawl, Pair, crawls, pairs
from reports.mix import Mixed, mix
from reports.pictures import Pictures, product_pictures
from reports.tabular import Files
from reports.written import Written, made_at, place, write

SHOWN = 12  # products shown with a picture, per kind of change
BUDGET_BYTES = 4_000_000
Section = dict[str, Any]
_CURRENT = """
WITH now AS (SELECT unnest($1::VARCHAR[]) AS store, unnest($2::VARCHAR[]) AS crawl_id)
SELECT p.store, p.product_id, p.currency, coalesce(p.availability, 'unsaid') AS availability, p.variant_group, p.gtin,
  nullif(try_cast(p.price AS DOUBLE), 'NaN') AS price, nullif(try_cast(p.list_price AS DOUBLE), 'NaN') AS list_price,
  left(coalesce(list_last(list_filter(p.categories, lambda c: trim(c) <> '' AND c IS DISTINCT FROM p.name)),
  'no category'),
       120) AS category
FROM products p JOIN now ON now.store = p.store AND now.crawl_id = p.crawl_id
WHERE hash(p.product_id) % $4::UBIGINT = $3::UBIGINT
QUALIFY row_number() OVER (PARTITION BY p.store, p.product_id ORDER BY p.fetched_at DESC NULLS LAST) = 1
"""


def catalogue_report(
    ws: Workspace,
    *,
    out: Path | None = None,
    stores: Sequence[str] = (),
    before: str | None = None,
    after: str | None = None,
    partial: Collection[str] = (),
    blur_faces: bool = False,
    progress: Progress = silent,
) -> Written:
    """Write the report of the two newest crawls of each shop, or of those named; `stores` narrows it to some shops.

    `partial`: ids of crawls cut short, which can't tell what is gone. Raises UsageError for an unknown shop or crawl.
    """
    page = place(ws, out, "catalogue")
    found = of_stores(stores, crawls(ws, partial))
    if not found:
        values = {
            **_head(ws, []),
            "empty": "No product has been crawled yet. Start with: modiste crawl URL -w WORKSPACE",
        }
        return write(page, "catalogue.html.j2", values)
    chosen = pairs(found, before, after)
    progress(0, 4)
    tally, files = _write_changes(ws, chosen, page)
    progress(1, 4)
    newest = _newest(found, chosen)
    current = current_offer(ws, newest)
    pictures = Pictures(ws.blobs, BUDGET_BYTES, faces_in=ws if blur_faces else None)
    values = {**_head(ws, newest), "pictures": pictures, "files": [file.name for file in files]}
    values |= {"shops": [_shop(crawl, chosen, tally) for crawl in newest], "total": {k: tally.total(k) for k in KINDS}}
    values |= {"lists": _lists(ws, tally, [c.store for c in newest], pictures), "notes": _notes(newest, chosen)}
    progress(2, 4)
    values |= {"products": current.num_rows, **_offer(current), "variants": _variants(current)}
    progress(3, 4)
    values |= {"mixes": _mixes(mix(ws, newest))}
    said = {"products": current.num_rows, "shops": len(newest), "changes": sum(tally.counts.values())}
    written = write(page, "catalogue.html.j2", values, said, files)
    progress(4, 4)
    return written


def current_offer(ws: Workspace, newest: Sequence[Crawl], shard_rows: int = SHARD_ROWS) -> pa.Table:
    """One row a product of the newest crawls, as last seen in them; about 110 bytes each. Sorted in shards, since that
    takes several times the room of what comes out."""
    shards = shards_of(newest, shard_rows)
    asked = [[crawl.store for crawl in newest], [crawl.crawl_id for crawl in newest]]
    return pa.concat_tables(ws.tables.query(_CURRENT, parameters=[*asked, k, shards]) for k in range(shards))


def of_stores(stores: Sequence[str], found: list[Crawl]) -> list[Crawl]:
    """Crawls of these shops; of all where none is named. Raises UsageError for a shop that was never crawled."""
    known = sorted({crawl.store for crawl in found})
    if unknown := sorted(set(stores) - set(known)):
        raise UsageError(f"there is no shop '{unknown[0]}'", expected="one of " + (", ".join(known) or "none yet"))
    return [crawl for crawl in found if not stores or crawl.store in stores]


def _newest(found: Sequence[Crawl], chosen: Sequence[Pair]) -> list[Crawl]:
    """The crawl that says what a shop offers now: the later one of its pair, else its only one."""
    last = {crawl.store: crawl for crawl in found} | {pair.after.store: pair.after for pair in chosen}
    return [last[store] for store in sorted(last)]


def _write_changes(ws: Workspace, chosen: Sequence[Pair], page: Path) -> tuple[Tally, list[Path]]:
    tally = Tally(SHOWN)
    if not chosen:
        return tally, []
    with Files(page.with_name(f"{page.stem}-changes")) as files:
        for table in changes(ws, chosen):
            tally.add(table)
            files.add(table)
    return tally, [files.csv, files.parquet]


def _head(ws: Workspace, newest: Sequence[Crawl]) -> Section:
    contents = [
        ("glance", "At a glance"),
        ("changes", "Changes"),
        ("offer", "Assortment"),
        ("mix", "Mix"),
        ("variants", "Variants"),
        ("method", "Method"),
    ]
    facts = [("shops", str(len(newest))), ("made", made_at())]
    return {
        "title": ws.settings.name,
        "kind": "catalogue report",
        "facts": facts,
        "contents": contents if newest else [],
    }


def _shop(crawl: Crawl, chosen: Sequence[Pair], tally: Tally) -> Section:
    pair = next((pair for pair in chosen if pair.after == crawl), None)
    counts = {kind: tally.counts.get((crawl.store, kind), 0) for kind in KINDS}
    return {"crawl": crawl, "before": pair.before if pair else None, "counts": counts}


def _notes(newest: Sequence[Crawl], chosen: Sequence[Pair]) -> list[str]:
    """What the reader must know before believing a number."""
    partly = {crawl.crawl_id: crawl for pair in chosen for crawl in (pair.before, pair.after) if not crawl.is_whole}
    notes = [
        f"{c.store}: the crawl of {c.at:%Y-%m-%d %H:%M} did not see the whole shop: {c.whole_or_why}."
        for c in partly.values()
    ]
    paired = {pair.after.store for pair in chosen}
    return notes + [
        f"{c.store} was crawled once, so nothing can have changed yet." for c in newest if c.store not in paired
    ]


def _lists(ws: Workspace, tally: Tally, stores: Sequence[str], pictures: Pictures) -> list[Section]:
    lists = []
    for kind, words in KINDS.items():
        share = max(2, SHOWN // max(len(stores), 1))
        rows = [row for store in stores for row in tally.rows(store, kind)[:share]]
        if rows:
            shown = product_pictures(ws, rows, pictures)
            lists.append({"kind": kind, "words": words, "total": tally.total(kind), "rows": shown})
    return lists


def _offer(current: pa.Table) -> Section:
    """Charts of what is offered now."""
    shelf = catalogue.assortment(current)
    stock = catalogue.availability(current)
    section: Section = {
        "shelf": static.stacked([(r["category"], r["store"], r["products"]) for r in shelf.to_dict("records")]),
        "stock": static.stacked(
            [(r["store"], r["availability"], r["products"]) for r in stock.to_dict("records")], share=True
        ),
        "discounts": catalogue.discounts(current).to_dict("records"),
        "spread": None,
        "currency": None,
    }
    currency, prices = catalogue.main_currency(current), catalogue.prices(current)
    prices = prices[prices["currency"] == currency]
    if currency is None or not len(prices):
        return section
    stores = sorted(prices["store"].unique())
    largest = prices.groupby("category")["n"].sum().nlargest(10).index.tolist()
    rows = [
        {
            "name": r.category if len(stores) == 1 else f"{r.category} · {r.store}",
            "low": r.low,
            "q1": r.q1,
            "median": r.median,
            "q3": r.q3,
            "high": r.high,
            "n": r.n,
            "shade": stores.index(r.store) % static.COLOURS,
        }
        for category in largest
        for r in prices[prices["category"] == category].sort_values("store").itertuples()
    ][:24]
    legend = [(store, k % static.COLOURS) for k, store in enumerate(stores)]
    return {**section, "spread": static.spreads(rows), "currency": currency, "spread_legend": legend}


def _variants(current: pa.Table) -> Section:
    """Styles within a shop by its own variant groups; the same article across shops by GTIN."""
    styles = catalogue.run(
        """SELECT store, count(*)::BIGINT AS products,
          count(DISTINCT hash(coalesce(variant_group, product_id)))::BIGINT AS styles,
          count(variant_group)::BIGINT AS grouped FROM current GROUP BY 1 ORDER BY 1""",
        current=current,
    ).to_pylist()
    if len(styles) < 2:
        return {"styles": styles, "matched": 0, "offers": []}
    matched = catalogue.run(
        """WITH same AS (SELECT gtin, store, currency, min(price) AS price, any_value(category) AS category FROM current
          WHERE trim(gtin) <> '' AND price > 0 GROUP BY ALL)
        SELECT gtin, currency, any_value(category) AS category, list({'store': store,
        'price': price} ORDER BY price) AS offers
        FROM same GROUP BY gtin, currency HAVING count(DISTINCT store) > 1
        ORDER BY max(price) / min(price) DESC, gtin""",
        current=current,
    )
    return {"styles": styles, "matched": matched.num_rows, "offers": matched.slice(0, 12).to_pylist()}


def _mixes(found: Sequence[Mixed], most: int = 12) -> list[Section]:
    """One chart a field and source: per value and shop its share; error bars where a model said it."""
    sections = []
    for field, source in sorted({(row.field, row.source) for row in found}):
        rows = [row for row in found if (row.field, row.source) == (field, source)]
        stores = sorted({row.store for row in rows})
        values = list(dict.fromkeys(row.value for row in rows))[:most]
        drawn = [
            {
                "name": value,
                "marks": [],
                "points": [_point(row, stores.index(row.store)) for row in rows if row.value == value],
            }
            for value in values
        ]
        legend = [
            (f"{store} (n = {next(r.n for r in rows if r.store == store)})", k % static.COLOURS)
            for k, store in enumerate(stores)
        ]
        methods = sorted({row.share.method for row in rows})
        sections.append(
            {"field": field, "source": source, "dots": static.dots(drawn), "legend": legend, "methods": methods}
        )
    return sections


def _point(row: Mixed, shop: int) -> Section:
    share = row.share
    interval = "" if share.method == "counted" else f", 95 % [{share.low:.3f}, {share.high:.3f}], {share.method}"
    text = f"{row.store}: {row.hits} of {row.n} said{interval}"
    return {"value": share.value, "low": share.low, "high": share.high, "shade": shop % static.COLOURS, "text": text}
