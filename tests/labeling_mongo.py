"""A real mongod for tests, on a free port, that can be killed and started again.

FiftyOne stays with the first database that a process names, so all tests of one process share one.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from labeling.curation_service import import_fiftyone

NAMED = "FIFTYONE_DATABASE_URI"


class Mongo:
    """A real mongod that can be killed and started again on the same files and port."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("fiftyone")
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        self.binary = next((found for place in places if (found := place / "db" / "bin" / "mongod").exists()), None)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self.binary is not None
        told = ["--dbpath", str(self.folder), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        self.process = subprocess.Popen([str(self.binary), *told], stdout=subprocess.DEVNULL)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@contextmanager
def named() -> Iterator[Mongo]:
    """This process's mongod, named in the environment while tests use it."""
    server = _of_this_process()
    before = os.environ.get(NAMED)
    os.environ[NAMED] = f"mongodb://127.0.0.1:{server.port}/?serverSelectionTimeoutMS=3000"
    yield server
    del os.environ[NAMED]
    if before is not None:
        os.environ[NAMED] = before


def fiftyone_or_skip() -> Any:
    """The module, imported while this process's database is named: imported plainly it would start one of its own."""
    with named():  # skips where there is none
        return import_fiftyone()


@lru_cache(maxsize=1)
def _of_this_process() -> Mongo:
    server = Mongo(Path(tempfile.mkdtemp(prefix="modiste-mongo-")))
    if server.binary is None:
        shutil.rmtree(server.folder)
        pytest.skip("no mongod in this environment: install the extra 'mongod'")
    server.start()
    atexit.register(shutil.rmtree, server.folder, ignore_errors=True)
    atexit.register(server.kill)
    return server
