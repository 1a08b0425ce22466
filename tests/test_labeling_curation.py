"""The FiftyOne data set follows the tables, and what a person tags in it comes back once."""

from __future__ import annotations

from pathlib import Path

import pytest
from labeling_drawn import drawn_workspace

from labeling.curation import _fiftyone, curate, dataset_name, pull
from labeling.curation_rows import curation_rows


def test_rows_have_openable_pictures_and_class_maps(tmp_path: Path):
    from PIL import Image

    rows = curation_rows(drawn_workspace(tmp_path / "ws", 2))
    assert [row.filepath.suffix for row in rows] == [".png", ".png"]
    assert sorted(value for _, value in Image.open(rows[0].mask).getcolors()) == [0, 1, 2]
    assert rows[0].labels["colour"][0] == "red"


@pytest.mark.slow
def test_tags_come_back_once_and_survive_a_rebuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODISTE_REVIEWER", "ana")
    monkeypatch.delenv("FIFTYONE_DATABASE_DIR", raising=False)
    ws = drawn_workspace(tmp_path / "ws", 3)
    assert (curate(ws).added, curate(ws).added) == (3, 0)
    dataset = _fiftyone(ws).load_dataset(dataset_name(ws))
    for sample, tags in zip(
        dataset, (["accept"], ["reject"], ["relabel:colour=blue", "my note", "relabel:zzz"]), strict=True
    ):
        sample.tags = tags
        sample.save()
    first, again = pull(ws), pull(ws)
    assert (first.verdicts, first.new, again.new, first.not_understood) == (3, 3, 0, ["relabel:zzz"])
    curate(ws)
    dataset.reload()
    assert dataset.count_sample_tags()["my note"] == 1
    assert sorted(dataset.values("colour.label")) == ["blue", "red", "red"]
    assert {"worst masks", "unreviewed", "near-duplicates"} <= set(dataset.list_saved_views())
    reviews = ws.tables.read("reviews").to_pylist()
    assert {r["reviewer"] for r in reviews} == {"ana"}
    assert sorted(r["verdict"] for r in reviews) == ["accept", "reject", "relabel"]
