"""Vectors of a frozen network: once an image, unit length, never of another network's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_train_data import drawn_workspace, scene

from dataset.errors import EmptyError, SettingsError
from dataset.workspace import Workspace
from train.embeddings import Encoder, embed, load_encoder

PARTS = {"train": 5, "test": 2}


def small(seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return load_encoder("test_convnext", "none", side=32, device="cpu")


def test_every_image_gets_a_unit_vector_once(tmp_path: Path) -> None:
    ws, encoder = drawn_workspace(tmp_path, PARTS), small()
    first = embed(ws, encoder, batch=3)
    kept, version = ws.tables.read("embeddings"), ws.tables.version("embeddings")
    again = embed(ws, encoder)
    assert (first.new, first.embedded, again.new, again.embedded) == (7, 7, 0, 7)
    assert ws.tables.version("embeddings") == version
    assert np.linalg.norm(kept["vector"].to_pylist(), axis=1) == pytest.approx(np.ones(7), abs=1e-5)


def test_the_row_of_an_image_is_that_image_alone(tmp_path: Path) -> None:
    ws, encoder = drawn_workspace(tmp_path, PARTS), small()
    embed(ws, encoder, batch=3)
    for row in ws.tables.read("embeddings").to_pylist():
        alone = encoder.vectors([encoder.square(ws.blobs.get(row["sha256"]))])[0]
        assert row["vector"] == pytest.approx(alone, abs=1e-5)


def test_only_new_images_are_computed_and_taken_down_ones_never(tmp_path: Path) -> None:
    ws, encoder = drawn_workspace(tmp_path, PARTS), small()
    names = ws.tables.read("images", ["sha256"])["sha256"].to_pylist()
    ws.tables.append("takedowns", [{"kind": "sha256", "value": names[0], "reason": "asked"}])
    ws.tables.upsert("images", [{"sha256": names[1], "status": "bad", "reason": "truncated"}])
    assert embed(ws, encoder).new == 5
    ws.tables.upsert("images", [{"sha256": names[1], "status": "ok"}])
    assert embed(ws, encoder).new == 1
    assert names[0] not in ws.tables.read("embeddings")["sha256"].to_pylist()


def test_images_that_cannot_be_read_are_counted_by_code(tmp_path: Path) -> None:
    ws, encoder = drawn_workspace(tmp_path, PARTS), small()
    html = ws.blobs.put(b"<html>not here</html>")
    ws.tables.append("images", [{"sha256": html, "status": "ok"}, {"sha256": "f" * 64, "status": "ok"}])
    result = embed(ws, encoder, batch=2)
    assert (result.new, result.failed) == (7, {"html": 1, "blob_gone": 1})
    assert "unread: blob_gone 1, html 1" in result.line()


def test_the_name_tells_weights_size_and_mirroring_apart() -> None:
    plain = load_encoder("test_convnext", "none", side=64, flips=False, device="cpu")
    assert small(1).name == small(1).name != small(2).name
    assert small().name.startswith("test_convnext-32-flips#")
    assert plain.name.startswith("test_convnext-64#")


def test_a_mirrored_photo_has_the_vector_of_the_photo() -> None:
    encoder, rgb = small(), np.ascontiguousarray(scene(1, 32, 32)[0])
    both = encoder.vectors([rgb, np.ascontiguousarray(rgb[:, ::-1])])
    assert both[0] == pytest.approx(both[1], abs=1e-5)


def test_wrong_settings_and_an_empty_workspace_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="convnext_huge_typo"):
        load_encoder("convnext_huge_typo", "none")
    with pytest.raises(SettingsError, match="at least 32"):
        load_encoder("test_convnext", "none", side=8)
    with pytest.raises(EmptyError, match="crawl and check"):
        embed(Workspace.init(tmp_path), small())
