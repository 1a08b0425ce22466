"""What `modiste cutout` reads: files, folders, image URLs, and a folder that is watched.

In: words of the command line. Out: `Source`s, each with a key that stays the same from run to run, and its bytes on
demand. The output folder is never read again, half-written files wait until they are whole. Never writes.
"""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dataset.errors import EmptyError, ImageError, UsageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
MOST_BYTES = 512 * 1024 * 1024  # of one file
POLL_S = 1.0

Stamp = list[int]


@dataclass(frozen=True)
class Source:
    """One photo. `key` is the absolute path or the URL, `shown` what the user wrote, `stem` what the output is named
    after, `kind` its suffix without the dot."""

    key: str
    shown: str
    stem: str
    kind: str
    read: Callable[[], bytes]
    stamp: Callable[[], Stamp]


def is_url(word: str) -> bool:
    return word.lower().startswith(("http://", "https://"))


def of_file(path: Path) -> Source:
    def stamp() -> Stamp:
        with suppress(OSError):
            facts = path.stat()
            return [facts.st_size, facts.st_mtime_ns]
        return []

    return Source(str(path.resolve()), str(path), path.stem, path.suffix[1:], lambda: read_file(path), stamp)


def of_url(url: str, read: Callable[[str], bytes]) -> Source:
    """`read` fetches it. A URL whose cutout is there is not asked again."""
    name = Path(unquote(urlsplit(url).path)).name
    stem, _, kind = name.rpartition(".") if "." in name else (name, "", "")
    stem = re.sub(r"[^\w.-]+", "_", stem).strip("._")[:100]
    return Source(url, url, stem or "image", re.sub(r"\W", "", kind)[:8], lambda: read(url), list)


def read_file(path: Path) -> bytes:
    """Raises ImageError 'unreadable' for no plain file or one that may not be read, 'too_large' over 512 MB."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ImageError("unreadable", "is no plain file", where=str(path))
        if facts.st_size > MOST_BYTES:
            raise ImageError("too_large", f"{facts.st_size} bytes", where=str(path), expected=f"at most {MOST_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise ImageError("unreadable", str(error.strerror), where=str(path)) from error


def find_images(paths: Iterable[Path], out: Path | None = None, made: Iterable[str] = ()) -> list[Path]:
    """Files as given, folders by their images, sorted, once each.

    Left out of folders: what lies in `out`; where `out` is the folder itself, the names in `made`. Raises UsageError
    for a path that is not there, EmptyError for no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError("no such file or folder", where=str(path))
        found += _inside(path, out, set(made)) if path.is_dir() else [path]
    if not found:
        raise EmptyError("no images there", expected="files ending in " + " ".join(sorted(SUFFIXES)))
    return list(dict.fromkeys(found))


def _inside(folder: Path, out: Path | None, made: set[str]) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    if out is None:
        return found
    if out.resolve() == folder.resolve():
        return [path for path in found if path.parent.resolve() != out.resolve() or path.name not in made]
    return [path for path in found if not _beneath(path, out)]


def _beneath(path: Path, out: Path) -> bool:
    try:
        return out.resolve() in path.resolve().parents
    except (RuntimeError, OSError):  # a link that leads to itself: reading it gives its own coded row
        return False


def watch(
    folder: Path,
    known: Callable[[Path], bool],
    wait: Callable[[float], None] | None = None,
) -> Iterator[Path]:
    """Images as they come into `folder` (not below it), looked at every second, for ever: Ctrl-C raises through it.

    A file counts as whole when size and time stay the same from one look to the next. `known` says which were dealt
    with, so a file that is replaced comes again.
    """
    if not folder.is_dir():
        raise UsageError("no such folder to watch", where=str(folder))
    before: dict[Path, Stamp] = {}
    while True:
        now = {path: of_file(path).stamp() for path in find_quietly(folder)}
        for path, stamp in now.items():
            if stamp and stamp[0] > 0 and before.get(path) == stamp and not known(path):
                yield path
        before = now
        (wait or time.sleep)(POLL_S)


def find_quietly(folder: Path) -> list[Path]:
    """The images lying in `folder`, sorted; none while it is gone."""
    with suppress(OSError):
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != ".")
    return []
