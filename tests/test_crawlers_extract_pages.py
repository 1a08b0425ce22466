"""Each folder of tests/fixtures/pages: a page and what must be read from it, field by field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawlers.extract.page import extract

FOLDERS = sorted((Path(__file__).parent / "fixtures" / "pages").iterdir())
BESIDES = {"key", "url", "source"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_yields_exactly_what_its_folder_expects(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    page = extract((folder / "page.html").read_bytes(), expected["url"])
    read = [{k: v for k, v in p.as_json().items() if k not in BESIDES} for p in page.products]
    assert (page.kind, read) == (expected["kind"], expected["products"])
