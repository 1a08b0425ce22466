from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from dataset.errors import StorageError, TableError, UsageError, WorkspaceTooNew
from dataset.schema import SCHEMAS
from dataset.tables import Tables, conform


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(str(tmp_path))


def test_a_table_never_written_is_empty_and_has_its_schema(tables: Tables) -> None:
    assert tables.read("images").schema.names == SCHEMAS["images"].names
    assert tables.version("images") is None


def test_a_column_that_is_not_given_is_null(tables: Tables) -> None:
    tables.append("images", [{"sha256": "a", "width": 3}])
    assert tables.read("images", columns=["sha256", "width", "height"]).to_pylist() == [
        {"sha256": "a", "width": 3, "height": None}
    ]


def test_an_unknown_column_is_named_with_the_known_ones(tables: Tables) -> None:
    with pytest.raises(TableError, match=r"unknown columns \['widht'\].*width"):
        tables.append("images", [{"sha256": "a", "widht": 3}])


def test_a_value_of_the_wrong_type_is_refused_before_anything_is_written(tables: Tables) -> None:
    with pytest.raises(TableError, match="images"):
        tables.append("images", [{"sha256": "a"}, {"sha256": "b", "width": "wide"}])
    assert tables.version("images") is None


def test_upsert_replaces_the_row_of_the_same_key_and_keeps_the_others(tables: Tables) -> None:
    tables.upsert("images", [{"sha256": "a", "width": 1}, {"sha256": "b", "width": 2}])
    tables.upsert("images", [{"sha256": "b", "width": 9}, {"sha256": "c", "width": 3}])
    rows = tables.query("SELECT sha256, width FROM images ORDER BY sha256").to_pylist()
    assert [(row["sha256"], row["width"]) for row in rows] == [("a", 1), ("b", 9), ("c", 3)]


def test_the_last_of_equal_keys_in_one_batch_wins(tables: Tables) -> None:
    tables.upsert("images", [{"sha256": "a", "width": 1}, {"sha256": "a", "width": 2}])
    assert tables.read("images")["width"].to_pylist() == [2]


def test_an_old_version_reads_as_it_was(tables: Tables) -> None:
    tables.append("images", [{"sha256": "a"}])
    tables.append("images", [{"sha256": "b"}])
    assert tables.read("images", version=0)["sha256"].to_pylist() == ["a"]
    pinned = tables.query("SELECT count(*) AS n FROM images", versions={"images": None})
    assert pinned["n"].to_pylist() == [0]


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE images", "SELECT 1; SELECT 2", "SELECT * FROM read_csv('/etc/passwd')", "SELECT widht FROM images"],
)
def test_only_one_select_over_the_tables_is_allowed(tables: Tables, sql: str) -> None:
    with pytest.raises(UsageError):
        tables.query(sql)


def test_a_table_of_a_newer_format_is_refused_with_the_cure(tmp_path: Path, tables: Tables) -> None:
    rows = conform("images", [{"sha256": "a"}])
    write_deltalake(str(tmp_path / "images"), rows, description="modiste table, format 99")
    with pytest.raises(WorkspaceTooNew, match=r"format 99.*pip install -U modiste"):
        tables.read("images")


def test_a_full_disk_is_named_and_leaves_the_table_as_it_was(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:  # what deltalake 1.6 said on a full tmpfs
        raise DeltaError(
            "Failed to parse parquet: External: Generic LocalFileSystem error: No space left (os error 28)"
        )

    tables.append("images", [{"sha256": "a"}])
    monkeypatch.setattr("dataset.tables.write_deltalake", full)
    with pytest.raises(StorageError, match=r"No space left.*run the same command again"):
        tables.append("images", [{"sha256": "b"}])
    assert tables.read("images")["sha256"].to_pylist() == ["a"]


def _upsert_many(root: str, writer: int) -> None:
    for batch in range(4):
        Tables(root).upsert("images", [{"sha256": f"{writer}-{batch}-{row}", "width": row} for row in range(5)])


@pytest.mark.slow
def test_two_writers_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    Tables(str(tmp_path)).append("images", [{"sha256": "first"}])
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_upsert_many, args=(str(tmp_path), n)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = Tables(str(tmp_path)).read("images")["sha256"].to_pylist()
    assert len(found) == len(set(found)) == 1 + 2 * 4 * 5


def test_of_two_writers_that_both_found_no_table_the_second_doubles_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = Tables(str(tmp_path)), Tables(str(tmp_path))
    found = late._open

    def beaten(name: str, version: int | None = None) -> DeltaTable | None:
        monkeypatch.setattr(late, "_open", found)
        early.upsert("groups", [{"sha256": "a", "group_id": "1"}, {"sha256": "b", "group_id": "1"}])
        return None  # as it was when `late` looked

    monkeypatch.setattr(late, "_open", beaten)
    late.upsert("groups", [{"sha256": "a", "group_id": "2"}])
    assert sorted(late.read("groups", ["sha256", "group_id"]).to_pylist(), key=str) == [
        {"sha256": "a", "group_id": "2"},
        {"sha256": "b", "group_id": "1"},
    ]


def test_a_merged_table_can_still_be_filtered_by_text(tables: Tables) -> None:
    tables.upsert("images", [{"sha256": "a", "status": "ok"}, {"sha256": "b", "status": "bad"}])
    tables.upsert("images", [{"sha256": "b", "status": "ok"}, {"sha256": "c", "status": "bad"}])
    assert sorted(tables.read("images", where="status = 'ok'")["sha256"].to_pylist()) == ["a", "b"]


def test_a_folder_with_odd_characters_in_its_name_reads(tmp_path: Path) -> None:
    tables = Tables(str(tmp_path / "l'atelier d'été 100 +"))
    tables.append("images", [{"sha256": "a"}])
    assert tables.read("images", ["sha256"]).num_rows == 1


def test_tables_at_an_address_read_as_those_in_a_folder_do(tables: Tables, tmp_path: Path) -> None:
    tables.append("images", [{"sha256": "a", "width": 3}])
    tables.upsert("images", [{"sha256": "a", "width": 4}, {"sha256": "b"}])
    there = Tables(f"file://{tmp_path}")
    assert there.read("images", where="width = 4").to_pylist() == tables.read("images", where="width = 4").to_pylist()
    assert there.read("images").num_rows == 2


def test_a_damaged_log_names_the_table_on_one_line(tables: Tables, tmp_path: Path) -> None:
    tables.append("images", [{"sha256": "a"}])
    (tmp_path / "images" / "_delta_log" / f"{0:020d}.json").write_text("garbage\n")
    with pytest.raises(TableError, match=r"images: its log can't be read: [^\n]*\. Put the folder back") as told:
        tables.read("images")
    assert "\n" not in str(told.value)
