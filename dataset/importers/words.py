"""The file's own words as rows of `labels`: kept as they are, with a value only where the taxonomy maps them.

In: a record's words. Out: rows without times. `type` (or the layout's own field) is what the whole image is; `worn`
is what its regions or boxes show, of which there may be several. An unknown word is a row without a value, so that a
person can map it later. Never guesses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

from dataset.importers.layout import Record
from dataset.importers.roles import NO_LABEL, NOT_CLOTHES, Role, role_by
from dataset.taxonomy import Taxonomy, load_taxonomy

WORN = "worn"
_JUDGE = ("clothing", "street")  # what tells garments from shoes and bags where the workspace's taxonomy can't
_LANGUAGE = "en"  # of published data sets' labels: 'shirt' is no t-shirt, as it is in German
_BREAKS = re.compile(r"[_/]+")


class Words:
    """Maps words of one importer by `taxonomy`; its table `mapping` (such as `street`) goes before the synonyms."""

    def __init__(self, taxonomy: Taxonomy, mapping: str | None, source: str) -> None:
        self.taxonomy, self.source = taxonomy, source
        self.mapping = mapping if mapping in taxonomy.file.mappings else None
        self.first = next(iter(taxonomy.fields))
        self.role_of: Callable[[str], Role] = lru_cache(maxsize=10_000)(lambda word: role_by(word, self._clothes(word)))
        self.type_of: Callable[[str], str | None] = lru_cache(maxsize=10_000)(self._type_of)

    @cached_property
    def clothes(self) -> Words:
        """Who is asked for the role of a word that the workspace's taxonomy doesn't know."""
        shipped = self.taxonomy if self.taxonomy.name == _JUDGE[0] else load_taxonomy(_JUDGE[0])
        return Words(shipped, _JUDGE[1], self.source)

    def rows(self, record: Record, sha256: str, drawn: Iterable[str] = ()) -> list[dict[str, Any]]:
        """One row for each (field, word), in a stable order; `drawn` are words of the regions drawn."""
        found: dict[tuple[str, str], str | None] = {}
        for field, word in record.words:
            found |= {(name, word): value for name, value in self._values(field, word).items()}
        for word in {*record.seen, *drawn}:
            if word.strip().lower() not in NO_LABEL and not self._is_no_garment(word):
                found[WORN, word] = self.type_of(word)
        base = {"sha256": sha256, "source": self.source, "confidence": 1.0, "taxonomy": self.taxonomy.reference}
        return [base | {"field": field, "value": value, "word": word} for (field, word), value in sorted(found.items())]

    def _values(self, field: str, word: str) -> dict[str, str | None]:
        if field == WORN:
            return {WORN: self.type_of(word)}
        field = self.first if field == "type" else field
        if self.mapping and field == self.first:
            mapped = self.taxonomy.from_label(self.mapping, word)
            if mapped:
                return dict(mapped)
        known = field in self.taxonomy.fields
        return {field: self._map(field, word) if known else None}

    def _clothes(self, word: str) -> str | None:
        """Of a list of several types ('top, t-shirt, sweatshirt') the first one's: enough for a role. What is a kind
        of accessory counts as one."""
        whole = self.type_of(word) or self.clothes.type_of(word)
        kind = whole or next((kind for part in _parts(word) if (kind := self.clothes.type_of(part))), None)
        return next((up for up in self._broader(kind) if up in NOT_CLOTHES), kind)

    def _broader(self, kind: str | None) -> list[str]:
        known = self.clothes.taxonomy
        return known.ancestors(known.first, kind) if kind in known.values(known.first) else []

    def _type_of(self, word: str) -> str | None:
        return self._values("type", word).get(self.first)

    def _map(self, field: str, word: str) -> str | None:
        """The word itself, else of a list its most general part ('shirt, blouse' is a shirt), else the mention that
        ends the phrase ('short_sleeved_dress' is a dress), else the only one in it."""
        plain = _BREAKS.sub(" ", word).strip()
        parts = _parts(plain)
        if value := self.taxonomy.map(field, plain, _LANGUAGE) or self.taxonomy.map(field, plain):
            return value
        if len(parts) > 1:
            return self._most_general(field, [self._map(field, part) for part in parts])
        found = self.taxonomy.find(field, plain)
        ends = found and plain.casefold().endswith(found[-1][1].casefold())
        return found[-1][0] if ends or len({value for value, _ in found}) == 1 else None

    def _most_general(self, field: str, values: list[str | None]) -> str | None:
        """The one that all the others are kinds of; None where there is none."""
        known = [value for value in values if value is not None]
        for value in known if len(known) == len(values) else ():
            if all(other == value or value in self.taxonomy.ancestors(field, other) for other in known):
                return value
        return None

    def _is_no_garment(self, word: str) -> bool:
        """The mapping knows the word and says that it is no garment, such as hair."""
        labels = self.taxonomy.file.mappings[self.mapping] if self.mapping else {}
        return word in labels and labels[word] is None


def _parts(word: str) -> list[str]:
    return [part.strip() for part in word.split(",") if part.strip()]
