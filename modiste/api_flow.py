"""Flows in the service: found, checked against their taxonomy and models, run over a batch of photos.

In: the parts loaded so far, a workspace's own flows (`flows/*.yaml`) beside those that ship. Out: a `FlowPart` for each
that can run, what it lacks for the others. Colour is measured inside the garment, and detection finds its box.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset.errors import ModisteError
from dataset.taxonomy import load_taxonomy, path_of
from dataset.workspace import Workspace
from modiste.api_parts import FlowPart, Look, Parts
from train.answers import Answer, UInt8

if TYPE_CHECKING:
    from train.flow import Flow

LEAST_SHARE = 0.001  # of the photo's pixels; less is nothing found
MARGIN = 0.05  # around a box, share of its longer side
SURE = 0.5


def add_flows(parts: Parts, ws: Workspace | None) -> None:
    """What can't run goes to `parts.missing` as 'flow NAME'."""
    from train.flow import shipped

    own: list[str | Path] = sorted((ws.root / "flows").glob("*.yaml")) if ws else []
    for each in [*own, *shipped()]:
        name = each.stem if isinstance(each, Path) else each
        try:
            part = _part(each, ws, parts.look)
            parts.flows.setdefault(part.name, part)
        except ModisteError as error:
            parts.missing.setdefault(f"flow {name}", str(error))


def _part(each: str | Path, ws: Workspace | None, look: Look | None) -> FlowPart:
    from train.flow import load_flow
    from train.flow_check import check_flow
    from train.flow_models import load_models
    from train.flow_run import run_flow

    flow = load_flow(each)
    models = load_models(flow, ws)
    if models.missing:
        raise ModisteError("; ".join(f"{name}: {why}" for name, why in models.missing.items()))
    taxonomy = load_taxonomy(path_of(flow.taxonomy.split("@")[0], ws.root if ws else None))
    finders = {what: _finder(look, what) for what in ("garment", "person")} if look else {}
    rules = {"colour": _colour_rule(look)} if look else {}
    check_flow(flow, taxonomy, models.found, rules=rules)
    return FlowPart(
        flow.name, flow.taxonomy, _drawn(flow),
        lambda photos: run_flow(flow, photos, models.found, taxonomy=taxonomy, finders=finders, rules=rules),
        [(name, predictor.fingerprint) for name, predictor in models.found.items()],
    )  # fmt: skip


def _drawn(flow: Flow) -> list[dict[str, Any]]:
    """Its nodes as a page draws them: parents first, each with the ids of its children and the way to each of them: a
    case's value, 'then', 'otherwise', nothing in a list."""
    return [
        {
            "id": node.id,
            "kind": node.kind,
            "subject": node.subject,
            "children": [child.id for _, child in node.children()],
            "ways": ["" if place[0] == "list" else str(place[-1]) for place, _ in node.children()],
        }
        for node in flow.nodes()
    ]


def _finder(look: Look, what: str) -> Any:
    """Photo -> (left, top, right, bottom) of the garment or person, with a margin; None where there is none."""

    def find(photo: UInt8) -> tuple[int, int, int, int] | None:
        seen = getattr(look(photo), what) > SURE
        if np.count_nonzero(seen) < LEAST_SHARE * seen.size:
            return None
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        room = round(MARGIN * max(rows[-1] - rows[0], columns[-1] - columns[0]))
        left, top = max(0, int(columns[0]) - room), max(0, int(rows[0]) - room)
        return left, top, min(seen.shape[1], int(columns[-1]) + room + 1), min(seen.shape[0], int(rows[-1]) + room + 1)

    return find


def _colour_rule(look: Look) -> Any:
    def rule(photo: UInt8, tags: Mapping[str, Any]) -> Answer | None:
        from modiste.api_colour import colours_of

        found = colours_of(photo, look(photo).garment)
        return Answer(tuple((each.name, float(each.share)) for each in found)) if found else None

    return rule
