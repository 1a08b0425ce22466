"""Where an export's writer puts its images: each one cleaned, named, counted and entered in the index.

In: items. Out: files below one folder, and the index rows by which a take-down finds them again. An image whose blob
is gone is left out and counted; an image whose mask is gone goes out without objects, counted too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset.blobs import sha256_of
from dataset.errors import DataError
from dataset.exporters.items import Gathered, Item, regions
from dataset.exporters.metadata import Clean, clean
from dataset.exporters.privacy import faceless, statement
from dataset.importers.layout import Region
from dataset.progress import Progress
from dataset.workspace import Workspace


@dataclass
class Sink:
    """`folder` is the export in the making. `facts` are a writer's own figures for export.json."""

    ws: Workspace
    folder: Path
    gathered: Gathered
    progress: Progress
    index: list[dict[str, Any]] = field(default_factory=list)
    how: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)
    masked: int = 0

    def image(self, item: Item) -> Clean | None:
        """The image's bytes as they may leave; None, and counted, where they can't be had."""
        self.progress(len(self.index), len(self.gathered.items))
        try:
            data = self.ws.blobs.get(item.sha256)
            return clean(data) if item.faces is None else faceless(data, item.faces)
        except DataError:
            self.left_out["image gone or changed"] += 1
            return None

    def regions(self, item: Item) -> list[Region]:
        """The item's objects; none, and counted, where its mask can't be had."""
        try:
            found = regions(self.ws, item, self.gathered.kind)
        except DataError:
            self.left_out["mask gone or changed"] += 1
            return []
        self.masked += bool(found)
        return found

    def enter(self, item: Item, image: Clean, file: str) -> None:
        """Note that `image` lies in `file` (inside a shard: the shard, '/', the member)."""
        self.how[image.how] += 1
        self.index.append({"file": file, "exported_sha256": sha256_of(image.data)} | item.told())

    def privacy(self) -> dict[str, Any]:
        """What was done for the people in the images entered so far."""
        entered = sorted({str(row["sha256"]) for row in self.index})
        return statement(self.ws, entered, blurs_faces=self.gathered.blurs_faces)

    def put(self, item: Item, folder: str) -> str | None:
        """Write the image as `<folder>/<name><suffix>`; its file name, or None where it was left out."""
        image = self.image(item)
        if image is None:
            return None
        name = f"{item.name}{image.suffix}"
        self.write(f"{folder}/{name}", image.data)
        self.enter(item, image, f"{folder}/{name}")
        return name

    def write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
