"""The README's pictures, from a demo workspace: `.venv/bin/python docs/pictures/make.py demo-workspace`.

In: a workspace that `modiste demo` made. Out: demo.png (photo | truth | prediction), report.png (the report's funnel)
and app.png (the FiftyOne App), in this folder. Needs Chromium.
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
from labeling.curation import launch
from train import record

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def main() -> None:
    ws = Workspace.open(sys.argv[1])
    sheet = record.load(ws, task="segmentation").folder / "figures" / "predictions.png"
    small(Image.open(sheet), 1500).save(HERE / "demo.png", optimize=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((ws.reports / "demo.html").resolve().as_uri())
        page.wait_for_timeout(1500)
        page.locator("#funnel").screenshot(path=HERE / "report.png")
        look_at_app(page, ws)
        browser.close()


def look_at_app(page: Page, ws: Workspace) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = launch(ws, port=port, wait=False)
    page.goto(f"http://127.0.0.1:{port}", timeout=90_000)
    page.wait_for_selector('[data-cy="looker"]', timeout=90_000)
    page.get_by_role("button", name="Dismiss").click(timeout=10_000)
    page.wait_for_timeout(8_000)  # the lookers draw their masks in workers and announce nothing
    shot = Image.open(io.BytesIO(page.screenshot()))
    small(shot, 1280).save(HERE / "app.png", optimize=True)
    session.close()


def small(image: Image.Image, width: int) -> Image.Image:
    """At most `width` px wide, in 256 colours: pictures are loaded with the README."""
    height = round(image.height * width / image.width)
    fitted = image.resize((width, height), Image.Resampling.LANCZOS) if image.width > width else image
    return fitted.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)


if __name__ == "__main__":
    main()
