"""How many faces the detector finds in street photos, and how often it sees one in a picture of a garment.

In: --data DIR (street/ and wardrobe/ of the shared data). Out: a table, and --json FILE. The truth lies in
`faces_truth.json`: faces of 36 photos of street's training part, on which size and threshold were chosen, and of 36 of
its test part (photo number % 5 == 0). Beside CenterFace at each size stands MediaPipe's full-range network, where
ai-edge-litert is installed. A face is found where a box holds its middle; a wardrobe photo with a box counts as false.
Wilson 95 % intervals. Boxes of the true faces were among those of five sizes together: a face that none of them saw and
the marker overlooked would be missing from the truth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.face_boxes import Box, inside, merged
from dataset.faces import LOOKS, find_faces
from dataset.images import decode
from dataset.package_files import is_fetched, path_of
from train.metrics import wilson

TRUTH = Path(__file__).with_name("faces_truth.json")
FULL_RANGE = "face-full-range"
Detector = Callable[[np.ndarray], list[Box]]


@dataclass(frozen=True)
class Found:
    """`found` of `faces`; `mains` of `photos` show their main person's face found; `false` boxes that are no face."""

    detector: str
    part: str
    photos: int
    faces: int
    found: int
    mains: int
    false: int
    interval: tuple[float, float]

    def line(self) -> str:
        low, high = self.interval
        return (
            f"{self.detector:28} {self.part:9} {self.found} of {self.faces} [{low:.3f}, {high:.3f}], "
            f"main person {self.mains} of {self.photos}, boxes on no face {self.false}"
        )


def full_range(least: float = 0.5) -> Detector:
    """MediaPipe's: one anchor a cell of 48 x 48, box in px of a 192 px square, score a logit, input from -1 to 1."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(path_of(FULL_RANGE)), num_threads=1)
    net.allocate_tensors()
    middles = np.stack(np.meshgrid(np.arange(48), np.arange(48)), axis=-1).reshape(-1, 2) * 4 + 2.0

    def find(rgb: np.ndarray) -> list[Box]:
        height, width = rgb.shape[:2]
        scale = 192 / max(height, width)
        square = np.zeros((192, 192, 3), np.float32)
        small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        square[: small.shape[0], : small.shape[1]] = small
        net.set_tensor(net.get_input_details()[0]["index"], square[None] / 127.5 - 1)
        net.invoke()
        boxes, logits = (net.get_tensor(each["index"])[0] for each in net.get_output_details())
        score = 1 / (1 + np.exp(-logits[:, :1].clip(-80, 80)))
        middle, sides = boxes[:, :2] + middles, boxes[:, 2:4]
        found = np.concatenate([(middle - sides / 2) / scale, (middle + sides / 2) / scale, score], axis=1)
        return inside(merged(found[score[:, 0] >= least].astype(np.float32)), height, width)

    return find


def detectors() -> dict[str, Detector]:
    sizes = {f"CenterFace {side}@{least}": partial(find_faces, looks=[(side, least)])
             for side in (640, 832, 1248) for least in (0.25, 0.4, 0.5)}  # fmt: skip
    ours = {"ours " + " + ".join(f"{side}@{least}" for side, least in LOOKS): find_faces}
    try:
        peer = {"MediaPipe full range @0.5": full_range()} if is_fetched(FULL_RANGE) else {}
    except ImportError:
        peer = {}
    return {**ours, **sizes, **peer}


def street(data: Path, name: str, find: Detector, part: str) -> Found:
    photos = json.loads(TRUTH.read_text(encoding="utf-8"))["photos"]
    chosen = {number: faces for number, faces in photos.items() if (int(number) % 5 == 0) == (part == "test")}
    found = mains = false = 0
    for number, faces in chosen.items():
        hits, left = matched(faces, find(picture(data / "street" / "photos" / f"{number}.jpg")))
        found, mains, false = found + sum(hits), mains + hits[0], false + left
    n = sum(len(faces) for faces in chosen.values())
    return Found(name, part, len(chosen), n, found, mains, false, wilson(found, n))


def matched(faces: Sequence[Sequence[float]], boxes: Sequence[Box]) -> tuple[list[bool], int]:
    """Which faces have a box of their own that holds their middle, and how many boxes are left over."""
    left, hits = list(boxes), []
    for x, y, _ in faces:
        box = next((box for box in left if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1), None)
        hits.append(box is not None)
        if box is not None:
            left.remove(box)
    return hits, len(left)


def wardrobe(data: Path, name: str, find: Detector, n: int) -> Found:
    files = sorted((data / "wardrobe").glob("*/*/*.jpg"))
    drawn = np.random.default_rng(0).permutation(len(files))[:n]
    counts = [len(find(picture(files[place]))) for place in sorted(drawn)]
    some = sum(count > 0 for count in counts)
    return Found(name, "wardrobe", len(counts), len(counts), some, 0, sum(counts), wilson(some, len(counts)))


def picture(path: Path) -> np.ndarray:
    return np.ascontiguousarray(decode(path.read_bytes()).rgb)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wardrobe", type=int, default=300, help="photos of garments to look at; 0 is none")
    parser.add_argument("--only-ours", action="store_true", help="leave the other sizes and networks out")
    parser.add_argument("--json", type=Path)
    args, rows = parser.parse_args(), list[dict[str, Any]]()
    for name, find in detectors().items():
        if args.only_ours and not name.startswith(("ours", "MediaPipe")):
            continue
        parts = [partial(street, args.data, name, find, part) for part in ("train", "test")]
        parts += [partial(wardrobe, args.data, name, find, args.wardrobe)] if args.wardrobe else []
        for part in parts:
            row = part()
            print(row.line(), flush=True)
            rows.append(asdict(row))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
