"""The engine `ray`, on a real Ray of two CPUs that the test starts and ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest

from dataset.blobs import BlobStore
from dataset.check import check
from dataset.engine import Engine, batches_of, require_reachable, run
from dataset.errors import ModisteError, UsageError
from dataset.workspace import Workspace
from labeling.workers import in_workers

RAY = Engine("ray")


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    return list(batches_of(pa.table({"n": list(range(rows))}), size))


def doubled(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"n": [2 * n for n in batch.column("n").to_pylist()]})


def values(results: Iterator[pa.RecordBatch]) -> list[int]:
    return [n for batch in results for n in batch.column("n").to_pylist()]


def tells_its_process(batch: pa.RecordBatch, *, folder: Path) -> pa.RecordBatch:
    """Leave a file named by batch and process, and wait long enough to be killed the first time."""
    first = batch.column("n")[0].as_py()
    (folder / f"{first}-{os.getpid()}").touch()
    if first == 4 and len(list(folder.glob("4-*"))) == 1:
        time.sleep(60)
    return doubled(batch)


def refuses_seven(batch: pa.RecordBatch) -> pa.RecordBatch:
    if 7 in batch.column("n").to_pylist():
        raise ValueError("seven")
    return batch


def dies_always(batch: pa.RecordBatch) -> pa.RecordBatch:
    os.kill(os.getpid(), signal.SIGKILL)
    return batch


def length(job: bytes) -> int:
    return len(job)


def workspace_with_photos(folder: Path, count: int) -> Workspace:
    ws = Workspace.init(folder)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        noise = cv2.resize(rng.integers(0, 255, (6, 4, 3), np.uint8), (120, 160), interpolation=cv2.INTER_CUBIC)
        sha256 = ws.blobs.put(cv2.imencode(".jpg", noise)[1].tobytes())
        rows.append({"crawl_id": "c", "url": f"u{number}", "page_url": "p", "status": "ok", "sha256": sha256})
    ws.tables.append("fetches", rows)
    return ws


def measured(ws: Workspace) -> list[dict[str, object]]:
    rows = ws.tables.read("images").sort_by("sha256").to_pylist()
    return [{name: value for name, value in row.items() if name != "checked_at"} for row in rows]


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    ray = pytest.importorskip("ray", reason="pip install 'modiste[cluster]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False,
             object_store_memory=1 << 27, runtime_env={"env_vars": {"PYTHONPATH": paths}})  # fmt: skip
    yield ray
    ray.shutdown()


@pytest.mark.slow
def test_ray_gives_the_rows_of_the_local_engine_in_their_order(ray):
    assert values(run(doubled, batches(23, 4), engine=RAY)) == values(run(doubled, batches(23, 4), workers=1))


@pytest.mark.slow
def test_a_worker_killed_midway_is_tried_again_and_nothing_is_doubled(ray, tmp_path: Path):
    results = run(partial(tells_its_process, folder=tmp_path), batches(12, 2), engine=RAY)
    found = [next(results)]
    while not (victims := list(tmp_path.glob("4-*"))):
        time.sleep(0.05)
    os.kill(int(victims[0].name.split("-")[1]), signal.SIGKILL)
    found += results
    assert values(iter(found)) == [2 * n for n in range(12)]
    assert len(list(tmp_path.glob("4-*"))) == 2  # it ran again, in another process


@pytest.mark.slow
def test_a_batch_that_kills_every_worker_ends_the_run_on_ray(ray):
    with pytest.raises(ModisteError, match=r"dies_always, batch 0.*died 3 times"):
        list(run(dies_always, batches(2, 2), engine=RAY))


@pytest.mark.slow
def test_an_error_on_ray_says_what_and_where(ray):
    with pytest.raises(ModisteError, match=r"refuses_seven, batch 1, rows 5 to 9: ValueError: seven") as caught:
        list(run(refuses_seven, batches(12, 5), engine=RAY))
    assert "raise ValueError" in caught.value.__notes__[0]


@pytest.mark.slow
def test_ray_is_handed_two_batches_a_worker_at_most(ray):
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield pa.record_batch({"n": [asked]})

    results = run(doubled, endless(), engine=RAY, workers=2)
    next(results)
    results.close()
    assert asked <= 5


@pytest.mark.slow
def test_pickled_jobs_run_on_ray(ray):
    jobs = [b"x" * n for n in range(20)]
    assert list(in_workers(length, jobs, total=20, engine=RAY)) == list(range(20))


@pytest.mark.slow
def test_check_on_ray_writes_the_rows_of_the_local_engine(ray, tmp_path: Path):
    here, there = workspace_with_photos(tmp_path / "a", 40), workspace_with_photos(tmp_path / "b", 40)
    check(here, workers=1)
    assert check(there, engine=RAY).checked == 40
    assert measured(there) == measured(here)


def test_blobs_in_a_folder_are_refused_to_workers_elsewhere(tmp_path: Path):
    with pytest.raises(UsageError, match=r"can't read a folder of this machine.*s3://"):
        require_reachable(Engine("ray", "ray://10.1.2.3:10001"), BlobStore(tmp_path))
    require_reachable(Engine("ray", "127.0.0.1:6379"), BlobStore(tmp_path))
    require_reachable(Engine("ray", "ray://10.1.2.3:10001"), BlobStore("s3://bucket/blobs"))


def test_without_ray_the_cure_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'modiste\[cluster\]'"):
        list(run(doubled, batches(2, 1), engine=RAY))


def test_the_local_engine_never_imports_ray():
    import subprocess

    told = "import sys, dataset.engine, dataset.check, labeling.workers; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], timeout=60).returncode == 0
