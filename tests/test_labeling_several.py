"""People and fields of several values: one answer of two words becomes two rows, shown, sent out and brought back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from labeling_drawn import drawn_workspace
from labeling_mongo import fiftyone_or_skip

from dataset.errors import UsageError
from dataset.snapshot import items
from dataset.taxonomy import Taxonomy, load_taxonomy
from dataset.workspace import Workspace
from labeling import curation_actions
from labeling.curation_actions import relabel
from labeling.curation_annotate import bring_back, send
from labeling.curation_rows import curation_rows
from labeling.curation_typed import listen, meant
from labeling.queue_labels import not_asked, read_said
from labeling.queue_pool import read_pool
from labeling.review import Verdict, record

FIELDS = {"material": "material", "type": "type"}


@pytest.fixture(scope="module")
def words() -> Taxonomy:
    return load_taxonomy("clothing")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images, each alone in the train part."""
    ws = drawn_workspace(tmp_path_factory.mktemp("drawn") / "ws", 2)
    known = [{"sha256": each, "group_id": each, "cluster_id": each, "split": "train"} for each in shas(ws)]
    ws.tables.upsert("groups", known)
    return ws.root


@pytest.fixture
def ws(tmp_path: Path, drawn: Path) -> Workspace:
    return Workspace.open(shutil.copytree(drawn, tmp_path / "ws"))


def shas(ws: Workspace) -> list[str]:
    return sorted(ws.tables.read("images")["sha256"].to_pylist())


def say(ws: Workspace, value: str, reviewer: str = "ana") -> int:
    return record(ws, [Verdict(shas(ws)[0], "relabel", "material", value)], reviewer=reviewer, source="test").labels


def materials(ws: Workspace) -> list[Any]:
    return [json.loads(text).get("material") for text in items(ws)["labels"].to_pylist()]


def test_an_answer_of_two_words_is_two_rows_of_one_sitting_and_one_review(ws: Workspace):
    assert (say(ws, "cotton,wool"), say(ws, "cotton,wool")) == (2, 0)
    rows = ws.tables.read("labels", where="source = 'person'").to_pylist()
    assert {row["value"] for row in rows} == {"cotton", "wool"}
    assert len({row["created_at"] for row in rows}) == 1
    assert [row["value"] for row in ws.tables.read("reviews").to_pylist()] == ["cotton,wool"]
    assert materials(ws) == [["cotton", "wool"], None]


def test_the_next_answer_replaces_all_of_the_last_whoever_gives_it(ws: Workspace):
    say(ws, "cotton,wool")
    say(ws, "silk")
    assert materials(ws)[0] == "silk"
    say(ws, "linen,wool", "bea")
    assert materials(ws)[0] == ["linen", "wool"]
    assert curation_rows(ws)[0].labels["material"].value == "linen, wool"
    assert [line for line in curation_rows(ws)[0].values["said"] if "person" in line] == [
        "material=linen (person 1.00)", "material=wool (person 1.00)"
    ]  # fmt: skip


def test_the_app_shows_all_values_of_the_best_source_and_calls_them_no_contradiction(ws: Workspace):
    base = {"sha256": shas(ws)[0], "field": "material", "confidence": 0.9, "source": "store"}
    told = [base | {"value": value, "word": value} for value in ("wool", "cotton")]
    ws.tables.append(
        "labels", [*told, base | {"value": "cotton", "word": "x", "source": "import:x", "confidence": 0.2}]
    )
    row = next(row for row in curation_rows(ws) if row.sha256 == base["sha256"])
    assert (row.labels["material"].value, row.labels["material"].source) == ("cotton", "import:x")
    ws.tables.delete("labels", "source = 'import:x'")
    row = next(row for row in curation_rows(ws) if row.sha256 == base["sha256"])
    assert (row.labels["material"].value, row.values["disagreements"]) == ("cotton, wool", [])


@pytest.mark.parametrize(
    ("text", "found"),
    [("material=Wool, cotton", ("material", "cotton,wool")), ("wool,silk", ("material", "silk,wool")),
     ("material=棉、丝绸", ("material", "cotton,silk")), ("material=wool,wool", ("material", "wool")),
     ("material=wool,kryptonite", None), ("type=dress,hat", None), ("material=,", None)],
)  # fmt: skip
def test_a_tag_of_several_values_is_understood_whole_or_not_at_all(words: Taxonomy, text: str, found: Any):
    assert meant(words, text) == found


def test_a_label_of_several_edited_in_the_app_is_one_verdict(words: Taxonomy):
    shown = {"material": {"label": "wool, cotton"}, "type": {"label": "dress, hat"}}
    document = shown | {"synced": {"labels": {"material": "cotton", "type": "dress"}}}
    heard = listen({"a": document}, FIELDS, words)
    assert heard.verdicts == {("a", "material"): Verdict("a", "relabel", "material", "cotton,wool")}
    assert heard.odd == {"type: dress, hat"}


def test_relabelling_by_button_takes_several_of_a_multi_field_alone(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(curation_actions.curation, "curate", lambda ws: None)
    assert relabel(ws, shas(ws)[:1], "material", "wool, cotton", reviewer="bea").labels == 2
    with pytest.raises(UsageError, match="type has one value"):
        relabel(ws, shas(ws), "type", "dress,hat", reviewer="bea")
    with pytest.raises(UsageError, match="'fog' is no value of material"):
        relabel(ws, shas(ws), "material", "wool,fog", reviewer="bea")


@pytest.mark.slow
def test_the_apps_form_offers_many_values_of_a_multi_field(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    fiftyone_or_skip()
    from fiftyone.operators import types

    from labeling.plugin import operators

    ctx, form = SimpleNamespace(params={"field": "material"}), types.Object()
    monkeypatch.setattr(operators, "workspace", lambda ctx: ws)
    operators.Relabel().ask(ctx, form)
    told = form.to_json()["properties"]["values"]
    assert told["view"]["multiple"] is True
    assert "synthetic" in [choice["value"] for choice in told["view"]["choices"]]


@pytest.mark.parametrize("tool", ["cvat", "labelstudio"])
def test_two_words_go_to_a_tool_and_only_an_edit_comes_back(ws: Workspace, tmp_path: Path, tool: str):
    say(ws, "cotton,wool")
    folder = shutil.copytree(send(ws, shas(ws), tool).out, tmp_path / "returned")
    assert bring_back(ws, tool, folder, reviewer="ana").differences == []
    path = folder / {"cvat": "annotations.xml", "labelstudio": "tasks.json"}[tool]
    path.write_text(path.read_text().replace(">wool<", ">silk<").replace('"wool"', '"silk"'))
    (difference,) = bring_back(ws, tool, folder, reviewer="bea").differences
    assert difference.labels == {"material": ("cotton,wool", "cotton,silk")}
    assert materials(ws)[0] == ["cotton", "silk"]


def test_two_values_of_one_source_are_no_contradiction_to_the_queue_and_two_sources_apart_are(
    ws: Workspace, words: Taxonomy
):
    first, second = shas(ws)
    base = {"field": "material", "confidence": 0.8, "source": "store", "sha256": first}
    told = [base | {"value": value, "word": value} for value in ("wool", "cotton")]
    other = base | {"sha256": second, "value": "silk", "word": "silk"}
    apart = other | {"source": "import:x", "value": "linen", "word": "linen"}
    kin = base | {"source": "import:x", "value": "cashmere", "word": "cashmere", "confidence": 1.0}
    ws.tables.append("labels", [*told, other, apart, kin])
    pool = read_pool(ws, part="train", encoder=None, with_vectors=False)
    assert [item.labels.get("material") for item in pool.items] == ["cashmere", "linen"]
    said = read_said(ws, pool, "material", words)
    assert said.contradiction[0] == 0.0
    assert said.contradiction[1] > 0.9
    assert said.words[1] == "import says linen 0.80 but store says silk 0.80"
    assert not not_asked(pool, "sleeve", words).any()
