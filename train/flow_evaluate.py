"""Evaluate a flow on a part of a snapshot: run it over the photos, a chunk at a time, and judge what came out.

In: a workspace, a snapshot, a checked flow and its predictors. Out: an `Evaluated` with `Figure`s, never chosen on the
part it judges. A photo that can't be read counts as wrong and is told. Writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset.errors import EmptyError, ModisteError
from dataset.images import decode
from dataset.progress import Progress, silent
from dataset.snapshot import Snapshot, load_snapshot
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from train.answers import Predictor
from train.figure import Figure
from train.flow import Flow
from train.flow_file import TaskNode
from train.flow_judge import judge_flow
from train.flow_run import BATCH, Finder, FlowResult, Rule, run_flow

CHUNK = 4 * BATCH  # photos that are held at once


@dataclass(frozen=True)
class Evaluated:
    """`rows` are the figures; `detail` how many photos there were, were judged, and failed."""

    flow: str
    snapshot: str
    part: str
    decide: str
    rows: tuple[Figure, ...]
    detail: dict[str, Any]

    def line(self) -> str:
        head = f"{self.flow} ({self.decide}) on {self.part} of {self.snapshot}:"
        return "\n".join([head, *(f"  {row.line()}" for row in self.rows)])


def evaluate_flow(
    ws: Workspace,
    flow: Flow,
    taxonomy: Taxonomy,
    predictors: Mapping[str, Predictor],
    *,
    snapshot: str,
    part: str = "test",
    finders: Mapping[str, Finder] | None = None,
    rules: Mapping[str, Rule] | None = None,
    decide: str | None = None,
    progress: Progress = silent,
) -> Evaluated:
    """Raises EmptyError where no photo of the part has a label in any field that the flow asks."""
    frozen = load_snapshot(ws, snapshot)
    fields = {node.task for each in flow.flows() for node in each.nodes() if isinstance(node, TaskNode)}
    rows = labelled(frozen, part, fields)
    results: list[FlowResult] = []
    for start in range(0, len(rows), CHUNK):
        photos = [_photo(ws, sha256) for sha256, _ in rows[start : start + CHUNK]]
        results += run_flow(
            flow, photos, predictors, taxonomy=taxonomy, finders=finders, rules=rules, decide=decide
        )  # fmt: skip
        progress(len(results), len(rows))
    truths = [labels for _, labels in rows]
    figures, detail = judge_flow(flow, taxonomy, results, truths, part=part, often=frequent(frozen, fields))
    return Evaluated(flow.name, snapshot, part, decide or flow.file.decide, tuple(figures), detail)


def labelled(frozen: Snapshot, part: str, fields: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """(sha256, labels) of the part's photos with a label in any of `fields`, by sha256."""
    found = [
        (str(row["sha256"]), json.loads(row["labels"] or "{}"))
        for row in frozen.rows.to_pylist()
        if row["split"] == part
    ]
    found = sorted((pair for pair in found if fields & set(pair[1])), key=lambda pair: pair[0])
    if not found:
        raise EmptyError(
            f"no image in the {part} part has a label in {', '.join(sorted(fields))}", where=f"snapshot {frozen.name}"
        )
    return found


def frequent(frozen: Snapshot, fields: set[str]) -> dict[str, str]:
    """The training part's most frequent value of each field; of equals the first by the alphabet."""
    counts: dict[str, Counter[str]] = {field: Counter() for field in fields}
    for row in frozen.rows.to_pylist():
        if row["split"] == "train":
            for field, value in json.loads(row["labels"] or "{}").items():
                if field in fields:
                    counts[field].update(value if isinstance(value, list) else [value])
    return {field: min(found, key=lambda word: (-found[word], word)) for field, found in counts.items() if found}


def _photo(ws: Workspace, sha256: str) -> Any:
    """(H, W, 3) uint8 RGB, or the error that stands in for it."""
    try:
        return decode(ws.blobs.get(sha256)).rgb
    except ModisteError as error:
        return error
