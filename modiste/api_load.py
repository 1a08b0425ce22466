"""Loads what the service works with.

In: a workspace (or none), weight files. Out: `Parts`; of each part that can't be had, what would bring it. A weight of
images taken down since is refused. Computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataset.errors import ModisteError
from dataset.marks import refuse_if_marked
from dataset.workspace import Workspace
from modiste.api_flow import add_flows
from modiste.api_index import open_searcher
from modiste.api_parts import Parts


def load_parts(ws: Workspace | None, weights: Path | None = None, threads: int | None = None) -> Parts:
    """`weights` is a tagger's file. Raises ModisteError where that one can't be used; what ships may be missing."""
    parts = Parts()
    _tagger(parts, weights, threads)
    _tried(parts, "cutout", lambda: _segmenter(parts, threads))
    _tried(parts, "flow", lambda: add_flows(parts, ws))
    _tried(parts, "similar", lambda: open_searcher(parts, ws))
    return parts


def _tried(parts: Parts, name: str, load: Callable[[], None]) -> None:
    try:
        load()
    except ModisteError as error:
        parts.missing[name] = f"{error.what}. {error.cure}" if error.cure else error.what


def _tagger(parts: Parts, weights: Path | None, threads: int | None) -> None:
    from train.tagging_weights import load_tagger, shipped_tagger

    if weights is not None:
        refuse_if_marked(weights, doing="served")
        _take_tagger(parts, load_tagger(weights, threads), weights.stem)
        return
    _tried(parts, "tag", lambda: _take_tagger(parts, shipped_tagger(threads), "the tagger that ships"))


def _take_tagger(parts: Parts, tagger: Any, name: str) -> None:
    from train.heat import overlay_png

    parts.tagger = tagger
    parts.explain = lambda photo, fields: overlay_png(tagger, photo, fields)
    parts.card_of(name, "tagging", tagger.fingerprint, {**tagger.facts, "values": tagger.values})


def _segmenter(parts: Parts, threads: int | None) -> None:
    from modiste.cutout_model import from_file
    from train.closer import look
    from train.shipped import shipped

    path = shipped("segmentation")
    refuse_if_marked(path, doing="served")
    segmenter = from_file(path, threads)
    fingerprint = str(segmenter.facts.get("weights"))
    parts.look = lambda rgb: look(segmenter, rgb)
    parts.segmenter_name = (path.stem, fingerprint)
    parts.card_of(path.stem, "segmentation", fingerprint, segmenter.facts)
