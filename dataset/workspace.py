"""A workspace: the user's folder of settings, blobs, tables, snapshots, runs and reports.

In: a path. Out: a `Workspace` whose parts are opened when asked for. Never lies inside the code tree unless told so.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import yaml

from dataset.blobs import BlobStore, write_atomically
from dataset.errors import WorkspaceError, WorkspaceTooNew
from dataset.settings import FORMAT, Settings, parse_settings, read_yaml
from dataset.tables import Tables

SETTINGS_FILE = "modiste.yaml"
UNUSABLE = frozenset("[]^|%*?\\")  # deltalake panics on or decodes these, DuckDB reads patterns


class Workspace:
    """An opened workspace. `root` is absolute."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings

    @classmethod
    def init(cls, path: str | Path, **values: object) -> Workspace:
        """Make a workspace at `path`, or open the one that is there (its settings stay as they are)."""
        root = Path(path).resolve()
        _refuse_unusable(root)
        if root.exists() and not root.is_dir():
            raise WorkspaceError("is a file", where=str(root), expected="a folder, or none yet", cure="Choose another")
        if not (root / SETTINGS_FILE).exists():
            settings = parse_settings(Settings, {"name": root.name, **values}, str(root / SETTINGS_FILE))
            text = yaml.safe_dump(settings.model_dump(), sort_keys=False, allow_unicode=True)
            write_atomically(root / SETTINGS_FILE, text.encode())
        return cls.open(root)

    @classmethod
    def open(cls, path: str | Path) -> Workspace:
        """Open the workspace at `path`. Raises WorkspaceError where there is none, WorkspaceTooNew, SettingsError."""
        root = Path(path).resolve()
        if not (root / SETTINGS_FILE).is_file():
            raise WorkspaceError("no workspace here", where=str(root), cure=f"Make one: modiste init {path}")
        _refuse_unusable(root)
        values = read_yaml(root / SETTINGS_FILE)
        written_as = values.get("format", FORMAT)
        if isinstance(written_as, int) and written_as > FORMAT:
            raise WorkspaceTooNew(
                f"workspace has format {written_as}",
                where=str(root),
                expected=f"at most {FORMAT}",
                cure="Update modiste: pip install -U modiste",
            )
        return cls(root, parse_settings(Settings, values, str(root / SETTINGS_FILE)))

    @cached_property
    def blobs(self) -> BlobStore:
        return BlobStore(self._place(self.settings.blobs))

    @cached_property
    def tables(self) -> Tables:
        return Tables(self._place(self.settings.tables))

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def scratch(self, name: str) -> Path:
        """A folder under the workspace for one room's own state; made if it is not there."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _place(self, setting: str) -> str:
        return setting if "://" in setting else str(self.root / setting)


def _refuse_unusable(root: Path) -> None:
    if found := UNUSABLE & set(str(root)):
        cure = "Choose a folder without these characters"
        raise WorkspaceError(f"the path holds {' '.join(sorted(found))}", where=str(root), cure=cure)
