"""Every report in a real Chromium, of a workspace full of hostile text: nothing runs, nothing is asked for."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_hostile import MARKS, hostile

from dataset.workspace import Workspace
from reports.assortment import catalogue_report
from reports.compare import compare_runs
from reports.datacard import data_card
from reports.modelcard import model_card
from reports.overview import report
from reports.sheets import gallery_report
from reports.watch import watch_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.blockedURI))"
# What no text may have made: elements that load or run, handlers, and links that lead anywhere but to a web page.
MADE = """() => ({
  scripts: [...document.scripts].filter((each) => each.src || !(each.type === 'application/json' || each.text)).length,
  handlers: [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes])
    .filter((each) => each.name.startsWith('on')).length,
  loads: [...document.querySelectorAll('img, iframe, object, embed, video, audio, link, base, form, input')]
    .filter((each) => !(each.tagName === 'IMG' && each.src.startsWith('data:image/jpeg;base64,'))).length,
  svgs: [...document.querySelectorAll('svg[onload], math, template, noscript img')].length,
  links: [...document.querySelectorAll('a')].map((each) => [each.getAttribute('href'), each.rel, each.target]),
})"""
SHOWN: dict[str, tuple[str, ...]] = {
    "overview": MARKS[:1],
    "catalogue": (*MARKS[:2], "=cmd()", MARKS[5].strip(), "مرحبا فستان أحمر", "type, by model:../<script>"),
    "watch": (MARKS[4], "=cmd()"), "data": MARKS[:1], "model-tagging": MARKS[:3], "model-segmentation": MARKS[:1],
    "compare": MARKS[:1], "gallery": (),
}  # fmt: skip
KINDS = tuple(SHOWN)


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return hostile(tmp_path_factory.mktemp("hostile") / "w")


@pytest.fixture(scope="module")
def pages(ws: Workspace) -> dict[str, Path]:
    tagging, segmentation = "20261120-1000-tagging-lite-bb22", "20261120-0900-segmentation-unet-aa11"
    written: list[Any] = [
        report(ws), catalogue_report(ws), watch_report(ws), data_card(ws), model_card(ws, tagging),
        model_card(ws, segmentation), compare_runs(ws), gallery_report(ws),
    ]  # fmt: skip
    return {kind: Path(each.path) for kind, each in zip(KINDS, written, strict=True)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens a file; afterwards no dialog came, nothing stood in the console, nothing but the file was asked for."""
    faults: list[str] = []
    contexts: list[Any] = []

    def open_it(path: Path, width: int = 1280, **more: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda asked: _note(faults, asked.url, path))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        return page

    yield open_it
    for context in contexts:
        for page in context.pages:
            faults += page.evaluate("() => window.violations ?? []")
        context.close()
    assert faults == []


def fits(page: Any) -> bool:
    """Nothing is wider than the window, once the charts have followed it; its policy forbids to wait in the page."""
    for _ in range(50):
        if page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"):
            return True
        page.wait_for_timeout(100)
    return False


def _note(faults: list[str], url: str, path: Path) -> None:
    if url != path.as_uri() and not url.startswith("data:"):
        faults.append(f"asked for {url[:200]}")


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_is_text_and_nothing_runs_or_is_asked_for(pages: dict[str, Path], opened: Open, kind: str) -> None:
    page = opened(pages[kind])
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.mouse.move(300, 400)
        page.mouse.wheel(0, 4000)
        assert fits(page), f"wider than {width} px"
        made = page.evaluate(MADE)
        assert [made[name] for name in ("scripts", "handlers", "loads", "svgs")] == [0, 0, 0, 0]
    outside = [link for link in made["links"] if not link[0].startswith("#")]
    assert all(href.startswith(("https://", "http://")) for href, _, _ in outside)
    assert all({"noopener", "nofollow", "noreferrer"} <= set(rel.split()) for _, rel, _ in outside)
    assert page.title().startswith(("</title></style><script>alert(3)", "20261120-"))
    text = page.inner_text("body")
    assert [mark for mark in SHOWN[kind] if mark not in text] == []
    assert not set("\u202e\u202c\x07\x1b") & set(text)
    assert max(len(line) for line in text.splitlines()) < 1_000  # endless names are cut


def test_no_cell_of_the_csv_is_a_formula(pages: dict[str, Path]) -> None:
    path = pages["catalogue"].with_name("catalogue-changes.csv")
    with open(path, newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    names = {cell for cell in cells if "cmd" in cell or "SUM" in cell}
    assert {"'=cmd()", "'@SUM(1)"} & names
    assert not [cell for cell in cells if cell.strip()[:1] in ("=", "+", "@")]


def test_without_scripts_the_overviews_charts_are_tables(pages: dict[str, Path], opened: Open, ws: Workspace) -> None:
    with_scripts = opened(pages["overview"])
    charts = with_scripts.locator(".js-plotly-plot").count()
    assert charts > 8
    assert with_scripts.locator("figure noscript table").count() == 0
    page = opened(pages["overview"], java_script_enabled=False)
    tables = page.locator("figure.card:has(.plot) table")
    assert tables.count() == charts
    assert page.locator(".plot:visible").count() == 0
    stock = page.locator("figure.card", has_text="Availability").locator("tr", has_text="InStock")
    assert stock.count() >= 1
    found = ws.tables.query("""SELECT count(*) AS n FROM (FROM products QUALIFY row_number() OVER (PARTITION BY store,
        product_id ORDER BY fetched_at DESC) = 1) WHERE colour = 'navy'""")["n"][0].as_py()  # fmt: skip
    colours = page.locator("figure.card", has_text="Colour words").locator("tr", has_text="navy")
    assert colours.inner_text().split() == ["navy", str(found)]


def test_a_report_prints_to_pdf_with_its_charts(pages: dict[str, Path], opened: Open, tmp_path: Path) -> None:
    for kind in ("overview", "catalogue"):
        data = opened(pages[kind]).pdf(format="A4", print_background=True)
        assert data.startswith(b"%PDF")
        assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") + data.count(b"/Type/Page") >= 3
