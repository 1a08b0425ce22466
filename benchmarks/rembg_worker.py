"""One side of `benchmarks.cutout_rembg`: runs in another Python that has rembg, and knows nothing of Modiste.

In: a model file (DIS/ISNet or U2-Net, as rembg takes them) and a kind as arguments; then a photo's path a line on
standard input. Out: a line of JSON for each, CPU and wall seconds and where its mask (grey PNG of the photo's size)
lies. One thread.
Example: venv/bin/python rembg_worker.py isnet.onnx dis_custom masks/ < paths.txt
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    model, kind, out = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3])
    os.environ["U2NET_HOME"] = str(model.parent)  # rembg takes models from its own folder alone
    import onnxruntime
    from PIL import Image
    from rembg.sessions import sessions_class

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    chosen = next(each for each in sessions_class if each.name() == kind)
    session = chosen(kind, options, model_path=str(model), providers=["CPUExecutionProvider"])
    print(json.dumps({"ready": True}), flush=True)
    for number, line in enumerate(sys.stdin):
        photo = Image.open(line.strip()).convert("RGB")
        cpu, wall = time.process_time(), time.perf_counter()
        mask = session.predict(photo)[0]
        row = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall, "mask": f"{out}/{number}.png"}
        mask.save(row["mask"])
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
