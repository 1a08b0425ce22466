"""The step `queue`: which images a person should label next, and why each.

In: the tables (images, groups, labels, reviews, embeddings) and, where a run is named, its probabilities. Out: a
`QueueResult`; nothing is written but the CSV that is asked for. Uncertainty, disagreement and rarity make an image's
worth; diversity spreads the picks. Without labels it asks for typical images first, without embeddings by rarity and
quality, and it says which. Test and validation images are drawn at random: ones a model chose would measure that
model's doubts and not its accuracy (Farquhar, Gal & Rainforth, 2021).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.blobs import write_atomically
from dataset.errors import EmptyError, UsageError
from dataset.progress import Progress, silent
from dataset.settings import parse_settings, read_yaml
from dataset.taxonomy import Taxonomy, taxonomy_of
from dataset.workspace import Workspace
from labeling.queue_judge import LEAST_LABELS, Judged, Probabilities, judge
from labeling.queue_labels import Said, not_asked, read_said
from labeling.queue_pick import Mix, Pick, leading, pick, pick_typical, worth
from labeling.queue_pool import LEFT_OUT, Pool, read_pool

PARTS = ("train", "validation", "test")
WORDS = {
    "uncertainty": "the run that tagged it was unsure",
    "disagreement": "the sources of its labels contradict each other",
    "rarity": "its value is seldom labelled",
    "quality": "sharp and well lit",
    "diversity": "unlike everything labelled or queued so far",
    "typicality": "stands for a cluster of images nobody labelled yet",
    "random": "drawn at random, as this part must be",
}
WHY_RANDOM = "drawn at random: labels of this part must not be chosen by a model, or accuracy on it would be biased"


@dataclass(frozen=True)
class QueueResult:
    """`images` in the order to ask: rank, sha256, score, reason, why, the scores, the likely value. `pool` images could
    have been asked about; `left_out` counts the others by `labeling.queue_pool.LEFT_OUT`."""

    about: str
    part: str
    method: str
    pool: int
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)

    def line(self) -> str:
        reasons = [str(row["reason"]) for row in self.images]
        counts = ", ".join(f"{name} {reasons.count(name)}" for name in dict.fromkeys(reasons))
        gone = ", ".join(f"{count} {name}" for name, count in self.left_out.items() if count)
        text = f"{len(self.images)} of {self.pool} images to label for {self.about} ({self.method}: {counts})"
        return "; ".join([text + (f"; left out: {gone}" if gone else ""), *self.notes])


def mix_of(text: str | None) -> Mix:
    """'uncertainty=1,rarity=0.3', a YAML file's path, or the defaults. Raises SettingsError for an unknown name."""
    if not text:
        return Mix()
    if text.endswith((".yaml", ".yml")):
        return parse_settings(Mix, read_yaml(_file(text)), text)
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return parse_settings(Mix, {name.strip(): value.strip() for name, _, value in pairs}, "--weights")


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise UsageError("there is no such file", where=text, expected="a YAML file of weights")
    return Path(text)


def queue(
    ws: Workspace, *, about: str, n: int = 50, part: str = "train", mix: Mix | None = None, encoder: str | None = None,
    probabilities: Probabilities | None = None, seed: int = 0, progress: Progress = silent,
) -> QueueResult:  # fmt: skip
    """The next `n` images to label for the taxonomy field `about`; the same tables and seed give the same queue.

    Raises UsageError (unknown field or part, n under 1, vectors of several encoders), DataError (probabilities that are
    none), EmptyError where nobody can be asked about anything, with the counts of why.
    """
    words = taxonomy_of(ws)
    _check(about, n, part, words)
    progress(0, 4)
    pool = read_pool(ws, part=part, encoder=encoder, with_vectors=part == "train")
    said = read_said(ws, pool, about, words)
    pool.close(said.by_person, "labelled")
    pool.close(not_asked(pool, about, words), "not_asked")
    if not pool.open.any():
        raise EmptyError(_why_empty(pool), where=str(ws.root), cure=_cure(pool))
    size, rng = int(pool.open.sum()), np.random.default_rng(seed)
    progress(1, 4)
    if part != "train":
        same = np.ones(len(pool.items))
        picks = pick(same, n, free=pool.open, rng=rng, copies=pool.copies)
        judged, reasons, notes = Judged({}, "random"), ["random"] * len(picks), [WHY_RANDOM]
    else:
        judged = judge(pool, said, about, words, probabilities, seed)
        progress(2, 4)
        picks, reasons, notes = choose(pool, said, judged, mix or Mix(), n, rng, seed)
    progress(4, 4)
    rows = [_row(pool, said, judged, each, reason) for each, reason in zip(picks, reasons, strict=True)]
    images = [{"rank": rank, **row} for rank, row in enumerate(rows, start=1)]
    notes = notes + _short(len(images), n, size) + _unsplit(pool)
    return QueueResult(about, part, judged.method, size, dict(pool.left_out), notes, images)


def _check(about: str, n: int, part: str, words: Taxonomy) -> None:
    if about not in words.fields:
        raise UsageError(f"there is no field '{about}'", where=words.name, expected="one of " + ", ".join(words.fields))
    if n < 1:
        raise UsageError(f"a queue of {n} images", where="--n", expected="at least 1")
    if part not in PARTS:
        raise UsageError(f"there is no part '{part}'", where="--for", expected=f"one of {', '.join(PARTS)}, masks")


def choose(
    pool: Pool, said: Said, judged: Judged, mix: Mix, n: int, rng: np.random.Generator, seed: int
) -> tuple[list[Pick], list[str], list[str]]:
    """Picks, the leading reason of each, and what should be said about the whole."""
    known = np.flatnonzero(said.by_person)
    if judged.p is None and pool.vectors is not None:
        picks = pick_typical(pool.vectors, n, free=pool.open, known=known, copies=pool.copies, seed=seed)
        note = f"fewer than {LEAST_LABELS} labels of two values to learn from: typical images first"
        return picks, [each.reason for each in picks], [note]
    notes = []
    if pool.vectors is None:
        least = {"rarity": 1.0, "quality": 1.0, "disagreement": 1.0}
        mix = mix.model_copy(update={name: getattr(mix, name) or weight for name, weight in least.items()})
        notes = ["no embeddings: chosen without diversity; run modiste embed for better"]
    picks = pick(worth(judged.scores, mix), n, free=pool.open, rng=rng, vectors=pool.vectors, known=known,
                 copies=pool.copies, diversity=mix.diversity)  # fmt: skip
    return picks, leading(judged.scores, mix, picks, pool.open, pool.vectors is not None), notes


def _row(pool: Pool, said: Said, judged: Judged, each: Pick, reason: str) -> dict[str, Any]:
    found = {name: round(float(values[each.place]), 4) for name, values in judged.scores.items()}
    likely = None if judged.p is None else judged.values[int(judged.p[each.place].argmax())]
    return {
        "sha256": pool.items[each.place].sha256, "score": round(each.score, 4), "reason": reason,
        "why": _why(said, judged, each, reason), "likely": likely, "diversity": round(each.distance, 4), **found,
    }  # fmt: skip


def _why(said: Said, judged: Judged, each: Pick, reason: str) -> str:
    """The leading reason in words a person at the screen can use."""
    place = each.place
    if reason == "disagreement" and said.contradiction[place] > 0:
        return said.words[place]
    if reason not in ("uncertainty", "disagreement", "rarity") or judged.p is None:
        return WORDS.get(reason, reason)
    order = np.argsort(-judged.p[place])[:2]
    two = " or ".join(f"{judged.values[k]} {judged.p[place][k]:.2f}" for k in order)
    given = said.values[said.given[place]] if said.given[place] >= 0 else None
    if reason == "disagreement" and given not in (None, judged.values[order[0]]):
        return f"labelled {given}, looks like {two}"
    return {"uncertainty": "not sure: ", "rarity": "seldom labelled: "}.get(reason, "the committee is split: ") + two


def _short(found: int, n: int, size: int) -> list[str]:
    return (
        [f"{n - found} fewer than asked: the others of {size} are near-duplicates of these"]
        if found < min(n, size)
        else []
    )


def _unsplit(pool: Pool) -> list[str]:
    if any(item.split is None for item in pool.items):
        return [
            "some images have no part yet: run modiste split first, or images chosen here may end up in the test part"
        ]
    return []


def _why_empty(pool: Pool) -> str:
    gone = ", ".join(f"{count} {LEFT_OUT[why]}" for why, count in pool.left_out.items() if count)
    return f"no image to ask about ({gone or 'no images at all'})"


def _cure(pool: Pool) -> str:
    if not pool.items:
        return "Run crawl and check first"
    if pool.left_out["no_vector"]:
        return "Run: modiste embed"
    return "Everything is labelled; crawl more, or choose another field"


def write_csv(result: Any, path: Path) -> None:
    """The queue as a CSV file; only our own words and numbers, no text from a shop."""
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for row in result.images for name in row))
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(result.images)
    write_atomically(path, buffer.getvalue().encode())
