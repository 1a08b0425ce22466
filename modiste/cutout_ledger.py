"""What was cut out already: `.modiste-cutout.jsonl` in the output folder, one line a photo, the newest counts.

In: a photo's key, its stamp, the settings' hash. Out: the row of an earlier run where nothing has changed, and a name
for each photo's output, the same in every run. A line is written before its files are, and files are renamed into
place whole: a line counts only while all its files are there. A file that Modiste did not make is never written over.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataset.errors import StorageError
from modiste.cutout_sources import Source

LEDGER = ".modiste-cutout.jsonl"
Row = dict[str, Any]


class Ledger:
    """`settings` is the hash of all that shapes an output; `numbered` says that outputs are <stem>-1, <stem>-2, ..."""

    def __init__(self, folder: Path, settings: str, numbered: bool = False) -> None:
        self.folder, self.settings, self._numbered = folder, settings, numbered
        self._entries: dict[str, Row] = {}
        for entry in _read(folder / LEDGER):
            self._entries[entry["key"]] = entry
        self._names = {self._slot(str(entry["name"])): key for key, entry in self._entries.items()}
        self._theirs = {self._slot(path.stem) for path in _files(folder)} - {
            self._slot(Path(name).stem) for entry in self._entries.values() for name in entry["files"]
        }

    def made(self) -> set[str]:
        """Names of the files this folder's runs have made."""
        return {name for entry in self._entries.values() for name in entry["files"]}

    def done(self, source: Source) -> Row | None:
        """The row of an earlier run: same photo, same settings, every file still there."""
        entry = self._entries.get(source.key)
        if not entry or entry["settings"] != self.settings or entry["stamp"] != source.stamp():
            return None
        whole = all((self.folder / name).is_file() for name in entry["files"])
        return {**entry["row"], "image": source.shown} if whole else None

    def name(self, source: Source) -> str:
        """The stem of its output: the photo's own; with its kind, then a number, where another's is the same."""
        if source.key in self._entries:
            return str(self._entries[source.key]["name"])
        plain = f"{source.stem}-{source.kind}" if source.kind else source.stem
        choices = [source.stem, plain]
        number = 2
        while choices and not self._is_free(choices[0], source.key):
            choices = choices[1:] or [f"{plain}-no{number}"]
            number += 1
        self._names[self._slot(choices[0])] = source.key
        return choices[0]

    def begin(self, source: Source, name: str, row: Row, files: list[str]) -> None:
        """Write the photo's line, and remove what an earlier run made of it: the files themselves come after."""
        before = self._entries.get(source.key)
        for old in before["files"] if before else ():
            (self.folder / old).unlink(missing_ok=True)
        entry = {"key": source.key, "name": name, "stamp": source.stamp(), "settings": self.settings, "files": files,
                 "row": row}  # fmt: skip
        self._entries[source.key] = entry
        _append(self.folder / LEDGER, entry)

    def _is_free(self, name: str, key: str) -> bool:
        slot = self._slot(name)
        return self._names.get(slot, key) == key and slot not in self._theirs

    def _slot(self, name: str) -> str:
        """Names that would meet in one file, also where a file system ignores case."""
        folded = name.casefold().removesuffix(".on-white")
        return re.sub(r"-\d+$", "", folded) if self._numbered else folded


def _read(path: Path) -> list[Row]:
    """Whole lines only: a line cut off by a kill is as if it had never been written."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and {"key", "name", "stamp", "settings", "files", "row"} <= set(entry):
                entry["files"] = [name for name in entry["files"] if Path(str(name)).name == name]
                found.append(entry)
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != LEDGER] if folder.is_dir() else []


def _append(path: Path, entry: Row) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            cut_off = file.tell() > 0 and _last_byte(path) != b"\n"
            file.write((b"\n" if cut_off else b"") + json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        cure = "Free some space or mend the permissions, then run the same command again: it goes on from here"
        raise StorageError(f"can't write: {error.strerror}", where=str(path.parent), cure=cure) from error


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1)
