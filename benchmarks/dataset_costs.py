"""What `check` and `label masks` cost beside a bare decode loop, tables of ten million rows, and Ray beside local.

In: --data DIR (the shared photographs; else MODISTE_DATA or ../shared/data; else drawn pictures), --photos N, --rows N.
Out: a table of figures, and --json FILE. Bare is: read the file, decode it whole to RGB with simplejpeg (JPEG) or cv2
(PNG), nothing else. CPU seconds of one core, bare and step by turns, per photo the median of the rounds; 95 % intervals
by a bootstrap over photos (1,000 draws, seed 0). `enlarged` is the same photos made twice as large, saved at quality
90: as large as shops' pictures, though softer. Peak memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import dataset_engines
import dataset_speed
import dataset_tables

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    options = _options()
    found: dict[str, Any] = {"cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        if "speed" in options.parts:
            found["speed"] = dataset_speed.measured(options.data, options.photos, options.rounds)
        if "memory" in options.parts:
            found["peak MB"] = {step: _peak_mb(step, options) for step in ("bare", "check", "masks")}
        if "engines" in options.parts:
            found["engines"] = dataset_engines.compared(options.data, options.photos, folder)
        if "tables" in options.parts:
            found["tables"] = dataset_tables.make(folder / "tables", options.rows, options.commits)
            found["queries"] = dataset_tables.timed(folder / "tables")
            shutil.rmtree(folder / "tables")
    print(json.dumps(found, indent=2, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared" / "data"
    given = os.environ.get("MODISTE_DATA")
    parser.add_argument("--data", type=Path, default=Path(given) if given else shared if shared.is_dir() else None)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--parts", default="speed,memory,engines,tables", type=lambda text: text.split(","))
    parser.add_argument("--scratch", type=Path, help="where the made tables go; by default the system's own place")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _peak_mb(step: str, options: argparse.Namespace) -> float:
    """Peak resident memory of a process that does one step for all photos."""
    told = [
        sys.executable,
        str(ROOT / "benchmarks/dataset_speed.py"),
        step,
        str(options.data or ""),
        str(options.photos),
    ]
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    return float(run(told).stdout.split()[-1])


if __name__ == "__main__":
    main()
