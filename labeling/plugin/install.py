"""Put the plugin where this workspace's App looks for plugins: `<workspace>/curation/plugins/modiste/`.

In: a workspace, and the folder of the user's own plugins, which the App shows beside ours through a link. Out: two
small files; the code itself stays in this package, which the second file imports, so that an update of Modiste updates
the buttons. Nothing outside the workspace is touched.
"""

from __future__ import annotations

from pathlib import Path

from dataset.blobs import write_atomically
from dataset.workspace import Workspace
from labeling.curation_store import PLUGINS

MANIFEST = Path(__file__).with_name("fiftyone.yml")
ENTRY = '"""Written by `modiste curate --open`."""\n\nfrom labeling.plugin.operators import register  # noqa: F401\n'
OWN = "own"


def install(ws: Workspace, own: Path | None = None) -> Path:
    """Returns the plugin's folder. Installing again writes nothing."""
    folder = ws.scratch(PLUGINS) / "modiste"
    for name, data in (("__init__.py", ENTRY.encode()), ("fiftyone.yml", MANIFEST.read_bytes())):
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            write_atomically(path, data)
    if own is not None:
        _link(ws.scratch(PLUGINS) / OWN, own.resolve())
    return folder


def _link(link: Path, own: Path) -> None:
    """One link to the whole folder: what is installed there later is found too. FiftyOne follows links, so a folder
    that holds this one would have no end, and is left out."""
    if link.is_symlink() and link.readlink() != own:
        link.unlink()
    if not link.exists() and not link.is_symlink() and not link.resolve().is_relative_to(own):
        link.symlink_to(own, target_is_directory=True)
