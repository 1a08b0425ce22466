"""What was typed in the App and not pulled yet, before a take-down deletes the App's database.

In: a workspace. Out: a count, or the rows that a pull makes. FiftyOne works in a process of its own, since its database
has to be gone before its folder goes. Never deletes anything; nothing is started where there is no database.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from dataset.errors import ModisteError, StorageError, UsageError
from dataset.takedown_files import refuse_beside_app
from dataset.workspace import Workspace

STOP_S = 60.0  # for the database to stop; it takes two or three


def verdicts_waiting(ws: Workspace) -> int:
    """Verdicts that a pull would find. StorageError where the database can't be asked."""
    return _asked(ws, pulled=False)


def pull_last(ws: Workspace) -> int:
    """Pull them, and wait until the database has stopped; how many reviews were new. UsageError while the App is open,
    StorageError where the database can't be asked."""
    refuse_beside_app(ws)
    return _asked(ws, pulled=True)


def _asked(ws: Workspace, *, pulled: bool) -> int:
    if not (ws.root / "fiftyone").is_dir():
        return 0
    was_open = _is_open(ws)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            count, cause = pool.submit(_ask, ws.root, pulled).result()
        except BrokenProcessPool as error:
            count, cause = 0, str(error)
    if cause:
        cure = "Run 'modiste curate pull' to see why, or delete the folder 'fiftyone' with what was typed there"
        raise StorageError(f"what was typed in the App can't be read: {cause}", where=str(ws.root), cure=cure)
    end = time.monotonic() + STOP_S
    while not was_open and _is_open(ws) and time.monotonic() < end:
        time.sleep(0.2)
    return count


def _ask(root: Path, pulled: bool) -> tuple[int, str]:
    """(count, what went wrong), in the process that imports FiftyOne: its errors can't cross to another."""
    try:
        from labeling.curation import pull, waiting

        ws = Workspace.open(root)
        count = waiting(ws)
        return (pull(ws).new if pulled and count else count), ""
    except ModisteError as error:
        return 0, str(error)
    except Exception as error:  # whatever FiftyOne or its driver raises where there is no database
        return 0, f"{type(error).__name__}: {error}"


def _is_open(ws: Workspace) -> bool:
    try:
        refuse_beside_app(ws)
    except UsageError:
        return True
    return False
