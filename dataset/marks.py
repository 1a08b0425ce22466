"""Marks that a take-down leaves on what learned from its images: runs, and exported folders.

In: a folder. Out: `taken_down.json` in it, a list of marks {takedown, kind, at, reason, images, through}. Whoever loads
a weight warns by `warn_if_marked`; whoever exports or serves one refuses by `refuse_if_marked`. Never unmarks.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import TrainingError

MARK_FILE = "taken_down.json"
Mark = dict[str, Any]


class TakenDownWarning(UserWarning):
    """A weight is used that learned from images taken down since."""


def mark(folder: Path, entry: Mark) -> bool:
    """Add one mark; False where the same take-down has marked the folder before."""
    known = marks(folder)
    if any(each["takedown"] == entry["takedown"] for each in known):
        return False
    text = json.dumps([*known, entry], indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / MARK_FILE, text.encode())
    return True


def marks(folder: Path) -> list[Mark]:
    """The marks of a run's folder; a file that can't be read counts as one, since it was put there for a reason."""
    path = folder / MARK_FILE
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        return [{"takedown": "?", "kind": "?", "at": "?", "reason": f"{MARK_FILE} can't be read: {error}"}]


def said(found: list[Mark]) -> str:
    """One clause on why a folder is marked."""
    last = found[-1]
    images = f"{last['images']} images" if last.get("images") else "images"
    through = f" (through {last['through']})" if last.get("through") else ""
    more = f"; {len(found)} take-downs in all" if len(found) > 1 else ""
    return f"learned from {images} taken down on {str(last['at'])[:10]}{through}: {last['reason']}{more}"


def warn_if_marked(weight: Path) -> None:
    """Warn once a call where the weight file's folder (or the folder itself) is marked."""
    folder = weight if weight.is_dir() else weight.parent
    if found := marks(folder):
        warnings.warn(f"{folder.name} {said(found)}. Train it again", TakenDownWarning, stacklevel=3)


def refuse_if_marked(weight: Path, *, allowed: bool = False, doing: str = "exported") -> None:
    """Raise TrainingError where a marked weight would leave this machine, unless a person allowed it."""
    folder = weight if weight.is_dir() else weight.parent
    found = marks(folder)
    if found and not allowed:
        raise TrainingError(
            f"can't be {doing}: it {said(found)}",
            where=folder.name,
            cure="Train it again on a new snapshot, or give --allow-taken-down",
        )
