"""The steps `curate` and `curate pull`: one FiftyOne data set per workspace, in step with the tables both ways.

In: the workspace's tables. Out: samples keyed by sha256 with masks, labels, predictions, scores, provenance and saved
views; from the App, tags and edits come back as reviews with who and when. A rebuild changes our own fields only, and
of those none that a person edited since: what is typed in the App stays there, and in files under `curation/typed`.
Never shows anything off this machine.
"""

from __future__ import annotations

import getpass
import io
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset.errors import EmptyError, MaskError, UsageError
from dataset.masks import from_index
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling import curation_store as store
from labeling.curation_files import remove_files
from labeling.curation_rows import Row, curation_rows, multi_of, taxonomy_of
from labeling.curation_store import Document, connect, dataset_name
from labeling.curation_typed import OLDER, Heard, keep, listen, put_back
from labeling.curation_views import save_views
from labeling.review import CorrectedMask, record, record_masks


@dataclass(frozen=True)
class CurateResult:
    """Samples in the data set, how many are new, gone, changed, and have a mask; `passed_over` were being edited at
    that moment, the next run takes them. `was_there`: nothing had changed since the last run."""

    name: str
    samples: int
    added: int
    removed: int
    masks: int
    changed: int = 0
    passed_over: int = 0
    was_there: bool = False

    def line(self) -> str:
        text = f"{self.name}: {self.samples} samples ({self.added} new, {self.removed} gone), {self.masks} with a mask"
        text += f", {self.changed} changed" if self.changed else ""
        text += f", {self.passed_over} being edited: run it again for them" if self.passed_over else ""
        return "in step already. " + text if self.was_there else text


@dataclass(frozen=True)
class PullResult:
    """Verdicts found as tags and edits, how many were new, what they changed, what the taxonomy does not know, and how
    many images bear something typed, which is kept in files now."""

    verdicts: int
    new: int
    labels: int
    masks: int
    not_understood: list[str] = field(default_factory=list)
    kept: int = 0
    bad_masks: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        odd = f"; not understood: {', '.join(self.not_understood)}" if self.not_understood else ""
        odd += f"; {len(self.bad_masks)} masks that fit no image stay in the App" if self.bad_masks else ""
        return f"{self.new} new of {self.verdicts} verdicts: {self.labels} labels, {self.masks} masks changed{odd}"


def curate(ws: Workspace, *, name: str | None = None, force: bool = False, progress: Progress = silent) -> CurateResult:
    """Build the data set or bring it up to date. Raises EmptyError where there is no usable image, StorageError where
    the database goes away. Where no table has changed since the last run nothing is done, unless `force`."""
    fo = connect(ws)
    name = name or dataset_name(ws)
    state = _state(ws)
    if not force and (found := _in_step(fo, name, state)):
        return found
    rows = curation_rows(ws, progress=progress)
    if not rows:
        _drop_all(fo, ws, name)
        raise EmptyError("no usable image to curate", where=str(ws.root), cure="Run crawl and check first")
    fields = store.label_fields(taxonomy_of(ws))
    with store.database():
        dataset = store.open_dataset(fo, ws, name, fields)
        removed = _remove(ws, dataset, {row.sha256 for row in rows}, fields)
        known = store.documents(dataset, "sha256")
        added = [row for row in rows if row.sha256 not in known]
        store.add_missing(fo, dataset, added)
        shown = (*store.PLAIN, "mask", "predicted_mask", "tags", *fields.values())
        known = store.documents(dataset, *shown, *(f"predicted_{each}" for each in fields.values()))
        _mark_older_verdicts(dataset, rows, known)
        written = store.write_rows(dataset, rows, fields, known)
        if added and (back := put_back(fo, ws, dataset, [row.sha256 for row in added])):
            store.write_fields(dataset, back, store.documents(dataset, "tags"))
        save_views(fo, dataset, fields)
        masks = sum(row.mask is not None for row in rows)
        result = CurateResult(name, len(rows), len(added), removed, masks, written.changed, written.passed_over)
        counts = {"samples": len(rows), "masks": masks}
        dataset.info["state"] = None if written.passed_over else state | counts
        dataset.save()
    return result


def waiting(ws: Workspace, *, name: str | None = None) -> int:
    """How many verdicts a pull would find; nothing is changed. 0 where nothing was curated yet."""
    fo = connect(ws)
    try:
        dataset = load(fo, ws, name)
    except EmptyError:
        return 0
    known = store.documents(dataset)
    fields = dataset.info.get("fields") or store.label_fields(taxonomy_of(ws))
    return len(listen(known, fields, taxonomy_of(ws)).verdicts) + len(_drawn(known)[0])


def pull(ws: Workspace, *, name: str | None = None, reviewer: str | None = None) -> PullResult:
    """Turn the App's tags and edits into reviews and their effects. Pulling twice adds nothing; cut off anywhere, the
    same call goes on: what was pulled is noted in the App last."""
    fo = connect(ws)
    dataset = load(fo, ws, name)
    fields = dataset.info.get("fields") or store.label_fields(taxonomy_of(ws))
    who = reviewer or reviewer_name()
    known = store.documents(dataset)
    heard = listen(known, fields, taxonomy_of(ws))
    drawn, bad = _drawn(known)
    result = record(ws, list(heard.verdicts.values()), reviewer=who, source="fiftyone")
    redrawn = record_masks(ws, drawn, reviewer=who, source="fiftyone")
    kept = keep(ws, dataset, known.values(), fields)
    _note_pulled(dataset, heard, known)
    counts = len(heard.verdicts) + len(drawn), result.new + redrawn.new
    return PullResult(*counts, result.labels, result.masks + redrawn.masks, sorted(heard.odd), kept, bad)


def launch(
    ws: Workspace, port: int = 5151, wait: bool = True, *, name: str | None = None, view: str | None = None
) -> Any:
    """Open the App on 127.0.0.1:`port`, with a saved view where one is named; with `wait`, return when it is closed.
    Returns FiftyOne's session. UsageError for a view that there is not."""
    from labeling.plugin.install import install

    fo = connect(ws)
    install(ws, store.own_plugins())
    dataset = load(fo, ws, name)
    shown = dataset.load_saved_view(saved_view(dataset, view)) if view else None
    session = fo.launch_app(dataset, view=shown, port=port, address="127.0.0.1", remote=True)
    if wait:
        session.wait(-1)
    return session


def load(fo: Any, ws: Workspace, name: str | None = None) -> Any:
    """The workspace's data set. Raises EmptyError where nothing was curated yet."""
    name = name or dataset_name(ws)
    with store.database():
        if not fo.dataset_exists(name):
            raise EmptyError("nothing was curated yet", where=str(ws.root), cure="Run: modiste curate")
        return fo.load_dataset(name)


def address_of(ws: Workspace, port: int, view: str | None = None) -> str:
    """What to type into a browser; the App opens a saved view by its name with dashes."""
    with store.database():
        dataset = load(connect(ws), ws)
        slug = f"?view={dataset._get_saved_view_doc(saved_view(dataset, view)).slug}" if view else ""
    return f"http://127.0.0.1:{port}/datasets/{dataset.slug}{slug}"


def saved_view(dataset: Any, view: str) -> str:
    """The view's name, given that or its name in an address (`worst-masks`). UsageError names the views there are."""
    known = {found.slug: found.name for found in dataset._doc.get_saved_views()}
    if view not in known.values() and view not in known:
        raise UsageError(f"there is no saved view '{view}'", expected=", ".join(sorted(known.values())))
    return known.get(view, view)


def of_view(ws: Workspace, view: str, most: int) -> list[str]:
    """sha256s of the first `most` samples of a saved view that are in a part. UsageError names the views there are."""
    dataset = load(connect(ws), ws)
    shown = zip(*dataset.load_saved_view(saved_view(dataset, view)).values(["sha256", "split"]), strict=True)
    found = [sha256 for sha256, split in shown if split][:most]
    if not found:
        raise EmptyError(f"the view '{view}' holds no image that is in a part", cure="Run: modiste split")
    return found


def reviewer_name() -> str:
    """Who is judging: MODISTE_REVIEWER, else the login name."""
    if name := os.environ.get("MODISTE_REVIEWER"):
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def _state(ws: Workspace) -> dict[str, Any]:
    """What a data set is made from: the tables' versions and the taxonomy."""
    words = taxonomy_of(ws)
    told = {"taxonomy": words.reference if words else None, "multi": sorted(multi_of(words))}
    return {"tables": ws.tables.versions(), **told, "layout": store.LAYOUT}


def _in_step(fo: Any, name: str, state: dict[str, Any]) -> CurateResult | None:
    """The last result, where it was made from the very same tables and no sample was added or deleted since."""
    with store.database():
        if not fo.dataset_exists(name):
            return None
        dataset = fo.load_dataset(name)
        last = dataset.info.get("state") or {}
        if {key: last.get(key) for key in state} != state or len(dataset) != last.get("samples"):
            return None
        first = dataset.first()
        if first is None or not Path(first.filepath).exists():
            return None
    return CurateResult(name, last["samples"], 0, 0, last["masks"], was_there=True)


def _remove(ws: Workspace, dataset: Any, wanted: set[str], fields: dict[str, str]) -> int:
    """Delete samples that are no image of the workspace any more: what was typed on them is kept in files, but what was
    taken down goes with all its files."""
    known = store.documents(dataset)
    gone = {sha256: document for sha256, document in known.items() if sha256 not in wanted}
    if not gone:
        return 0
    forbidden = set(ws.tables.read("takedowns", ["value"], "kind = 'sha256'")["value"].to_pylist())
    keep(ws, dataset, [found for sha256, found in gone.items() if sha256 not in forbidden], fields)
    dataset.delete_samples([str(document["_id"]) for document in gone.values()])
    taken_down = [sha256 for sha256 in gone if sha256 in forbidden]
    remove_files(ws, [*taken_down, *(gone[sha256].get("mask_sha256") or "" for sha256 in taken_down)])
    return len(gone)


def _drop_all(fo: Any, ws: Workspace, name: str) -> None:
    """A workspace without images has no samples either."""
    with store.database():
        if fo.dataset_exists(name):
            dataset = fo.load_dataset(name)
            _remove(ws, dataset, set(), dataset.info.get("fields") or {})


def _mark_older_verdicts(dataset: Any, rows: list[Row], known: dict[str, Document]) -> None:
    """A mask verdict already pulled does not speak for a newer mask: its tag stays, under a name that says so."""
    changed = {}
    for row in rows:
        document = known[row.sha256]
        tags, judged = document.get("tags") or [], document.get("judged_mask")
        if judged and judged != row.values.get("mask_sha256") and {"accept", "reject"} & set(tags):
            renamed = [tag + OLDER if tag in ("accept", "reject") else tag for tag in tags]
            changed[row.sha256] = {
                "tags": renamed,
                "synced.tags": [tag for tag in renamed if tag.startswith("relabel:")],
            }
    store.write_fields(dataset, changed, known)
    for sha256, found in changed.items():
        known[sha256]["tags"] = found["tags"]
        known[sha256].setdefault("synced", {})["tags"] = found["synced.tags"]


def _note_pulled(dataset: Any, heard: Heard, known: dict[str, Document]) -> None:
    """Last: which tags were pulled, and which mask was judged."""
    changes: dict[str, Document] = {}
    for sha256, tags in heard.tags.items():
        document = known[sha256]
        if sorted((document.get("synced") or {}).get("tags") or []) != sorted(tags):
            changes[sha256] = {"synced.tags": tags}
        if (sha256, "mask") in heard.verdicts:
            changes.setdefault(sha256, {})["judged_mask"] = document.get("mask_sha256")
    store.write_fields(dataset, changes, known)


def _drawn(known: dict[str, Document]) -> tuple[list[CorrectedMask], dict[str, str]]:
    """Masks that somebody put in the place of ours (FiftyOne's annotation back ends and scripts do), and those that
    fit no image with what is wrong with them."""
    found, bad = [], {}
    for sha256, document in known.items():
        mask = store.drawn_mask(document)
        if mask is None:
            continue
        size = (document.get("metadata") or {}).get("height"), (document.get("metadata") or {}).get("width")
        try:
            index = _index_of(mask)
            if index.shape != size or index.max(initial=0) > max(store.TARGETS):
                raise MaskError(
                    f"a mask of {index.shape} with values to {index.max(initial=0)}", expected=f"{size}, 0 to 2"
                )
            found.append(CorrectedMask(sha256, from_index(index.astype(np.uint8)), {"kind": "drawn"}))
        except (MaskError, OSError, ValueError, zlib.error) as error:
            bad[sha256] = str(error)
    return found, bad


def _index_of(mask: bytes | Path) -> np.ndarray:
    """(H, W) class numbers, of FiftyOne's own packed arrays or of a PNG."""
    from PIL import Image

    if isinstance(mask, Path):
        with Image.open(mask) as image:
            return np.asarray(image.convert("L"))
    return np.asarray(np.load(io.BytesIO(zlib.decompress(mask)), allow_pickle=False))
