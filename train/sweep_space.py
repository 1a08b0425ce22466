"""What a sweep may vary: keys of a recipe, each a range or a list of choices, from YAML or from `--over`.

In: `learning_rate=1e-4..1e-2:log`, `backbone=a,b`, or a YAML file with a mapping `over`. Out: an `Axis` a key, held
against the recipe it varies: an unknown key or a value that the recipe refuses is an error before anything is trained.
Never draws a value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError, UsageError
from dataset.settings import parse_settings, read_yaml

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Resolve = Callable[[dict[str, Any]], dict[str, Any]]  # overrides -> the resolved recipe; raises SettingsError
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?")
_FORM = "KEY=LOW..HIGH, KEY=LOW..HIGH:log or KEY=A,B,C"


class Range(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    low: float
    high: float
    log: bool = Field(False, description="drawn evenly in the logarithm")


class SpaceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    over: dict[str, Range | list[Any] | str] = Field(min_length=1, description="key of the recipe: range or choices")


@dataclass(frozen=True)
class Axis:
    """One key, with dots for a key inside a key. `choices` are JSON texts, so that a list may be a choice; without any
    it is a range, of whole numbers where `whole`."""

    key: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def value(self, drawn: Any) -> Any:
        """What the recipe gets for what was drawn."""
        return json.loads(drawn) if self.choices else int(drawn) if self.whole else float(drawn)

    def ends(self) -> list[Any]:
        """Values that tell whether the recipe takes this axis at all."""
        return [self.value(each) for each in (self.choices or (self.low, self.high))]

    def points(self) -> Sequence[Any] | None:
        """All that may be drawn; None where it can't be counted."""
        if self.choices:
            return self.choices
        return range(int(self.low), int(self.high) + 1) if self.whole else None

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def words(self) -> str:
        """As one would write it after --over."""
        if self.choices:
            return f"{self.key}={','.join(self.choices)}"
        return f"{self.key}={self.low:g}..{self.high:g}{':log' if self.log else ''}"


def read_space(texts: Sequence[str] = (), path: Path | None = None) -> list[Axis]:
    """The axes of a YAML file and of `--over` texts, which win over it. Raises UsageError, SettingsError."""
    found = {axis.key: axis for axis in _of_file(path)} if path else {}
    found |= {axis.key: axis for axis in map(_of_text, texts)}
    if not found:
        raise UsageError("nothing to vary", expected=f"--over {_FORM}, or --space FILE.yaml")
    return list(found.values())


def _of_file(path: Path) -> list[Axis]:
    if not path.is_file():
        raise SettingsError("there is no such file", where=str(path), expected="YAML with a mapping 'over'")
    space = parse_settings(SpaceFile, read_yaml(path), str(path))
    return [_of_value(key, value) for key, value in space.over.items()]


def _of_value(key: str, value: Range | list[Any] | str) -> Axis:
    if isinstance(value, str):
        return _of_text(f"{key}={value}")
    if isinstance(value, list):
        return _of_choices(key, value)
    return _of_range(key, value.low, value.high, value.log, value.low.is_integer() and value.high.is_integer())


def _of_text(text: str) -> Axis:
    key, sign, said = text.partition("=")
    if not (key and sign and said):
        raise UsageError(f"--over {text}", expected=_FORM)
    if found := _RANGE.fullmatch(said.strip()):
        whole = not set("".join(found.groups("")[:2])) & set(".eE")
        return _of_range(key, float(found[1]), float(found[2]), bool(found[3]), whole)
    try:
        return _of_choices(key, yaml.safe_load(f"[{said}]"))
    except yaml.YAMLError as error:
        raise UsageError(f"--over {text}", expected=_FORM) from error


def _of_range(key: str, low: float, high: float, log: bool, whole: bool) -> Axis:
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or (log and low <= 0):
        raise UsageError(f"{key}: {low:g} to {high:g}", expected="LOW < HIGH, above 0 where it is :log")
    return Axis(key, low, high, log, whole)


def _of_choices(key: str, values: Sequence[Any]) -> Axis:
    try:
        texts = tuple(dict.fromkeys(json.dumps(value, allow_nan=False) for value in values))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{key}: {error}", expected="numbers, words, yes or no, or lists of them") from error
    if len(texts) < 2:
        raise UsageError(f"{key} has {len(texts)} choice", expected="two or more; one value is --set KEY=VALUE")
    return Axis(key, choices=texts)


def fitted(axes: Sequence[Axis], resolve: Resolve, fixed: Mapping[str, Any]) -> list[Axis]:
    """The axes as the recipe has them: whole numbers where it holds one. Raises SettingsError or UsageError for a key
    or an end that the recipe does not take, and for a key that is fixed as well."""
    base, found = resolve(dict(fixed)), []
    for axis in axes:
        if axis.key in fixed:
            raise UsageError(f"{axis.key} is both fixed and varied", expected="--set or --over, not both")
        found.append(_of_kind(axis, _at(base, axis.key)))
        for value in found[-1].ends():
            resolve(overrides(base, fixed, {axis.key: value}))
    return found


def overrides(base: Mapping[str, Any], fixed: Mapping[str, Any], drawn: Mapping[str, Any]) -> dict[str, Any]:
    """`fixed` with what was drawn on top, a dotted key put into what `base`, the resolved recipe, holds there."""
    found = dict(fixed)
    for key, value in drawn.items():
        top, *rest = key.split(".")
        found[top] = _put(found.get(top, base.get(top)), rest, value, key)
    return found


def grid(axes: Sequence[Axis]) -> list[dict[str, Any]] | None:
    """Every point of the space as what is drawn, None where it can't be counted or there are over 10,000."""
    every = [axis.points() for axis in axes]
    columns = [points for points in every if points is not None]
    if len(columns) < len(every) or math.prod(map(len, columns)) > 10_000:
        return None
    names = [axis.key for axis in axes]
    return [dict(zip(names, point, strict=True)) for point in product(*columns)]


def _of_kind(axis: Axis, now: Any) -> Axis:
    if axis.choices or now is None:
        return axis
    if isinstance(now, bool) or not isinstance(now, int | float):
        raise UsageError(f"{axis.key} is no number in this recipe", expected=f"choices: {axis.key}=A,B")
    if isinstance(now, int) and not axis.whole:
        raise UsageError(f"{axis.key} is a whole number in this recipe", expected=f"such as {axis.key}=2..8")
    return replace(axis, whole=isinstance(now, int))


def _at(base: Mapping[str, Any], key: str) -> Any:
    found: Any = base
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(inside: Any, rest: Sequence[str], value: Any, key: str) -> Any:
    if not rest:
        return value
    if not isinstance(inside, Mapping):
        raise UsageError(f"{key}: nothing in this recipe holds '{rest[0]}'", expected="a key, or a key.inside of one")
    return {**inside, rest[0]: _put(inside.get(rest[0]), rest[1:], value, key)}
