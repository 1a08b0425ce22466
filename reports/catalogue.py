"""A catalogue in figures: assortment, prices, discounts, availability and colours, per store and category.

In: a `products` table (Arrow). Out: small pandas frames; DuckDB does the counting, so a million products take seconds.
Of a product seen in several crawls the last sighting counts. Currencies are never mixed. Never reads a workspace.
"""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

OTHER = "other"
# The deepest crumb that is not the product itself; a price with anything but a decimal number in it is no price.
_LATEST = """
SELECT store, product_id, url, name, brand, currency, colour, licence, fetched_at, image_urls, crawl_id, extractor,
  coalesce(availability, 'unsaid') AS availability,
  nullif(try_cast(price AS DOUBLE), 'NaN') AS price, try_cast(list_price AS DOUBLE) AS list_price,
  coalesce(list_last(list_filter(categories, lambda crumb: trim(crumb) <> '' AND crumb IS DISTINCT FROM name)),
           'no category') AS category
FROM products
QUALIFY row_number() OVER (PARTITION BY store, product_id ORDER BY fetched_at DESC NULLS LAST, crawl_id DESC) = 1
"""


def latest(products: pa.Table) -> pa.Table:
    """One row per (store, product_id), its last sighting; prices as float64 (null where unreadable), one `category`."""
    return run(_LATEST, products=products)


def assortment(current: pa.Table, most: int = 12) -> pd.DataFrame:
    """[store, category, products]; categories beyond the `most` largest are added up as 'other'. Takes `latest`."""
    return run(
        """WITH top AS (SELECT category FROM current GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT $most)
        SELECT store, if(category IN (FROM top), category, $other) AS category, count(*)::BIGINT AS products
        FROM current GROUP BY ALL ORDER BY store, products DESC, category""",
        {"most": most, "other": OTHER},
        current=current,
    ).to_pandas()


def main_currency(current: pa.Table) -> str | None:
    """The currency most priced products have; None where nothing has a price and a currency."""
    found = run(
        "SELECT currency FROM current WHERE price IS NOT NULL AND currency IS NOT NULL "
        "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        current=current,
    )
    return str(found["currency"][0]) if found.num_rows else None


def prices(current: pa.Table) -> pd.DataFrame:
    """[store, category, currency, n, low, q1, median, q3, high] of what a visitor pays now, priced products only."""
    return run(
        """SELECT store, category, currency, count(*)::BIGINT AS n, min(price) AS low,
          quantile_cont(price, 0.25) AS q1, median(price) AS median,
          quantile_cont(price, 0.75) AS q3, max(price) AS high
        FROM current WHERE price > 0 AND isfinite(price) GROUP BY ALL ORDER BY n DESC, store, category""",
        current=current,
    ).to_pandas()


def price_histogram(current: pa.Table, currency: str, bins: int = 24) -> pd.DataFrame:
    """[store, left, right, products]: prices in one currency, in bins equal in the logarithm from 1 % to 99 %.

    The two outer bins also hold what lies outside, so the counts add up to all priced products of that currency.
    """
    priced = run(
        "SELECT store, price FROM current WHERE price > 0 AND isfinite(price) AND currency = $currency",
        {"currency": currency},
        current=current,
    )
    if not priced.num_rows:
        return pd.DataFrame({"store": [], "left": [], "right": [], "products": []})
    values = priced["price"].to_numpy()
    low, high = np.quantile(values, [0.01, 0.99])
    edges = np.geomspace(low, high if high > low else low * 1.1, bins + 1)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    placed = pd.DataFrame({"store": priced["store"].to_pandas(), "bin": place})
    counted = placed.value_counts().reset_index(name="products")
    counted["left"], counted["right"] = edges[counted["bin"]], edges[counted["bin"] + 1]
    return counted.sort_values(["store", "bin"])[["store", "left", "right", "products"]].reset_index(drop=True)


def discounts(current: pa.Table) -> pd.DataFrame:
    """[store, n, discounted, share, median_off]: a discount is a list price above the price; shares in [0, 1]."""
    return run(
        """SELECT store, count(*)::BIGINT AS n, count(*) FILTER (list_price > price)::BIGINT AS discounted,
          count(*) FILTER (list_price > price) / count(*) AS share,
          median(1 - price / list_price) FILTER (list_price > price) AS median_off
        FROM current WHERE price > 0 GROUP BY store ORDER BY store""",
        current=current,
    ).to_pandas()


def availability(current: pa.Table) -> pd.DataFrame:
    """[store, availability, products]; what a page does not say is 'unsaid'."""
    return run(
        """SELECT store, availability, count(*)::BIGINT AS products FROM current
        GROUP BY ALL ORDER BY store, products DESC""",
        current=current,
    ).to_pandas()


def colours(current: pa.Table, most: int = 14) -> pd.DataFrame:
    """[colour, products] in the shops' own words, lower-cased, the `most` frequent, the rest as 'other'."""
    return run(
        """WITH words AS (SELECT lower(trim(colour)) AS colour, count(*)::BIGINT AS products FROM current
          WHERE trim(colour) <> '' GROUP BY 1),
        ranked AS (SELECT *, row_number() OVER (ORDER BY products DESC, colour) AS place FROM words)
        SELECT if(place <= $most, colour, $other) AS colour, sum(products)::BIGINT AS products
        FROM ranked GROUP BY 1 ORDER BY min(place)""",
        {"most": most, "other": OTHER},
        current=current,
    ).to_pandas()


def examples(current: pa.Table, count: int = 12) -> list[dict[str, Any]]:
    """`count` products with an image address, the same ones every time, as dicts of plain values."""
    return run(
        """SELECT store, product_id, url, name, brand, price, list_price, currency, availability, category, colour
        FROM current WHERE len(image_urls) > 0 ORDER BY md5(store || '|' || product_id) LIMIT $count""",
        {"count": count},
        current=current,
    ).to_pylist()


def run(sql: str, parameters: dict[str, Any] | None = None, **tables: pa.Table) -> pa.Table:
    with duckdb.connect(config={"enable_external_access": False}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=parameters or {}).to_arrow_table()
