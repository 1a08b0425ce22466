"""API keys: random, shown once, kept as hashes in a file that only its owner may read.

In: a file, names. Out: whether a key that a client sent is known. A key is 256 random bits, so one SHA-256 is hash
enough: a slow hash protects what people make up. Compared in constant time. A revoked key stays in the file as such; a
running server sees the change. Never logs or keeps a key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.blobs import write_atomically
from dataset.errors import DataError, UsageError

PREFIX = "modiste"
_NOBODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Key:
    """One line of the file. `sha256` is of the secret part."""

    id: str
    name: str
    sha256: str
    created_at: str
    revoked_at: str | None = None


class KeyFile:
    """The file is made by the first `add`. Raises DataError where it holds something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}

    def listed(self) -> list[Key]:
        self._refresh()
        return list(self._keys.values())

    def add(self, name: str) -> str:
        """Make a key and return it: the only time that it can be seen."""
        if not name.strip() or not name.isprintable() or len(name) > 80:
            raise UsageError("a key needs a name", expected="up to 80 letters that say whose it is")
        self._refresh()
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        self._keys[key_id] = Key(key_id, name, _hash(secret), _now())
        self._write()
        return f"{PREFIX}_{key_id}_{secret}"

    def revoke(self, key_id: str) -> Key:
        """By the id that `list` shows. Raises UsageError for an unknown one."""
        self._refresh()
        if key_id not in self._keys:
            raise UsageError(f"there is no key '{key_id}'", where=str(self.path), expected="an id of: serve keys list")
        old = self._keys[key_id]
        self._keys[key_id] = Key(old.id, old.name, old.sha256, old.created_at, old.revoked_at or _now())
        self._write()
        return self._keys[key_id]

    def known(self, sent: str) -> str | None:
        """The id of a key that is good now; None for any other text. Takes as long for either."""
        self._refresh()
        prefix, _, rest = sent.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id)
        same = hmac.compare_digest(_hash(secret), key.sha256 if key else _NOBODY)
        good = same and key is not None and key.revoked_at is None and prefix == PREFIX
        return key_id if good else None

    def _refresh(self) -> None:
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            self._keys, self._stamp = {}, None
            return
        stamp = (facts.st_mtime_ns, facts.st_ino)
        if stamp != self._stamp:
            self._keys, self._stamp = _read(self.path), stamp

    def _write(self) -> None:
        keys = [vars(key) for key in self._keys.values()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            write_atomically(self.path, (json.dumps({"keys": keys}, indent=1) + "\n").encode())
        finally:
            os.umask(before)
        self.path.chmod(0o600)


def _read(path: Path) -> dict[str, Key]:
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["keys"]
        return {row["id"]: Key(**row) for row in rows}
    except (ValueError, KeyError, TypeError, OSError) as error:
        cure = "Move it away and make new keys: modiste serve keys add NAME"
        raise DataError("is no file of API keys", where=str(path), cure=cure) from error


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
