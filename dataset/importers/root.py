"""The folder of a layout: names of annotation files become files inside it, or are refused.

In: a folder, and names from files that others wrote. Out: bytes of regular files under that folder. Never follows a
name or a symbolic link out of it, never reads a file above its limit.
"""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath

from dataset.errors import DataError, EmptyError, UsageError
from dataset.importers.given import part_in

IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jfif"))
MAX_IMAGE_BYTES = 200_000_000
MAX_TEXT_BYTES = 64_000_000  # one label or XML file, read whole; the large JSON files are streamed
REASONS = {
    "outside_folder": "the name points outside the folder: .., an absolute path, or a symbolic link",
    "missing_file": "named by the layout, and not there",
    "ambiguous_file": "several files go by that name",
    "too_large": "more bytes than may be read",
    "not_a_file": "a folder, a device or a pipe",
}
_DRIVE = re.compile(r"^[A-Za-z]:")


class Unreadable(DataError):
    """`code` is one of `REASONS`."""

    def __init__(self, code: str, name: str) -> None:
        self.code = code
        super().__init__(REASONS[code], where=name)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.code, self.where)


class Root:
    """`folder` must exist. `where` is how messages call it: a name, never the whole path."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError("there is no such folder", where=str(folder))
        self.folder = Path(os.path.realpath(folder))

    @cached_property
    def files(self) -> list[str]:
        """Every regular file under the folder by its relative name, in order; links are neither listed nor followed."""
        found = []
        for folder, folders, names in os.walk(self.folder, followlinks=False):
            folders.sort()
            for name in names:
                path = Path(folder, name)
                if stat.S_ISREG(path.lstat().st_mode):
                    found.append(path.relative_to(self.folder).as_posix())
        return sorted(found)

    @cached_property
    def images(self) -> list[str]:
        return [name for name in self.files if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]

    def need(self, names: list[str], what: str) -> list[str]:
        """`names`, or EmptyError where there are none: the folder is of another layout."""
        if not names:
            raise EmptyError(f"holds no {what}", where=self.folder.name, cure="Check the folder and the format's name")
        return names

    def matching(self, pattern: str) -> list[str]:
        """Files whose relative name matches a glob such as `annotations/*.json`; `**` is any depth."""
        return [name for name in self.files if _match(PurePosixPath(name), pattern)]

    def find(self, name: str, near: str | None = None) -> str:
        """The relative name of the image that an annotation calls `name`: the path itself, else the one file that ends
        so, one in a folder of the part `near` before others. Raises Unreadable."""
        inside = safe_name(name)
        if inside in self._known or (self.folder / inside).is_symlink():
            return inside
        ends = [other for other in self._by_base[PurePosixPath(inside).name] if f"/{other}".endswith(f"/{inside}")]
        ends = ends or self._by_base[PurePosixPath(inside).name]
        nearer = [
            other for other in ends if near and part_in(PurePosixPath(other).parent.name) == part_in(near)
        ] or ends
        if not nearer:
            raise Unreadable("missing_file", inside)
        if len(nearer) > 1:
            raise Unreadable("ambiguous_file", inside)
        return nearer[0]

    def read(self, name: str, limit: int = MAX_IMAGE_BYTES) -> bytes:
        """The file's bytes. Raises Unreadable for anything but a regular file inside, of at most `limit` bytes."""
        path = self.folder / safe_name(name)
        if not Path(os.path.realpath(path)).is_relative_to(self.folder):
            raise Unreadable("outside_folder", name)
        try:
            found = path.stat()
        except OSError as error:
            raise Unreadable("missing_file", name) from error
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("not_a_file", name)
        if found.st_size > limit:
            raise Unreadable("too_large", name)
        return path.read_bytes()

    def text(self, name: str) -> str:
        """UTF-8 text of a small annotation file. Raises DataError."""
        try:
            return self.read(name, MAX_TEXT_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError("is no UTF-8 text", where=name) from error

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    @cached_property
    def _by_base(self) -> defaultdict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.images:
            found[PurePosixPath(name).name].append(name)
        return found


def safe_name(name: str) -> str:
    """`name` as a plain relative POSIX path. Raises Unreadable where it could lead out: absolute, a drive, or '..'."""
    posix = name.replace("\\", "/")
    if "\0" in posix or posix.startswith("/") or _DRIVE.match(posix) or ".." in posix.split("/"):
        raise Unreadable("outside_folder", name)
    inside = PurePosixPath(posix).as_posix()
    if inside in ("", "."):
        raise Unreadable("missing_file", name)
    return inside


def _match(path: PurePosixPath, pattern: str) -> bool:
    wanted = PurePosixPath(pattern)
    if wanted.parts[0] == "**":
        return path.match("/".join(wanted.parts[1:]))
    return len(path.parts) == len(wanted.parts) and path.match(pattern)
