"""In which fields an image's sources contradict each other, so that a person looks there first.

In: everything said of one image, by field. Out: the fields of a contradiction: two sources whose surest values differ
(of an exclusive field, and neither is a kind of the other), or that have no value in common (of a multi field), or two
places of one shop, which `label tags` has compared already. A person's word settles a field. What a run
predicts or a rule measures is no source: pixels under unknown light, of several garments, contradict a shop's colour on
half of all photos. Never says who is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataset.errors import UsageError
from dataset.taxonomy import Taxonomy
from labeling.tagging import DISAGREEMENT

PERSON = "person"
NO_SOURCE = ("model", "rule")


@dataclass(frozen=True)
class Said:
    """A label: what, how sure (in [0, 1], None where unsaid), and who says so (store, rule, person, model:<run>)."""

    value: str
    confidence: float | None
    source: str


def contradictions(said: Mapping[str, Sequence[Said]], words: Taxonomy | None) -> list[str]:
    """Names of the fields, sorted. `said` holds what `label tags` found of the shop's places as field `disagreement`;
    without a taxonomy there is nothing but that to go by."""
    found = {each.value for each in said.get(DISAGREEMENT, ())}
    found |= {name for name, all_ in said.items() if words and name in words.fields and _differ(name, all_, words)}
    return sorted(name for name in found if not any(each.source == PERSON for each in said.get(name, ())))


def _differ(name: str, said: Sequence[Said], words: Taxonomy) -> bool:
    """Whether two sources can't both be right."""
    by_source: dict[str, list[Said]] = {}
    for each in said:
        if not each.source.startswith(NO_SOURCE) and _is_known(words, name, each.value):
            by_source.setdefault(each.source, []).append(each)
    if words.fields[name].kind != "multi":
        by_source = {source: [max(all_, key=_sureness)] for source, all_ in by_source.items()}
    sides = list(by_source.values())
    return any(not _share(words, name, one, other) for n, one in enumerate(sides) for other in sides[:n])


def _share(words: Taxonomy, name: str, one: Sequence[Said], other: Sequence[Said]) -> bool:
    return any(words.agree(name, a.value, b.value) for a in one for b in other)


def _sureness(said: Said) -> tuple[float, str]:
    return said.confidence or 0.0, said.value


def _is_known(words: Taxonomy, name: str, value: str) -> bool:
    """A value of an older taxonomy contradicts nothing: nobody can say what it is a kind of."""
    try:
        return bool(words.value(name, value))
    except UsageError:
        return False
