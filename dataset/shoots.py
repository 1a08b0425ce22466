"""The same shoot: pictures of one shop whose file names are a camera's running numbers, close together.

In: (sha256, store, url) rows. Out: links for `dataset.groups`, each image to the shoot it belongs to. Only names that
cameras give (IMG_0412, DSC01234, _MG_7, P1010003) and only numbers in one folder of one store; a shop's own numbering
says nothing about a session. Off unless asked for: where a shop keeps every camera name, one chain may join it whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from dataset.workspace import Workspace

# Prefixes of the file names that cameras and phones write (JEITA CP-3461 'DCF' names and the common ones outside it).
_CAMERA = re.compile(
    r"^(IMG|_?MG|DSC|_DSC|DSCF|DSCN|SDIM|IMGP|PXL|SAM|CRW|P10|PICT|GOPR|R00)[_-]?(\d{3,8})(?!\d)", re.IGNORECASE
)
_SHOWN = "SELECT DISTINCT sha256, store, url FROM fetches WHERE status IN ('ok', 'unchanged') AND sha256 IS NOT NULL"


def camera_number(url: str) -> tuple[str, str, int] | None:
    """(folder, prefix, number) of an image address that ends in a camera's file name, else None."""
    path = PurePosixPath(unquote(urlsplit(url).path))
    found = _CAMERA.match(path.name)
    return (str(path.parent), found[1].upper(), int(found[2])) if found else None


def shoot_links(rows: Iterable[tuple[str, str, str]], largest_gap: int) -> list[tuple[str, str]]:
    """('image:<sha256>', 'shoot:<name>') for each image in a run of camera numbers at most `largest_gap` apart.

    A picture alone in its run gets none."""
    numbered: dict[tuple[str, str, str], list[tuple[int, str]]] = defaultdict(list)
    for sha256, store, url in rows:
        if found := camera_number(url):
            folder, prefix, number = found
            numbered[store, folder, prefix].append((number, sha256))
    return [link for place, found in sorted(numbered.items()) for link in _runs("|".join(place), found, largest_gap)]


def links_of(ws: Workspace, largest_gap: int, among: Iterable[str]) -> list[tuple[str, str]]:
    """The links of a workspace's images named in `among`."""
    wanted = set(among)
    rows = ws.tables.query(_SHOWN).to_pylist()
    return shoot_links(((r["sha256"], r["store"] or "", r["url"]) for r in rows if r["sha256"] in wanted), largest_gap)


def _runs(name: str, found: list[tuple[int, str]], largest_gap: int) -> list[tuple[str, str]]:
    runs: list[list[tuple[int, str]]] = []
    for number, sha256 in sorted(set(found)):
        if runs and number - runs[-1][-1][0] <= largest_gap:
            runs[-1].append((number, sha256))
        else:
            runs.append([(number, sha256)])
    return [(f"image:{sha256}", f"shoot:{name}|{run[0][0]}") for run in runs if len(run) > 1 for _, sha256 in run]
