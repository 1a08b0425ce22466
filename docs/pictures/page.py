"""Screenshots of the page that `modiste serve` shows: `.venv/bin/python docs/pictures/page.py demo-workspace PHOTO`.

In: a workspace that `modiste demo` made (drawn, never photographs) and a drawn photo; after `modiste embed` similar
products show too. Out, in this folder: page.png (1,280 px wide) and page-phone.png (390 px). Needs Chromium.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    told = [sys.executable, "-m", "modiste", "serve", "-w", sys.argv[1], "--port", "0"]
    server = subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = next(word for line in server.stdout or () for word in line.split() if word.startswith("http://"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for name, width in (("page", 1280), ("page-phone", 390)):
                save(browser.new_page(viewport={"width": width, "height": 900}), address, name)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def save(page: Any, address: str, name: str) -> None:
    page.goto(address.rstrip(".,"))
    page.set_input_files("#files", sys.argv[2])
    page.locator(".strip li.done").wait_for(timeout=120_000)
    page.fill("#edit-words", "white background, soft shadow, centre it")
    page.click("#edit-run")
    page.locator("#section-edit img").nth(1).wait_for(timeout=120_000)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture.quantize(96, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
