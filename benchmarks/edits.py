"""Do edits keep the product, and does the guard see when they don't?

In: --data DIR (street/photos, street/labels, wardrobe/validation), --photos N, --planted M (half of each folder).
Out: a table, and --json FILE.
Kept: `background white shadow, compose square` through the written PNG: garment pixels that differ from the photo, by
the network's own sure garment and, as a check that isn't its own, the share of the annotators' garment pixels that is
still the photo's. Power: honest results of three steps, and the same with a planted violation inside the garment
(recoloured by 25 or 10 in a*b*, a print blurred or softened, shifted by 2 px, a patch
repainted; the whole garment or its busiest patch softened by a Gaussian of 1 or 1.5 px, saved as JPEG of quality 40, or
shrunk to 0.7 and back, in px of the photo); caught is review or refuse, by the guard as it is and without its figure
for detail. False alarms: honest results not passed. Photos of odd place in the folder only: the limits were set looking
at even ones. Intervals: Wilson.
Example: python -m benchmarks.edits --data DIR --photos 200 --planted 60 --json edits.json
"""

from __future__ import annotations

import argparse
import io
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from dataset.errors import ImageError
from dataset.images import decode
from dataset.label_space import load_space
from modiste.cutout_model import choose
from modiste.edit_chain import Chain, from_words
from modiste.edit_guard import STRONG, guard_rules, judge
from modiste.edit_photo import applied, edit_one
from modiste.edit_picture import Picture, seen
from train.closer import Seen, look
from train.metrics import wilson

CHAIN = "background white shadow, compose square"
STEPS = ("compose square-800", "beautify", "upscale 2")
HONEST = ("compose square-500", "compose square-800 straighten", "beautify denoise", "upscale 4", "upscale 2 lanczos")
Known = dict[str, Any]


def photos(data: Path, count: int) -> list[Path]:
    """Evenly out of those of odd place."""
    odd = sorted((data / "street" / "photos").glob("*.jpg"))[1::2]
    return [odd[place] for place in np.linspace(0, len(odd) - 1, min(count, len(odd))).astype(int)]


def kept(path: Path, network: Any, chain: Chain) -> Known:
    """Of one photo: garment pixels compared, changed, and the annotators' that are still the photo's."""
    data = path.read_bytes()
    found: dict[str, Seen] = {}
    try:
        done = edit_one(path.name, data, lambda rgb: found.setdefault("seen", look(network, rgb)), chain)
    except ImageError as error:
        return {"photo": path.name, "reason": error.code}
    made, photo = np.asarray(Image.open(io.BytesIO(done.files[0][1]))), decode(data).rgb
    matrix = np.array(done.steps[-1]["done"]["matrix"])
    down, right = -round(matrix[1, 2]), -round(matrix[0, 2])
    picture, _ = seen(photo, found["seen"])
    rows, columns = np.nonzero(picture.garment)
    changed = (made[rows + down, columns + right] != photo[rows, columns]).any(1)
    share = still_there(path, photo, made, down, right)
    return {
        "photo": path.name, "garment": len(rows), "changed": int(changed.sum()), "verdict": done.verdict,
        "annotated": share,
    }  # fmt: skip


def still_there(path: Path, photo: np.ndarray, made: np.ndarray, down: int, right: int) -> float | None:
    """Share of the annotators' garment pixels that lie in the result as they lay in the photo."""
    labels = path.parent.parent / "labels" / f"{path.stem}.png"
    if not labels.is_file():
        return None
    names = json.loads((path.parent.parent / "labels.json").read_text())
    garment = np.isin(np.asarray(Image.open(labels)), garment_values(names))
    rows, columns = np.nonzero(garment)
    to_rows, to_columns = rows + down, columns + right
    inside = (to_rows >= 0) & (to_rows < made.shape[0]) & (to_columns >= 0) & (to_columns < made.shape[1])
    same = (made[to_rows[inside], to_columns[inside]] == photo[rows[inside], columns[inside]]).all(1)
    return float(same.sum() / max(1, len(rows)))


def violations(rgb: np.ndarray, garment: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same picture with the garment wronged in six ways, the slight ones hard to see."""
    turn = rng.uniform(0, 2 * np.pi)
    moved = np.roll(rgb, (2, 2), (0, 1))
    patch, side = busiest(rgb, garment), max(rgb.shape)
    blurred, softened = (cv2.GaussianBlur(rgb, (0, 0), sigma * side) for sigma in (0.006, 0.0015))
    painted = np.broadcast_to(np.median(rgb[garment], axis=0), rgb.shape)
    return {
        "recoloured by 25": np.where(garment[..., None], dyed(rgb, turn, 25), rgb),
        "recoloured by 10": np.where(garment[..., None], dyed(rgb, turn, 10), rgb),
        "print softened": np.where((garment & patch)[..., None], softened, rgb),
        "print blurred": np.where((garment & patch)[..., None], blurred, rgb),
        "shifted 2 px": np.where(garment[..., None], moved, rgb),
        "patch repainted": np.where((garment & patch)[..., None], painted, rgb).astype(np.uint8),
    }


def softenings(rgb: np.ndarray, garment: np.ndarray, times: int) -> dict[str, np.ndarray]:
    """Fine detail lost in four ways, all over the garment and in its busiest patch; `times` px for one of the photo."""
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (round(0.7 * width / times), round(0.7 * height / times)), interpolation=cv2.INTER_AREA)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=40)
    made = {
        "softened 1 px": cv2.GaussianBlur(rgb, (0, 0), times),
        "softened 1.5 px": cv2.GaussianBlur(rgb, (0, 0), 1.5 * times),
        "JPEG 40": np.asarray(Image.open(file)),
        "shrunk to 0.7": cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC),
    }
    patch = garment & busiest(rgb, garment)
    return {
        f"{what}{where}": np.where(mask[..., None], other, rgb).astype(np.uint8)
        for what, other in made.items()
        for where, mask in (("", garment), (", a patch", patch))
    }


def dyed(rgb: np.ndarray, turn: float, far: float) -> np.ndarray:
    """Every pixel moved by `far` in a*b*, in the direction `turn`."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 1] += far * np.cos(turn)
    lab[..., 2] += far * np.sin(turn)
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255, 0, 255).astype(np.uint8)


def busiest(rgb: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """(h, w) bool: the square, a tenth of the garment's longer side, with the most strong edges inside the garment."""
    rows, columns = np.flatnonzero(garment.any(1)), np.flatnonzero(garment.any(0))
    side = max(8, round(0.1 * max(rows[-1] - rows[0], columns[-1] - columns[0])))
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    edges = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 4
    score = cv2.blur((garment & (edges > STRONG / 2)).astype(np.float32), (side, side))
    score[cv2.blur(garment.astype(np.float32), (side, side)) < 0.9] = 0
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    out = np.zeros(garment.shape, bool)
    out[max(0, row - side // 2) : row + side // 2, max(0, column - side // 2) : column + side // 2] = True
    return out


def planted(path: Path, network: Any, number: int) -> list[tuple[str, str, str, bool]]:
    """(step, violation or 'honest', verdict, whether another figure than that for detail objects) of each."""
    rgb = decode(path.read_bytes()).rgb
    picture, _ = seen(rgb, look(network, rgb))
    picture = applied(picture, from_words("background white").steps[0][1], None)[0]
    rng, rows = np.random.default_rng(number), []
    for words in STEPS + HONEST:
        (name, step), before = from_words(words).steps[0], picture.flat()
        after, came_from, _, _ = applied(picture, step, None)
        results, rules = {"honest": after.flat()}, guard_rules()[name]
        if words in STEPS:
            results |= violations(after.flat(), _wide(after), rng)
            results |= softenings(after.flat(), _wide(after), getattr(step, "times", 1))
        for what, result in results.items():
            found = judge(before, result, picture.garment, came_from, rules)
            others = [reason for reason in found.reasons if not reason.startswith("fine detail")]
            rows.append((words, what, found.verdict, bool(others)))
    return rows


def garment_values(names: dict[str, str]) -> list[int]:
    """Values of the label map that are garments."""
    space = load_space("street-9")
    folded = space.fold({int(value): name for value, name in names.items()})
    return [int(value) for value in names if folded[int(value)] != 255 and space.roles[folded[int(value)]] == 2]


def _wide(picture: Picture) -> np.ndarray:
    return cv2.dilate(picture.garment.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def _share(hits: int, n: int) -> Known:
    low, high = wilson(hits, n)
    return {"n": n, "hits": hits, "share": hits / n if n else None, "low": low, "high": high}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MODISTE_DATA", "../shared/data")))
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--planted", type=int, default=60, help="photos with planted violations")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    network, _ = choose(None, threads=1)
    chain, chosen = from_words(CHAIN), photos(args.data, args.photos)
    rows = [kept(path, network, chain) for path in chosen]
    done = [row for row in rows if "changed" in row]
    shares = [row["annotated"] for row in done if row["annotated"] is not None]
    report: Known = {
        "chain": CHAIN, "photos": len(rows), "written": len(done),
        "not_written": dict(Counter(row["reason"] for row in rows if "reason" in row)),
        "verdicts": dict(Counter(row["verdict"] for row in done)),
        "garment_pixels": sum(row["garment"] for row in done), "changed_pixels": sum(row["changed"] for row in done),
        "photos_with_a_change": _share(sum(row["changed"] > 0 for row in done), len(done)),
        "annotated_still_the_photos": {"median": float(np.median(shares)), "p10": float(np.percentile(shares, 10))},
    }  # fmt: skip
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    bare: Counter[tuple[str, str]] = Counter()
    packed = sorted((args.data / "wardrobe" / "validation").glob("*/*.jpg"))[3::7]
    both = [*photos(args.data, args.planted // 2), *packed[: args.planted - args.planted // 2]]
    for number, path in enumerate(both):
        try:
            verdicts = planted(path, network, number)
        except ImageError:
            continue
        for words, what, verdict, without in verdicts:
            counts[words, what][verdict] += 1
            bare[words, what] += without
    report["guard"] = [
        {
            "step": words,
            "what": what,
            **_share(sum(found.values()) - found["pass"], sum(found.values())),
            **found,
            "without_detail": _share(bare[words, what], sum(found.values())),
        }
        for (words, what), found in counts.items()
    ]
    show(report)
    if args.json:
        args.json.write_text(json.dumps({**report, "rows": rows}, indent=1))


def show(report: Known) -> None:
    for name, value in report.items():
        if name != "guard":
            print(f"{name}: {value}")
    for row in report["guard"]:
        caught = f"{row['hits']}/{row['n']} = {row['share']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        bare = row["without_detail"]
        without = f"without detail {bare['hits']} [{bare['low']:.3f}, {bare['high']:.3f}]"
        print(f"{row['step']:30} {row['what']:24} not passed {caught}; refused {row.get('refuse', 0)}; {without}")


if __name__ == "__main__":
    main()
