from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from dataset.blobs import BlobStore, write_atomically
from dataset.errors import DataError, StorageError


def test_a_blob_lies_under_the_sha256_of_its_own_bytes(tmp_path: Path) -> None:
    sha256 = BlobStore(tmp_path).put(b"seam")
    assert sha256 == hashlib.sha256(b"seam").hexdigest()
    assert (tmp_path / sha256[:2] / sha256).read_bytes() == b"seam"


def test_keeping_the_same_bytes_again_writes_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    first = Path(store.path(store.put(b"seam"))).stat().st_mtime_ns
    assert Path(store.path(store.put(b"seam"))).stat().st_mtime_ns == first


def test_a_blob_changed_on_disk_is_refused(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(b"seam")
    Path(store.path(sha256)).write_bytes(b"steam")
    with pytest.raises(DataError, match="was changed"):
        store.get(sha256)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_a_name_that_is_no_sha256_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="not a sha256"):
        BlobStore(tmp_path).get(name)


def test_an_fsspec_url_keeps_and_gives_bytes() -> None:
    store = BlobStore("memory://blobs")
    sha256 = store.put(b"seam")
    assert store.get(sha256) == b"seam"
    assert store.delete(sha256)
    assert not store.has(sha256)


def test_blobs_of_an_older_workspace_two_folders_deep_are_found_read_and_deleted(tmp_path: Path) -> None:
    store, sha256 = BlobStore(tmp_path), hashlib.sha256(b"seam").hexdigest()
    write_atomically(tmp_path / sha256[:2] / sha256[2:4] / sha256, b"seam")
    assert (store.put(b"seam"), store.get(sha256), list(store)) == (sha256, b"seam", [sha256])
    assert not (tmp_path / sha256[:2] / sha256).exists()
    assert store.delete(sha256)
    assert not store.has(sha256)


def test_a_full_disk_while_keeping_a_blob_leaves_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match="No space left"):
        BlobStore(tmp_path).put(b"seam")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match=r"No space left.*run the same command again"):
        write_atomically(tmp_path / "a" / "b", b"seam")
    assert list((tmp_path / "a").iterdir()) == []
