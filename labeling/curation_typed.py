"""What people typed in the App: read as verdicts, and kept in files so that nothing loses it.

In: documents of the data set. Out: verdicts of tags (`accept`, `reject`, `relabel:<field>=<value>`, of a multi field
several values with commas between) and of labels that were edited; under `<workspace>/curation/typed/` one JSON file
per image somebody wrote something on (tags, fields of their own, edited labels, label tags), put back when its image
comes back. A take-down deletes these with the image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dataset.blobs import write_atomically
from dataset.several import COMMA, MULTI
from dataset.taxonomy import Taxonomy
from dataset.workspace import Workspace
from labeling.curation_files import names_in
from labeling.curation_store import PLAIN, RESERVED, Document, edits
from labeling.review import Verdict

TYPED = "curation/typed"
FIELDS = "fields.json"
OLDER = " (older mask)"
_BETWEEN = re.compile("[,，、]")
_OF_FIFTYONE = {"_id", "_media_type", "_rand", "_dataset_id", *RESERVED}


@dataclass
class Heard:
    """`verdicts` are new ones, one a (image, field); `tags` the verdict tags seen on each image; `odd` what the
    taxonomy does not know, kept in the App as it was typed."""

    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)


def listen(documents: dict[str, Document], fields: dict[str, str], words: Taxonomy | None) -> Heard:
    """Tags that were not pulled yet, the last of those about one thing; then labels edited, which are newer still."""
    heard = Heard()
    for sha256, document in documents.items():
        tags = [tag for tag in document.get("tags") or [] if _is_verdict(tag)]
        heard.tags[sha256] = tags
        pulled = set((document.get("synced") or {}).get("tags") or [])
        for tag in tags:
            _hear(heard, sha256, tag, words, known=tag in pulled)
        for name, value in edits(document, fields).items():
            _hear_edit(heard, sha256, name, value, words)
    return heard


def meant(words: Taxonomy, text: str) -> tuple[str, str] | None:
    """(field, value) of `<field>=<value>` or of a `<value>` that exactly one field knows; None otherwise. Of a multi
    field `<value>,<value>` is one answer of several."""
    name, equals, said = (part.strip() for part in text.partition("="))
    among = [name] if equals and name in words.fields else [] if equals else list(words.fields)
    hits = [(known, value) for known in among if (value := answer_of(words, known, said if equals else name))]
    return hits[0] if len(hits) == 1 else None


def answer_of(words: Taxonomy, name: str, text: str) -> str | None:
    """The value that a text means; of a multi field the several, sorted, with commas between. None where the taxonomy
    doesn't know all of it."""
    whole = words.map(name, text)
    if whole or words.fields[name].kind != MULTI:
        return whole
    parts = [words.map(name, part) for part in _BETWEEN.split(text) if part.strip()]
    known = {part for part in parts if part}
    return COMMA.join(sorted(known)) if known and all(parts) else None


def typed_of(document: Document, fields: dict[str, str]) -> dict[str, Any]:
    """What a person wrote on this document and no table knows: {} for nothing."""
    ours = {*PLAIN, *_OF_FIFTYONE, *fields.values(), *(f"predicted_{name}" for name in fields.values())}
    own = {name: value for name, value in document.items() if name not in ours and value not in (None, [], "")}
    labels = {fields[name]: value for name, value in edits(document, fields).items()}
    label_tags = {
        name: document[name]["tags"]
        for name in (*fields.values(), "mask")
        if isinstance(document.get(name), dict) and document[name].get("tags")
    }
    pulled = (document.get("synced") or {}).get("tags") or []
    found = {"tags": document.get("tags") or [], "own": own, "labels": labels, "label_tags": label_tags}
    found = {name: value for name, value in found.items() if value}
    return found | {"pulled": pulled, "judged_mask": document.get("judged_mask")} if found else {}


def keep(ws: Workspace, dataset: Any, documents: Iterable[Document], fields: dict[str, str]) -> int:
    """Write what was typed on each image into its file, where it changed; returns how many images bear something."""
    from bson import json_util

    folder = ws.scratch(TYPED)
    there, count = names_in(folder), 0
    for document in documents:
        name = f"{document['sha256']}.json"
        typed = typed_of(document, fields)
        count += bool(typed)
        text = json_util.dumps(typed, sort_keys=True).encode()
        if typed and (name not in there or (folder / name).read_bytes() != text):
            write_atomically(folder / name, text)
        elif not typed and name in there:
            (folder / name).unlink()
    _keep_fields(ws, dataset, fields)
    return count


def put_back(fo: Any, ws: Workspace, dataset: Any, sha256s: Iterable[str]) -> dict[str, Document]:
    """{sha256: {path: value}} to set on samples that have come back; declares the fields that people had made."""
    from bson import json_util

    folder = ws.scratch(TYPED)
    there, changes = names_in(folder), {}
    for sha256 in sha256s:
        if f"{sha256}.json" in there:
            typed = json_util.loads((folder / f"{sha256}.json").read_text(encoding="utf-8"))
            changes[sha256] = _as_changes(typed)
    if changes:
        _declare(fo, ws, dataset)
        declared = set(dataset.get_field_schema())
        changes = {
            sha256: {path: value for path, value in found.items() if path.split(".")[0] in declared}
            for sha256, found in changes.items()
        }
    return changes


def _as_changes(typed: dict[str, Any]) -> Document:
    changes = dict(typed.get("own", {}))
    changes |= {"tags": typed["tags"]} if typed.get("tags") else {}
    changes |= {"judged_mask": typed["judged_mask"]} if typed.get("judged_mask") else {}
    changes |= {"synced.tags": typed["pulled"]} if typed.get("pulled") else {}
    changes |= {f"{name}.label": value for name, value in typed.get("labels", {}).items()}
    return changes | {f"{name}.tags": tags for name, tags in typed.get("label_tags", {}).items()}


def _keep_fields(ws: Workspace, dataset: Any, fields: dict[str, str]) -> None:
    """The kinds of the fields people made, by FiftyOne's own names for them."""
    ours = {*PLAIN, *_OF_FIFTYONE, *fields.values(), *(f"predicted_{name}" for name in fields.values())}
    kinds = {}
    for name, kind in dataset.get_field_schema().items():
        if name not in ours:
            inner = getattr(kind, "field", None)
            told = getattr(kind, "document_type", None) or getattr(inner, "document_type", None)
            kinds[name] = [
                type(kind).__name__,
                type(inner).__name__ if inner else None,
                told.__name__ if told else None,
            ]
    path = ws.scratch(TYPED) / FIELDS
    text = json.dumps(kinds, sort_keys=True).encode()
    if kinds and (not path.exists() or path.read_bytes() != text):
        write_atomically(path, text)


def _declare(fo: Any, ws: Workspace, dataset: Any) -> None:
    path = ws.scratch(TYPED) / FIELDS
    kinds = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    has = dataset.get_field_schema()
    for name, (kind, inner, document) in kinds.items():
        more: dict[str, Any] = {"subfield": getattr(fo, inner)} if inner and hasattr(fo, inner) else {}
        more |= {"embedded_doc_type": getattr(fo, document)} if document and hasattr(fo, document) else {}
        if name not in has and hasattr(fo, kind):
            dataset.add_sample_field(name, getattr(fo, kind), **more)


def _is_verdict(tag: str) -> bool:
    return tag in ("accept", "reject") or tag.startswith("relabel:")


def _hear(heard: Heard, sha256: str, tag: str, words: Taxonomy | None, *, known: bool) -> None:
    if not tag.startswith("relabel:"):
        if not known:
            heard.verdicts[sha256, "mask"] = Verdict(sha256, tag)
        return
    found = meant(words, tag.removeprefix("relabel:")) if words else None
    if found is None:
        heard.odd.add(tag)
    elif not known:
        heard.verdicts[sha256, found[0]] = Verdict(sha256, "relabel", *found)


def _hear_edit(heard: Heard, sha256: str, name: str, value: str | None, words: Taxonomy | None) -> None:
    if value is None:
        heard.verdicts[sha256, name] = Verdict(sha256, "reject", name)
    elif name == "view" and value in ("packshot", "scene"):
        heard.verdicts[sha256, name] = Verdict(sha256, "relabel", name, value)
    elif words and name in words.fields and (known := answer_of(words, name, value)):
        heard.verdicts[sha256, name] = Verdict(sha256, "relabel", name, known)
    else:
        heard.odd.add(f"{name}: {value}")
