"""`modiste generate`'s work: pictures from a trained generator, each marked as made, beside what it learned from.

In: a run, how many, perhaps a label, maps, a garment, an outline, a photo with a hole. Out: PNGs with the IPTC's mark,
a sheet that shows the nearest training picture beside each, `lineage.json`. The same run and seed give the same bytes.
Made pictures are no data: a split refuses what bears the mark.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import ModisteError, TrainingError, UsageError
from dataset.progress import Progress, counted, silent
from dataset.snapshot import load_snapshot
from dataset.workspace import Workspace
from modiste.edit_mark import TERMS, marked, version
from modiste.generate_fill import fill as fill_hole
from modiste.generate_fill import into_outline
from modiste.generate_pairs import Made, from_maps
from modiste.generate_people import on_people
from modiste.generate_window import SHOWN_PX
from train import record
from train.generation_data import Pictures, fitted, pictures
from train.generation_measures import features_of, nearest
from train.generation_recipe import TASK
from train.generation_samples import MOST, Maker, load_maker
from train.generation_sheet import Block, sheet_png
from train.weights import WEIGHT_FILE

SHEET, LINEAGE = "sheet.png", "lineage.json"
SHOWN = 60  # pictures on the sheet


@dataclass(frozen=True)
class Asked:
    """What the command was given."""

    n: int
    label: str | None
    seed: int
    maps: list[Path]
    garment: Path | None
    region: str | None
    fill: Path | None
    hole: Path | None
    outline: Path | None
    begin: float | None
    size: str


@dataclass(frozen=True)
class Generated:
    """`files` are the pictures' names in `out`; `nearest` says how the sheet's neighbours were found, '' for not."""

    run: str
    out: str
    seed: int
    files: tuple[str, ...]
    labels: tuple[str, ...]
    sheet: str
    lineage: str
    nearest: str
    note: str = ""

    def line(self) -> str:
        told = f"{len(self.files)} pictures made by {self.run} (seed {self.seed}) in {self.out}, sheet {self.sheet}"
        return told + (f"; {self.note}" if self.note else "")


def generate(
    ws: Workspace,
    run: str = "latest",
    *,
    n: int | None = None,
    label: str | None = None,
    seed: int = 0,
    out: Path = Path("made"),
    maps: list[Path] | None = None,
    garment: Path | None = None,
    region: str | None = None,
    fill: Path | None = None,
    hole: Path | None = None,
    outline: Path | None = None,
    begin: float | None = None,
    size: str = "network",
    device: str = "auto",
    progress: Progress = silent,
) -> Generated:
    """`n` is by default 1 for a photo to fill, else 16. Raises EmptyError (no such run), UsageError (n, label, a file
    that doesn't fit), TrainingError (another task's, not finished, cut short, changed), StorageError."""
    from train.loop import choose_device

    n = (16 if fill is None else 1) if n is None else n
    if not 1 <= n <= MOST:
        raise UsageError(f"--n {n}", expected=f"1 to {MOST}", cure="Run the command again with another --seed")
    asked = Asked(n, label, seed, maps or [], garment, region, fill, hole, outline, begin, size)
    found = _run_of(ws, run)
    maker = load_maker(found.folder / WEIGHT_FILE, choose_device(device))
    learned, note = _learned(ws, found, maker)
    made = _made(ws, found, maker, learned, asked)
    note = "; ".join(each for each in (made.note, note) if each)
    return _written(found, maker, made, learned, note, seed, out, progress)


def _run_of(ws: Workspace, run: str) -> record.Run:
    found = record.load(ws, run, task=TASK if run == "latest" else None)
    if found.task != TASK:
        raise UsageError(f"run {found.id} is a {found.task} run", expected="one of modiste train generation")
    if not found.done:
        raise TrainingError("is not finished", where=f"run {found.id}", cure="Run its train command again: it goes on")
    return found


def _learned(ws: Workspace, run: record.Run, maker: Maker) -> tuple[Pictures | None, str]:
    """The training pictures; None, and why, where they are no longer to be had as they were."""
    try:
        frozen = load_snapshot(ws, run.data["snapshot"])
        if frozen.fingerprint != run.data["fingerprint"]:
            raise TrainingError(f"snapshot {frozen.name} is another one by now")
        return pictures(ws, frozen, "train", maker.recipe, maker.classes), ""
    except ModisteError as error:
        return None, f"no nearest training pictures: {error}"


def _made(ws: Workspace, run: record.Run, maker: Maker, learned: Pictures | None, asked: Asked) -> Made:
    kind: str = maker.recipe.pairs if maker.recipe.kind == "pairs" else "noise"
    kind = "canvas" if maker.recipe.canvas != "none" else kind
    for word, given, wanted in (
        ("--map", asked.maps, ("labels", "edges", "canvas")), ("--garment", asked.garment, ("garment", "canvas")),
        ("--fill", asked.fill, ("noise",)), ("--hole", asked.hole, ("noise",)),
        ("--outline", asked.outline, ("noise",)),
    ):  # fmt: skip
        if given and kind not in wanted:
            raise UsageError(f"{word} for {maker.recipe.name}", expected="a run that was trained with such pairs")
    dresses = kind == "garment" or (kind == "canvas" and asked.garment is not None)
    if asked.size != "network" and not dresses:
        raise UsageError(f"--size {asked.size} for {maker.recipe.name}", expected="a garment that is worn")
    if kind == "noise":
        return _of_noise(maker, asked)
    if asked.label is not None:
        raise UsageError(f"--label for {maker.recipe.name}", expected="a map or a garment: it was trained on pairs")
    if dresses:
        return on_people(ws, run, maker, asked.n, asked.seed, asked.garment, asked.region, asked.size, learned)
    return from_maps(ws, run, maker, learned, asked.n, asked.seed, asked.maps)


def _of_noise(maker: Maker, asked: Asked) -> Made:
    """From nothing, or from what is known: an outline, a photo round its hole."""
    if (asked.fill is None) != (asked.hole is None):
        raise UsageError(
            "--fill and --hole go together", expected="a photo, and a mask that is white where its hole is"
        )
    if asked.fill is not None and asked.hole is not None:
        if asked.outline is not None:
            raise UsageError("--outline and --fill are given", expected="one of them")
        return fill_hole(maker, asked.fill, asked.hole, asked.n, asked.label, asked.seed, asked.begin)
    if asked.begin is not None:
        raise UsageError("--begin without --fill", expected="a photo with a hole")
    if asked.outline is not None:
        return into_outline(maker, asked.outline, asked.n, asked.label, asked.seed)
    photos, words = maker.drawn(asked.n, asked.label, asked.seed)
    return Made(photos, tuple(words), tuple({"label": word} for word in words))


def _written(
    run: record.Run, maker: Maker, made: Made, learned: Pictures | None, note: str, seed: int, out: Path,
    progress: Progress,
) -> Generated:  # fmt: skip
    term = TERMS + ("compositeWithTrainedAlgorithmicMedia" if made.kept else "trainedAlgorithmicMedia")
    near = _nearest(maker, made, learned)
    rows: list[dict[str, Any]] = []
    out.mkdir(parents=True, exist_ok=True)
    for place, picture in enumerate(counted(list(made.photos), len(made.photos), progress)):
        data = marked(_rgb(picture), "png", term)
        name = f"{run.data['recipe']['name'].split('/')[-1]}-{seed}-{place:04d}.png"
        write_atomically(out / name, data)
        row = {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "place": place, **made.facts[place]}
        rows.append(row | ({"nearest": near[place][0]} if near else {}))
    write_atomically(out / SHEET, _sheet(run, made, near))
    write_atomically(out / LINEAGE, _lineage(run, maker, term, seed, rows, note))
    names = tuple(row["file"] for row in rows)
    how = features_of(maker.recipe).name if near else ""
    return Generated(run.id, str(out), seed, names, made.words, str(out / SHEET), str(out / LINEAGE), how, note)


def _nearest(maker: Maker, made: Made, learned: Pictures | None) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Of each picture {sha256, distance} of the nearest training picture, and that picture; [] where none is known."""
    if learned is None:
        return []
    features, recipe = features_of(maker.recipe), maker.recipe
    mine = np.stack([  # those that were filled or dressed at a photo's own size are shrunk
        each if each.shape[:2] == recipe.size else fitted(each, recipe.size, recipe.colour) for each in made.photos
    ])  # fmt: skip
    place, away = nearest(features(mine), features(np.asarray(learned.photos)))
    return [
        ({"sha256": str(learned.rows[k]["sha256"]), "distance": round(float(far), 4)}, np.asarray(learned.photos[k]))
        for k, far in zip(place, away, strict=True)
    ]


def _sheet(run: record.Run, made: Made, near: list[tuple[dict[str, Any], np.ndarray]]) -> bytes:
    blocks = []
    for place, picture in enumerate(made.photos[:SHOWN]):
        beside = (near[place][1],) if near else ()
        columns = (*made.before[place], picture, *beside)
        same = len({each.shape[0] for each in columns}) == 1 and picture.shape[0] <= SHOWN_PX
        blocks.append(Block(columns if same else _alike(columns), made.words[place]))
    what = "given | made" if any(made.before) else "made"
    return sheet_png(blocks, f"{run.id}: {what}" + (" | nearest training picture" if near else ""))


def _alike(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Large pictures and small ones at the height of a sheet."""
    found = []
    for each in columns:
        size = max(1, round(each.shape[1] * SHOWN_PX / each.shape[0])), SHOWN_PX
        method = cv2.INTER_AREA if each.shape[0] > SHOWN_PX else cv2.INTER_NEAREST
        found.append(cv2.resize(each, size, interpolation=method))
    return tuple(found)


def _lineage(run: record.Run, maker: Maker, term: str, seed: int, rows: list[dict[str, Any]], note: str) -> bytes:
    facts = {
        "made": True, "digital_source_type": term, "run": run.id, "recipe": maker.recipe.name,
        "weights": maker.facts["weights"], "snapshot": run.data["snapshot"], "fingerprint": run.data["fingerprint"],
        "seed": seed, "note": note, "versions": {"modiste": version()}, "pictures": rows,
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False, indent=1).encode()


def _rgb(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
