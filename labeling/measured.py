"""Colours measured inside garment masks, as labels: which masks, which pixels, how sure.

In: blobs and `masks` of a workspace. Out: per image the basic colours with their words and confidences; several large
ones are told as such and as `multicolour` where no one leads. Never writes a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np

from dataset.images import decode
from dataset.mask_sources import stands
from dataset.masks import binary_from_png
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling.colour import MULTICOLOUR, Colour, is_multicolour, measure
from labeling.grabcut import seed_of
from labeling.workers import in_workers

PREFIX = "measured "
CONFIDENCE = 0.7  # at most, of a colour all over a thing that has one name in any light: a shop's own word is surer
LEAST_SHARE = 0.25  # of the garment a second colour must cover to be a label
SHORT_SIDE_PX = 256


@dataclass(frozen=True)
class ColourJob:
    sha256: str
    photo: bytes
    mask: bytes
    blob: str


def garments(ws: Workspace) -> list[tuple[str, str]]:
    """(sha256, mask blob) of each image's garment mask that stands."""
    names = ["sha256", "source", "mask_sha256", "created_at"]
    rows = ws.tables.read("masks", names, "kind = 'garment' AND status = 'ok'").sort_by("sha256").to_pylist()
    return [
        (sha256, min(found, key=stands)["mask_sha256"]) for sha256, found in groupby(rows, key=itemgetter("sha256"))
    ]


def measure_colours(
    ws: Workspace, words: Taxonomy, wanted: list[tuple[str, str]], workers: int | None
) -> Iterator[tuple[str, list[tuple[str | None, str, float]]]]:
    """(sha256, [(value, word, confidence)]) of each (sha256, mask blob), in order."""
    jobs = (ColourJob(sha256, ws.blobs.get(sha256), ws.blobs.get(blob), blob) for sha256, blob in wanted)
    for job, found in in_workers(_colours_of, jobs, total=len(wanted), workers=workers):
        sha256, blob = job
        yield (
            sha256,
            [
                (words.map("colour", colour.name, "en") if "colour" in words.fields else None,
                 f"{PREFIX}{rank}: {colour.finer} #{colour.rgb} {colour.share:.0%} mask {blob}",
                 CONFIDENCE * colour.confidence * colour.share)
                for rank, colour in enumerate(found, start=1)
            ],
        )  # fmt: skip


def _colours_of(job: ColourJob) -> tuple[tuple[str, str], list[Colour]]:
    mask = binary_from_png(job.mask)
    rgb = decode(job.photo).rgb
    step = max(1, min(rgb.shape[:2]) // SHORT_SIDE_PX)
    small = np.ascontiguousarray(mask[::step, ::step])
    found = measure(np.ascontiguousarray(rgb[::step, ::step]), small, seed=seed_of(job.sha256)).colours
    kept = [colour for n, colour in enumerate(found) if n == 0 or colour.share >= LEAST_SHARE]
    if is_multicolour(found):
        sure = sum(colour.share * colour.confidence for colour in found)
        kept = [Colour(MULTICOLOUR, 1.0, found[0].rgb, MULTICOLOUR, found[0].delta_e, sure), *kept]
    return (job.sha256, job.blob), kept
