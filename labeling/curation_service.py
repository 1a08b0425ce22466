"""FiftyOne's own services (mongod, the App's server), started by light processes, each workspace its own database.

In: nothing. Out: the module `fiftyone`, connected. Its `service/main.py` watches a service and ends it with the process
that asked for it; run as FiftyOne runs it, it imports all of FiftyOne first (3 s of CPU, twice, while we wait), for two
small modules. Here it finds an empty package of that name with the same places, and is itself unchanged. FiftyOne also
joins any database of this user, whatever its folder: here only one of the same folder. Never used where a server is
named by FIFTYONE_DATABASE_URI, except for the App's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from importlib import import_module
from typing import Any

OFF = "FIFTYONE_DISABLE_SERVICES"
LIGHT = """
import importlib.util, os, runpy, sys, types
light = types.ModuleType("fiftyone")
light.__path__ = list(importlib.util.find_spec("fiftyone").submodule_search_locations)
sys.modules["fiftyone"] = light
runpy.run_path(os.path.join(light.__path__[0], "service", "main.py"), run_name="__main__")
"""


def import_fiftyone() -> Any:
    """FiftyOne, its database running. Raises what FiftyOne and its driver raise where that can't be had."""
    with _forgiving_metadata(), hearing_ctrl_c():
        if "fiftyone" not in sys.modules and not _is_told():
            os.environ[OFF] = "1"
            try:
                import fiftyone
            finally:
                del os.environ[OFF]
            _lighten()
            from fiftyone.core import odm

            odm.establish_db_conn(fiftyone.config)
        import fiftyone

    _lighten()
    return fiftyone


@contextmanager
def hearing_ctrl_c() -> Iterator[None]:
    """Ctrl-C during FiftyOne's import (seconds) is raised after it: two bare `except:` there would swallow it, and the
    command went on to its end."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


@contextmanager
def _forgiving_metadata() -> Iterator[None]:
    """eta, below FiftyOne, asks its metadata for an author that isn't given. The backport `importlib_metadata`, once
    something (diffusers) imported it, answers for the standard library too, and raises where that one says None."""
    if "importlib_metadata" not in sys.modules:
        yield
        return
    backport = import_module("importlib_metadata._adapters")
    strict = backport.Message.__getitem__
    backport.Message.__getitem__ = Message.__getitem__
    try:
        yield
    finally:
        backport.Message.__getitem__ = strict


def _is_told() -> bool:
    """Whether the environment names a database, or wants none."""
    return any(name in os.environ for name in ("FIFTYONE_DATABASE_URI", "FIFTYONE_PRIVATE_DATABASE_PORT", OFF))


def _lighten() -> None:
    """Put our two ways to start in the place of FiftyOne's."""
    from fiftyone.core import service

    service.Service.start = _start
    service.MultiClientService.start = _join_or_start


def _start(self: Any) -> None:
    """As `Service.start`, but for the light process. `-P`: a file `queue.py` in the user's folder is not the standard
    library's."""
    import psutil

    command = [sys.executable, "-P", "-c", LIGHT, *self._service_args, *self.command]
    environment = {**os.environ, OFF: "1", **self.env}
    self.child = psutil.Popen(command, cwd=self.working_dir, stdin=subprocess.PIPE, env=environment)


def _join_or_start(self: Any) -> None:
    """As `MultiClientService.start`, but joining only a service of the very same command: the same folder's."""
    from fiftyone.service import util

    for process in util.find_processes_by_args([*self._service_args, *self.command]):
        try:
            if util.send_ipc_message(process, ("register", os.getpid())) is True:
                self.attached, self.child = True, process
                return
        except OSError:  # it is ending, or has just begun: then mongod says that the folder is taken
            continue
    _start(self)
