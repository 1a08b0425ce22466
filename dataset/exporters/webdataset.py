"""WebDataset shards: `<part>-000000.tar`, each sample `<name>.jpg`, `<name>.json` and, with a mask, `<name>.seg.png`.

`seg.png` holds class numbers (0 is background), whose names stand in the sample's JSON: exact to the pixel. Written by
the standard library with fixed times and owners, so the same snapshot gives the same bytes.
"""

from __future__ import annotations

import io
import json
import tarfile

from dataset.exporters.items import Item, class_map
from dataset.exporters.metadata import Clean
from dataset.exporters.sink import Sink
from dataset.exporters.yolo import png_of

SHARD_IMAGES = 1_000
SHARD_BYTES = 1_000_000_000


class _Shards:
    """Tar files of one part, a new one when the last is full."""

    def __init__(self, sink: Sink, part: str) -> None:
        self.sink, self.part, self.number, self.images, self.size = sink, part, -1, 0, 0
        self.tar: tarfile.TarFile | None = None

    def add(self, members: list[tuple[str, bytes]]) -> str:
        """Write one sample; the shard's name."""
        if self.tar is None or self.images >= SHARD_IMAGES or self.size >= SHARD_BYTES:
            self.close()
            self.number += 1
            self.images = self.size = 0
            path = self.sink.folder / self.name
            self.tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (stays open between samples)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            self.tar.addfile(info, io.BytesIO(data))
            self.size += len(data)
        self.images += 1
        return self.name

    @property
    def name(self) -> str:
        return f"{self.part}-{self.number:06d}.tar"

    def close(self) -> None:
        if self.tar is not None:
            self.tar.close()


def write(sink: Sink) -> None:
    for part in sink.gathered.parts:
        shards = _Shards(sink, part)
        for item in sink.gathered.of(part):
            image = sink.image(item)
            if image is not None:
                shard = shards.add(_members(sink, item, image))
                sink.enter(item, image, f"{shard}/{item.name}{image.suffix}")
        shards.close()


def _members(sink: Sink, item: Item, image: Clean) -> list[tuple[str, bytes]]:
    found = sink.regions(item)
    told = item.told() | {"labels": item.labels, "classes": ["background", *sink.gathered.classes]}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    members = [(f"{item.name}{image.suffix}", image.data), (f"{item.name}.json", text)]
    if found:
        members.append((f"{item.name}.seg.png", png_of(class_map(found, sink.gathered.classes, item.size))))
    return members
