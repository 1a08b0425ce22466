"""What changed between two taxonomies, or since a snapshot, and which labels it touches.

In: two of a shipped name, a YAML file and a snapshot's name. Out: values added, removed, moved (another parent) and
renamed (another label), words that mean another value now, and the labels of the workspace that hold a value that is
gone. A value removed and one added whose words are mostly the same are told as renamed. Never changes a label.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from dataset.errors import UsageError
from dataset.several import values_in
from dataset.snapshot import load_snapshot
from dataset.taxonomy import Taxonomy, load_taxonomy, taxonomy_of
from dataset.taxonomy_words import key_of, words_of
from dataset.workspace import Workspace

SHARED_WORDS = 0.5  # of the smaller set of words that makes two ids one value renamed


@dataclass(frozen=True)
class Difference:
    """Values as 'field=value', changes as 'field=value: before -> after'. `labels` counts rows of the workspace (of a
    snapshot: its images) whose value is gone; empty without a workspace."""

    old: str
    new: str
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        kinds = {"added": self.added, "removed": self.removed, "moved": self.moved, "renamed": self.renamed,
                 "word": self.words}  # fmt: skip
        lines = [f"{kind}: {one}" for kind, found in kinds.items() for one in found]
        lines += [f"labels touched: {value}: {count} rows" for value, count in self.labels.items()]
        counts = ", ".join(
            f"{len(found)} {kind if kind != 'word' else 'words changed'}" for kind, found in kinds.items()
        )
        return "\n".join([*lines, f"{self.old} -> {self.new}: {counts}, {sum(self.labels.values())} labels touched"])


def difference(old: str, new: str | None, ws: Workspace | None) -> Difference:
    """Compare. `new` None is the workspace's taxonomy. Raises SettingsError or UsageError for what is not there."""
    if new is None and ws is None:
        raise UsageError("nothing to compare with", expected="a second taxonomy, or -w with a workspace")
    after = load_taxonomy(new) if new is not None else taxonomy_of(ws)  # type: ignore[arg-type]
    if ws is not None and (ws.snapshots / f"{old}.json").is_file():
        return _since_snapshot(ws, old, after)
    return compare(load_taxonomy(old), after, ws)


def compare(before: Taxonomy, after: Taxonomy, ws: Workspace | None = None) -> Difference:
    """Two taxonomies, value by value."""
    was, now = _values(before), _values(after)
    gone, fresh = [v for v in was if v not in now], [v for v in now if v not in was]
    renamed = _renamed(before, after, gone, fresh)
    moved = [f"{'='.join(v)}: {was[v] or '-'} -> {now[v] or '-'}" for v in was if v in now and was[v] != now[v]]
    labels = [(v, before.value(*v).label, after.value(*v).label) for v in was if v in now]
    return Difference(
        before.reference, after.reference,
        ["=".join(v) for v in fresh if v not in renamed.values()],
        ["=".join(v) for v in gone if v not in renamed],
        moved,
        [f"{'='.join(a)} -> {'='.join(b)}" for a, b in renamed.items()]
        + [f"{'='.join(v)}: '{one}' -> '{other}'" for v, one, other in labels if one != other],
        _words_changed(before, after),
        _touched(ws, gone) if ws else {},
    )  # fmt: skip


def _since_snapshot(ws: Workspace, name: str, after: Taxonomy) -> Difference:
    """A snapshot keeps its labels, not its taxonomy's file: values it holds that are no more."""
    snapshot = load_snapshot(ws, name)
    told = ", ".join(snapshot.meta.get("taxonomy", [])) or "no taxonomy"
    counts: Counter[tuple[str, str]] = Counter()
    for labels in snapshot.rows["labels"].to_pylist():
        held = {field: values_in(said) for field, said in json.loads(labels or "{}").items() if field in after.fields}
        counts.update((field, value) for field, values in held.items() for value in values)
    gone = {"=".join(one): n for one, n in sorted(counts.items()) if one[1] not in after.values(one[0])}
    return Difference(told, after.reference, removed=list(gone), labels=gone)


def _values(taxonomy: Taxonomy) -> dict[tuple[str, str], str | None]:
    return {(name, value.id): value.parent for name, f in taxonomy.fields.items() for value in f.values}


def _renamed(
    before: Taxonomy, after: Taxonomy, gone: list[tuple[str, str]], fresh: list[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for old in gone:
        mine = {key_of(word) for _, word in words_of(before.value(*old))}
        for new in fresh:
            theirs = {key_of(word) for _, word in words_of(after.value(*new))}
            same = len(mine & theirs) / min(len(mine), len(theirs))
            if new[0] == old[0] and new not in found.values() and same >= SHARED_WORDS:
                found[old] = new
                break
    return found


def _words_changed(before: Taxonomy, after: Taxonomy) -> list[str]:
    """Words that both know and that mean another value now: labels read anew will differ."""
    found = []
    for name in before.fields:
        now = after.lexicon.words.get(name, {})
        for key, languages in before.lexicon.words[name].items():
            for language, value in languages.items():
                other = now.get(key, {}).get(language, value)
                if other != value and "\0" not in (value, other):
                    found.append(f"{name} '{key}' ({language}): {value} -> {other}")
    return sorted(found)


def _touched(ws: Workspace, gone: list[tuple[str, str]]) -> dict[str, int]:
    found = {}
    for name, value in gone:
        sql = "SELECT count(*) AS n FROM labels WHERE field = ? AND value = ?"
        count = ws.tables.query(sql, parameters=[name, value])["n"].to_pylist()[0]
        if count:
            found[f"{name}={value}"] = int(count)
    return found
