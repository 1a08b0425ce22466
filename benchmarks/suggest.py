"""Does `modiste suggest` know what was worn with a garment? Outfit completion, and poses by how well a garment lies.

In: --workspace DIR with outfits (modiste import street, check, dedup, split). Out: a table, and --json FILE.
Fill in the blank: of a held-out photo the largest garment is shown, one of its accessories is the answer among three
drawn from other held-out photos, of the same kind (`same kind`: which bag?) or of any (`any kind`). Ways: the popular
one, counting words and colours, likeness of pieces, both; beside them chance. Learned from train alone; widths
were chosen on validation (--part validation). Poses: the first suggested photo against one drawn among all, and
among those with such a garment: share of the region a warped garment fills, roughness of the warp. Intervals: Wilson
over questions; `photos` says how many they come from. A way that knows the photo's light could cheat: all around a
piece is painted out, and `levelled` takes each photo's mean colour out of its pieces' (for `counted`).
Example: python -m benchmarks.suggest --workspace street --json suggest.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from dataset.images import decode
from dataset.outfits import Outfit, Piece, rows_with_words
from dataset.workspace import Workspace
from train.garment_warp import warp
from train.metrics import wilson
from train.suggest import WAYS, Asked, Closet
from train.suggest_closet import load_closet

Known = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """`choices` are places in `Closet.pieces`, the first is right."""

    photo: str
    family: str
    asked: Asked
    choices: tuple[int, ...]


def questions(closet: Closet, part: str, same: bool, rng: np.random.Generator) -> Iterator[Question]:
    """One for each accessory of each photo of the part that shows a garment."""
    first = np.concatenate([[0], np.cumsum([len(each.pieces) for each in closet.outfits])])
    pool = [
        k for k, piece in enumerate(closet.pieces)
        if not piece.is_garment and closet.outfits[closet.owner[k]].split == part
    ]  # fmt: skip
    for number, outfit in enumerate(closet.outfits):
        garment = outfit.garment
        if outfit.split != part or garment is None:
            continue
        places = range(int(first[number]), int(first[number + 1]))
        at = next(k for k in places if closet.pieces[k] is garment)
        asked = Asked(garment.word, garment.lab, closet.vectors[at])
        for place in places:
            piece = closet.pieces[place]
            others = [k for k in pool if _wrong(closet, k, outfit, piece, same)]
            if not piece.is_garment and len(others) >= 3:
                drawn = rng.choice(others, 3, replace=False)
                yield Question(outfit.sha256, piece.family, asked, (place, *map(int, drawn)))


def _wrong(closet: Closet, place: int, outfit: Outfit, piece: Piece, same: bool) -> bool:
    other = closet.outfits[closet.owner[place]]
    return other.group != outfit.group and (not same or closet.pieces[place].family == piece.family)


def right(closet: Closet, question: Question, way: str) -> float:
    """1, 0, or a share where the best score is held by several."""
    scores = closet.scores(question.asked, question.choices, way)
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(0 in best) / len(best)


def table(closet: Closet, asked: Sequence[Question]) -> list[Known]:
    rows = []
    for way in WAYS:
        hits = np.array([right(closet, each, way) for each in asked])
        rows.append({"way": way, **_share(hits)})
    rows.append({"way": "chance", "n": len(asked), "share": 0.25, "low": 0.25, "high": 0.25})
    return rows


def _share(hits: np.ndarray) -> Known:
    low, high = wilson(round(float(hits.sum())), len(hits))
    return {"n": len(hits), "share": float(hits.mean()), "low": low, "high": high}


def levelled(ws: Workspace, closet: Closet) -> Closet:
    """The same closet, each piece's colour less its photo's mean colour, and no vectors' help against it."""
    means = {each.sha256: _mean_lab(ws, each) for each in closet.outfits}
    outfits = [
        replace(each, pieces=tuple(_less(piece, means[each.sha256]) for piece in each.pieces))
        for each in closet.outfits
    ]
    return Closet(outfits, closet.vectors, [each.split == "train" for each in outfits])


def _less(piece: Piece, mean: np.ndarray) -> Piece:
    light, a, b = piece.lab
    return replace(piece, lab=(light, a - float(mean[1]), b - float(mean[2])))


def _mean_lab(ws: Workspace, outfit: Outfit) -> np.ndarray:
    import cv2

    rgb = decode(ws.blobs.get(outfit.sha256), shorter_side_px=120).rgb
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3).mean(axis=0)


def poses(ws: Workspace, closet: Closet, part: str, count: int, rng: np.random.Generator) -> list[Known]:
    """Of `count` held-out garments laid over a photo: the suggested one, one with such a garment, any one."""
    maps = {row["sha256"]: row["words_sha256"] for row in rows_with_words(ws)}
    known = [k for k, piece in enumerate(closet.pieces) if piece.is_garment and _split(closet, k) == "train"]
    asked = [k for k, piece in enumerate(closet.pieces) if piece.is_garment and _split(closet, k) == part]
    rows: dict[str, list[tuple[float, float]]] = {"suggested": [], "same family": [], "any": []}
    for place in rng.choice(asked, min(count, len(asked)), replace=False):
        piece = closet.pieces[place]
        top, left, bottom, right_edge = piece.box
        aspect = (bottom - top) / max(1, right_edge - left)
        wanted = Asked(piece.word, piece.lab, closet.vectors[place])
        family = [k for k in known if closet.pieces[k].family == piece.family]
        chosen = {
            "suggested": closet.poses(wanted, aspect, 1)[0][0], "same family": int(rng.choice(family)),
            "any": int(rng.choice(known)),
        }  # fmt: skip
        rgb, mask = _region(ws, maps, piece)
        cutout = np.dstack([rgb, np.where(mask, 255, 0)]).astype(np.uint8)
        for name, other in chosen.items():
            made = warp(cutout, _region(ws, maps, closet.pieces[other])[1])
            rows[name].append((made.filled, made.roughness))
    return [{"pose": name, **_poses_told(np.array(found))} for name, found in rows.items()]


def _poses_told(found: np.ndarray) -> Known:
    mean, low, high = bootstrap_of(found[:, 0])
    return {
        "n": len(found),
        "filled": mean,
        "low": low,
        "high": high,
        "roughness_median": float(np.median(found[:, 1])),
    }


def bootstrap_of(values: np.ndarray, draws: int = 2_000) -> tuple[float, float, float]:
    """Mean and its 95 % interval over photos."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (draws, len(values)))].mean(axis=1)
    return float(values.mean()), float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def _split(closet: Closet, place: int) -> str | None:
    return closet.outfits[closet.owner[place]].split


def _region(ws: Workspace, maps: dict[str, str], piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    rgb = decode(ws.blobs.get(piece.sha256)).rgb
    return rgb, decode(ws.blobs.get(maps[piece.sha256])).rgb[..., 0] == piece.value


def fitted(closet: Closet, folds: int = 5) -> list[float]:
    """Weights of `both`: a conditional logit over the training photos' questions, each answered by a closet that
    never saw its fold. No photo of validation or test is looked at."""
    from scipy.optimize import minimize

    fold = np.array([int(sha256(each.group.encode()).hexdigest(), 16) % folds for each in closet.outfits])
    rows = []
    for held in range(folds):
        known = [each.split == "train" and number != held for each, number in zip(closet.outfits, fold, strict=True)]
        blind = Closet(closet.outfits, closet.vectors, known)
        for same in (True, False):
            for each in questions(closet, "train", same, np.random.default_rng(held)):
                if fold[closet.owner[each.choices[0]]] == held:
                    rows.append(blind.features(each.asked, each.choices))
    seen = np.array(rows)
    spread = (seen - seen.mean(axis=1, keepdims=True)).reshape(-1, seen.shape[2]).std(axis=0)

    def loss(weights: np.ndarray) -> float:
        scores = seen / spread @ weights
        return float(np.mean(np.log(np.exp(scores - scores[:, :1]).sum(axis=1))) + 0.05 * weights @ weights)

    weights = minimize(loss, np.zeros(seen.shape[2])).x / spread
    hits = float(((seen @ weights).argmax(axis=1) == 0).mean())
    print(f"fitted on {len(rows)} questions, {hits:.3f} of them right: {np.round(weights, 2).tolist()}")
    return [float(each) for each in weights]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["validation", "test"])
    parser.add_argument("--fit", action="store_true", help="print the weights of 'both' fitted on train, and stop")
    parser.add_argument("--poses", type=int, default=60)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    ws = Workspace.open(args.workspace)
    whole = load_closet(ws)
    closet = Closet(whole.outfits, whole.vectors, [each.split == "train" for each in whole.outfits])
    if args.fit:
        fitted(closet)
        return
    report: Known = {"outfits": len(whole.outfits), "learned": sum(each.split == "train" for each in whole.outfits),
                     "part": args.part}  # fmt: skip
    for name, same in (("same kind", True), ("any kind", False)):
        asked = list(questions(closet, args.part, same, np.random.default_rng(0)))
        report[name] = {"photos": len({each.photo for each in asked}), "ways": table(closet, asked)}
        if same:
            bags = {family: [each for each in asked if each.family == family] for family in ("bag", "shoes", "hat")}
            report["by kind"] = {family: table(closet, found) for family, found in bags.items() if found}
            flat = levelled(ws, closet)
            report["levelled"] = table(flat, [_levelled(flat, each) for each in asked])
    report["poses"] = poses(ws, closet, args.part, args.poses, np.random.default_rng(1))
    show(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1))


def _levelled(closet: Closet, question: Question) -> Question:
    """The same question with the garment's colour taken from the levelled closet."""
    outfit = closet.outfits[closet.owner[question.choices[0]]]
    garment = outfit.garment
    assert garment is not None  # a question has one
    return Question(
        question.photo, question.family, Asked(garment.word, garment.lab, question.asked.vector), question.choices
    )


def show(report: Known) -> None:
    for name in ("outfits", "learned", "part"):
        print(f"{name}: {report[name]}")
    for name in ("same kind", "any kind"):
        print(f"\n{name}, {report[name]['photos']} photos")
        _rows(report[name]["ways"])
    print("\nby kind")
    _rows([{"kind": kind, **row} for kind, found in report["by kind"].items() for row in found])
    for name in ("levelled", "poses"):
        print(f"\n{name}")
        _rows(report[name])


def _rows(rows: Sequence[Known]) -> None:
    for row in rows:
        told = [f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()]
        print("  " + "  ".join(told))


if __name__ == "__main__":
    main()
