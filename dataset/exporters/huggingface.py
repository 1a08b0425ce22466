"""Hugging Face `datasets`, imagefolder with Parquet metadata: `data/<part>/*.jpg`, `data/<part>/metadata.parquet`.

`load_dataset("imagefolder", data_dir=...)` or `load_dataset(<folder>)` gives the images with their labels; a mask is
`masks/<name>.png` beside them (class numbers, 0 is background), named in the column `mask_file_name`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from dataset.exporters.items import class_map
from dataset.exporters.privacy import sentence
from dataset.exporters.sink import Sink
from dataset.exporters.tabular import label_columns, plain_fields, row_of
from dataset.exporters.yolo import png_of


def write(sink: Sink) -> None:
    columns = label_columns(sink.gathered)
    names = ["file_name", "mask_file_name"] if sink.gathered.classes else ["file_name"]
    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), *plain_fields(columns)])
    for part in sink.gathered.parts:
        rows = []
        for item in sink.gathered.of(part):
            file = sink.put(item, f"data/{part}")
            if file is None:
                continue
            found = sink.regions(item)
            mask = f"masks/{item.name}.png" if found else None
            if mask:
                sink.write(f"data/{part}/{mask}", png_of(class_map(found, sink.gathered.classes, item.size)))
            rows.append({"file_name": file, "mask_file_name": mask} | row_of(item, columns))
        table = pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)
        pq.write_table(table, sink.folder / "data" / part / "metadata.parquet")
    sink.write("README.md", _card(sink).encode())


def _card(sink: Sink) -> str:
    """The card: which files are which part, and what the mask's numbers mean."""
    files = [{"split": part, "path": f"data/{part}/**"} for part in sink.gathered.parts]
    head = yaml.safe_dump({"configs": [{"config_name": "default", "data_files": files}]}, sort_keys=False)
    classes = "".join(f"- {k}: {name}\n" for k, name in enumerate(["background", *sink.gathered.classes]))
    snapshot = sink.gathered.snapshot
    return (
        f"---\n{head}---\n# Snapshot {snapshot.name}\n\nFingerprint `{snapshot.fingerprint}`. Mask values:\n\n"
        f"{classes}\n"
        f"## Privacy\n\n{sentence(sink.privacy())} See export.json.\n"
    )
