"""`import_data`: a folder or archive in one of the known layouts, into the workspace.

In: the format's name, a path, a store name. Out: an `ImportResult`. The only module that knows all readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from dataset.errors import UsageError
from dataset.importers import (
    coco,
    cvat,
    deepfashion2,
    fashionpedia,
    folder,
    labelstudio,
    mask_folders,
    street,
    voc,
    wardrobe,
    yolo,
)  # fmt: skip
from dataset.importers.archive import opened
from dataset.importers.bring_in import ImportResult, bring_in
from dataset.importers.layout import Layout
from dataset.importers.root import Root
from dataset.importers.words import Words
from dataset.progress import Progress, silent
from dataset.taxonomy import taxonomy_of
from dataset.workspace import Workspace

READERS: dict[str, Callable[[Root], Layout]] = {
    "folder": folder.read, "coco": coco.read, "yolo": yolo.read, "cvat": cvat.read, "labelstudio": labelstudio.read,
    "voc": voc.read, "masks": mask_folders.read, "street": street.read, "wardrobe": wardrobe.read,
    "fashionpedia": fashionpedia.read, "deepfashion2": deepfashion2.read,
}  # fmt: skip
_STORE = re.compile(r"[\w.-]{1,100}")


def import_data(
    ws: Workspace,
    format_: str,
    path: Path,
    *,
    store: str | None = None,
    limit: int | None = None,
    progress: Progress = silent,
) -> ImportResult:
    """Bring in what lies at `path`. `store` names the rows, by default the folder's or archive's name; `limit` takes
    the first records only. Raises UsageError (no such path or format), DataError (a hostile or broken archive or
    annotation file; nothing of it is read then), EmptyError (a folder of another layout)."""
    if format_ not in READERS:
        raise UsageError(f"there is no importer '{format_}'", expected="one of " + ", ".join(READERS))
    name = store or re.sub(r"[^\w.-]+", "-", path.name.split(".")[0]).strip("-") or format_
    if not _STORE.fullmatch(name):
        raise UsageError(f"'{name}' is no store's name", expected="letters, digits, dot, dash and underscore")
    with opened(path, ws.scratch("imports")) as root:
        layout = READERS[format_](root)
        if limit is not None:
            layout = Layout(layout.records[:limit], layout.notes)
        words = Words(taxonomy_of(ws), format_, f"import:{format_}:{name}")
        return bring_in(ws, format_, name, layout, root, words, progress)
