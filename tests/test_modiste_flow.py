"""`modiste flow`: list, check, show, run, evaluate, and what they say when something is wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from train_flow_made_up import MadeUp
from typer.testing import CliRunner

from dataset.errors import ModisteError
from modiste.cli import flow as command
from modiste.flow_rules import Eyes, box_of

FLOW = (
    "name: made\ntaxonomy: clothing\nmodels: {m: {bring: a tagger of type}}\nsteps:\n  - {task: type, model: m}\n"
    "  - {rule: implied}\n"
)
app = typer.Typer()
command.register(app)


def call(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in ("flow", *words)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def fails(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in ("flow", *words)])
    assert isinstance(result.exception, ModisteError)
    return str(result.exception)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flow file, a photo, and a loader that gives a made-up model for any weight file."""
    (tmp_path / "made.yaml").write_text(FLOW)
    (tmp_path / "weight.onnx").write_bytes(b"made up")
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(tmp_path / "photo.png")
    model = MadeUp([{"type": {"dress": 0.9, "shirt": 0.1}}])
    monkeypatch.setattr("train.flow_models._load", lambda path: model)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_names_the_flows_that_ship() -> None:
    assert call("list").startswith("clothing: ")
    assert {row["name"] for row in json.loads(call("list", "--json"))} == {"clothing", "footwear"}


def test_check_of_the_footwear_flow_says_which_models_are_missing() -> None:
    told = call("check", "footwear")
    assert "missing: model shoes: not here: the flow needs a tagger of style" in told
    assert "footwear: 19 nodes, 0 errors, 0 warnings, 0 of 2 models here" in told


def test_check_tells_every_error_with_its_line_and_exits_1(made: Path) -> None:
    (made / "bad.yaml").write_text(FLOW.replace("task: type", "task: size"))
    assert "error: bad.yaml, line 5, task size: there is no field 'size'" in call("check", "bad.yaml", code=1)


def test_show_prints_a_tree_mermaid_and_a_whole_svg(tmp_path: Path) -> None:
    assert "task heel (by shoes)" in call("show", "footwear")
    assert '-->|"elegant"|' in call("show", "footwear", "--mermaid")
    call("show", "footwear", "--svg", tmp_path / "flow.svg")
    words = "".join(ElementTree.parse(tmp_path / "flow.svg").getroot().itertext())
    assert "style?" in words
    assert "women" in words


def test_show_refuses_another_suffix() -> None:
    assert "expected a name that ends in .svg" in fails("show", "footwear", "--svg", "flow.gif")


def test_run_answers_each_photo_in_its_place_and_a_broken_one_fails_alone(made: Path) -> None:
    (made / "broken.png").write_bytes(b"no picture")
    words = ("run", "made.yaml", "broken.png", "photo.png", "--model", "m=weight.onnx", "--json")
    told = json.loads(call(*words, code=1))
    assert "no known image format" in told["results"][0]["error"]
    assert told["results"][1]["tags"]["type"]["label"] == "dress"
    assert told["results"][1]["tags"]["category"]["label"] == "dresses"
    assert told["models"] == [{"name": "m", "fingerprint": "ab" * 32}]


def test_run_says_the_way_a_photo_went(made: Path) -> None:
    told = call("run", "made.yaml", "photo.png", "--model", "m=weight.onnx")
    assert told.splitlines()[0] == "photo.png: type dress 0.90, category dresses 0.90"
    assert "task type (0.90, floor 0.00) > rule implied (category dresses)" in told


def test_run_without_its_model_names_it_and_the_cure(made: Path) -> None:
    told = fails("run", "made.yaml", "photo.png")
    assert "model m: not here: the flow needs a tagger of type. Give one: --model NAME=FILE or RUN" in told


def test_a_changed_weight_is_refused_before_anything_runs(made: Path) -> None:
    pinned = "{weights: weight.onnx, fingerprint: 0123456789ab}"
    (made / "pinned.yaml").write_text(FLOW.replace("{bring: a tagger of type}", pinned))
    told = fails("run", "pinned.yaml", "photo.png")
    assert "pinned.yaml, line 3, model m: its weights were changed: abababababab, pinned 0123456789ab" in told


def test_a_weight_file_that_is_gone_and_an_unknown_model_are_told(made: Path) -> None:
    gone = "{weights: gone.onnx, fingerprint: 0123456789ab}"
    (made / "gone.yaml").write_text(FLOW.replace("{bring: a tagger of type}", gone))
    assert "there is no such weight file" in fails("run", "gone.yaml", "photo.png")
    assert "made has no model 'x'" in fails("run", "made.yaml", "photo.png", "--model", "x=weight.onnx")


def test_a_circle_of_flows_is_refused(made: Path) -> None:
    (made / "a.yaml").write_text("name: a\ntaxonomy: clothing\nsteps: {flow: b}\n")
    (made / "b.yaml").write_text("name: b\ntaxonomy: clothing\nsteps: {flow: a}\n")
    assert "the flows go in a circle: a -> b -> a" in fails("check", "a.yaml")


class OneBox:
    """A segmenter that finds a red garment in rows 10 to 20."""

    calls = 0

    def mask(self, rgb: np.ndarray) -> np.ndarray:
        self.calls += 1
        composite = np.zeros_like(rgb)
        composite[..., 0] = 255
        composite[10:20, 4:12] = (0, 0, 255)
        return composite


def test_eyes_segment_a_photo_once_for_box_and_colour() -> None:
    rgb = np.full((40, 30, 3), 250, np.uint8)
    rgb[10:20, 4:12] = (200, 20, 20)
    eyes = Eyes(OneBox())  # type: ignore[arg-type]
    assert eyes.finders["garment"](rgb) == (4, 10, 12, 20)
    answer = eyes.rules["colour"](rgb, {})
    assert answer is not None
    assert answer.said == ("red",)
    assert eyes.segmenter.calls == 1  # type: ignore[attr-defined]


def test_a_speck_is_no_garment() -> None:
    mask = np.zeros((100, 100), bool)
    mask[5, 5] = True
    assert box_of(mask) is None
