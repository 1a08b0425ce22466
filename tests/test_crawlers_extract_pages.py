"""Each folder of tests/fixtures/pages: a page and what must be read from it, field by field.

`check` names the fields that are compared (all, where it is absent), `kind_also` other kinds a visitor could name.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crawlers.extract.page import extract

FOLDERS = sorted((Path(__file__).parent / "fixtures" / "pages").iterdir())
BESIDES = {"key", "url", "source"}


PRICES = {"price", "list_price"}


def comparable(product: dict[str, Any], check: list[str] | None) -> dict[str, Any]:
    """The fields that a folder checks (all, unless it names some), prices as numbers."""
    kept = {k: v for k, v in product.items() if k not in BESIDES and (check is None or k in check)}
    return {k: Decimal(v) if k in PRICES else v for k, v in kept.items()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_yields_exactly_what_its_folder_expects(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    page = extract((folder / "page.html").read_bytes(), expected["url"])
    check = expected.get("check")
    read = [comparable(p.as_json(), check) for p in page.products]
    assert read == [comparable(p, check) for p in expected["products"]]
    assert page.kind in [expected["kind"], *expected.get("kind_also", [])]
