"""The FiftyOne App on a small drawn workspace, opened in a real Chromium; the masks must be seen."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from labeling_drawn import RED, drawn_workspace
from PIL import Image

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
GARMENT_SEEN = 0.4 * np.array(RED) + 0.6 * np.array([42, 157, 244])  # the mask over the dress, at opacity 0.6
APP = """
import sys
from dataset.workspace import Workspace
from labeling.curation import curate, launch

if __name__ == "__main__":
    ws = Workspace.open(sys.argv[1])
    print(curate(ws).line(), flush=True)
    session = launch(ws, port=int(sys.argv[2]), wait=False)
    print("ready", flush=True)
    sys.stdin.read()
    session.close()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def app(tmp_path: Path):
    """URL of the App over a drawn workspace, in a process of its own that ends when its input closes."""
    ws = drawn_workspace(tmp_path / "shop", images=6)
    port = free_port()
    script = tmp_path / "app.py"
    script.write_text(APP)
    root = Path(__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    environment.pop("FIFTYONE_DATABASE_DIR", None)
    with subprocess.Popen(
        [sys.executable, str(script), str(ws.root), str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=root,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = list(iter(process.stdout.readline, "ready\n"))
            assert "6 samples (6 new, 0 gone), 6 with a mask" in "".join(lines)
            yield f"http://127.0.0.1:{port}"
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_app_shows_the_grid_and_its_masks_in_a_real_browser(app: str, tmp_path: Path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    folder = os.environ.get("MODISTE_PICTURES")
    picture = Path(folder) / "app.png" if folder else tmp_path / "app.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(app, timeout=90_000)
        page.wait_for_selector('[data-cy="looker"]', timeout=90_000)
        page.get_by_role("button", name="Dismiss").click(timeout=10_000)
        for _ in range(120):  # the lookers draw their masks in workers and announce nothing
            shown = page.screenshot()
            if garment_pixels(shown) > 5_000:
                break
            page.wait_for_timeout(250)
        browser.close()
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(shown)
    assert garment_pixels(shown) > 5_000


def garment_pixels(png: bytes) -> int:
    """Pixels that show the drawn dress through its mask's colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).astype(float)
    return int((np.abs(pixels - GARMENT_SEEN).max(axis=1) < 20).sum())
