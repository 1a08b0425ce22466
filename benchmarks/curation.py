"""How fast curation is: the first build, rebuilds, and the command until the App's grid shows.

In: how many made images (64 x 96 px, drawn here, with a mask and three labels each). Out: seconds of wall and of this
process's CPU, as JSON where asked. The App's figures are of `modiste curate --open` as a new process until the first
`[data-cy="looker"]` in a real Chromium, on a data set already built: wall, and the CPU of the command and all it starts
(mongod, the App's server), without the browser. Example: `python -m benchmarks.curation --images 10000 --opens 5`
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dataset.masks import from_index, to_png
from dataset.workspace import Workspace

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
AIM_S = 20.0
PATIENCE_S = 120


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--images", type=int, default=10_000)
    options.add_argument("--opens", type=int, default=3, help="how often the App is opened")
    options.add_argument("--work", type=Path, help="keep the workspace here, and use one that is there")
    options.add_argument("--only-open", action="store_true", help="of a --work that is built: open the App, no builds")
    options.add_argument("--json", type=Path)
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = told.work or Path(temporary) / "ws"
        ws = Workspace.open(root) if (root / "modiste.yaml").exists() else made(root, told.images)
        found: dict[str, Any] = {"images": images_of(ws), "aim_s": AIM_S, "load": round(os.getloadavg()[0], 1)}
        if not told.only_open:
            found |= builds(ws)
            print(json.dumps(found), flush=True)  # before the App, which a busy machine may never see
        found["opens"] = [each for each in (opened(ws) for _ in range(told.opens)) if each]
    print(line(found))
    if told.json:
        told.json.write_text(json.dumps(found, indent=1) + "\n")


def line(found: dict[str, Any]) -> str:
    """The figure asked for, in one line: the median, and between which values all of the few openings lie."""
    opens = found["opens"]
    if not opens:
        return "the App was not opened: there is no Chromium here"
    walls, ports, cpus = (sorted(each[key] for each in opens) for key in ("wall_s", "port_s", "cpu_s"))
    middle, span = statistics.median(walls), f"{walls[0]:.1f} to {walls[-1]:.1f}"
    return (
        f"{found['images']} images: command to first picture {middle:.1f} s wall ({span}, n={len(walls)}), of it "
        f"{statistics.median(ports):.1f} s until the server answers; {statistics.median(cpus):.1f} s CPU; "
        f"aim {AIM_S:.0f} s: {'met' if middle <= AIM_S else 'missed'}; load average {found['load']}"
    )


def images_of(ws: Workspace) -> int:
    return int(ws.tables.query("SELECT count(*) AS n FROM images")["n"][0].as_py())


def made(root: Path, images: int) -> Workspace:
    """A workspace of small noisy pictures that differ from each other, all with one of twenty masks."""
    ws = Workspace.init(root)
    rng = np.random.default_rng(0)
    blobs = [ws.blobs.put(to_png(from_index(_index(k)))) for k in range(20)]
    now = datetime.now(UTC)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("images", "fetches", "groups", "masks", "labels")}
    for number in range(images):
        data = _picture(rng, number)
        sha256 = ws.blobs.put(data)
        base: dict[str, Any] = {"sha256": sha256}
        rows["images"].append(base | {"status": "ok", "width": 64, "height": 96, "bytes": len(data), "format": "JPEG",
                                      "view": "scene", "sharpness": 0.7, "exposure": 0.8})  # fmt: skip
        url = f"http://shop.example/{number}.jpg"
        rows["fetches"].append(base | {"crawl_id": "c", "store": "shop", "product_id": str(number), "url": url,
                                       "page_url": url, "status": "ok", "fetched_at": now})  # fmt: skip
        rows["groups"].append(base | {"group_id": sha256, "cluster_id": sha256, "split": "train"})
        rows["masks"].append(base | {"kind": "composite", "source": "cutout", "status": "ok", "quality": 0.9,
                                     "flags": [], "mask_sha256": blobs[number % 20], "scores": "{}",
                                     "created_at": now})  # fmt: skip
        for field, value in (("type", "dress"), ("colour", "red"), ("view", "scene")):
            rows["labels"].append(base | {"field": field, "value": value, "word": value, "source": "store",
                                          "confidence": 0.9, "created_at": now})  # fmt: skip
    for name, found in rows.items():
        ws.tables.append(name, found)
    return ws


def builds(ws: Workspace) -> dict[str, float]:
    """Seconds of the first build, of one that finds nothing to do, of one that compares all, of one changed label."""
    from labeling.curation import curate
    from labeling.curation_store import connect

    connect(ws).list_datasets()  # the database's start is not the build's
    found: dict[str, float] = {}
    for name, force in (("first_build", True), ("nothing_changed", False), ("compare_all", True)):
        found |= _timed(name, lambda force=force: curate(ws, force=force))
    row = ws.tables.read("labels", where="field = 'colour'").slice(0, 1).to_pylist()[0]
    ws.tables.upsert("labels", [row | {"value": "blue" if row["value"] == "red" else "red"}])
    found |= _timed("one_label_changed", lambda: curate(ws))
    return found | {"first_build_wall_s_per_1000": found["first_build_wall_s"] * 1000 / images_of(ws)}


def opened(ws: Workspace) -> dict[str, float] | None:
    """Seconds from the command to the first looker, to the server's first answer, and of CPU; None without Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    from labeling.curation_store import dataset_name

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=FLAGS).new_page()
        start = time.perf_counter()
        command = [sys.executable, "-m", "modiste", "curate", "-w", str(ws.root), "--open", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not _answers(port) and process.poll() is None and time.perf_counter() - start < PATIENCE_S:
                time.sleep(0.05)
            answered = time.perf_counter() - start
            page.goto(f"http://127.0.0.1:{port}/datasets/{dataset_name(ws)}", timeout=PATIENCE_S * 1000)
            page.wait_for_selector('[data-cy="looker"]', timeout=PATIENCE_S * 1000)
            wall = time.perf_counter() - start
            return {"wall_s": round(wall, 2), "port_s": round(answered, 2), "cpu_s": round(_cpu_of(process.pid), 2)}
        finally:
            _stop(process)


def _cpu_of(pid: int) -> float:
    """CPU seconds so far of a process, all that it started, and what those have waited for."""
    import psutil

    parent = psutil.Process(pid)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return float(sum(each.user + each.system + each.children_user + each.children_system for each in times))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()


def _timed(name: str, step: Any) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    took = time.perf_counter() - wall, time.process_time() - cpu
    return {f"{name}_wall_s": round(took[0], 2), f"{name}_cpu_s": round(took[1], 2)}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _index(k: int) -> np.ndarray:
    index = np.zeros((96, 64), np.uint8)
    index[10:90, 20:44] = 1
    index[30 + k : 70, 16:48] = 2
    return index


def _picture(rng: np.random.Generator, number: int) -> bytes:
    hue = hashlib.sha256(str(number).encode()).digest()[:3]
    pixels = np.clip(np.array(list(hue)) + rng.normal(0, 8, (96, 64, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
