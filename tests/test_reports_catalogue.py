"""The catalogue's figures, each on a handful of products counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from dataset.schema import SCHEMAS
from reports import catalogue


def table(*rows: dict[str, Any]) -> pa.Table:
    filled = [{"store": "a", "product_id": str(k), "crawl_id": "c1", **row} for k, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=SCHEMAS["products"])


def test_of_a_product_seen_twice_the_last_sighting_counts() -> None:
    seen = [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 1)]
    current = catalogue.latest(
        table(
            {"product_id": "x", "price": "8.00", "fetched_at": seen[0]},
            {"product_id": "x", "price": "10.00", "fetched_at": seen[1], "crawl_id": "c0"},
        )
    )
    assert current["price"].to_pylist() == [8.0]


def test_the_category_is_the_deepest_crumb_that_is_not_the_product() -> None:
    rows = [
        {"name": "Blue skirt", "categories": c} for c in (["Women", "Skirts", "Blue skirt"], ["Women", " "], [], None)
    ]
    assert catalogue.latest(table(*rows)).sort_by("product_id")["category"].to_pylist() == [
        "Skirts",
        "Women",
        "no category",
        "no category",
    ]


def test_small_categories_are_added_up_and_nothing_is_lost() -> None:
    rows = [{"categories": [name]} for name in "AAABBCD"]
    found = catalogue.assortment(catalogue.latest(table(*rows)), most=2)
    assert dict(zip(found["category"], found["products"], strict=True)) == {"A": 3, "B": 2, "other": 2}


def test_prices_of_two_currencies_are_never_mixed() -> None:
    rows = [
        {"price": p, "currency": c}
        for p, c in (("10", "EUR"), ("30", "EUR"), ("1000", "JPY"), ("ask us", "EUR"), ("NaN", "EUR"))
    ]
    found = catalogue.prices(catalogue.latest(table(*rows))).set_index("currency")
    assert found["n"].to_dict() == {"EUR": 2, "JPY": 1}
    assert found[["low", "median", "high"]].to_dict("index")["EUR"] == {"low": 10.0, "median": 20.0, "high": 30.0}


def test_the_price_histogram_counts_every_priced_product_once() -> None:
    rows = [{"price": str(p), "currency": "EUR"} for p in (1, 5, 5, 9, 20, 9999)] + [{"price": "3", "currency": "USD"}]
    current = catalogue.latest(table(*rows))
    assert catalogue.main_currency(current) == "EUR"
    assert catalogue.price_histogram(current, "EUR", bins=4)["products"].sum() == 6
    assert len(catalogue.price_histogram(current, "CHF")) == 0


def test_a_discount_is_a_list_price_above_the_price() -> None:
    rows = [
        {"price": p, "list_price": q}
        for p, q in (("75", "100"), ("50", "100"), ("100", "100"), ("100", None), (None, "9"))
    ]
    row = catalogue.discounts(catalogue.latest(table(*rows))).iloc[0]
    assert (row["n"], row["discounted"], row["share"]) == (4, 2, 0.5)
    assert row["median_off"] == pytest.approx(0.375)


def test_an_availability_nobody_states_is_unsaid_not_in_stock() -> None:
    found = catalogue.availability(catalogue.latest(table({"availability": "InStock"}, {})))
    assert dict(zip(found["availability"], found["products"], strict=True)) == {"InStock": 1, "unsaid": 1}


def test_colours_are_counted_without_regard_to_case_and_blanks() -> None:
    found = catalogue.colours(catalogue.latest(table(*({"colour": c} for c in ("Navy", " navy", "Rust", " ", None)))))
    assert list(found.itertuples(index=False, name=None)) == [("navy", 2), ("rust", 1)]


def test_an_empty_catalogue_has_empty_figures() -> None:
    current = catalogue.latest(table())
    assert catalogue.main_currency(current) is None
    assert [
        len(f(current)) for f in (catalogue.assortment, catalogue.prices, catalogue.discounts, catalogue.colours)
    ] == [0] * 4
    assert catalogue.examples(current) == []
