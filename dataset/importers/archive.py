"""An archive of a data set, unpacked into a scratch folder that goes away afterwards; a folder is taken as it lies.

In: a folder, a zip or a tar file. Out: a `Root`. An archive with one member that points outside, a link, a device, or
more bytes than `MAX_BYTES` is refused whole, before anything of it is read.
"""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dataset.errors import DataError, UsageError
from dataset.importers.root import Root, Unreadable, safe_name

MAX_BYTES = 200 * 1024**3
MAX_MEMBERS = 5_000_000
MAX_RATIO = 200  # unpacked over packed: images and JSON stay far below, a bomb far above
_RATIO_FROM_BYTES = 100 * 1024**2
_CHUNK = 1 << 20


@contextmanager
def opened(path: Path, scratch: Path | None = None) -> Iterator[Root]:
    """The layout at `path`; an archive lies unpacked under `scratch` while the block runs. Raises DataError where the
    archive is hostile or broken, UsageError where there is nothing."""
    if path.is_dir():
        yield Root(path)
        return
    if not path.is_file():
        raise UsageError("there is no such folder or archive", where=str(path))
    with tempfile.TemporaryDirectory(dir=scratch, prefix="unpacked-") as folder:
        _unpack(path, Path(folder))
        yield Root(Path(folder))


def _unpack(path: Path, folder: Path) -> None:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _unzip(archive, path, folder)
        elif tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                _untar(archive, path, folder)
        else:
            raise DataError("is no folder, zip or tar file", where=path.name)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"can't be unpacked: {error}", where=path.name, cure="Fetch or make the archive again"
        ) from error


def _unzip(archive: zipfile.ZipFile, path: Path, folder: Path) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    names = [_checked(member.filename, path, link=(member.external_attr >> 28) == 0o12) for member in members]
    _check_sizes(len(members), sum(member.file_size for member in members), path)
    for member, name in zip(members, names, strict=True):
        with archive.open(member) as source:
            _write(source, folder / name, member.file_size, path)


def _untar(archive: tarfile.TarFile, path: Path, folder: Path) -> None:
    members = [member for member in archive.getmembers() if not member.isdir()]
    names = [_checked(member.name, path, link=not member.isreg()) for member in members]
    _check_sizes(len(members), sum(member.size for member in members), path)
    for member, name in zip(members, names, strict=True):
        source = archive.extractfile(member)
        if source is not None:
            _write(source, folder / name, member.size, path)


def _checked(name: str, path: Path, *, link: bool) -> str:
    try:
        inside = safe_name(name)
    except Unreadable as error:
        raise _hostile(f"its member {name[:100]!r} points outside the archive", path) from error
    if link:
        raise _hostile(f"its member {name[:100]!r} is a link or a device", path)
    return inside


def _check_sizes(members: int, size: int, path: Path) -> None:
    packed = path.stat().st_size
    if members > MAX_MEMBERS or size > MAX_BYTES or (size > _RATIO_FROM_BYTES and size > MAX_RATIO * packed):
        raise _hostile(f"{packed} bytes would become {members} files of {size} bytes", path)


def _write(source: IO[bytes], target: Path, size: int, path: Path) -> None:
    """At most the size that the archive's table of contents names: a bomb may lie there too."""
    if target.exists():
        raise _hostile(f"two members are called {target.name!r}", path)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size
    with target.open("xb") as file:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _hostile("a member is longer than the archive says", path)
            file.write(chunk)


def _hostile(what: str, path: Path) -> DataError:
    cure = "Unpack it yourself if you trust it, and import the folder"
    return DataError(f"refused: {what}", where=path.name, expected="plain files inside the archive", cure=cure)
