"""The documentation site is whole, and reading it asks nobody else for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=\"(https?:)?//[^\"]+\"", re.I)


@pytest.mark.slow
def test_the_site_builds_without_a_broken_link_and_loads_nothing_from_elsewhere() -> None:
    built = subprocess.run([sys.executable, "docs/site/build.py"], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    pages = {path.name: path.read_text() for path in (ROOT / "build" / "site").rglob("*.html")}
    assert {"index.html", "tutorial.html", "commands.html", "reference.html", "maths.html"} <= set(pages)
    assert "modiste doctor" in pages["commands.html"]
    assert "perceptual hash" in pages["reference.html"]
    links = [each[0] for text in pages.values() for each in re.finditer(LOADED, text)]
    assert [each for each in links if 'rel="canonical"' not in each and 'rel="edit"' not in each] == []
