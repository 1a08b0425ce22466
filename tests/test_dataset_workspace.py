from __future__ import annotations

from pathlib import Path

import pytest

from dataset.errors import SettingsError, WorkspaceError, WorkspaceTooNew
from dataset.workspace import Workspace


def test_init_twice_keeps_the_settings_that_are_there(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "shop", contact="https://example.org")
    assert Workspace.init(tmp_path / "shop", contact="other").settings.contact == "https://example.org"


def test_opening_a_folder_that_is_none_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="modiste init"):
        Workspace.open(tmp_path)


def test_a_newer_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modiste.yaml").write_text("format: 9\nnew_thing: 1\n")
    with pytest.raises(WorkspaceTooNew, match=r"format 9.*pip install -U modiste"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("purpse: training", r"unknown key 'purpse', did you mean 'purpose'\?"),
        ("crawl: {max_page: 3}", r"unknown key 'crawl.max_page', did you mean 'max_pages'\?"),
        ("crawl: {concurrency: 0}", "crawl.concurrency: .*greater than or equal to 1"),
        ("purpose: fun", "purpose: .*'training' or 'price-report'"),
        ("- a\n- b", "holds a list"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_setting_is_named_by_its_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "modiste.yaml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        Workspace.open(tmp_path)


def test_blobs_and_tables_may_lie_elsewhere(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "shop", blobs="memory://shop-blobs")
    assert ws.blobs.path("0" * 64).startswith("memory://shop-blobs/00/")
    assert ws.tables.root == str(tmp_path / "shop" / "tables")


def test_a_path_that_delta_tables_cannot_have_is_refused_with_the_character(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"holds \[ \].*Choose a folder"):
        Workspace.init(tmp_path / "shop [old]")
