"""FiftyOne Brain on vectors and predictions that are there already: no model is loaded, nothing is downloaded.

In: the `embeddings` table (the encoder with most rows) and predicted labels in the data set. Out: fields and brain runs
(similarity, uniqueness, representativeness, leaky splits, mistakenness, hardness), and for each whether it ran, and if
not, why. Runs of the same key are replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset.errors import EmptyError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling import curation, curation_store

LEAKY = 0.05  # cosine distance below which two parts show the same thing
LEAST = 3  # images below which distances say nothing
SIMILAR = "similar_images"


@dataclass(frozen=True)
class BrainResult:
    """`ran` says what each run was made of, `not_run` why each other one was not."""

    ran: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        ran = ", ".join(f"{name} ({of})" for name, of in self.ran.items()) or "none"
        missing = "; ".join(f"{name}: {why}" for name, why in self.not_run.items())
        return f"brain runs: {ran}" + (f". Not run: {missing}" if missing else "")


def run_brain(ws: Workspace, *, progress: Progress = silent) -> BrainResult:
    """Raises EmptyError where nothing was curated yet."""
    fo = curation_store.connect(ws)
    dataset = curation.load(fo, ws)
    result = BrainResult()
    fields = list(dataset.info["fields"].values())
    steps = [*_on_vectors(ws, dataset, result), *_on_predictions(dataset, fields, result)]
    for number, (name, what, step) in enumerate(steps, start=1):
        try:
            step()
            result.ran[name] = what
        except (ValueError, ImportError, IndexError) as error:
            result.not_run[name] = str(error).splitlines()[0][:160]
        progress(number, len(steps))
    curation.save_views(fo, dataset, dataset.info["fields"])
    dataset.save()
    return result


def vectors(ws: Workspace, sha256s: list[str]) -> tuple[str, list[str], np.ndarray]:
    """(encoder, sha256s that have a vector, (n, d) float32) of the encoder that knows most. EmptyError for none."""
    sql = "SELECT encoder, count(*) AS n FROM embeddings WHERE vector IS NOT NULL GROUP BY encoder ORDER BY 2 DESC, 1"
    best = ws.tables.query(sql).to_pylist()
    if not best:
        raise EmptyError("the table embeddings is empty", cure="Train or evaluate a tagger: modiste train tagging")
    encoder = best[0]["encoder"]
    sql = "SELECT sha256, vector FROM embeddings WHERE encoder = ? AND vector IS NOT NULL ORDER BY sha256"
    table = ws.tables.query(sql, parameters=[encoder])
    wanted = set(sha256s)
    places = [place for place, sha256 in enumerate(table["sha256"].to_pylist()) if sha256 in wanted]
    found = np.array(table["vector"].take(places).to_pylist(), np.float32)
    return encoder, table["sha256"].take(places).to_pylist(), found


Step = tuple[str, str, Callable[[], Any]]


def _on_vectors(ws: Workspace, dataset: Any, result: BrainResult) -> list[Step]:
    import fiftyone.brain as fob

    names = ("similarity", "uniqueness", "representativeness", "leaky splits")
    try:
        encoder, known, found = vectors(ws, dataset.values("sha256"))
    except EmptyError as error:
        result.not_run.update(dict.fromkeys(names, str(error)))
        return []
    if len(known) < LEAST:
        result.not_run.update(dict.fromkeys(names, f"{len(known)} images have a vector, {LEAST} are needed"))
        return []
    ids = dict(zip(*dataset.values(["sha256", "id"]), strict=True))
    view = dataset.select([ids[sha256] for sha256 in known], ordered=True)
    what = f"{len(known)} of {len(ids)} images, {encoder.split('#')[0]}"

    def similarity() -> None:
        if SIMILAR in dataset.list_brain_runs():
            dataset.delete_brain_run(SIMILAR)
        fob.compute_similarity(view, embeddings=found, brain_key=SIMILAR, backend="sklearn", metric="cosine")

    def leaks() -> None:
        index = fob.compute_leaky_splits(view, splits="split", threshold=LEAKY, embeddings=found)
        dataset.save_view(
            "leaky splits", index.leaks_view(), description="Kept by modiste curate: leaky splits", overwrite=True
        )

    steps: list[Step] = [
        ("similarity", what, similarity),
        ("uniqueness", what, lambda: fob.compute_uniqueness(view, embeddings=found, progress=False)),
        ("representativeness", what, lambda: fob.compute_representativeness(view, embeddings=found, progress=False)),
    ]
    if len(set(dataset.values("split")) - {None}) < 2:
        result.not_run["leaky splits"] = "no image is in a part yet: run modiste split"
        return steps
    return [*steps, ("leaky splits", what, leaks)]


def _on_predictions(dataset: Any, fields: list[str], result: BrainResult) -> list[Step]:
    import fiftyone.brain as fob

    shown = [name for name in fields if len(dataset.exists(name).exists(f"predicted_{name}"))]
    if not shown:
        why = "no run's labels are shown: modiste curate --run latest:tagging"
        result.not_run.update({"mistakenness": why, "hardness": why})
        return []
    name = shown[0]
    view = dataset.exists(name).exists(f"predicted_{name}")
    what = f"{name}, {len(view)} images"
    steps: list[Step] = [
        ("mistakenness", what, lambda: fob.compute_mistakenness(view, f"predicted_{name}", name, progress=False))
    ]
    sure = dataset.exists(f"predicted_{name}.logits")
    if not len(sure):
        result.not_run["hardness"] = "the predictions shown keep no logits"
        return steps
    return [
        *steps,
        ("hardness", f"{name}, {len(sure)} images", lambda: fob.compute_hardness(sure, f"predicted_{name}")),
    ]
