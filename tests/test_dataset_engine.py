"""The engine: order, progress, and what a worker's fault looks like."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from dataset import engine
from dataset.errors import ModisteError, StorageError, UsageError


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    return list(engine.batches_of(pa.table({"n": list(range(rows))}), size))


def doubled(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"n": [2 * n for n in batch.column("n").to_pylist()]})


def refuses_seven(batch: pa.RecordBatch) -> pa.RecordBatch:
    if 7 in batch.column("n").to_pylist():
        raise ValueError("seven")
    return batch


def out_of_space(batch: pa.RecordBatch) -> pa.RecordBatch:
    raise StorageError("disk full", where="there")


def dies_once(batch: pa.RecordBatch, *, mark: Path) -> pa.RecordBatch:
    if 5 in batch.column("n").to_pylist() and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(batch)


def dies_always(batch: pa.RecordBatch) -> pa.RecordBatch:
    os.kill(os.getpid(), signal.SIGKILL)
    return batch


def values(results) -> list[int]:
    return [n for batch in results for n in batch.column("n").to_pylist()]


def test_two_workers_give_the_same_rows_in_the_same_order_as_one():
    two = values(engine.run(doubled, batches(23, 4), workers=2))
    assert two == values(engine.run(doubled, batches(23, 4), workers=1)) == [2 * n for n in range(23)]


def test_batches_hold_what_was_asked_and_the_rest():
    assert [batch.num_rows for batch in batches(10, 4)] == [4, 4, 2]


def test_progress_counts_rows():
    seen: list[tuple[int, int | None]] = []
    list(engine.run(doubled, batches(10, 4), workers=1, total=10, progress=lambda *step: seen.append(step)))
    assert seen == [(0, 10), (4, 10), (8, 10), (10, 10)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_workers_error_says_what_and_where(workers: int):
    with pytest.raises(ModisteError, match=r"refuses_seven, batch 1, rows 5 to 9: ValueError: seven") as caught:
        list(engine.run(refuses_seven, batches(12, 5), workers=workers))
    assert "raise ValueError" in caught.value.__notes__[0]


def test_a_full_disk_stays_a_storage_error():
    with pytest.raises(StorageError, match="disk full"):
        list(engine.run(out_of_space, batches(1, 1), workers=1))


def test_a_killed_worker_is_replaced_and_nothing_is_doubled(tmp_path: Path):
    found = values(engine.run(partial(dies_once, mark=tmp_path / "died"), batches(12, 2), workers=2))
    assert found == [2 * n for n in range(12)]


def test_a_batch_that_kills_every_worker_ends_the_run():
    with pytest.raises(ModisteError, match=r"died 3 times.*use fewer workers"):
        list(engine.run(dies_always, batches(2, 2), workers=2))


def test_only_a_few_batches_are_asked_for_ahead():
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield pa.record_batch({"n": [asked]})

    results = engine.run(doubled, endless(), workers=2)
    next(results)
    results.close()
    assert asked <= 5


def test_an_unknown_engine_and_zero_workers_are_misuse():
    with pytest.raises(UsageError, match="no engine 'dask'"):
        engine.Engine("dask")
    with pytest.raises(UsageError, match="0 workers"):
        engine.run(doubled, [], workers=0)
