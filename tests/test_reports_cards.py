"""Data card, model card and comparison: figures counted another way, and no ranking where there is no contest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_reports_overview import build

from dataset.errors import EmptyError, TrainingError
from dataset.workspace import Workspace
from reports import static
from reports.assortment import catalogue_report
from reports.chart_tables import chart_table
from reports.charts import confusion, ranked
from reports.compare import benches, compare_runs
from reports.datacard import data_card
from reports.modelcard import model_card
from reports.overview import report
from reports.runs import read_runs
from reports.sheets import gallery_report
from reports.watch import watch_report
from train import record

SEGMENTATION, TAGGING = "20261120-0900-segmentation-unet-aa11", "20261120-1000-tagging-lite-bb22"


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return build(tmp_path_factory.mktemp("cards") / "w", products=30)


def told(path: str) -> str:
    """What a reader sees, in one line."""
    page = Path(path).read_text("utf-8")
    return " ".join(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.S).replace("\u2009", "").split())


def another(ws: Workspace, name: str, value: float, **changes: Any) -> record.Run:
    """A copy of the segmentation run with another name, mean IoU and what `changes` says of its evaluation."""
    old = record.read_run(ws.runs / SEGMENTATION)
    found = json.loads(json.dumps(old.evaluation)) | {"judged_on": {"fingerprint": "f" * 64}} | changes
    for row in found["rows"]:
        if row["part"] == "test":
            row |= {"value": value, "low": value - 0.02, "high": value + 0.02} | changes.get("row", {})
    (ws.runs / name).mkdir()
    record.write_json(ws.runs / name / "run.json", record.sealed({**old.data, "id": name}))
    record.write_json(ws.runs / name / "evaluation.json", record.sealed(found))
    return record.read_run(ws.runs / name)


@pytest.fixture
def shelf(ws: Workspace, tmp_path: Path) -> Workspace:
    import shutil

    shutil.copytree(ws.root, tmp_path / "w")
    copy = Workspace.open(tmp_path / "w")
    shutil.rmtree(copy.runs / TAGGING)
    return copy


def test_the_data_card_counts_what_the_tables_hold(ws: Workspace) -> None:
    images, fetches = ws.tables.read("images").to_pylist(), ws.tables.read("fetches").to_pylist()
    usable = {row["sha256"] for row in images if row["status"] == "ok"}
    masked = {row["sha256"] for row in ws.tables.read("masks").to_pylist() if row["status"] == "ok"}
    text = told(data_card(ws).path)
    assert f"30 products in 2 shops {len(usable)} usable images of {len(images)} checked" in text
    assert f"{len(masked)} masked images 0 reviews" in text
    for store in ("atelier.example", "corner.example"):
        refused = len({row["url"] for row in fetches if row["store"] == store and row["status"] == "refused"})
        mine = len({row["sha256"] for row in fetches if row["store"] == store and row["sha256"]})
        products = 10 if store == "corner.example" else 20
        assert f"{store} {products} {mine} {refused} 1 2026-11-20" in text
    assert f"{len(usable - masked)} usable images have no mask." in text
    assert "10 products state no licence for their images." in text
    assert "Take-downs on record: 1 brand." in text


def test_the_data_card_says_how_many_clusters_lie_in_two_parts(shelf: Workspace) -> None:
    groups = shelf.tables.read("groups").to_pylist()
    parts: dict[str, set[str]] = {}
    for row in groups:
        parts.setdefault(row["cluster_id"], set()).update({row["split"]} - {None})
    torn = sum(len(found) > 1 for found in parts.values())
    assert torn > 0
    assert f"{torn} cluster" in told(data_card(shelf).path)
    shelf.tables.upsert("groups", [row | {"split": "train"} for row in groups])
    assert "None lies in more than one part of the split." in told(data_card(shelf).path)


def test_agreement_between_two_sources_is_counted_over_images(shelf: Workspace) -> None:
    names = shelf.tables.read("images", ["sha256"], "status = 'ok'")["sha256"].to_pylist()[:4]
    shelf.tables.delete("labels", "field = 'type'")
    for source, values in (("store", "AABB"), ("person", "AAAB")):
        rows = zip(names, values, strict=True)
        shelf.tables.append(
            "labels", [{"sha256": s, "field": "type", "value": v, "source": source, "word": v} for s, v in rows]
        )
    assert "type person and store 4 0.75 [0.30, 0.95]" in told(data_card(shelf).path)


def test_a_model_card_tells_figures_with_interval_n_and_baseline(ws: Workspace) -> None:
    text = told(model_card(ws, TAGGING).path)
    assert "accuracy test 0.790 [0.710, 0.840] n = 14 majority class 0.380" in text
    assert "macro F1 validation 0.780 [0.710, 0.840] n = 15 majority class 0.380" in text
    assert "Tested on 14 photographs at least" in text
    assert "No slices were measured" in text
    assert "5.2 min by the clock" in text


def test_a_model_card_says_where_a_model_is_surely_worse(shelf: Workspace) -> None:
    gap = {"mean_iou": 0.7, "low": 0.6, "high": 0.8, "gap": -0.2, "gap_low": -0.3, "gap_high": -0.1, "n": 9}
    unsure = gap | {"gap_high": 0.1}
    slices = [{"slice": "dark_photo", **gap}, {"slice": "white", **unsure}, {"slice": "cut", "n": 2}]
    another(shelf, "r1", 0.8, detail={"slices": slices, "absent": ["hat"]})
    text = told(model_card(shelf, "r1").path)
    assert "Surely worse (95 %) on: dark photo " in text
    assert "dark photo 9 0.700 [0.600, 0.800] -0.200 [-0.300, -0.100]" in text
    assert "cut 2 too few photos –" in text
    assert "unmeasured: hat" in text


def test_runs_of_one_test_are_ranked_and_a_tie_is_said(shelf: Workspace) -> None:
    another(shelf, "r1", 0.70)
    another(shelf, "r2", 0.80)
    another(shelf, "r3", 0.79)
    (found,) = [bench for bench in benches(read_runs(shelf)[0]) if bench.fingerprint == "f" * 64]
    rows = found.tables["mean_iou"]
    assert [(row["run"].id, row["place"], row["tied"]) for row in rows] == [
        ("r2", "1", False), ("r3", "2", True), ("r1", "3", False),
    ]  # fmt: skip
    text = told(compare_runs(shelf, ["r1", "r2", "r3"]).path)
    assert "1 r2 0.800 [0.780, 0.820] n = 14" in text
    assert "2 ≈ r3 0.790" in text
    assert "different tests" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"judged_on": {"fingerprint": "e" * 64}},
        {"confusions": [{"name": "", "classes": ["a", "b"], "matrix": [[1, 0], [0, 1]]}]},
    ],
)
def test_runs_of_other_test_rows_or_classes_are_never_ranked_together(
    shelf: Workspace, changes: dict[str, Any]
) -> None:
    another(shelf, "r1", 0.70)
    another(shelf, "r2", 0.99, **changes)
    written = compare_runs(shelf, ["r1", "r2"])
    assert written.said == {"runs": 2, "tests": 2}
    assert written.line().startswith("report: 2 runs, 2 tests -> ")
    text = told(written.path)
    assert "2 different tests" in text
    assert text.count("one run, so there is nothing to rank") == 2
    assert not re.search(r"\b[12] (≈ )?r[12] 0\.", text)


def test_runs_judged_on_another_number_of_photos_get_no_place(shelf: Workspace) -> None:
    another(shelf, "r1", 0.70)
    another(shelf, "r2", 0.99, row={"n": 13})
    found = benches([view for view in read_runs(shelf)[0] if view.run.id in ("r1", "r2")])
    assert [row["place"] for row in found[0].tables["mean_iou"]] == ["", ""]


def test_a_record_edited_by_hand_is_left_out_and_named(shelf: Workspace) -> None:
    another(shelf, "r1", 0.70)
    run = another(shelf, "r2", 0.80)
    found = json.loads(json.dumps(run.evaluation))
    found["rows"][1]["value"] = 0.99
    (run.folder / "evaluation.json").write_text(json.dumps(found))
    text = told(compare_runs(shelf).path)
    said = "Run r2 is left out: its record was edited by hand (evaluation.json: rows)."
    assert said in text
    assert "0.990" not in text
    assert said in told(report(shelf).path)
    with pytest.raises(TrainingError, match="edited by hand"):
        model_card(shelf, "r2")


@pytest.mark.parametrize("write", [report, catalogue_report, watch_report, data_card, compare_runs, gallery_report])
def test_an_empty_workspace_makes_a_report_that_says_what_to_do(tmp_path: Path, write: Any) -> None:
    text = told(write(Workspace.init(tmp_path / "w")).path)
    assert re.search(r"modiste (crawl|train|check)", text)
    assert re.search(r"empty|Nothing to report yet", text)


def test_a_model_card_of_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmptyError, match="modiste train"):
        model_card(Workspace.init(tmp_path / "w"))


@pytest.mark.parametrize(
    ("values", "share", "levels"),
    [
        ((40.0, 39.0), False, ["0", "30", "60"]),
        ((0.97, 1.0), True, ["0 %", "50 %", "100 %"]),
        ((0.05, 0.03), True, ["0 %", "3 %", "6 %"]),
        ((0.0, 0.0), False, ["0.00", "0.50", "1.00"]),
    ],
)
def test_the_axis_of_a_trend_ends_at_a_round_number_and_a_share_at_the_whole(
    values: tuple[float, float], share: bool, levels: list[str]
) -> None:
    drawn = static.lines([("shop", [(0.0, values[0]), (1.0, values[1])])], share=share)
    assert drawn is not None
    said = [text for _, text in drawn["levels"]]
    assert said == levels


def test_a_bar_chart_is_a_table_of_its_names_and_numbers() -> None:
    found = chart_table(ranked([("<b>navy</b> & co", 1200), ("rust", 3)], "products"))
    assert found.rows == (("<b>navy</b> & co", "1,200"), ("rust", "3"))


def test_a_confusion_is_a_table_of_counts_with_noughts() -> None:
    found = chart_table(confusion(["a", "b"], [[3, 0], [1, 2]]))
    assert found.head == ("truth, then said", "a", "b")
    assert found.rows == (("a", "3", "0"), ("b", "1", "2"))


def test_a_table_of_a_long_chart_says_how_many_rows_it_leaves_out() -> None:
    found = chart_table({"data": [{"type": "bar", "x": list(range(100)), "y": [0.5] * 100}]})
    assert (len(found.rows), found.more, found.rows[1]) == (60, 40, ("1", "0.5"))
    assert chart_table({"data": []}).rows == ()
