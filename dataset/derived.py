"""Images made from images: which parents a synthetic or edited image names, and all that descends from some images.

In: rows of `fetches`. Out: sha256s. A maker of images writes a `fetches` row as an importer does, and names what it was
made from in one of two ways: `source` is 'edit:<parent sha256>', or `policy` holds {"parents": [sha256, …]} where there
are several. An image that names no parent counts as an original.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable

from dataset.workspace import Workspace

EDIT = "edit:"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MADE = """
SELECT DISTINCT sha256, source, policy FROM fetches
WHERE sha256 IS NOT NULL AND (starts_with(source, 'edit:') OR contains(policy, '"parents"'))
"""


def parents_of(source: str | None, policy: str | None) -> list[str]:
    """The sha256s an image was made from, [] for an original. What is no sha256 is left out."""
    found = [source.removeprefix(EDIT)] if source and source.startswith(EDIT) else []
    if policy and '"parents"' in policy:
        try:
            told = json.loads(policy)
        except ValueError:
            told = None
        found += (told.get("parents") or []) if isinstance(told, dict) else []
    return sorted({str(name) for name in found if _SHA256.fullmatch(str(name))})


def family(ws: Workspace) -> dict[str, list[str]]:
    """{parent: its children}, over the whole workspace."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in ws.tables.query(_MADE).to_pylist():
        for parent in parents_of(row["source"], row["policy"]):
            found[parent].add(row["sha256"])
    return {parent: sorted(children) for parent, children in found.items()}


def descendants(children: dict[str, list[str]], of: Iterable[str]) -> set[str]:
    """Everything made from `of`, from what was made of it, and so on; `of` itself is left out."""
    start, found = set(of), set[str]()
    waiting = list(start)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found and child not in start:
                found.add(child)
                waiting.append(child)
    return found
