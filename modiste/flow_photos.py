"""Run a flow over files: photos read a chunk at a time, every one answered in its place, those that can't be read too.

In: paths, a checked flow and what it needs. Out: `FlowTold`: one entry a photo, as the service answers it. Memory holds
one chunk of photos. Never writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.errors import ImageError
from dataset.images import decode
from dataset.progress import Progress, silent
from dataset.taxonomy import Taxonomy
from modiste.cutout_sources import read_file
from train.answers import Predictor
from train.flow import Flow
from train.flow_answer import Tag
from train.flow_run import Finder, FlowResult, Rule, run_flow

CHUNK = 64


@dataclass(frozen=True)
class FlowTold:
    """`results` are {image, tags, path, models_called} or {image, error}, in the order of the photos."""

    flow: str
    results: list[dict[str, Any]]
    models: list[dict[str, str]]
    text: str
    failed: int

    def line(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.text}\nflow {self.flow}: {len(self.results) - self.failed} of {len(self.results)} images{failed}"


def run_on_files(
    flow: Flow, paths: Sequence[Path], predictors: Mapping[str, Predictor], *, taxonomy: Taxonomy,
    finders: Mapping[str, Finder] | None = None, rules: Mapping[str, Rule] | None = None,
    decide: str | None = None, progress: Progress = silent,
) -> FlowTold:  # fmt: skip
    found: list[FlowResult] = []
    for start in range(0, len(paths), CHUNK):
        photos = [_photo(path) for path in paths[start : start + CHUNK]]
        found += run_flow(flow, photos, predictors, taxonomy=taxonomy, finders=finders, rules=rules, decide=decide)
        progress(len(found), len(paths))
    results = [{"image": str(path), **result.as_json()} for path, result in zip(paths, found, strict=True)]
    models = [{"name": name, "fingerprint": each.fingerprint} for name, each in predictors.items()]
    text = "\n".join(words_of(path, result) for path, result in zip(paths, found, strict=True))
    return FlowTold(flow.name, results, models, text, sum(result.error is not None for result in found))


def _photo(path: Path) -> Any:
    """(H, W, 3) uint8 RGB, or the error that stands in for it."""
    try:
        return decode(read_file(path)).rgb
    except ImageError as error:
        return error


def words_of(path: Path, result: FlowResult) -> str:
    """'shoe.jpg: type shoes 0.93, category footwear 0.93, colour black; 1 model' and the way it went."""
    if result.error is not None:
        return f"{path}: error: {result.error}"
    tags = ", ".join(_words(tag) for tag in result.tags.values()) or "no tags"
    way = " > ".join(f"{step.node} ({step.why})" for step in result.path)
    return f"{path}: {tags}\n  {way}"


def _words(tag: Tag) -> str:
    if tag.label is None:
        return f"{tag.field} unsure"
    label = " and ".join(tag.labels) if tag.labels else tag.label
    return f"{tag.field} {label} {tag.confidence:.2f}"
