"""What differs between a run's record and what is here now, part by part, and the nearest that there is.

In: a workspace and a run. Out: `Difference`s. One that `stops` would change the result; a note would not, or is mended
by itself (threads). Reads only.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dataset.errors import ModisteError, SettingsError, SnapshotError
from dataset.label_space import written_out
from dataset.marks import marks, said
from dataset.settings import parse_settings
from dataset.snapshot import Snapshot, list_snapshots, load_snapshot, read_meta
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace
from train import record, surroundings
from train.code_state import changed_files, hash_of, running
from train.recipe_models import BESIDE, MODELS
from train.weights import WEIGHT_FILE

SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """`part` is record, data, taken down, taxonomy, recipe, dependency, code, hardware, device or threads. `fatal`:
    there is nothing to train on."""

    part: str
    what: str
    nearest: str = ""
    stops: bool = True
    fatal: bool = False

    def line(self) -> str:
        return f"{self.part}: {self.what}" + (f" (nearest: {self.nearest})" if self.nearest else "")


def differences(ws: Workspace, run: record.Run, snapshot: str | None = None) -> list[Difference]:
    """Every difference, the gravest first. `snapshot` was chosen to take the place of the record's."""
    found = [*_record(run), *_taken_down(run), *_data(ws, run, snapshot), *_begin(ws, run), *_taxonomy(ws, run)]
    return [*found, *_recipe(run), *_dependency(run), *_code(run), *_hardware(run), *_threads(run)]


def resolved_again(run: record.Run) -> tuple[dict[str, Any] | None, str]:
    """The record's recipe as this code understands it, or None and why it doesn't."""
    recipe = dict(run.data["recipe"])
    beside = {key: recipe.pop(key) for key in BESIDE if key in recipe}
    try:
        found = parse_settings(MODELS[run.task], recipe, f"run {run.id}").model_dump()
        if "label_space" in found:
            found["label_space"] = written_out(found["label_space"])
    except SettingsError as error:
        return None, error.what
    return found | beside, ""


def _record(run: record.Run) -> Iterator[Difference]:
    if run.edited:
        yield Difference("record", f"edited by hand: {', '.join(run.edited)}", "a copy of the run's folder")
    if run.data.get("format", 1) < record.FORMAT:
        yield Difference("record", "of format 1: code, threads and packages were not recorded whole", stops=False)
    for stretch in run.data.get("resumed", []):
        if stretch["other"]:
            yield Difference("record", f"was resumed on {stretch['at'][:10]} with other {', '.join(stretch['other'])}")


def _taken_down(run: record.Run) -> Iterator[Difference]:
    if found := marks(run.folder):
        yield Difference("taken down", f"it {said(found)}", "the images that are left: see data")


def _data(ws: Workspace, run: record.Run, chosen: str | None) -> Iterator[Difference]:
    name, wanted = chosen or str(run.data["snapshot"]), run.data["fingerprint"]
    try:
        found = load_snapshot(ws, name)
    except SnapshotError as error:
        near = _nearest(ws, run)
        offer = f"--snapshot {near}" if near else ""
        yield Difference("data", f"{error.where}: {error.what}".removeprefix(": "), offer, fatal=True)
        return
    if found.fingerprint != wanted:
        counts = f"{found.meta['rows']} rows with {found.fingerprint[:12]}"
        learned = ", ".join(f"{part} {n}" for part, n in run.data["counts"].items())
        near = _nearest(ws, run)
        offer = f"--snapshot {near}" if near and near != name else ""
        told = f"snapshot {name} has {counts}; the run learned from {wanted[:12]} ({learned})"
        yield Difference("data", told, offer, stops=chosen is None)


def _nearest(ws: Workspace, run: record.Run) -> str | None:
    """The loadable snapshot with the same fingerprint, else with most rows in common, else the newest."""
    usable = [found for name in list_snapshots(ws) if (found := _loaded(ws, name))]
    same = [each.name for each in usable if each.fingerprint == run.data["fingerprint"]]
    if same or not usable:
        return same[0] if same else None
    old = _loaded(ws, str(run.data["snapshot"]), rest=True)
    shas = set(old.rows["sha256"].to_pylist()) if old else set()
    return max(usable, key=lambda each: (_alike(shas, each), str(each.meta.get("created_at", "")))).name


def _alike(shas: set[str], other: Snapshot) -> float:
    theirs = set(other.rows["sha256"].to_pylist())
    return len(shas & theirs) / max(len(shas | theirs), 1)


def _loaded(ws: Workspace, name: str, *, rest: bool = False) -> Snapshot | None:
    try:
        return load_snapshot(ws, name, rest=rest)
    except SnapshotError:
        return None


def _taxonomy(ws: Workspace, run: record.Run) -> Iterator[Difference]:
    """What labels a snapshot holds is frozen, so another taxonomy now is a note; a snapshot of another one stops."""
    with contextlib.suppress(SnapshotError):
        frozen = ", ".join(read_meta(ws, str(run.data["snapshot"])).get("taxonomy", []))
        if frozen != run.data["taxonomy"]:
            yield Difference("taxonomy", f"the snapshot's labels are of {frozen}, the run's of {run.data['taxonomy']}")
    wanted = run.data.get("taxonomy_hash")
    try:
        now = taxonomy_of(ws)
    except ModisteError as error:
        yield Difference("taxonomy", f"can't be read: {error}", stops=False)
        return
    if wanted and now.hash != wanted:
        told = f"was {wanted[:12]}, is {now.hash[:12]} ({now.reference}); the frozen labels are as they were"
        yield Difference("taxonomy", told, stops=False)


def _recipe(run: record.Run) -> Iterator[Difference]:
    now, why = resolved_again(run)
    if now is None:
        yield Difference("recipe", f"this code doesn't take it: {why}", _checkout(run), fatal=True)
        return
    now, then = json.loads(json.dumps(now)), run.data["recipe"]
    told = [f"{key} {then[key]!r} -> {now[key]!r}" for key in now if key in then and now[key] != then[key]]
    if told:
        yield Difference("recipe", "; ".join(told), _checkout(run))
    later = [f"{key} {now[key]!r}" for key in now if key not in then]
    if later:
        what = f"keys that came after it stand at their defaults, which change nothing: {', '.join(later)}"
        yield Difference("recipe", what, stops=False)


def _begin(ws: Workspace, run: record.Run) -> Iterator[Difference]:
    """A run that began with another's weights needs that one."""
    if not (begin := run.data["recipe"].get("begin")):
        return
    folder = ws.runs / str(begin["run"])
    known = record.read_run(folder).data.get("results", {}) if (folder / "run.json").is_file() else {}
    if known.get("weights") != begin["weights"] or not (folder / WEIGHT_FILE).is_file():
        told = f"began with weights {begin['weights'][:12]} of run {begin['run']}, which are not here"
        yield Difference("data", told, "that run's folder, put back into runs/", fatal=True)


def _dependency(run: record.Run) -> Iterator[Difference]:
    now, then = surroundings.versions(), run.data["versions"]
    other = [name for name in then if now.get(name) != then[name]]
    if other:
        told = ", ".join(f"{name} {then[name]} -> {now.get(name, 'not installed')}" for name in other)
        pins = " ".join(f"{name}=={then[name]}" for name in other if name != "python")
        python = f"Python {then['python']}" if "python" in other else ""
        yield Difference(
            "dependency", told, " and ".join(each for each in (f"pip install {pins}" if pins else "", python) if each)
        )
    elif run.data.get("packages_sha256") not in (None, hash_of(surroundings.packages())):
        told = ", ".join(_packages(run)[:SHOWN]) or "which ones is not recorded"
        yield Difference("dependency", f"packages that don't touch a model's bits differ: {told}", stops=False)


def _packages(run: record.Run) -> list[str]:
    then, now = _made_with(run).get("packages", {}), surroundings.packages()
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    return [f"{name} {then.get(name, 'none')} -> {now.get(name, 'none')}" for name in names] if then else []


def _code(run: record.Run) -> Iterator[Difference]:
    then, now = run.data.get("code_state"), running()
    if then is None:
        if run.data.get("code") != surroundings.surroundings()["code"]:
            yield Difference("code", f"was {run.data.get('code')}, the files were not recorded", _checkout(run))
        return
    if then["files_sha256"] == now.fingerprint:
        return
    files = changed_files(_made_with(run).get("files", {}), now.files)
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    yield Difference("code", ", ".join(files[:SHOWN]) + more, _checkout(run))


def _made_with(run: record.Run) -> dict[str, Any]:
    """The long lists, if they are those that the record seals."""
    try:
        found = json.loads((run.folder / record.MADE_WITH).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found) if hash_of(found) == run.data.get("made_with_sha256") else {}


def _checkout(run: record.Run) -> str:
    state = run.data.get("code_state") or {"revision": (run.data.get("code") or "").rstrip("+") or None, "dirty": False}
    if not state["revision"]:
        return "an installation of the same version"
    patch = f", then the diff in {run.id}/{record.MADE_WITH}" if state["dirty"] else ""
    return f"git checkout {state['revision'][:12]}{patch}"


def _hardware(run: record.Run) -> Iterator[Difference]:
    then, now = run.data["hardware"], surroundings.hardware()
    device = run.data["results"].get("device")
    torch = sys.modules.get("torch")
    if device == "cuda" and not (torch and torch.cuda.is_available()):
        cards = ", ".join(then.get("cards") or []) or "a card"
        yield Difference("device", f"was trained on {cards}, torch finds none here", "this CPU: another result")
    elif device == "cuda":
        yield Difference("device", "a GPU's sums are not the same twice: expect a spread", stops=False)
    keys = ("machine", "system", "cpu", "capability")
    other = [key for key in keys if then.get(key) is not None and now[key] is not None and then[key] != now[key]]
    if other:
        told = ", ".join(f"{key} {then[key]} -> {now[key]}" for key in other)
        stops = bool({"machine", "capability"} & {*other})  # other instructions round otherwise
        yield Difference("hardware", told, stops=stops)


def _threads(run: record.Run) -> Iterator[Difference]:
    then, now = run.data.get("threads", {}).get("torch"), surroundings.threads()
    if then and now["torch"] is not None and then != now["torch"]:
        yield Difference("threads", f"were {then}, are {now['torch']}: set to {then} for this run", stops=False)
