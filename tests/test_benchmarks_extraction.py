"""The extraction benchmark: its arithmetic, its comparisons, its baseline, and one run over two pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # scripts, not a package: run by their path, they import each other from there

import plain_extruct  # noqa: E402
from extraction_score import Counts, compare, figures, judge  # noqa: E402

PRODUCT = '{"@type": "Product", "name": "Coat", "sku": "C 1", "offers": {"price": "90", "priceCurrency": "EUR"}}'
PAGE = f'<title>Coat</title><h1>Coat</h1><script type="application/ld+json">{PRODUCT}</script>'


@pytest.mark.parametrize(
    ("field", "truth", "found", "counts"),
    [
        ("price", "12.50", "12.5", Counts(1, 0, 0)),
        ("price", "12.50", "1250", Counts(0, 1, 1)),
        ("price", "12.50", None, Counts(0, 0, 1)),
        ("price", None, "9.99", Counts(0, 1, 0)),
        ("price", None, None, Counts(0, 0, 0)),
        ("price", "12.50", "from 12.50", Counts(0, 1, 1)),
        ("name", "Wool  Coat", "wool coat", Counts(1, 0, 0)),
        ("name", "Wool Coat, navy", "Wool Coat", Counts(1, 0, 0)),
        ("name", "Wool Coat with a long belt", "Wool Coat", Counts(0, 1, 1)),
        ("sku", "AB 12", "ab12", Counts(1, 0, 0)),
        ("availability", "InStock", "instock", Counts(0, 1, 1)),
        ("categories", ["Men", "Coats"], ["Home", "Men", "Coats"], Counts(2, 1, 0)),
    ],
)
def test_a_wrong_value_is_a_false_positive_and_a_false_negative(
    field: str, truth: object, found: object, counts: Counts
) -> None:
    assert compare(field, truth, found) == counts


def test_a_picture_counts_once_in_any_size_and_a_second_rendition_is_wrong() -> None:
    truth = ["https://shop.example/1/coat_800x800.jpg", "https://shop.example/2/coat_800x800.jpg"]
    found = ["https://cdn.example/1/coat_64x64.jpg", "https://cdn.example/1/coat.jpg", "https://cdn.example/9/hat.jpg"]
    assert compare("images", truth, found) == Counts(1, 2, 1)


def test_a_picture_named_by_a_part_of_its_url_is_met_by_the_longest_part_that_fits() -> None:
    truth = ["coat", "coat-back"]
    found = ["https://cdn.example/i/COAT-BACK-z.jpg", "https://cdn.example/i/coat%2Dz.jpg"]
    assert compare("images", truth, found) == Counts(2, 0, 0)


def test_what_a_page_lists_under_also_is_right_as_a_value_and_neutral_as_a_picture() -> None:
    assert compare("sku", "C1", "X9", ["x 9"]) == Counts(1, 0, 0)
    assert compare("images", ["a.jpg"], ["https://s.example/a.jpg", "https://s.example/b.jpg"], ["b.jpg"]) == Counts(1)


def test_without_a_check_list_an_absent_price_must_stay_absent_and_an_absent_brand_is_not_scored() -> None:
    judged = judge({"products": [{"name": "Coat"}]}, {"name": "Coat", "price": "5", "brand": "Kai"})
    assert set(judged.counts) == {"name", "price", "currency", "availability", "sku", "gtin"}
    assert judged.counts["price"] == Counts(fp=1)
    assert judged.errors == ["price: '5' instead of None"]


def test_a_check_list_says_which_fields_are_scored() -> None:
    judged = judge({"products": [{"name": "Coat", "sku": "1"}], "check": ["name", "list_price"]}, None)
    assert judged.counts == {"name": Counts(fn=1), "list_price": Counts()}


def test_precision_recall_and_f1_are_of_the_summed_counts() -> None:
    found = figures([Counts(1, 0, 0), Counts(1, 0, 0), Counts(0, 1, 1), Counts(0, 0, 1)])
    assert (found["precision"], found["recall"], found["f1"]) == (2 / 3, 1 / 2, 4 / 7)
    low, high = found["f1_95"]
    assert 0 <= low < 4 / 7 < high <= 1


def test_n_counts_the_pages_that_were_scored_and_given_those_that_have_the_field() -> None:
    found = figures([Counts(1, 0, 0), Counts(0, 0, 1), Counts(0, 1, 0), Counts()])
    assert (found["n"], found["given"]) == (4, 2)


def test_a_field_that_never_was_and_never_came_out_has_no_figure() -> None:
    found = figures([Counts(), Counts()])
    assert (found["precision"], found["f1"], found["f1_95"]) == (None, None, None)


def test_the_baseline_reads_the_first_product_of_the_markup_and_nothing_else() -> None:
    read = plain_extruct.product(PAGE.encode(), "https://shop.example/coat")
    assert read == {"name": "Coat", "sku": "C 1", "price": "90", "currency": "EUR"}
    assert plain_extruct.product(b"<p>9 EUR</p>", "https://shop.example/") is None
    assert plain_extruct.product(b"", "https://shop.example/") is None


def test_the_benchmark_prints_a_table_names_the_errors_and_writes_its_figures(tmp_path: Path) -> None:
    truths = {"coat": [{"name": "Coat", "price": "80", "currency": "EUR", "sku": "c1"}], "prose": []}
    for name, products in truths.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.html").write_text(PAGE if products else "<p>nothing for sale</p>")
        expected = {"url": f"https://shop.example/{name}", "products": products}
        (tmp_path / name / "expected.json").write_text(json.dumps(expected))
    command = [sys.executable, BENCHMARKS / "extraction.py", tmp_path, "--worst", "1", "--json", tmp_path / "out.json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "    price: '90' instead of '80'" in told
    ours = json.loads((tmp_path / "out.json").read_text())[str(tmp_path)]["ours"]
    assert (ours["fields"]["price"]["fp"], ours["fields"]["sku"]["f1"], ours["without_product"]) == (1, 1.0, 1)
    assert ours["without_product_but_yielded"] == []


def test_a_folder_without_pages_is_an_error_that_says_what_was_expected(tmp_path: Path) -> None:
    command = [sys.executable, BENCHMARKS / "extraction.py", tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert "no page.html beside an expected.json" in told.stderr
