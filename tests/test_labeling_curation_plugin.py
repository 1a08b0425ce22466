"""The plugin's shim, its manifest and the functions behind its buttons; no App is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from labeling_drawn import drawn_workspace

from dataset.errors import EmptyError, UsageError
from labeling import curation_actions
from labeling.curation_actions import freeze, not_too_many, relabel, vocabulary
from labeling.plugin.install import MANIFEST, install


def test_the_plugin_is_two_files_inside_the_workspace(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 1)
    folder = install(ws)
    assert folder.is_relative_to(ws.root)
    assert sorted(path.name for path in install(ws).iterdir()) == ["__init__.py", "fiftyone.yml"]
    assert "from labeling.plugin.operators import register" in (folder / "__init__.py").read_text()


@pytest.mark.slow
def test_every_operator_of_the_manifest_is_registered_under_its_name():
    pytest.importorskip("fiftyone")
    from labeling.plugin.operators import OPERATORS
    from labeling.plugin.panel import BUTTONS, ModistePanel

    told = yaml.safe_load(MANIFEST.read_text())
    assert [operator.NAME for operator in OPERATORS] == told["operators"]
    assert {name for name, _, _ in BUTTONS} == set(told["operators"])
    assert all(callable(getattr(ModistePanel, f"do_{name}")) for name in told["operators"])


def test_relabelling_offers_the_taxonomys_values_and_refuses_others(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 1)
    assert "red" in vocabulary(ws)["colour"]
    with pytest.raises(UsageError, match="'infrared' is no value of colour"):
        relabel(ws, ["0" * 64], "colour", "infrared", reviewer="ana")


def test_relabelling_by_button_is_a_review_of_the_named_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = drawn_workspace(tmp_path / "ws", 1)
    monkeypatch.setattr(curation_actions.curation, "curate", lambda ws: None)
    sha256 = ws.tables.read("images")["sha256"][0].as_py()
    assert relabel(ws, [sha256], "colour", "blue", reviewer="bea").labels == 1
    row = ws.tables.read("reviews").to_pylist()[0]
    assert (row["reviewer"], row["field"], row["value"]) == ("bea", "colour", "blue")


def test_a_rebuilt_mask_waits_for_its_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = drawn_workspace(tmp_path / "ws", 1)
    monkeypatch.setattr(curation_actions.curation, "curate", lambda ws: None)
    sha256 = ws.tables.read("images")["sha256"][0].as_py()
    assert curation_actions.rebuild(ws, [sha256], "grabcut-scene", reviewer="bea").rebuilt == 1
    rows = ws.tables.read("masks", where="kind = 'composite'").to_pylist()
    assert {(row["source"], row["status"]) for row in rows} == {("cutout", "bad"), ("grabcut", "ok")}
    with pytest.raises(UsageError, match="no method 'magic'"):
        curation_actions.rebuild(ws, [sha256], "magic", reviewer="bea")


def test_a_click_on_nothing_or_on_everything_is_refused():
    with pytest.raises(EmptyError, match="no image is chosen"):
        not_too_many([], 10)
    with pytest.raises(UsageError, match="11 images"):
        not_too_many(["x"] * 11, 10)


def test_a_selection_is_frozen_by_name(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 2)
    shas = sorted(ws.tables.read("images")["sha256"].to_pylist())
    ws.tables.upsert("groups", [{"sha256": s, "group_id": s, "cluster_id": s, "split": "train"} for s in shas])
    assert "snapshot one: 1 images" in freeze(ws, "one", shas[:1])
    assert "snapshot all: 2 images" in freeze(ws, "all")
