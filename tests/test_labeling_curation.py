"""The FiftyOne data set follows the tables, what a person types in it comes back once, and nothing typed is lost."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labeling_drawn import drawn_workspace

from dataset.errors import StorageError
from dataset.takedown import takedown
from dataset.workspace import Workspace
from labeling import curation
from labeling.curation import curate, dataset_name, pull
from labeling.curation_rows import curation_rows
from labeling.curation_store import connect

pytestmark = pytest.mark.slow


class Mongo:
    """A real mongod that can be killed and started again on the same files and port."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("fiftyone")
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        self.binary = next((found for place in places if (found := place / "db" / "bin" / "mongod").exists()), None)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self.binary is not None
        told = ["--dbpath", str(self.folder), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        self.process = subprocess.Popen([str(self.binary), *told], stdout=subprocess.DEVNULL)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    server = Mongo(tmp_path_factory.mktemp("mongo"))
    if server.binary is None:
        pytest.skip("no mongod in this environment: install the extra 'mongod'")
    server.start()
    uri = f"mongodb://127.0.0.1:{server.port}/?serverSelectionTimeoutMS=3000"
    before = os.environ.get("FIFTYONE_DATABASE_URI")
    os.environ["FIFTYONE_DATABASE_URI"] = uri
    yield server
    if before is None:
        del os.environ["FIFTYONE_DATABASE_URI"]
    server.kill()


@pytest.fixture
def ws(tmp_path: Path, mongo: Mongo, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MODISTE_REVIEWER", "ana")
    return drawn_workspace(tmp_path / "ws", 3)


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


def test_rows_have_openable_pictures_class_maps_sources_and_web_links_only(tmp_path: Path):
    from PIL import Image

    ws = drawn_workspace(tmp_path / "ws", 2)
    product = ws.tables.read("products").to_pylist()[0]
    ws.tables.upsert("products", [product | {"url": "javascript:alert(1)", "name": "<script>alert(1)</script>"}])
    rows = curation_rows(ws)
    assert [row.filepath.suffix for row in rows] == [".png", ".png"]
    assert sorted(value for _, value in Image.open(rows[0].mask).getcolors()) == [0, 1, 2]
    assert (rows[0].labels["colour"].value, rows[0].labels["colour"].source) == ("red", "store")
    links = {row.values["product_url"] for row in rows}
    assert len(links) == 2
    assert None in links
    assert "<script>alert(1)</script>" in {row.values["product_name"] for row in rows}


def test_sources_that_contradict_each_other_are_named(tmp_path: Path):
    ws = drawn_workspace(tmp_path / "ws", 2)
    sha256 = curation_rows(ws)[0].sha256
    said = {"sha256": sha256, "field": "colour", "value": "blue", "word": "x", "source": "import:x", "confidence": 0.4}
    ws.tables.upsert("labels", [said, said | {"field": "type", "value": "dress", "word": "y"}])
    rows = curation_rows(ws)
    assert [row.values["disagreements"] for row in rows] == [["colour"], []]
    assert "colour=blue (import:x 0.40)" in rows[0].values["said"]


def test_an_image_whose_address_was_refused_since_is_shown_as_opted_out(tmp_path: Path):
    from datetime import UTC, datetime

    ws = drawn_workspace(tmp_path / "ws", 2)
    first = ws.tables.read("fetches").to_pylist()[0]
    later = {"crawl_id": "c2", "status": "refused", "reason": "noai", "sha256": None, "fetched_at": datetime.now(UTC)}
    ws.tables.append("fetches", [first | later])
    assert {row.sha256: row.values["opt_out"] for row in curation_rows(ws)}[first["sha256"]] == "noai"
    assert [row.values["opt_out"] for row in curation_rows(ws)].count(None) == 1


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
