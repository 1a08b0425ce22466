"""Original bytes, content-addressed and write-once: `blobs/ab/<sha256>`.

In: bytes. Out: their sha256, and the bytes again, verified. Local folders by atomic rename, any other place by
fsspec URL. Never rewrites, re-encodes or renames what it was given. 256 folders: a second level (`ab/cd/`, where older
workspaces keep theirs, still read) made a new folder for nearly every blob, which cost more than writing it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dataset.errors import DataError, StorageError

_SHA256 = re.compile(r"[0-9a-f]{64}")


def sha256_of(data: bytes) -> str:
    """64 lower-case hex characters."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside, then rename: a reader sees the whole file or none. A full disk raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    except OSError as error:
        raise _storage_error(error, path) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _storage_error(error, path) from error
        raise


def _storage_error(error: OSError, path: Path) -> StorageError:
    if isinstance(error, FileExistsError | NotADirectoryError | FileNotFoundError):
        cure = "Choose another place, or move what stands there"
        return StorageError("can't be made a folder", where=str(path.parent), cure=cure)
    return StorageError(
        f"can't write: {error.strerror}",
        where=str(path.parent),
        cure="Free some space or mend the permissions, then run the same command again: it goes on from here",
    )


class BlobStore:
    """A store of immutable bytes under `root`, a local folder or an fsspec URL such as `s3://bucket/blobs`."""

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.is_local = "://" not in self.root

    def path(self, sha256: str) -> str:
        """Where the blob lies (or would lie). Anything but a sha256 is refused: no path leaves the store."""
        if not _SHA256.fullmatch(sha256):
            raise DataError(f"{sha256[:80]!r} is not a sha256", expected="64 lower-case hex characters")
        place = f"{self.root}/{sha256[:2]}/{sha256}"
        if self.is_local and not os.path.exists(place):
            older = f"{self.root}/{sha256[:2]}/{sha256[2:4]}/{sha256}"
            return older if os.path.exists(older) else place
        return place

    def put(self, data: bytes) -> str:
        """Keep `data`; return its sha256. Keeping the same bytes again writes nothing."""
        sha256 = sha256_of(data)
        if self.has(sha256):
            return sha256
        if self.is_local:
            self._write(self.path(sha256), data)
        else:
            self._filesystem().pipe_file(self.path(sha256), data)
        return sha256

    def _write(self, place: str, data: bytes) -> None:
        """Beside, then renamed; the folder is made only where the renaming misses it."""
        temporary = f"{self.root}/.part-{os.getpid()}-{secrets.token_hex(6)}"
        try:
            if not os.path.isdir(self.root):
                os.makedirs(self.root, exist_ok=True)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
                file.write(data)
            try:
                os.replace(temporary, place)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.replace(temporary, place)
        except BaseException as error:
            Path(temporary).unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise _storage_error(error, Path(place)) from error
            raise

    def has(self, sha256: str) -> bool:
        where = self.path(sha256)
        return os.path.isfile(where) if self.is_local else bool(self._filesystem().exists(where))

    def get(self, sha256: str) -> bytes:
        """The bytes, checked against their name. Raises DataError where they are gone or were changed."""
        where = self.path(sha256)
        try:
            data = Path(where).read_bytes() if self.is_local else self._filesystem().cat_file(where)
        except FileNotFoundError as error:
            raise DataError("blob is gone", where=where, cure="Crawl or import the image again") from error
        if sha256_of(data) != sha256:
            raise DataError("blob was changed since it was kept", where=where, cure="Delete it and crawl again")
        return bytes(data)

    def delete(self, sha256: str) -> bool:
        """Remove a blob for good (take-downs only); False if it was not there."""
        if not self.has(sha256):
            return False
        if self.is_local:
            Path(self.path(sha256)).unlink()
        else:
            self._filesystem().rm_file(self.path(sha256))
        return True

    def __iter__(self) -> Iterator[str]:
        """Every sha256 kept, in order. Walks the store: for local ones only."""
        places = [*Path(self.root).glob("??/*"), *Path(self.root).glob("??/??/*")]
        yield from sorted(path.name for path in places if _SHA256.fullmatch(path.name))

    def _filesystem(self):  # type: ignore[no-untyped-def]  # fsspec has no types
        import fsspec

        return fsspec.core.url_to_fs(self.root)[0]
