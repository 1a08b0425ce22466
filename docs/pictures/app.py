"""Screenshots of the FiftyOne App on a drawn shop: `.venv/bin/python docs/pictures/app.py demo-workspace`.

In: a workspace that `modiste demo` made (drawn, never photographs). Out, in this folder: app-view.png (a saved view),
app-panel.png (the plugin's panel and its buttons), app-reviewed.png (a sample that was accepted by button). It accepts
one mask and relabels nothing. Needs Chromium.
"""

from __future__ import annotations

import io
import shutil
import socket
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from dataset.workspace import Workspace
from labeling.curation import address_of, curate, launch
from labeling.curation_actions import judge

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def main() -> None:
    ws = Workspace.open(sys.argv[1])
    curate(ws)
    first = sorted(ws.tables.read("masks", ["sha256"], "kind = 'composite' AND status = 'ok'")["sha256"].to_pylist())[0]
    judge(ws, [first], "accept", reviewer="ana")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = launch(ws, port=port, wait=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 860})
        page.goto(address_of(ws, port), timeout=90_000)
        settle(page)
        drawn(page)
        page.locator('[data-cy="looker"]').first.click(position={"x": 60, "y": 60})
        page.wait_for_timeout(8000)
        drawn(page)
        save(page, "app-reviewed.png")
        page.keyboard.press("Escape")
        page.goto(address_of(ws, port, "worst masks"), timeout=90_000)
        settle(page)
        show_quality(page)
        drawn(page)
        save(page, "app-view.png")
        page.goto(address_of(ws, port), timeout=90_000)
        settle(page)
        open_panel(page)
        drawn(page)
        save(page, "app-panel.png")
        browser.close()
    session.close()


def settle(page: Page) -> None:
    page.wait_for_selector('[data-cy="looker"]', timeout=90_000)
    page.wait_for_timeout(2000)
    if page.get_by_role("button", name="Dismiss").count():
        page.get_by_role("button", name="Dismiss").click()


def show_quality(page: Page) -> None:
    """The mask's score on every picture: the view is sorted by it."""
    page.get_by_text("mask_quality", exact=True).last.locator("xpath=preceding::input[1]").click(timeout=15_000)


def open_panel(page: Page) -> None:
    """The plus beside the tab 'Samples', then ours."""
    page.locator('[data-cy="new-panel-btn"]').first.click(timeout=15_000)
    page.get_by_text("Modiste", exact=True).first.click(timeout=15_000)
    page.get_by_text("Freeze snapshot").wait_for(timeout=60_000)


def drawn(page: Page) -> None:
    """Wait until the grid is no longer dark: the lookers draw in workers and announce nothing."""
    for _ in range(60):
        shot = Image.open(io.BytesIO(page.screenshot())).convert("L").crop((320, 150, 820, 800))
        if sum(shot.histogram()[90:]) > 0.5 * shot.width * shot.height:
            break
        page.wait_for_timeout(1000)
    page.wait_for_timeout(2000)


def save(page: Page, name: str) -> None:
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(HERE / name, optimize=True)


if __name__ == "__main__":
    main()
