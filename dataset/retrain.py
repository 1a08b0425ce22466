"""What learned from images that are taken down, and in which order it is to be made again.

In: a workspace and the snapshots concerned. Out: `Step`s, each after what it needs. A run needs its snapshot; a run
whose recipe names another run needs that one; a snapshot whose masks a run drew needs that run. Reads run folders as
plain JSON.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from dataset.errors import DataError, SnapshotError
from dataset.snapshot import list_snapshots, read_meta
from dataset.workspace import Workspace

MODEL = "model:"


@dataclass(frozen=True)
class Step:
    """`kind` is snapshot or run; `after` are the names of the steps before it that it needs."""

    kind: str
    name: str
    how: str
    after: tuple[str, ...] = ()


def read_runs(ws: Workspace) -> dict[str, dict[str, Any]]:
    """{run id: run.json}. Raises DataError for one that can't be read."""
    found = {}
    for path in sorted(ws.runs.glob("*/run.json")):
        try:
            found[path.parent.name] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, OSError) as error:
            raise DataError(f"can't be read: {error}", where=str(path), cure="Delete the run's folder") from error
    return found


def needs(ws: Workspace) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """{(kind, name): what it was made with}, over every snapshot and run."""
    runs, found = read_runs(ws), defaultdict[tuple[str, str], set[tuple[str, str]]](set)
    for name in list_snapshots(ws):
        found["snapshot", name] |= {("run", run) for run in _drawn_by(ws, name) if run in runs}
    for run, told in runs.items():
        found["run", run] |= {("run", word) for word in _words(told.get("recipe")) if word in runs and word != run}
        found["run", run] |= {("snapshot", str(told["snapshot"]))} if told.get("snapshot") else set()
    return dict(found)


def concerned(ws: Workspace, snapshots: Iterable[str]) -> set[tuple[str, str]]:
    """The snapshots and everything that was made with them, directly or not."""
    users = defaultdict[tuple[str, str], list[tuple[str, str]]](list)
    for thing, needed in needs(ws).items():
        for each in needed:
            users[each].append(thing)
    found = {("snapshot", name) for name in snapshots}
    waiting = list(found)
    while waiting:
        for user in users[waiting.pop()]:
            if user not in found:
                found.add(user)
                waiting.append(user)
    return found


def retrain_list(ws: Workspace, snapshots: Iterable[str]) -> list[Step]:
    """Steps in the order in which they can be done."""
    things, runs = concerned(ws, snapshots), read_runs(ws)
    wanted = {thing: {each for each in needed if each in things} for thing, needed in needs(ws).items()}
    graph = {thing: wanted.get(thing, set()) for thing in sorted(things)}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError:  # only files edited by hand can need each other
        return [Step(kind, name, _how(kind, name, runs)) for kind, name in sorted(things)]
    steps = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        steps += [
            Step(kind, name, _how(kind, name, runs), tuple(sorted(each[1] for each in graph[kind, name])))
            for kind, name in ready
        ]
        sorter.done(*ready)
    return steps


def _how(kind: str, name: str, runs: dict[str, dict[str, Any]]) -> str:
    if kind == "snapshot":
        return f"modiste snapshot {name}-2"
    told = runs.get(name, {})
    recipe = told.get("recipe")
    with_recipe = f" -r {recipe['name']}" if isinstance(recipe, dict) and "name" in recipe else ""
    return f"modiste train {told.get('task', '')} -s {told.get('snapshot')}-2{with_recipe}".replace("  ", " ")


def _drawn_by(ws: Workspace, name: str) -> set[str]:
    try:
        sources = read_meta(ws, name).get("mask_sources", {})
    except SnapshotError:
        return set()
    return {source.removeprefix(MODEL) for source in sources if source.startswith(MODEL)}


def _words(value: Any) -> set[str]:
    """Every text in a recipe, with the last part of what looks like a path."""
    if isinstance(value, dict):
        return {word for each in value.values() for word in _words(each)}
    if isinstance(value, list):
        return {word for each in value for word in _words(each)}
    return {part for part in value.split("/") if part} if isinstance(value, str) else set()
