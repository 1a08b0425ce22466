"""Precision and recall of near-duplicate hashing, on made transformations of real photographs.

In: --data DIR (shared data: street, wardrobe). Out: a table, and --json FILE. Recall: share of transformed copies
within the radius of their original. Precision: of all pairs within the radius, the share that are copies of one
photograph (pairs of different photographs in a set are taken for different, though the sets hold some real
duplicates). Draws nothing at random.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from dataset.duplicates import clusters, distance, near_pairs, parse, perceptual_hash

RADII = (0, 2, 4, 6, 8, 10, 12)


def _encoded(quality: int) -> Callable[[Image.Image], Image.Image]:
    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")

    return change


def _resized(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    def change(image: Image.Image) -> Image.Image:
        dx, dy = round(image.width * share), round(image.height * share)
        return image.crop((dx, dy, image.width - dx, image.height - dy))

    return change


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encode q90": _encoded(90),
    "re-encode q70": _encoded(70),
    "re-encode q50": _encoded(50),
    "resize x0.5": _resized(0.5),
    "resize x1.5": _resized(1.5),
    "crop 1 % a side": _cropped(0.01),
    "crop 3 % a side": _cropped(0.03),
    "crop 5 % a side": _cropped(0.05),
    "mirror": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "brightness x1.2": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "mirror + q70 + x0.5": lambda image: _encoded(70)(_resized(0.5)(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))),
    "rotate 2 degrees": lambda image: image.rotate(2, Image.Resampling.BICUBIC),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--photos", type=int, default=400, help="photographs taken, evenly spread over the sets")
    options = parser.parse_args()
    report = measure(_photos(options.data, options.photos))
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _photos(data: Path, wanted: int) -> list[Path]:
    found = sorted(data.glob("street/photos/*.jpg")) + sorted(data.glob("wardrobe/*/*/*.jpg"))
    if not found:
        raise SystemExit(f"{data}: no photographs (street/photos, wardrobe/*/*)")
    return found[:: max(1, len(found) // wanted)][:wanted]


def measure(paths: list[Path]) -> dict[str, object]:
    started = time.monotonic()
    originals: list[str] = []
    copies: dict[str, list[str]] = {name: [] for name in CHANGES}
    for path in paths:
        image = Image.open(path).convert("RGB")
        originals.append(perceptual_hash(np.asarray(image)))
        for name, change in CHANGES.items():
            copies[name].append(perceptual_hash(np.asarray(change(image))))
    hashed = parse(originals)
    far = {name: distance(hashed, parse(copy)) for name, copy in copies.items()}
    everything = np.concatenate([hashed] + [parse(copy) for copy in copies.values()])
    photo = np.tile(np.arange(len(paths)), 1 + len(CHANGES))
    i, j, apart = near_pairs(everything, radius=max(RADII))
    same = photo[i] == photo[j]
    return {
        "photos": len(paths),
        "copies": len(paths) * len(CHANGES),
        "hash_ms": 1000 * (time.monotonic() - started) / (len(paths) * (1 + len(CHANGES))),
        "recall": {name: {r: float((d <= r).mean()) for r in RADII} for name, d in far.items()},
        "recall_all": {r: float(np.mean([d <= r for d in far.values()])) for r in RADII},
        "pairs": {r: int((apart <= r).sum()) for r in RADII},
        "pair_precision": {r: float(same[apart <= r].mean()) for r in RADII},
        "clusters": {r: _cluster_scores(everything, photo, r) for r in RADII},
    }


def _cluster_scores(hashes: np.ndarray, photo: np.ndarray, radius: int) -> dict[str, float]:
    """Over clusters as `dedup` makes them: share of same-photo pairs kept together, share of joined pairs that are
    right."""
    label = clusters(hashes, radius=radius)
    together = np.bincount(label)
    pairs = float((together * (together - 1) / 2).sum())
    right = 0.0
    for k in np.unique(photo):
        sizes = np.bincount(label[photo == k])
        right += float((sizes * (sizes - 1) / 2).sum())
    size = len(hashes) / (photo.max() + 1)
    wanted = (photo.max() + 1) * size * (size - 1) / 2
    return {"precision": right / max(pairs, 1.0), "recall": right / wanted, "largest": float(together.max())}


def table(report: dict) -> str:
    lines = [
        f"{report['photos']} photographs, {report['copies']} copies, {report['hash_ms']:.1f} ms a copy and hash",
        "",
    ]
    lines.append(f"{'radius':<22}" + "".join(f"{r:>8}" for r in RADII))
    for name, row in report["recall"].items():
        lines.append(f"{name:<22}" + "".join(f"{row[r]:>8.3f}" for r in RADII))
    lines.append(f"{'recall, all':<22}" + "".join(f"{report['recall_all'][r]:>8.3f}" for r in RADII))
    lines.append(f"{'pairs found':<22}" + "".join(f"{report['pairs'][r]:>8}" for r in RADII))
    lines.append(f"{'pair precision':<22}" + "".join(f"{report['pair_precision'][r]:>8.4f}" for r in RADII))
    for key, form in (("precision", ".4f"), ("recall", ".4f"), ("largest", ".0f")):
        name = f"clusters: {key}"
        lines.append(f"{name:<22}" + "".join(f"{report['clusters'][r][key]:>8{form}}" for r in RADII))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
