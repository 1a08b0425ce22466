"""Put the plugin where this workspace's App looks for plugins: `<workspace>/curation/plugins/modiste/`.

In: a workspace. Out: two small files; the code itself stays in this package, which the second file imports, so that an
update of Modiste updates the buttons. Nothing outside the workspace is touched.
"""

from __future__ import annotations

from pathlib import Path

from dataset.blobs import write_atomically
from dataset.workspace import Workspace
from labeling.curation_store import PLUGINS

MANIFEST = Path(__file__).with_name("fiftyone.yml")
ENTRY = '"""Written by `modiste curate --open`."""\n\nfrom labeling.plugin.operators import register  # noqa: F401\n'


def install(ws: Workspace) -> Path:
    """Returns the plugin's folder. Installing again writes nothing."""
    folder = ws.scratch(PLUGINS) / "modiste"
    for name, data in (("__init__.py", ENTRY.encode()), ("fiftyone.yml", MANIFEST.read_bytes())):
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            write_atomically(path, data)
    return folder
