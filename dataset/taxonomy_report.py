"""A taxonomy for people: its faults in one list, its fields and values as a tree.

In: a taxonomy. Out: results with a `line()`, or plain dicts that are JSON. Never writes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dataset.taxonomy import Taxonomy, path_of
from dataset.taxonomy_check import Fault, errors, warnings
from dataset.taxonomy_file import LANGUAGES, TaxonomyField, Value, read_file
from dataset.taxonomy_overlay import overlaid, read_overlay
from dataset.workspace import Workspace


@dataclass(frozen=True)
class Checked:
    """All faults of one taxonomy; `reference` is null where it can't be used."""

    name: str
    reference: str | None
    fields: int
    values: int
    words: int
    errors: list[Fault]
    warnings: list[Fault]

    def line(self) -> str:
        faults = [fault.line() for fault in (*self.errors, *self.warnings)]
        size = f"{self.fields} fields, {self.values} values, {self.words} words in {len(LANGUAGES)} languages"
        return "\n".join([*faults, f"{self.reference or self.name}: {size}; {len(self.errors)} errors, "
                                   f"{len(self.warnings)} warnings"])  # fmt: skip


def checked(name: str | None, ws: Workspace | None = None) -> Checked:
    """Check a shipped taxonomy, a file, or a workspace's own with its people's words. Raises SettingsError only for
    what can't be read at all."""
    path = path_of(name or (ws.settings.taxonomy if ws else "clothing"), ws.root if ws else None)
    file = read_file(path)
    if ws is not None:
        file = overlaid(file, read_overlay(ws.root))
    found = errors(file)
    values = [value for field in file.fields.values() for value in field.values]
    words = sum(len(said) for value in values for said in value.synonyms.values())
    reference = None if found else Taxonomy(file, path.name).reference
    return Checked(file.name, reference, len(file.fields), len(values), words, found, warnings(file))


def as_tree(taxonomy: Taxonomy, field: str | None = None) -> dict[str, Any]:
    """{reference, fields: [{id, label, kind, asked_when, values: [{id, label, synonyms, implies, children}]}]}."""
    names = [field] if field else list(taxonomy.fields)
    for name in names:
        taxonomy.values(name)  # an unknown field is an error that lists the known ones
    return {
        "reference": taxonomy.reference,
        "fields": [_field(name, taxonomy.fields[name]) for name in names],
        "mappings": {name: len(labels) for name, labels in taxonomy.file.mappings.items()},
    }


def tree_text(tree: dict[str, Any], *, words: bool = False) -> str:
    """The tree with a line a value."""
    lines = [tree["reference"]]
    for field in tree["fields"]:
        asked = "; ".join(f"{other} is {', '.join(wanted)}" for other, wanted in field["asked_when"].items())
        lines.append(f"{field['id']} ({field['kind']}{', asked when ' + asked if asked else ''})")
        for value in field["values"]:
            lines += _lines(value, 1, words)
    told = ", ".join(f"{name} ({count})" for name, count in tree["mappings"].items())
    return "\n".join([*lines, f"mappings: {told or 'none'}"])


def _lines(value: dict[str, Any], depth: int, words: bool) -> list[str]:
    label = f" — {value['label']}" if value["label"] else ""
    implied = "".join(f" → {field} {other}" for field, other in value["implies"].items())
    said = "; ".join(f"{language}: {', '.join(found)}" for language, found in value["synonyms"].items())
    lines = [f"{'  ' * depth}{value['id']}{label}{implied}{'  [' + said + ']' if words and said else ''}"]
    for child in value["children"]:
        lines += _lines(child, depth + 1, words)
    return lines


def _field(name: str, field: TaxonomyField) -> dict[str, Any]:
    below: dict[str | None, list[Value]] = {}
    for value in field.values:
        below.setdefault(value.parent, []).append(value)
    return {"id": name, "label": field.label, "kind": field.kind, "asked_when": field.asked_when,
            "values": [_value(value, below) for value in below.get(None, [])]}  # fmt: skip


def _value(value: Value, below: dict[str | None, list[Value]]) -> dict[str, Any]:
    children = [_value(child, below) for child in below.get(value.id, [])]
    return {"id": value.id, "label": value.label, "implies": value.implies, "synonyms": value.synonyms,
            "children": children}  # fmt: skip
