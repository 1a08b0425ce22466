"""A chain of edits: from YAML or from words, in the one order that makes sense.

In: a YAML file, the name of one that ships ('editing/packshot'), or 'background white shadow, compose square-2000'.
Out: a frozen `Chain`. An unknown step or key is an error that names the nearest. Never runs anything.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from dataset.errors import SettingsError, UsageError
from dataset.settings import parse_settings, read_yaml
from modiste.edit_guard import guard_rules
from modiste.edit_learned import fingerprint_of, settled
from modiste.edit_picture import KEPT
from modiste.edit_steps import STEPS, Background, Recolour, Step, Style

VERSION = 4  # raise it when the same chain gives other pixels
KEYS = ("steps", "keep")


@dataclass(frozen=True)
class Chain:
    """`steps` in the order they run; `keep` is what counts as the figure: person (with the garment) or garment."""

    steps: tuple[tuple[str, Step], ...]
    keep: str = "person"

    def words(self) -> str:
        """'background white shadow, compose square-2000': the form `--do` takes."""
        return ", ".join(" ".join([name, *_said(step)]) for name, step in self.steps)

    def plain(self) -> list[dict[str, Any]]:
        """Each step with every setting, for lineage."""
        return [{"step": name, **step.model_dump()} for name, step in self.steps]

    def digest(self, weights: str) -> str:
        """Hash of all that shapes an output: steps, the backdrop picture's bytes, limits, weights."""
        rules = {name: each.model_dump() for name, each in guard_rules().items()}
        facts: dict[str, Any] = {"edit": self.plain(), "keep": self.keep, "rules": rules, "weights": weights}
        facts["learned"] = [fingerprint_of(step) for _, step in self.steps]
        for _, step in self.steps:
            for key, picture in pictures_of(step).items():
                facts[key] = hashlib.sha256(Path(picture).read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps([VERSION, facts], sort_keys=True).encode()).hexdigest()[:16]


def chain_of(
    steps: list[tuple[str, Step]], keep: str = "person", *, files: bool = True, given: Collection[str] = ()
) -> Chain:
    """In running order. Raises UsageError for none, for one that comes twice, for a colour nobody knows, and where a
    step names a file though it comes from someone who may name none (`files`): nothing is then looked for on disk.
    `given`: words that stand for pictures sent beside the photo; each must be used."""
    names = [name for name, _ in steps]
    if not names:
        raise UsageError("a chain without steps", expected="some of " + ", ".join(STEPS))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{', '.join(twice)} comes twice", expected="each step once")
    if keep not in KEPT:
        raise UsageError(f"keep: {keep}", expected=" or ".join(KEPT))
    for name, step in steps:
        if not files and names_file(step) and picture_of(step) not in given:
            raise UsageError(f"{name} names a picture file", expected=_SENT[name])
        _check(step, given)
    if idle := sorted(set(given) - {picture_of(step) for _, step in steps}):
        raise UsageError(f"no step uses {', '.join(idle)}", expected="'style look' or 'background backdrop'")
    settled_steps = [(name, settled(step)) for name, step in steps]
    return Chain(tuple(in_order(settled_steps)), keep)


def in_order(steps: list[tuple[str, Step]]) -> list[tuple[str, Step]]:
    """As they run, in whatever order they were said."""
    return sorted(steps, key=lambda each: list(STEPS).index(each[0]))


def read_chain(name: str) -> Chain:
    """A YAML file, or one that ships by its name. Raises SettingsError, UsageError."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError("no such chain", where=name)
        return parse_chain(read_yaml(path), name)
    folder = resources.files("train") / "recipes" / "editing"
    known = sorted(each.name[:-5] for each in folder.iterdir() if each.name != "guard.yaml")
    if name.removeprefix("editing/") not in known:
        raise UsageError(f"no chain '{name}'", expected="a .yaml file, or " + ", ".join(f"editing/{x}" for x in known))
    with resources.as_file(folder / f"{name.removeprefix('editing/')}.yaml") as path:
        return parse_chain(read_yaml(path), name)


def parse_chain(values: dict[str, Any], where: str) -> Chain:
    """`{steps: [...], keep: person}`; a step is a name, or a name with its settings."""
    for key in values:
        if key not in KEYS:
            raise SettingsError(f"unknown key '{key}'{_near(key, KEYS)}", where=where, expected=", ".join(KEYS))
    rows = values.get("steps")
    if not isinstance(rows, list):
        raise SettingsError("steps is no list", where=where, expected="steps: [- background: {to: white}]")
    found = []
    for number, row in enumerate(rows, start=1):
        single = {row: {}} if isinstance(row, str) else row
        if not isinstance(single, dict) or len(single) != 1:
            raise SettingsError(f"step {number} is {row!r}", where=where, expected="one name with its settings")
        (name, settings), place = next(iter(single.items())), f"{where}: step {number}"
        if not isinstance(settings or {}, dict):
            raise SettingsError(f"{name}: {settings!r}", where=place, expected="settings as 'key: value'")
        found.append((str(name), parse_settings(step_named(str(name), place), settings or {}, f"{place} {name}")))
    return chain_of(found, str(values.get("keep", "person")))


def from_words(text: str, keep: str = "person", *, files: bool = True, given: Collection[str] = ()) -> Chain:
    """'background white shadow, compose 1600x2000 margin 0.1 straighten, upscale 2'. Raises UsageError."""
    found = []
    for part in (each.strip() for each in text.split(",")):
        name, _, rest = part.partition(" ")
        if name:
            model = step_named(name.lower(), f"--do '{text}'")
            found.append((name.lower(), parse_settings(model, _WORDS[name.lower()](rest.strip()), f"--do '{part}'")))
    return chain_of(found, keep, files=files, given=given)


def pictures_of(step: Step) -> dict[str, str]:
    """Files a step names, that are there: a new backdrop, the picture whose look is wanted."""
    key = "look" if isinstance(step, Style) else "picture"
    path = picture_of(step)
    return {key: path} if path is not None and Path(path).is_file() else {}


def picture_of(step: Step) -> str | None:
    """Its words where they may mean a picture: a look's always do, a background's may."""
    if isinstance(step, Style):
        return step.like
    return step.to if isinstance(step, Background) else None


def names_file(step: Step) -> bool:
    """Whether running it would read a picture."""
    from modiste.edit_background import is_picture

    return isinstance(step, Style) or (isinstance(step, Background) and is_picture(step.to))


def step_named(name: str, where: str) -> type[Step]:
    """Raises SettingsError with the nearest step's name."""
    if name not in STEPS:
        raise SettingsError(f"unknown step '{name}'{_near(name, STEPS)}", where=where, expected=", ".join(STEPS))
    return STEPS[name]


_SENT = {
    "background": "a colour, or 'backdrop' with the picture sent under that name; no file can be named here",
    "style": "'style look', with the picture sent as 'look'; no file can be named here",
}


def _check(step: Step, given: Collection[str]) -> None:
    from labeling.staging import parse_template
    from modiste.edit_background import ground_named
    from modiste.edit_cloths import PLACES
    from modiste.edit_colours import named
    from modiste.edit_style import read_reference

    if isinstance(step, Recolour):
        named(step.to)
        if step.of and step.of not in PLACES:
            named(step.of)
    if isinstance(step, Background) and step.to not in given:
        ground_named(step.to)
    if isinstance(step, Style) and step.like not in given:
        read_reference(step.like)
    template = getattr(step, "template", "square")
    if template != "square":
        parse_template(template)


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean '{close[0]}'?" if close else ""


def _said(step: Step) -> list[str]:
    """What differs from the defaults, and what a reader wants to see anyway."""
    said: list[str] = []
    for key, value in step.model_dump().items():
        default = type(step).model_fields[key].default
        if key in ("to", "like", "template", "times") or (key == "method" and value != default):
            said.insert(0, str(value))
        elif value != default:
            name = key.replace("_", "-")
            said.append(
                name if value is True or value == "soft" else f"no {name}" if value is False else f"{name} {value}"
            )
    return said


def _flags(rest: str, flags: dict[str, tuple[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Takes known flags out of the words, each at most once."""
    found: dict[str, Any] = {}
    for pattern, (key, value) in flags.items():
        if match := re.search(rf"(?:^|\s){pattern}(?=\s|$)", rest):
            found[key] = value if value is not None else match[1]
            rest = rest[: match.start()] + rest[match.end() :]
    return rest.strip(), found


def _background(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest, {"(?:soft )?shadow": ("shadow", "soft")})
    return {**found, **({"to": rest} if rest else {})}


def _compose(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest, {"straighten": ("straighten", True), r"margin (\S+)": ("margin", None)})
    return {**found, **({"template": rest} if rest else {})}


def _beautify(rest: str) -> dict[str, Any]:
    flags = {
        "no white-balance": ("white_balance", False), "no exposure": ("exposure", False), "lint": ("lint", True),
        r"denoise ([\d.]+)": ("denoise", None), "denoise": ("denoise", 0.5),
    }  # fmt: skip
    rest, found = _flags(rest, flags)
    return {**found, **({rest: True} if rest else {})}


def _repair(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest, {r"radius (\S+)": ("radius", None)})
    return {**found, **({"method": rest} if rest else {})}


def _upscale(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest.lower(), {"(learned|lanczos)": ("method", None)})
    digits = rest.strip("x× ")
    return {**found, **({"times": int(digits) if digits.isdigit() else digits} if rest else {})}


def _recolour(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest, {r"at (\S+ \S+)": ("at", None), r"of (.+)": ("of", None)})
    return {**found, **({"to": rest} if rest else {})}


def _style(rest: str) -> dict[str, Any]:
    rest, found = _flags(rest, {r"strength (\S+)": ("strength", None), "garment": ("garment", True)})
    return {**found, **({"like": rest} if rest else {})}


_WORDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "background": _background, "compose": _compose, "beautify": _beautify, "repair": _repair, "upscale": _upscale,
    "recolour": _recolour, "style": _style,
}  # fmt: skip
