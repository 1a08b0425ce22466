"""One FiftyOne data set per workspace, kept in step with the tables both ways. The only module that imports fiftyone.

In: images, labels, masks, groups, reviews. Out: samples keyed by sha256 with the composite as a segmentation, tags,
scores and saved views; from the App, sample tags `accept`, `reject`, `relabel:<field>=<value>` come back as reviews.
A rebuild replaces our own fields only: tags and fields typed in the App stay. Never shows anything off this machine.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dataset.errors import EmptyError
from dataset.progress import Progress, silent
from dataset.taxonomy import load_taxonomy
from dataset.workspace import Workspace
from labeling.curation_rows import Row, curation_rows
from labeling.review import Verdict, record

TARGETS = {0: "background", 1: "skin", 2: "garment"}
COLOURS = [{"intTarget": 1, "color": "#f4a261"}, {"intTarget": 2, "color": "#2a9df4"}]
SCALARS = {"mask_quality": "float", "mask_source": "str", "mask_sha256": "str", "judged_mask": "str", "split": "str",
           "group_id": "str", "cluster_id": "str", "cluster_size": "int", "store": "str", "product_url": "str",
           "product_name": "str", "review": "str", "sharpness": "float", "exposure": "float"}  # fmt: skip
NOT_OURS = {"judged_mask"}
OLDER = " (older mask)"


@dataclass(frozen=True)
class CurateResult:
    """Samples in the data set, how many are new, gone, and have a mask."""

    name: str
    samples: int
    added: int
    removed: int
    masks: int

    def line(self) -> str:
        return f"{self.name}: {self.samples} samples ({self.added} new, {self.removed} gone), {self.masks} with a mask"


@dataclass(frozen=True)
class PullResult:
    """Verdicts found as tags, how many were new, what they changed, and the tags the taxonomy does not know."""

    verdicts: int
    new: int
    labels: int
    masks: int
    not_understood: list[str] = field(default_factory=list)

    def line(self) -> str:
        odd = f"; not understood: {', '.join(self.not_understood)}" if self.not_understood else ""
        return f"{self.new} new of {self.verdicts} verdicts: {self.labels} labels, {self.masks} masks changed{odd}"


def curate(ws: Workspace, *, name: str | None = None, progress: Progress = silent) -> CurateResult:
    """Build the data set or bring it up to date. Raises EmptyError where there is no usable image."""
    rows = curation_rows(ws, progress=progress)
    if not rows:
        raise EmptyError("no usable image to curate", where=str(ws.root), cure="Run crawl and check first")
    fo = _fiftyone(ws)
    dataset = _open(fo, name or dataset_name(ws), rows)
    known = set(dataset.values("sha256"))
    wanted = {row.sha256 for row in rows}
    gone = sorted(known - wanted)
    if gone:
        dataset.delete_samples(dataset.match(fo.ViewField("sha256").is_in(gone)))
    added = [row for row in rows if row.sha256 not in known]
    dataset.add_samples([_sample(fo, row) for row in added], progress=False)
    _mark_older_verdicts(dataset, rows)
    _set_fields(fo, dataset, rows)
    _save_views(fo, dataset)
    return CurateResult(dataset.name, len(rows), len(added), len(gone), sum(row.mask is not None for row in rows))


def pull(ws: Workspace, *, name: str | None = None) -> PullResult:
    """Turn the App's tags into reviews and their effects. Pulling twice adds nothing."""
    fo = _fiftyone(ws)
    name = name or dataset_name(ws)
    if not fo.dataset_exists(name):
        raise EmptyError("nothing was curated yet", where=str(ws.root), cure="Run: modiste curate")
    dataset = fo.load_dataset(name)
    verdicts, odd = _verdicts(ws, zip(*dataset.values(["sha256", "tags"]), strict=True))
    result = record(ws, verdicts, reviewer=reviewer(), source="fiftyone")
    judged = {v.sha256 for v in verdicts if v.field == "mask"}
    shown = dict(zip(*dataset.values(["sha256", "mask_sha256"]), strict=True))
    if judged:
        dataset.set_values(
            "judged_mask", {sha: shown[sha] for sha in sorted(judged)}, key_field="sha256", progress=False
        )
    return PullResult(len(verdicts), result.new, result.labels, result.masks, sorted(odd))


def launch(ws: Workspace, port: int = 5151, wait: bool = True, *, name: str | None = None) -> Any:
    """Open the App on 127.0.0.1:`port`; with `wait`, return when it is closed. Returns FiftyOne's session."""
    fo = _fiftyone(ws)
    session = fo.launch_app(fo.load_dataset(name or dataset_name(ws)), port=port, address="127.0.0.1", remote=True)
    if wait:
        session.wait(-1)
    return session


def reviewer() -> str:
    """Who is judging: MODISTE_REVIEWER, else the login name."""
    if name := os.environ.get("MODISTE_REVIEWER"):
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def dataset_name(ws: Workspace) -> str:
    """The workspace's name and six digits of its place, since one MongoDB may serve several workspaces."""
    return f"{ws.settings.name}-{hashlib.sha256(str(ws.root).encode()).hexdigest()[:6]}"


def _fiftyone(ws: Workspace) -> Any:
    """Import FiftyOne with its database inside the workspace, unless FIFTYONE_DATABASE_URI names a server."""
    os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
    os.environ.setdefault(
        "FIFTYONE_DATABASE_VALIDATION", "false"
    )  # the bundled mongod is old, and says so at each start
    if "FIFTYONE_DATABASE_URI" not in os.environ:
        os.environ.setdefault("FIFTYONE_DATABASE_DIR", str(ws.scratch("fiftyone")))
    import fiftyone

    fiftyone.config.show_progress_bars = False
    return fiftyone


def _open(fo: Any, name: str, rows: list[Row]) -> Any:
    dataset = fo.load_dataset(name) if fo.dataset_exists(name) else fo.Dataset(name, persistent=True)
    kinds = {"str": fo.StringField, "float": fo.FloatField, "int": fo.IntField}
    wanted = {"sha256": fo.StringField} | {field_name: kinds[kind] for field_name, kind in SCALARS.items()}
    labels = sorted({label for row in rows for label in row.labels})
    has = dataset.get_field_schema()
    for field_name, kind in wanted.items():
        if field_name not in has:
            dataset.add_sample_field(field_name, kind)
    if "mask_flags" not in has:
        dataset.add_sample_field("mask_flags", fo.ListField, subfield=fo.StringField)
    for field_name, label_type in [("mask", fo.Segmentation), *((label, fo.Classification) for label in labels)]:
        if field_name not in has:
            dataset.add_sample_field(field_name, fo.EmbeddedDocumentField, embedded_doc_type=label_type)
    dataset.create_index("sha256", unique=True)
    dataset.mask_targets = {"mask": TARGETS}
    dataset.app_config.active_fields = fo.ActiveFields(paths=["mask", *labels[:2], "tags"])
    dataset.app_config.color_scheme = fo.ColorScheme(default_mask_targets_colors=COLOURS, color_by="value", opacity=0.6)
    dataset.save()
    return dataset


def _sample(fo: Any, row: Row) -> Any:
    metadata = fo.ImageMetadata(width=row.width, height=row.height, size_bytes=row.bytes, num_channels=3)
    return fo.Sample(filepath=str(row.filepath), sha256=row.sha256, metadata=metadata)


def _set_fields(fo: Any, dataset: Any, rows: list[Row]) -> None:
    """Our fields of every sample, in one write a field."""

    def put(name: str, values: dict[str, Any]) -> None:
        dataset.set_values(name, values, key_field="sha256", progress=False)

    put("filepath", {row.sha256: str(row.filepath) for row in rows})
    put("mask_flags", {row.sha256: row.flags for row in rows})
    for name in SCALARS.keys() - NOT_OURS:
        put(name, {row.sha256: row.scalars.get(name) for row in rows})
    put("mask", {row.sha256: fo.Segmentation(mask_path=str(row.mask)) if row.mask else None for row in rows})
    for name in sorted({label for row in rows for label in row.labels}):
        found = {row.sha256: row.labels.get(name) for row in rows}
        put(name, {sha: fo.Classification(label=a[0], confidence=a[1]) if a else None for sha, a in found.items()})


def _mark_older_verdicts(dataset: Any, rows: list[Row]) -> None:
    """A mask verdict already pulled does not speak for a newer mask: its tag stays, under a name that says so."""
    newest = {row.sha256: row.scalars.get("mask_sha256") for row in rows}
    changed = {}
    for sha, tags, judged in zip(*dataset.values(["sha256", "tags", "judged_mask"]), strict=True):
        if judged and judged != newest[sha] and {"accept", "reject"} & set(tags or []):
            changed[sha] = [tag + OLDER if tag in ("accept", "reject") else tag for tag in tags]
    if changed:
        dataset.set_values("tags", changed, key_field="sha256", progress=False)


def _save_views(fo: Any, dataset: Any) -> None:
    at = fo.ViewField
    views = {
        "worst masks": dataset.match(at("mask_quality") != None).sort_by("mask_quality"),  # noqa: E711  # Mongo's own test
        "unreviewed": dataset.match(at("review") == None),  # noqa: E711
        "near-duplicates": dataset.match(at("cluster_size") > 1).sort_by("cluster_id"),
        "no mask": dataset.match(at("mask_sha256") == None),  # noqa: E711
    }
    if dataset.has_sample_field("view"):
        views |= {f"{kind}s": dataset.match(at("view.label") == kind) for kind in ("packshot", "scene")}
    for name, view in views.items():
        dataset.save_view(name, view, overwrite=True)


def _verdicts(ws: Workspace, tagged: Iterable[tuple[str, list[str] | None]]) -> tuple[list[Verdict], set[str]]:
    """Verdicts of (sha256, sample tags), and the relabels nothing in the taxonomy answers to."""
    found: list[Verdict] = []
    odd: set[str] = set()
    words = None
    for sha256, tags in tagged:
        for tag in tags or []:
            if tag in ("accept", "reject"):
                found.append(Verdict(sha256, tag))
            elif tag.startswith("relabel:"):
                words = words or load_taxonomy(ws.settings.taxonomy)
                meant = _meant(words, tag.removeprefix("relabel:"))
                found += [Verdict(sha256, "relabel", *meant)] if meant else []
                odd |= set() if meant else {tag}
    return found, odd


def _meant(words: Any, text: str) -> tuple[str, str] | None:
    """(field, value) of `<field>=<value>` or of a `<value>` that exactly one field knows; None otherwise."""
    name, equals, said = (part.strip() for part in text.partition("="))
    fields = [name] if equals and name in words.fields else [] if equals else list(words.fields)
    hits = [(known, value) for known in fields if (value := words.map(known, said if equals else name))]
    return hits[0] if len(hits) == 1 else None
