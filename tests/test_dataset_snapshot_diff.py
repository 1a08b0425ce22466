"""What differs between two snapshots, and snapshots that outlive the tables they were taken from."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pyarrow as pa
import pytest

from dataset import history
from dataset.errors import SnapshotError, TableError
from dataset.snapshot import create_snapshot, fingerprint, load_snapshot
from dataset.snapshot_diff import snapshot_diff
from dataset.workspace import Workspace

A, B, C, D = (letter * 64 for letter in "abcd")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = Workspace.init(tmp_path / "shop")
    ws.tables.append("fetches", [{"store": "s", "url": f"http://s/{sha}", "sha256": sha} for sha in (A, B, C)])
    ws.tables.append("images", [{"sha256": sha, "status": "ok", "sharpness": 0.5} for sha in (A, B, C)])
    ws.tables.append("groups", [{"sha256": sha, "group_id": sha, "split": "train"} for sha in (A, B, C, D)])
    ws.tables.append("labels", [{"sha256": A, "field": "type", "value": "dress", "word": "d", "source": "store"}])
    return ws


def as_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


def change_everything(ws: Workspace) -> None:
    ws.tables.append("images", [{"sha256": D, "status": "ok"}])
    ws.tables.delete("images", f"sha256 = '{C}'")
    ws.tables.upsert("labels", [{"sha256": A, "field": "type", "value": "skirt", "word": "d", "source": "store"}])
    ws.tables.upsert("groups", [{"sha256": B, "group_id": B, "split": "test"}])
    mask = {"sha256": B, "kind": "composite", "status": "ok", "source": "cutout"}
    ws.tables.append("masks", [mask | {"mask_sha256": "e" * 64}])


def test_each_kind_of_change_is_counted_and_shown(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    change_everything(ws)
    create_snapshot(ws, "two")
    found = snapshot_diff(ws, "one", "two")
    assert (found.added, found.removed, found.relabelled, found.remasked, found.moved, found.same) == (1, 1, 1, 1, 1, 0)
    assert found.first["moved"] == [{"sha256": B, "from": "train", "to": "test"}]
    assert "relabelled aaaaaaaaaaaa: type dress -> type skirt" in found.line()


def test_a_snapshot_against_itself_is_the_same(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    assert snapshot_diff(ws, "one", "one").line().endswith("0 moved; 3 the same")


def test_an_unknown_snapshot_is_named_with_those_there_are(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    with pytest.raises(SnapshotError, match=r"no snapshot 'two' \(expected one\)"):
        snapshot_diff(ws, "one", "two")


def test_upserts_deletes_and_a_vacuum_leave_the_rows_byte_for_byte(ws: Workspace) -> None:
    frozen = create_snapshot(ws, "one").rows
    before = as_bytes(load_snapshot(ws, "one").rows)
    change_everything(ws)
    for table in ("images", "labels", "groups"):
        history.vacuum(ws.tables, table)
    assert as_bytes(load_snapshot(ws, "one").rows) == before
    assert load_snapshot(ws, "one").rows.equals(frozen)


def test_a_vacuum_keeps_the_versions_it_is_told_to(ws: Workspace) -> None:
    for width in range(3):
        ws.tables.upsert("images", [{"sha256": A, "width": width}])
    assert history.vacuum(ws.tables, "images", keep_versions=[1]) > 0
    assert ws.tables.read("images", where=f"sha256 = '{A}'", version=1)["width"].to_pylist() == [0]


def test_a_forgotten_version_is_an_error_and_not_an_empty_table(ws: Workspace) -> None:
    ws.tables.upsert("images", [{"sha256": A, "width": 7}])
    version = history.forget(ws.tables, "images")
    assert history.earliest(ws.tables, "images") == version
    with pytest.raises(TableError, match="version 0 is gone"):
        ws.tables.read("images", version=0)
    ws.tables.append("images", [{"sha256": D, "width": 8}])
    assert sorted(ws.tables.read("images")["width"].drop_null().to_pylist()) == [7, 8]


def test_rows_changed_or_gone_from_the_disk_are_caught(ws: Workspace) -> None:
    create_snapshot(ws, "one")
    file = next(ws.snapshots.glob("one-*.parquet"))
    file.write_bytes(file.read_bytes()[:-9] + b"x" * 9)
    with pytest.raises(SnapshotError, match="was changed since it was frozen"):
        load_snapshot(ws, "one")
    file.unlink()
    with pytest.raises(SnapshotError, match="its rows are gone"):
        load_snapshot(ws, "one")


def test_a_snapshot_without_rows_of_its_own_still_loads_from_the_tables(ws: Workspace) -> None:
    rows = create_snapshot(ws, "one").rows
    path = ws.snapshots / "one.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in told.items() if k not in ("rows_file", "rows_sha256", "seal")}))
    change_everything(ws)
    found = load_snapshot(ws, "one").rows
    assert found.equals(rows.select(found.column_names))  # what such snapshots knew: no maps of words
    assert set(rows.column_names) - set(found.column_names) == {"words_sha256", "words_names"}
    history.forget(ws.tables, "images")
    with pytest.raises(SnapshotError, match="its rows are gone: version"):
        load_snapshot(ws, "one")


def test_a_fingerprint_of_300_000_rows_takes_seconds() -> None:
    n = 300_000
    names = [hashlib.sha256(str(k).encode()).hexdigest() for k in range(n)]
    rows = pa.table(
        {"sha256": names, "labels": ['{"type": "dress"}'] * n, "mask_sha256": names[::-1], "split": ["train"] * n}
    )
    begun = time.process_time()
    found = fingerprint(rows)
    assert time.process_time() - begun < 5
    assert found == fingerprint(rows.take(list(range(n))[::-1]))
