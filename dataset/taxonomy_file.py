"""What stands in a taxonomy's YAML: the models, and a strict reader.

In: a YAML file. Out: a `TaxonomyFile`. Unlike plain YAML a key that stands twice is an error: the second would silently
replace the first. A field may be written `{same_as: clothing}`; it is then the field of that name in the file beside.
Never looks at whether references hold: `taxonomy_check` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml

OWN = "en"  # ids and labels count as words of this language
SHOP = "shop"  # words that a person mapped in a workspace: they hold in every language, before all others
LANGUAGES = ("en", "de", "fr", "es", "it", "zh")


class Value(BaseModel):
    """One answer. `parent` is a more general value of the same field; `synonyms` are words by language; `implies` is
    what follows in other fields from this answer (a `bag` is of category accessories), field -> value id."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    label: str = ""
    parent: str | None = None
    synonyms: dict[str, list[str]] = Field(default_factory=dict)
    implies: dict[str, str] = Field(default_factory=dict)


class TaxonomyField(BaseModel):
    """One question. `exclusive` has one answer, `multi` may have several. `asked_when` names, per other field, the
    values (or their children) for which it is asked at all. `ignore` are phrases by language that hold a synonym and
    don't mean it, such as 'dress code'."""

    model_config = ConfigDict(extra="forbid")
    label: str = ""
    kind: Literal["exclusive", "multi"] = "exclusive"
    asked_when: dict[str, list[str]] = Field(default_factory=dict)
    ignore: dict[str, list[str]] = Field(default_factory=dict)
    values: list[Value] = Field(min_length=1)


class TaxonomyFile(BaseModel):
    """The whole file. `mappings` translates labels of other data sets: name -> label -> field -> value id, null where
    a label has no counterpart. The mapping `shop` is of category names that are no single value."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    description: str = ""
    fields: dict[str, TaxonomyField] = Field(min_length=1)
    mappings: dict[str, dict[str, dict[str, str] | None]] = Field(default_factory=dict)


def read_file(path: Path) -> TaxonomyFile:
    """Raises SettingsError naming the line of what is no YAML or stands twice, or the key that is wrong."""
    content = read_strict(path)
    fields = content.get("fields")
    if isinstance(fields, dict):
        for name, field in fields.items():
            if isinstance(field, dict) and set(field) == {"same_as"}:
                fields[name] = _field_of(path, str(field["same_as"]), str(name))
    return parse_settings(TaxonomyFile, content, path.name)


def read_strict(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, in which no key may stand twice."""
    return read_yaml(path, _Strict)


def _field_of(path: Path, other: str, name: str) -> Any:
    beside = path.with_name(f"{other}.yaml")
    fields = read_strict(beside).get("fields", {}) if beside.is_file() else {}
    if name not in fields:
        raise SettingsError(f"fields.{name}: there is no field '{name}' in '{other}.yaml' beside it", where=path.name)
    return fields[name]


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)
