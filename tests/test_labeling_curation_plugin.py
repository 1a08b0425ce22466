"""The plugin's shim, its manifest and the functions behind its buttons; no App is opened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from labeling_drawn import drawn_workspace
from labeling_mongo import fiftyone_or_skip

from dataset.errors import EmptyError, UsageError
from labeling import curation_actions, curation_masks
from labeling.curation_actions import freeze, not_too_many, relabel, vocabulary
from labeling.masks import Model, label_masks
from labeling.plugin.install import MANIFEST, install
from labeling.review import Verdict, record


def test_the_plugin_is_two_files_inside_the_workspace(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 1)
    folder = install(ws)
    assert folder.is_relative_to(ws.root)
    assert sorted(path.name for path in install(ws).iterdir()) == ["__init__.py", "fiftyone.yml"]
    assert "from labeling.plugin.operators import register" in (folder / "__init__.py").read_text()


@pytest.mark.slow
def test_every_operator_of_the_manifest_is_registered_under_its_name():
    fiftyone_or_skip()
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


def test_a_rebuilt_mask_is_shown_and_waits_for_its_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ws = drawn_workspace(tmp_path / "ws", 1)
    monkeypatch.setattr(curation_actions.curation, "curate", lambda ws: None)
    sha256 = ws.tables.read("images")["sha256"][0].as_py()
    record(ws, [Verdict(sha256, "accept")], reviewer="ana", source="test")  # so two masks stand before the new one
    assert curation_actions.rebuild(ws, [sha256], "grabcut:skin", reviewer="bea").rebuilt == 1
    rows = ws.tables.read("masks", where="kind = 'composite'").to_pylist()
    found = {(row["source"], row["status"]) for row in rows}
    assert found == {("review", "bad"), ("cutout", "bad"), ("grabcut:skin", "ok")}
    with pytest.raises(UsageError, match="no method 'magic'"):
        curation_actions.rebuild(ws, [sha256], "magic", reviewer="bea")


def test_a_runs_masks_come_from_a_process_given_the_chosen_images_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ws = drawn_workspace(tmp_path / "ws", 2)
    (ws.runs / "r1").mkdir(parents=True)
    (ws.runs / "r1" / "run.json").write_text('{"task": "segmentation", "status": "done", "started_at": "2026"}')
    chosen = ws.tables.read("images")["sha256"].to_pylist()[:1]
    nobody = Model("r1", lambda rgb: np.dstack([np.ones(rgb.shape[:2]), *[np.zeros(rgb.shape[:2])] * 2]))

    def child(command: list[str], **_: object) -> SimpleNamespace:
        only = Path(command[command.index("--only") + 1]).read_text().split()
        label_masks(ws, method="model", model=nobody, only=only)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(curation_masks.subprocess, "run", child)
    assert curation_masks.rebuild(ws, chosen, "model:r1", reviewer="bea").failed == {"nothing_found": 1}
    rows = ws.tables.read("masks", where="kind = 'composite'").to_pylist()
    assert [row["sha256"] for row in rows if row["source"] == "model:r1"] == chosen
    assert {row["status"] for row in rows if row["source"] == "cutout"} == {"ok"}


def test_ones_own_plugins_are_linked_beside_ours(tmp_path: Path):
    ws, own = drawn_workspace(tmp_path / "ws", 1), tmp_path / "mine"
    (own / "p").mkdir(parents=True)
    (own / "p" / "fiftyone.yml").write_text("name: '@me/p'")
    folder = install(ws, own).parent
    assert (folder / "own" / "p" / "fiftyone.yml").read_text() == "name: '@me/p'"
    install(ws, tmp_path)  # holds the workspace itself: no link without end
    assert not (folder / "own").exists()


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
