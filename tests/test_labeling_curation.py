"""The FiftyOne data set follows the tables, what a person types in it comes back once, and nothing typed is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labeling_drawn import drawn_workspace
from labeling_mongo import Mongo, named

from dataset.errors import StorageError, UsageError
from dataset.snapshot import items
from dataset.takedown import takedown
from dataset.workspace import Workspace
from labeling import curation
from labeling.curation import address_of, curate, dataset_name, of_view, pull, waiting
from labeling.curation_store import connect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mongo() -> Iterator[Mongo]:
    with named() as server:
        yield server


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn images, made once; each test works on a copy."""
    return drawn_workspace(tmp_path_factory.mktemp("drawn") / "ws", 3).root


@pytest.fixture
def ws(tmp_path: Path, drawn: Path, mongo: Mongo, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MODISTE_REVIEWER", "ana")
    return Workspace.open(shutil.copytree(drawn, tmp_path / "ws"))


def data_set(ws: Workspace) -> Any:
    found = connect(ws).load_dataset(dataset_name(ws))
    found.reload()
    return found


def tag(ws: Workspace, *tags: list[str]) -> list[str]:
    """Put tags on the first samples; their sha256s."""
    samples = list(data_set(ws).sort_by("sha256").limit(len(tags)))
    for sample, each in zip(samples, tags, strict=True):
        sample.tags = each
        sample.save()
    return [sample.sha256 for sample in samples]


def test_tags_come_back_once_and_survive_a_rebuild(ws: Workspace):
    assert (curate(ws).added, curate(ws).was_there, curate(ws, force=True).changed) == (3, True, 0)
    tag(ws, ["accept"], ["reject"], ["relabel:colour=blue", "my note", "relabel:zzz"])
    first, again = pull(ws), pull(ws)
    assert (first.verdicts, first.new, again.new, first.not_understood) == (3, 3, 0, ["relabel:zzz"])
    curate(ws)
    dataset = data_set(ws)
    assert dataset.count_sample_tags()["my note"] == 1
    assert sorted(dataset.values("colour.label")) == ["blue", "red", "red"]
    assert {"worst masks", "unreviewed", "near-duplicates", "disagreements"} <= set(dataset.list_saved_views())
    assert set(dataset.values("reviewer")) == {"ana"}
    assert {r["reviewer"] for r in ws.tables.read("reviews").to_pylist()} == {"ana"}


def test_several_values_are_told_by_one_tag_shown_whole_and_edited_whole(ws: Workspace):
    curate(ws)
    (sha256,) = tag(ws, ["relabel:material=wool,Cotton"])
    assert (pull(ws).labels, pull(ws).new) == (2, 0)
    curate(ws)
    sample = data_set(ws).match({"sha256": sha256}).first()
    assert (sample["material"].label, sample["material"].source) == ("cotton, wool", "person")
    sample["material"].label = "silk, wool"
    sample.save()
    assert (pull(ws).labels, pull(ws).new) == (2, 0)
    assert '"material": ["silk","wool"]' in items(ws, f"sha256 = '{sha256}'")["labels"][0].as_py()


def test_a_label_edited_in_the_app_outlives_a_rebuild_and_becomes_a_verdict(ws: Workspace):
    curate(ws)
    sample = data_set(ws).first()
    sample["colour"].label = "blue"
    sample["colour"].tags = ["sure"]
    sample["type"] = None
    sample.save()
    curate(ws, force=True)
    assert data_set(ws)[sample.id]["colour"].label == "blue"
    assert pull(ws).new == 2
    curate(ws)
    kept = data_set(ws)[sample.id]
    assert (kept["colour"].label, kept["colour"].source, kept["colour"].tags) == ("blue", "person", ["sure"])
    assert kept["type"] is None
    assert pull(ws).verdicts == 0


def test_changing_ones_mind_and_back_is_told_each_time(ws: Workspace):
    curate(ws)
    for value in ("blue", "red", "blue"):
        sample = data_set(ws).first()
        sample["colour"].label = value
        sample.save()
        assert pull(ws).new == 1
        curate(ws)
    assert [row["value"] for row in ws.tables.read("reviews").to_pylist()].count("blue") == 2
    assert data_set(ws).first()["colour"].label == "blue"


def test_fields_of_ones_own_come_back_with_an_image_that_was_away(ws: Workspace):
    fo = connect(ws)
    curate(ws)
    dataset = data_set(ws)
    dataset.add_sample_field("season", fo.StringField)
    dataset.add_sample_field("notes", fo.ListField, subfield=fo.StringField)
    sample = dataset.first()
    sample["season"], sample["notes"], sample.tags = "winter", ["a", "b"], ["look again"]
    sample.save()
    row = ws.tables.read("images", where=f"sha256 = '{sample.sha256}'").to_pylist()[0]
    ws.tables.upsert("images", [row | {"status": "bad", "reason": "truncated"}])
    assert curate(ws).removed == 1
    ws.tables.upsert("images", [row])
    assert curate(ws).added == 1
    back = data_set(ws).match({"sha256": sample.sha256}).first()
    assert (back["season"], back["notes"], back.tags) == ("winter", ["a", "b"], ["look again"])
    assert back["mask"].mask_path


def test_a_pull_keeps_what_was_typed_although_the_database_is_lost(ws: Workspace):
    fo = connect(ws)
    curate(ws)
    data_set(ws).add_sample_field("season", fo.StringField)
    (sha256,) = tag(ws, ["accept", "note"])
    sample = data_set(ws).match({"sha256": sha256}).first()
    sample["season"] = "winter"
    sample.save()
    assert pull(ws).kept == 1
    fo.delete_dataset(dataset_name(ws))
    curate(ws)
    back = data_set(ws).match({"sha256": sha256}).first()
    assert (back["season"], sorted(back.tags)) == ("winter", ["accept", "note"])
    assert pull(ws).new == 0


def test_a_take_down_removes_the_sample_its_files_and_what_was_typed(ws: Workspace):
    curate(ws)
    (sha256,) = tag(ws, ["accept", "note"])
    pull(ws)
    curate(ws)
    takedown(ws, "sha256", sha256, "asked by the photographer", yes=True)
    assert curate(ws).removed == 1
    assert sha256 not in data_set(ws).values("sha256")
    names = [path.name for path in (ws.root / "curation").rglob("*")]
    assert not [name for name in names if name.startswith(sha256)]


def test_a_mongod_killed_in_the_middle_of_a_pull_loses_nothing(
    ws: Workspace, mongo: Mongo, monkeypatch: pytest.MonkeyPatch
):
    curate(ws)
    tag(ws, ["accept"], ["relabel:colour=blue"])
    record = curation.record

    def then_dies(*args: Any, **more: Any) -> Any:
        found = record(*args, **more)
        mongo.kill()
        return found

    monkeypatch.setattr(curation, "record", then_dies)
    with pytest.raises(StorageError, match="database went away"):
        pull(ws)
    monkeypatch.setattr(curation, "record", record)
    mongo.start()
    assert (pull(ws).new, pull(ws).verdicts) == (0, 0)
    assert ws.tables.read("reviews").num_rows == 2
    curate(ws)
    assert sorted(data_set(ws).values("colour.label")) == ["blue", "red", "red"]


def test_a_view_that_a_person_saved_under_our_name_stays(ws: Workspace):
    curate(ws)
    dataset = data_set(ws)
    dataset.delete_saved_view("worst masks")
    dataset.save_view("worst masks", dataset.limit(1), description="mine")
    curate(ws, force=True)
    assert len(data_set(ws).load_saved_view("worst masks")) == 1


def test_a_mask_put_in_the_place_of_ours_becomes_a_reviewed_one(ws: Workspace):
    import numpy as np

    fo = connect(ws)
    curate(ws)
    good, bad = list(data_set(ws).limit(2))
    mask = np.zeros((300, 200), np.uint8)
    mask[100:200, 50:150] = 2
    mask[120:140, 80:100] = 0
    good["mask"], bad["mask"] = fo.Segmentation(mask=mask), fo.Segmentation(mask=mask[:10])
    good.save()
    bad.save()
    found = pull(ws)
    assert (found.new, list(found.bad_masks)) == (1, [bad.sha256])
    curate(ws)
    assert dict(zip(*data_set(ws).values(["sha256", "mask_source"]), strict=True))[good.sha256] == "review"


def test_every_saved_view_returns_its_samples_as_the_app_loads_it(ws: Workspace):
    from fiftyone.server.view import get_view

    curate(ws)
    dataset = data_set(ws)
    shown = {}
    for name in dataset.list_saved_views():
        stages = dataset.load_saved_view(name)._serialize()
        shown[name] = get_view(dataset.name, stages=stages).values("sha256")
        assert address_of(ws, 5151, name).endswith(f"?view={name.replace(' ', '-')}")
    assert {name for name, sha256s in shown.items() if len(sha256s) == 3} >= {"worst masks", "unreviewed", "scenes"}
    worst = [dataset.match({"sha256": sha256}).first().mask_quality for sha256 in shown["worst masks"]]
    assert worst == sorted(worst)
    with pytest.raises(UsageError, match="no saved view 'wurst'"):
        of_view(ws, "wurst", 1)


def test_verdicts_are_counted_without_pulling_them(ws: Workspace):
    curate(ws)
    tag(ws, ["accept"], ["relabel:colour=blue"])
    assert (waiting(ws), ws.tables.read("reviews").num_rows) == (2, 0)
    pull(ws)
    assert waiting(ws) == 0
