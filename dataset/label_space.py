"""Label spaces: which classes a segmentation model tells apart, and how the words of a label map fold into them.

In: the name of a space that ships ('street-3', 'street-9', 'ccp-59') or a YAML file. Out: ordered classes, 0 is the
background, and what each word means. Words are compared in lower case. A word that no class names is
`otherwise`'s class, or 255 (ignored: it counts neither in training nor in judging). Never guesses from pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from dataset.errors import SettingsError
from dataset.images import decode
from dataset.masks import BACKGROUND, GARMENT, IGNORE, SKIN
from dataset.settings import parse_settings, read_yaml

_HERE = "label_spaces"


class _File(BaseModel):
    """A label space as YAML: class -> the words that mean it, in the order of the class indices."""

    model_config = ConfigDict(extra="forbid")
    classes: dict[str, list[str]] = Field(min_length=2, max_length=IGNORE, description="or a list of such pairs")
    garments: list[str] = Field(default_factory=list, description="classes that a cutout of the garment keeps")
    otherwise: str | None = Field(None, description="class of a word that none names; null: not counted")
    composite: bool = Field(False, description="read from the composite mask instead of words")

    @field_validator("classes", mode="before")
    @classmethod
    def _of_pairs(cls, given: Any) -> Any:
        return dict(given) if isinstance(given, list) else given


@dataclass(frozen=True)
class LabelSpace:
    """`classes[0]` is the background. `roles[k]` is class k in a composite mask: 0 background, 1 skin, 2 garment."""

    name: str
    classes: tuple[str, ...]
    roles: tuple[int, ...]
    words: Mapping[str, int]
    otherwise: int
    composite: bool

    def fold(self, names: Mapping[int, str]) -> np.ndarray:
        """(256,) uint8: pixel value of a label map -> class, for a map whose values mean `names`. 0 is background."""
        table = np.full(256, IGNORE, np.uint8)
        table[0] = BACKGROUND
        for value, word in names.items():
            table[value] = self.words.get(word.strip().lower(), self.otherwise)
        return table

    def truth(self, png: bytes, names: Mapping[int, str]) -> np.ndarray:
        """(H, W) uint8 class map of a kept map of labels; 255 where nothing counts. Raises ImageError."""
        return np.asarray(self.fold(names)[decode(png).rgb[:, :, 0]])


def known_spaces() -> list[str]:
    """Names of the spaces that ship."""
    return sorted(f.name[:-5] for f in (resources.files("dataset") / _HERE).iterdir() if f.name.endswith(".yaml"))


def load_space(given: str | Mapping[str, Any]) -> LabelSpace:
    """The space of that name or YAML file, or written out. Raises SettingsError: unknown name or class, a word in two
    classes."""
    name = given if isinstance(given, str) else str(given.get("name", "own"))
    values = read_yaml(_path(given)) if isinstance(given, str) else {k: v for k, v in given.items() if k != "name"}
    return _built(Path(name).stem if "." in name else name, parse_settings(_File, values, name))


def written_out(given: str | Mapping[str, Any]) -> str | dict[str, Any]:
    """What a record keeps, so that it means the same when a file is edited or gone: a shipped space by its name, a file
    by its content, the classes as a list: a mapping's order is lost where JSON is written with sorted keys."""
    if isinstance(given, str) and given not in known_spaces():
        found = read_yaml(_path(given))
        if isinstance(found.get("classes"), dict):
            found["classes"] = [[name, words] for name, words in found["classes"].items()]
        return {"name": Path(given).stem} | found
    return given if isinstance(given, str) else dict(given)


def _path(name: str) -> Path:
    if not name.endswith((".yaml", ".yml")):
        return _shipped(name)
    if not Path(name).is_file():
        raise SettingsError("there is no such file", where=name, expected="a label space's YAML file")
    return Path(name)


def _shipped(name: str) -> Path:
    if name not in known_spaces():
        raise SettingsError(f"there is no label space '{name}'", expected=", ".join([*known_spaces(), "a YAML file"]))
    return Path(str(resources.files("dataset") / _HERE / f"{name}.yaml"))


def _built(name: str, file: _File) -> LabelSpace:
    classes = tuple(file.classes)
    unknown = sorted({*file.garments, *([file.otherwise] if file.otherwise else [])} - set(classes))
    if unknown:
        raise SettingsError(f"names no class: {', '.join(unknown)}", where=name, expected=", ".join(classes))
    words: dict[str, int] = {}
    for index, own in enumerate(file.classes.values()):
        for word in own:
            if words.setdefault(word.strip().lower(), index) != index:
                raise SettingsError(f"'{word}' is in two classes", where=name, cure="Leave it in one of them")
    roles = tuple(BACKGROUND if k == 0 else GARMENT if c in file.garments else SKIN for k, c in enumerate(classes))
    other = IGNORE if file.otherwise is None else classes.index(file.otherwise)
    return LabelSpace(name, classes, roles, words, other, file.composite)
