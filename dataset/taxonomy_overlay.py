"""The words that a workspace's people mapped: `taxonomy-words.yaml`, laid over the taxonomy, never into it.

In: the workspace's folder. Out: a taxonomy file with those words as synonyms of the language `shop`, which go before
all others; so they are part of its hash. A word may also be set to nothing (`ignore`): it is then no longer listed as
unknown. A mapping to a value that is gone is an error that names it.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from dataset.blobs import write_atomically
from dataset.errors import SettingsError, UsageError
from dataset.settings import parse_settings
from dataset.taxonomy_file import SHOP, TaxonomyFile, read_strict
from dataset.taxonomy_words import key_of

NAME = "taxonomy-words.yaml"
_HEAD = "# Words of shops as this workspace's people mapped them: field -> value -> words. Edit, or use\n"
_HEAD += "# `modiste taxonomy map --word W --to field=value`.\n"


class Overlay(BaseModel):
    """`words`: field -> value id -> words; `ignore`: words that are no value of anything, such as a sale."""

    model_config = ConfigDict(extra="forbid")
    words: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    ignore: list[str] = Field(default_factory=list)


def read_overlay(root: Path) -> Overlay:
    """The overlay of a workspace folder; an empty one where there is none."""
    path = root / NAME
    return parse_settings(Overlay, read_strict(path), NAME) if path.is_file() else Overlay()


def overlaid(file: TaxonomyFile, overlay: Overlay) -> TaxonomyFile:
    """`file` with the overlay's words. Raises SettingsError for a field or value that is not there (any more)."""
    if not overlay.words and not overlay.ignore:
        return file
    copy = file.model_copy(deep=True)
    for field, values in overlay.words.items():
        for value, words in values.items():
            found = [known for known in copy.fields[field].values if known.id == value] if field in copy.fields else []
            if not found:
                raise SettingsError(
                    f"words.{field}.{value}: there is no value '{value}' of field '{field}' in {file.name}",
                    where=NAME, cure="Map the words to another value: `modiste taxonomy show` lists them",
                )  # fmt: skip
            found[0].synonyms[SHOP] = list(words)
    _refuse_two_meanings(overlay)
    shop = copy.mappings.setdefault(SHOP, {})
    shop.update(dict.fromkeys(overlay.ignore))
    return copy


def with_word(file: TaxonomyFile, overlay: Overlay, word: str, field: str | None, value: str | None) -> Overlay:
    """The overlay with `word` meaning `value` of `field`, or nothing at all where `field` is None; what it meant
    before in that field is taken back. Raises UsageError for a field or value that is not there."""
    word = word.strip()
    if not key_of(word):
        raise UsageError(f"'{word}' holds no letters", expected="a word of the shop")
    changed = overlay.model_copy(deep=True)
    changed.ignore = [other for other in changed.ignore if key_of(other) != key_of(word)]
    if field is None:
        changed.ignore.append(word)
        return changed
    if field not in file.fields:
        raise UsageError(f"there is no field '{field}'", where=file.name, expected=", ".join(file.fields))
    known = [v.id for v in file.fields[field].values]
    if value not in known:
        raise UsageError(f"'{value}' is no value of {field}", where=file.name, expected=", ".join(known))
    for words in changed.words.get(field, {}).values():
        words[:] = [other for other in words if key_of(other) != key_of(word)]
    changed.words.setdefault(field, {}).setdefault(str(value), []).append(word)
    changed.words[field] = {v: words for v, words in changed.words[field].items() if words}
    return changed


def write_overlay(root: Path, overlay: Overlay) -> Path:
    """Written atomically, words sorted, so that a change is a small diff."""
    content = {
        "words": {f: {v: sorted(words) for v, words in sorted(values.items())} for f, values in overlay.words.items()},
        "ignore": sorted(overlay.ignore),
    }
    text = _HEAD + yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    write_atomically(root / NAME, text.encode())
    return root / NAME


def _refuse_two_meanings(overlay: Overlay) -> None:
    for field, values in overlay.words.items():
        meant: dict[str, str] = {}
        for value, words in values.items():
            for word in words:
                other = meant.setdefault(key_of(word), value)
                if other != value:
                    raise SettingsError(f"words.{field}: '{word}' means both '{other}' and '{value}'", where=NAME)
