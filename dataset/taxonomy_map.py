"""The shop words that no label came of, and a person's decision about one of them.

In: `labels` rows without a value, and the workspace's taxonomy. Out: words by images and store with the nearest values
(by spelling alone; they are shown, never applied), and `taxonomy-words.yaml` with one word more.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from dataset.errors import UsageError
from dataset.taxonomy import Taxonomy, path_of, taxonomy_of
from dataset.taxonomy_file import read_file
from dataset.taxonomy_overlay import NAME, overlaid, read_overlay, with_word, write_overlay
from dataset.taxonomy_words import key_of, words_of
from dataset.workspace import Workspace

NOTHING = "nothing"
CANDIDATES = 3
LIKE = 0.6  # of difflib's ratio: below, two spellings have little in common

_UNMAPPED = """
WITH stores AS (SELECT sha256, min(store) AS store FROM fetches WHERE sha256 IS NOT NULL GROUP BY sha256)
SELECT l.field, l.word, count(DISTINCT l.sha256) AS images, s.store FROM labels l LEFT JOIN stores s USING (sha256)
WHERE l.value IS NULL AND l.word IS NOT NULL GROUP BY ALL ORDER BY l.field, l.word, s.store
"""


@dataclass(frozen=True)
class Waiting:
    """One word: how many images wait for it, in which stores, and values spelt alike as 'field=value'."""

    word: str
    field: str
    images: int
    stores: dict[str, int]
    nearest: list[str]


@dataclass(frozen=True)
class Unmapped:
    """The words that wait, most images first; `total` counts those not listed too."""

    words: list[Waiting]
    total: int

    def line(self) -> str:
        return f"{self.total} words wait to be mapped"

    def table(self) -> str:
        rows = [
            f"{one.images:6}  {one.field:10} {one.word!r:32} {', '.join(f'{s} {n}' for s, n in one.stores.items()):24} "
            f"{'like ' + ', '.join(one.nearest) if one.nearest else ''}".rstrip()
            for one in self.words
        ]
        cure = "Map one: modiste taxonomy map --word 'W' --to field=value (or --to nothing)"
        return "\n".join([*rows, self.line() + (f". {cure}" if rows else "")])


@dataclass(frozen=True)
class Added:
    """What a word means from now on."""

    word: str
    to: str
    taxonomy: str

    def line(self) -> str:
        return f"'{self.word}' is {self.to} from now on ({NAME}; {self.taxonomy}); run `modiste label tags` to apply it"


def unmapped(ws: Workspace, most: int = 40) -> Unmapped:
    """Words without a value that the workspace's taxonomy does not know by now either."""
    taxonomy = taxonomy_of(ws)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in ws.tables.query(_UNMAPPED).to_pylist():
        if _unknown(taxonomy, row["field"], row["word"]):
            counts.setdefault((row["field"], row["word"]), {})[row["store"] or "-"] = row["images"]
    order = sorted(counts, key=lambda key: (-sum(counts[key].values()), key))
    words = [
        Waiting(word, field, sum(counts[field, word].values()), counts[field, word], nearest(taxonomy, word))
        for field, word in order[:most]
    ]
    return Unmapped(words, len(order))


def nearest(taxonomy: Taxonomy, word: str) -> list[str]:
    """Up to three 'field=value' whose words are spelt like `word`, the likest first."""
    likeness: dict[str, float] = {}
    key = key_of(word)
    for name, field in taxonomy.fields.items():
        for value in field.values:
            for _, known in words_of(value):
                ratio = difflib.SequenceMatcher(None, key, key_of(known)).ratio()
                if ratio >= LIKE:
                    likeness[f"{name}={value.id}"] = max(ratio, likeness.get(f"{name}={value.id}", 0.0))
    return sorted(likeness, key=lambda name: (-likeness[name], name))[:CANDIDATES]


def add_word(ws: Workspace, word: str, to: str) -> Added:
    """Write `word` into the workspace's overlay. `to` is 'field=value', or 'nothing'. Raises UsageError for a field or
    value that is not there, listing those that are."""
    field, equals, value = to.partition("=")
    if to.strip().lower() != NOTHING and not (equals and field.strip() and value.strip()):
        raise UsageError(f"--to '{to}' is no answer", expected="field=value, or nothing")
    file = read_file(path_of(ws.settings.taxonomy, ws.root))
    chosen = (field.strip(), value.strip()) if equals else (None, None)
    overlay = with_word(file, read_overlay(ws.root), word, *chosen)
    reference = Taxonomy(overlaid(file, overlay)).reference  # an overlay that is wrong as a whole is not written
    write_overlay(ws.root, overlay)
    return Added(word.strip(), to.strip(), reference)


def _unknown(taxonomy: Taxonomy, field: str, word: str) -> bool:
    fields = [field] if field in taxonomy.fields else list(taxonomy.fields)
    if taxonomy.from_category(word)[0]:
        return False
    return not any(taxonomy.map(name, word) for name in {*fields, *taxonomy.fields})
