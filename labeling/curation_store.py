"""The FiftyOne side of curation: the data set, its declared fields, its documents, and writes in bulk.

In: a workspace and rows. Out: a FiftyOne data set with one document an image, keyed by sha256. Documents are written
straight through the driver, all fields of one image in one atomic update, and only where something changed: FiftyOne's
own per-sample saves cost ten times as much. What was written last is kept in the document (`synced`), so that what a
person typed since can be told from it and is left alone. FiftyOne is imported here, when first asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataset.errors import StorageError
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling.curation_rows import OF_IMAGES, Row, Said
from labeling.curation_service import import_fiftyone

TARGETS = {0: "background", 1: "skin", 2: "garment"}
COLOURS = [{"intTarget": 1, "color": "#f4a261"}, {"intTarget": 2, "color": "#2a9df4"}]
PLUGINS = "curation/plugins"
PROVENANCE = ("store", "product_url", "product_name", "product_brand", "page_url", "image_url", "licence", "opt_out")
JUDGED = ("review", "reviewer", "reviewed_at", "disagreements", "said")
MASKS = ("mask_quality", "mask_source", "mask_flags", "mask_scores")
GROUPED = ("split", "group_id", "cluster_id", "cluster_size")
KEYS = ("sha256", "mask_sha256", "judged_mask", "synced")
_KINDS = {"mask_quality": "float", "cluster_size": "int", "faces": "int", "reviewed_at": "date", "synced": "dict"}
_LISTS = ("issues", "said", "disagreements", "mask_flags", "mask_scores")
PLAIN = {
    name: "list" if name in _LISTS else "float" if name in OF_IMAGES and name != "faces" else _KINDS.get(name, "str")
    for name in (*PROVENANCE, *JUDGED, *MASKS, *GROUPED, *OF_IMAGES, "issues", *KEYS)
}
RESERVED = {"id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "mask", "predicted_mask"}
LAYOUT = 3  # of the sidebar; a person's own order is kept until this changes
Document = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """Documents that were changed, and those that a person changed at the same moment: the next run takes them."""

    changed: int
    passed_over: int


def connect(ws: Workspace) -> Any:
    """FiftyOne, its database inside the workspace unless FIFTYONE_DATABASE_URI names a server; it tells nobody."""
    os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
    os.environ.setdefault(
        "FIFTYONE_DATABASE_VALIDATION", "false"
    )  # the bundled mongod is old, and says so at each start
    if "FIFTYONE_DATABASE_URI" not in os.environ:
        os.environ.setdefault("FIFTYONE_DATABASE_DIR", str(ws.scratch("fiftyone")))
    with database():
        fiftyone = import_fiftyone()
    own_plugins()  # before ours takes its place
    fiftyone.config.show_progress_bars = False
    fiftyone.config.plugins_dir = os.environ["FIFTYONE_PLUGINS_DIR"] = str(ws.scratch(PLUGINS))
    return fiftyone


@lru_cache(maxsize=1)
def own_plugins() -> Path | None:
    """The folder of the user's own plugins, as FiftyOne's settings had it when this process first asked; None where
    that was a workspace's already, as in the App's server."""
    import fiftyone

    told = Path(fiftyone.config.plugins_dir).expanduser()
    return None if told.as_posix().endswith(PLUGINS) else told


@contextmanager
def database() -> Iterator[None]:
    """A database that goes away in the middle is a StorageError with its cure, not a driver's trace."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, _of_database()):
            raise
        what = f"FiftyOne's database went away: {str(error).splitlines()[0][:200]}"
        raise StorageError(what, cure="Run the same command again: what was committed is kept") from error


def _of_database() -> tuple[type[Exception], ...]:
    """What the driver raises, and FiftyOne, once it is there at all, for a mongod that does not answer in a minute."""
    from pymongo.errors import ConnectionFailure, OperationFailure

    service = sys.modules.get("fiftyone.core.service")
    started: tuple[type[Exception], ...] = (service.ServiceException,) if service else ()
    return (ConnectionFailure, OperationFailure, ConnectionError, *started)


def dataset_name(ws: Workspace) -> str:
    """The workspace's name and six digits of its place, since one MongoDB may serve several workspaces."""
    return f"{ws.settings.name}-{hashlib.sha256(str(ws.root).encode()).hexdigest()[:6]}"


def label_fields(words: Taxonomy | None) -> dict[str, str]:
    """{taxonomy field: name of the data set's field}; those of an importer's own are shown in `said` alone."""
    names = [*(words.fields if words else ()), "view"]
    fit = [name for name in names if re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name)]
    return {name: f"{name}_label" if name in PLAIN or name in RESERVED else name for name in fit}


def open_dataset(fo: Any, ws: Workspace, name: str, fields: dict[str, str]) -> Any:
    """The data set, made if it is not there, with every field declared."""
    dataset = fo.load_dataset(name) if fo.dataset_exists(name) else fo.Dataset(name, persistent=True)
    _declare(fo, dataset, fields)
    if "sha256" not in dataset.list_indexes():
        dataset.create_index("sha256", unique=True)
    if dataset.info.get("layout") != LAYOUT:
        _lay_out(fo, dataset, fields)
    dataset.info = {**dataset.info, "layout": LAYOUT, "workspace": str(ws.root), "fields": fields}
    dataset.save()
    return dataset


def documents(dataset: Any, *fields: str) -> dict[str, Document]:
    """{sha256: document}, with these fields only, or whole."""
    wanted = dict.fromkeys(("sha256", *fields), 1) if fields else None
    with database():
        return {found["sha256"]: found for found in dataset._sample_collection.find({}, wanted) if found.get("sha256")}


def add_missing(fo: Any, dataset: Any, rows: list[Row]) -> None:
    """Samples with a file, a key and its size; `write_rows` gives them the rest."""
    samples = [
        fo.Sample(
            filepath=str(row.filepath),
            sha256=row.sha256,
            metadata=fo.ImageMetadata(width=row.width, height=row.height, size_bytes=row.bytes, num_channels=3),
        )
        for row in rows
    ]
    with database():
        dataset.add_samples(samples, progress=False, dynamic=False)


def write_rows(dataset: Any, rows: Iterable[Row], fields: dict[str, str], known: dict[str, Document]) -> Written:
    """Bring our own fields up to date, in one update a changed image. What a person edited stays as they left it."""
    from pymongo import UpdateOne

    updates, now = [], datetime.now(UTC)
    for row in rows:
        document = known[row.sha256]
        wanted = _wanted(row, fields)
        digest = _digest(wanted)
        if (document.get("synced") or {}).get("digest") != digest:
            seen, changes = _changes(document, wanted, fields, digest)
            updates.append(UpdateOne({"_id": document["_id"], **seen}, {"$set": changes | {"last_modified_at": now}}))
    return Written(*_sent(dataset, updates))


def write_fields(dataset: Any, changes: dict[str, Document], known: dict[str, Document]) -> None:
    """Set `changes` ({sha256: {path: value}}) on documents whose tags are still those in `known`."""
    from pymongo import UpdateOne

    now = datetime.now(UTC)
    updates = [
        UpdateOne(
            {"_id": known[sha256]["_id"]} | ({"tags": known[sha256].get("tags")} if "tags" in found else {}),
            {"$set": found | {"last_modified_at": now}},
        )
        for sha256, found in changes.items()
    ]
    _sent(dataset, updates)


def edits(document: Document, fields: dict[str, str]) -> dict[str, str | None]:
    """{taxonomy field: value, or None where the label was taken away} that a person typed since the last writing."""
    synced = (document.get("synced") or {}).get("labels")
    if synced is None:
        return {}
    found = {name: (document.get(field) or {}).get("label") for name, field in fields.items()}
    return {name: label for name, label in found.items() if label != synced.get(name)}


def drawn_mask(document: Document) -> Any:
    """The document's mask where a person has put another in its place: bytes in the database or another file."""
    mask = document.get("mask") or {}
    shown = (document.get("synced") or {}).get("mask")
    if not document.get("synced") or (not mask.get("mask") and mask.get("mask_path") in (shown, None)):
        return None
    return mask.get("mask") or Path(mask["mask_path"])


def _declare(fo: Any, dataset: Any, fields: dict[str, str]) -> None:
    """All fields in two changes of the schema: FiftyOne reads and writes it whole for each, 0.2 s a field."""
    from fiftyone.core.odm.utils import create_field

    kinds = {"str": fo.StringField, "float": fo.FloatField, "int": fo.IntField, "date": fo.DateTimeField,
             "dict": fo.DictField, "list": fo.ListField}  # fmt: skip
    of_labels = [label for field in fields.values() for label in (field, f"predicted_{field}")]
    wanted: dict[str, Any] = {}
    for name, kind in PLAIN.items():
        inner = fo.StringField if kind == "list" else None
        wanted[name] = create_field(name, kinds[kind], subfield=inner, read_only=name != "judged_mask")
    for name in (*of_labels, "mask", "predicted_mask"):
        kind = fo.Classification if name in of_labels else fo.Segmentation
        wanted[name] = create_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
    sources = {f"{name}.source": create_field("source", fo.StringField) for name in of_labels}
    has = dataset.get_field_schema(flat=True)
    for some in (wanted, sources):
        missing = {name: field for name, field in some.items() if name not in has}
        if missing:
            dataset._sample_doc_cls.merge_field_schema(missing)
            dataset._reload(hard=True)


def _wanted(row: Row, fields: dict[str, str]) -> Document:
    """What the tables say, as plain values: a label is [value, confidence, source] or None."""
    found: Document = {name: row.values.get(name) for name in PLAIN if name not in ("sha256", "judged_mask", "synced")}
    for name, field in fields.items():
        found[field] = _told(row.labels.get(name))
        if name in row.predicted:  # others are shown by `curate --run`, and are no row of a table
            found[f"predicted_{field}"] = _told(row.predicted[name])
    shown = {"mask": row.mask, "filepath": row.filepath}
    shown |= {"predicted_mask": row.predicted_mask} if row.predicted_mask else {}
    return found | {name: str(path) if path else None for name, path in shown.items()}


def _told(said: Said | None) -> list[Any] | None:
    return [said.value, said.confidence, said.source] if said else None


def _digest(wanted: Document) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _changes(document: Document, wanted: Document, fields: dict[str, str], digest: str) -> tuple[Document, Document]:
    """(what must still be so, what is set). A label that a person edited is set only where the tables agree by now."""
    typed = {fields[name]: value for name, value in edits(document, fields).items()}
    drawn = drawn_mask(document) is not None
    changes: Document = {}
    seen: Document = {}
    for name, value in wanted.items():
        if name in PLAIN or name == "filepath":
            changes[name] = value
        elif name in ("mask", "predicted_mask"):
            if not (name == "mask" and drawn):
                changes |= _part(document, name, "Segmentation", {"mask_path": value} if value else None)
        elif name not in typed or typed[name] == (value[0] if value else None):
            keys = ("label", "confidence", "source")
            told = dict(zip(keys, value, strict=True)) if value else None
            changes |= _part(document, name, "Classification", told)
            if not name.startswith("predicted_"):
                seen[f"{name}.label"] = (document.get(name) or {}).get("label")
    before = document.get("synced") or {}
    labels = {
        name: before["labels"].get(name)
        if field in typed and f"{field}.label" not in seen
        else (wanted[field] or [None])[0]
        for name, field in fields.items()
    }
    mask = before.get("mask") if drawn else wanted["mask"]
    return seen, changes | {"synced": before | {"digest": digest, "labels": labels, "mask": mask}}


def _part(document: Document, name: str, kind: str, told: Document | None) -> Document:
    """Set an embedded label, keeping its id and the label tags a person gave it."""
    from bson import ObjectId

    old = document.get(name)
    if old is None:
        return {name: {"_id": ObjectId(), "_cls": kind, "tags": [], **told} if told else None}
    if told is None and not old.get("tags"):
        return {name: None}
    empty = ("label", "confidence", "source") if kind == "Classification" else ("mask_path",)
    return {f"{name}.{key}": value for key, value in (told or dict.fromkeys(empty)).items()}


def _sent(dataset: Any, updates: list[Any]) -> tuple[int, int]:
    """(documents changed, updates that found their document changed meanwhile)."""
    if not updates:
        return 0, 0
    with database():
        found = sum(
            dataset._sample_collection.bulk_write(updates[start : start + 2000], ordered=False).matched_count
            for start in range(0, len(updates), 2000)
        )
        dataset.reload()
    _forget(dataset)
    return found, len(updates) - found


def _forget(dataset: Any) -> None:
    """Samples that this process holds in memory are read anew."""
    from fiftyone.core.sample import Sample

    Sample._reload_docs(dataset._sample_collection_name)


def _lay_out(fo: Any, dataset: Any, fields: dict[str, str]) -> None:
    """Sidebar, colours and what is ticked at first."""
    shown = list(fields.values())
    dataset.mask_targets = {"mask": TARGETS, "predicted_mask": TARGETS}
    dataset.app_config.active_fields = fo.ActiveFields(paths=["mask", *shown[:2], "tags"])
    dataset.app_config.color_scheme = fo.ColorScheme(default_mask_targets_colors=COLOURS, color_by="value", opacity=0.6)
    names = list(dataset.get_field_schema())
    placed = {
        "tags": ["tags"],
        "judgements": [*JUDGED, *MASKS],
        "labels": ["mask", *shown],
        "predictions": [name for name in names if name.startswith("predicted_")],
        "provenance": list(PROVENANCE),
        "quality": ["issues", *OF_IMAGES],
        "groups": list(GROUPED),
        "keys": ["id", "filepath", "created_at", "last_modified_at", *KEYS],
    }
    taken = {name for paths in placed.values() for name in paths}
    placed["metadata"] = [f"metadata.{name}" for name in ("size_bytes", "mime_type", "width", "height", "num_channels")]
    placed["typed here and runs"] = [name for name in names if name not in taken and name != "metadata"]
    open_ = ("tags", "labels", "judgements")
    dataset.app_config.sidebar_groups = [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=name in open_) for name, paths in placed.items()
    ]
