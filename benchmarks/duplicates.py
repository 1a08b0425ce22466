"""Precision and recall of near-duplicates, on made changes of real photographs, beside imagehash at imagededup's
limit.

In: --data DIR (shared data: street, wardrobe). Out: a Markdown table, and --json FILE. A row per change: share of
copies matched to their original (recall), with Wilson's 95 % interval, by hash and colour alone and with the copies
that pixels verify (the pair alone: `dataset.copies.judged`); the baseline is imagehash.phash within 10 bits, which
imagededup takes by default. Rows of `must not` are the same cut in another colour, or (benchmarks/duplicates_others.py)
other garments under one logo or before one backdrop, and small changes of pose: there 0 is right. Precision: of all
pairs matched by hash and colour among all originals and copies, the share of one photograph; that of the whole step is
asked by benchmarks/leakage.py. With --hashes N the search at scale instead (benchmarks/duplicates_million.py).
Photographs whose number in the list is a multiple of 6 were used to choose the limits and are left out. Draws nothing
at random.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from duplicates_changes import CHANGES, OTHERS, garment_of, on_white
from duplicates_others import backdrops, stamped
from PIL import Image

from dataset import quality
from dataset.colour_signature import colour_grid
from dataset.copies import Look, judged, look_of
from dataset.duplicates import RADIUS, Looks, cluster, looks_of, near_pairs
from dataset.hashes import perceptual_hash

BASELINE_BITS = 10
RADII = (4, 6, 8, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--photos", type=int, default=400, help="photographs taken, evenly spread over the sets")
    parser.add_argument("--radius", type=int, default=RADIUS, help="bits, of the matches by change")
    parser.add_argument("--choosing", action="store_true", help="the photographs kept apart to choose limits by")
    parser.add_argument("--hashes", type=int, help="cluster so many made hashes instead")
    options = parser.parse_args()
    found = _photos(options.data)
    if options.hashes:
        import duplicates_million as million

        report, text = million.measure(found, options.hashes), million.table
    else:
        kept = [path for k, path in enumerate(found) if (k % 6 == 0) is options.choosing]
        chosen = kept[:: max(1, len(kept) // options.photos)][: options.photos]
        report, text = measure(chosen, options.data, options.radius), table
    print(text(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _photos(data: Path) -> list[Path]:
    found = sorted(data.glob("street/photos/*.jpg")) + sorted(data.glob("wardrobe/*/*/*.jpg"))
    if not found:
        raise SystemExit(f"{data}: no photographs (street/photos, wardrobe/*/*)")
    return found


def measure(paths: list[Path], data: Path, radius: int = RADIUS) -> dict[str, object]:
    """Rows of {change: matched by ours, by the baseline, n}, and the precision among everything that must match."""
    pairs: dict[str, list[tuple[dict, dict, bool]]] = {}
    everything: list[dict] = []
    photo: list[int] = []
    for number, path in enumerate(paths):
        image = Image.open(path).convert("RGB")
        original, look = _row(image), look_of(np.asarray(image))
        changed = {name: change(image) for name, change in CHANGES.items()}
        copies = {name: _row(copy) for name, copy in changed.items()}
        everything += [original, *copies.values()]
        photo += [number] * (1 + len(copies))
        for name, row in copies.items():
            pairs.setdefault(name, []).append((original, row, _verified(look, changed[name])))
        beside = paths[(number + 1) % len(paths)]
        for name, one, other in (*_recoloured(image, path, data), *stamped(image, beside), *backdrops(path, data)):
            pairs.setdefault(name, []).append((_row(one), _row(other), _verified(look_of(np.asarray(one)), other)))
    rows = {name: _matched(couples, radius) for name, couples in pairs.items()}
    return {"photos": len(paths), "radius": radius, "rows": rows} | _precision(everything, np.array(photo))


def _recoloured(image: Image.Image, path: Path, data: Path) -> Iterator[tuple[str, Image.Image, Image.Image]]:
    labels_path = path.parents[1] / "labels" / f"{path.stem}.png"
    if path.parent.name != "photos" or not labels_path.exists():
        return
    labels = np.asarray(Image.open(labels_path))
    garment = garment_of(labels, data)
    if garment.mean() < 0.03:  # too little of it to be called another product
        return
    for name, change in OTHERS.items():
        yield f"must not: {name}, scene", image, change(image, garment)
        packshot = on_white(image, labels > 0)
        yield f"must not: {name}, on white", packshot, change(packshot, garment)


def _row(image: Image.Image) -> dict:
    rgb = np.asarray(image)
    share, _ = quality.border_colour(rgb)
    found = {"phash": perceptual_hash(quality.luma(rgb)), "colour_grid": colour_grid(rgb)}
    return found | {"view": quality.view_of(share)}


def _verified(look: Look, other: Image.Image) -> bool:
    return judged(look, look_of(np.asarray(other)))[0].code == "copy"


def _matched(couples: list[tuple[dict, dict, bool]], radius: int) -> dict[str, int]:
    ours = either = baseline = verified = 0
    for *couple, copy in couples:
        looks = looks_of(couple)
        by_hash = len(near_pairs(looks, radius=radius)[0])
        ours, verified, either = ours + by_hash, verified + copy, either + (by_hash or copy)
        baseline += int(np.bitwise_count(looks.hashes[0] ^ looks.hashes[1])) <= BASELINE_BITS
    return {"ours": ours, "verified": verified, "either": either, "baseline": baseline, "n": len(couples)}


def _precision(rows: list[dict], photo: np.ndarray) -> dict[str, object]:
    looks = looks_of(rows)
    plain = Looks(looks.hashes, looks.packshots)
    tried = {f"radius {r}{name}": near_pairs(kind, radius=r) for r in RADII for name, kind in _kinds(looks, plain)}
    a, b = _pairs(lambda k: np.bitwise_count(looks.hashes[k] ^ looks.hashes[k + 1 :]) <= BASELINE_BITS, len(rows))
    label = cluster(looks)
    c, d = _pairs(lambda k: label[k] == label[k + 1 :], len(rows))
    return {
        "precision": {
            **{name: _share(photo[i] == photo[j]) for name, (i, j, _) in tried.items()},
            f"imagehash, {BASELINE_BITS} bits": _share(photo[a] == photo[b]),
            f"clusters at radius {RADIUS}": _share(photo[c] == photo[d]),
        },
        "largest_cluster": int(np.bincount(label).max()),
        "copies_each": int(np.bincount(photo).max()),
    }


def _pairs(joined: Callable[[int], np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """(i, j) with i < j where `joined(i)`, a bool for each j after i, says so; a row at a time, so memory is small."""
    later = [k + 1 + np.flatnonzero(joined(k)) for k in range(n)]
    return np.repeat(np.arange(n), [len(found) for found in later]), np.concatenate(later)


def _kinds(looks: Looks, plain: Looks) -> list[tuple[str, Looks]]:
    return [("", looks), (", no colour", plain)]


def _share(right: np.ndarray) -> dict[str, int]:
    return {"right": int(right.sum()), "n": len(right)}


def wilson(k: int, n: int) -> tuple[float, float]:
    """95 % interval of a share k / n."""
    z, p = 1.96, k / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def _told(k: int, n: int) -> str:
    low, high = wilson(k, n)
    return f"{k / n:.3f} [{low:.3f}, {high:.3f}]"


def table(report: dict) -> str:
    lines = ["| change | by hash and colour | by pixels | either | n | imagehash, 10 bits |", "|---" * 6 + "|"]
    for name, row in report["rows"].items():
        n = row["n"]
        told = " | ".join(_told(row[key], n) for key in ("ours", "verified", "either"))
        lines.append(f"| {name} | {told} | {n} | {_told(row['baseline'], n)} |")
    for name, row in report["precision"].items():
        lines.append(f"| precision of pairs, {name} | {_told(row['right'], max(row['n'], 1))} | | | {row['n']} | |")
    return "\n".join([*lines, f"largest cluster {report['largest_cluster']}, copies of one {report['copies_each']}"])


if __name__ == "__main__":
    main()
