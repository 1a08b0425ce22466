"""Which code is running: a hash of every source file a model can depend on, git's commit where there is one, the diff.

In: the folder this package lies in. Out: `CodeState`. Only `train/` and `dataset/` count: the house's arrows let
training import nothing else of ours. Where git doesn't track these files (an installed package) hashes speak alone.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("train", "dataset")
KINDS = (".py", ".yaml", ".sql")
LONGEST_DIFF = 1_000_000  # characters kept of a diff: a recipe for mending, not an archive


@dataclass(frozen=True)
class CodeState:
    """`files` is {path: sha256's first 16}; `revision` is None outside git; `diff` and `untracked` are text."""

    revision: str | None
    files: dict[str, str]
    diff: str
    untracked: dict[str, str]

    @property
    def dirty(self) -> bool:
        return bool(self.diff or self.untracked)

    @property
    def fingerprint(self) -> str:
        """The same for the same files, wherever they lie and whatever git says."""
        return hash_of(self.files)

    def summary(self) -> dict[str, Any]:
        """What a record and a lock hold of it."""
        return {"revision": self.revision, "dirty": self.dirty, "files_sha256": self.fingerprint}


def hash_of(value: Any) -> str:
    """sha256 of canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def code_state(root: Path = ROOT) -> CodeState:
    """The state of `root`'s source files as they lie on disk now (about 50 ms)."""
    files = source_hashes(root)
    revision = _git(root, "rev-parse", "HEAD") if _git(root, "ls-files", *ROOMS) else None
    if revision is None:
        return CodeState(None, files, "", {})
    diff = (_git(root, "diff", "HEAD", "--", *ROOMS) or "")[:LONGEST_DIFF]
    names = (_git(root, "ls-files", "--others", "--exclude-standard", "--", *ROOMS) or "").splitlines()
    left = {name: (root / name).read_text(encoding="utf-8", errors="replace") for name in names if name in files}
    return CodeState(revision.strip(), files, diff, left)


def source_hashes(root: Path = ROOT) -> dict[str, str]:
    """{path below root: first 16 of its sha256}."""
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*") if path.suffix in KINDS)
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths}


@cache
def running() -> CodeState:
    """The code as it was when first asked for in this process: what is imported, even if files change later."""
    return code_state()


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Paths that were added (+), removed (-) or changed (~), in order."""
    found = dict.fromkeys(new.keys() - old.keys(), "+") | dict.fromkeys(old.keys() - new.keys(), "-")
    found |= {path: "~" for path in old.keys() & new.keys() if old[path] != new[path]}
    return [f"{sign}{path}" for path, sign in sorted(found.items())]


def _git(root: Path, *words: str) -> str | None:
    """What git prints, None where it is missing, fails, or takes over 20 s."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=20, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
