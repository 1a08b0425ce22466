"""`modiste suggest` over drawn outfits: black heels with red dresses, red boots with blue coats."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dataset.check import check
from dataset.errors import EmptyError, ImageError, UsageError
from dataset.workspace import Workspace
from modiste.cli import suggest as command
from modiste.suggest import suggest
from train.closer import Seen

NAMES = {"1": "dress", "2": "heels", "3": "coat", "4": "skin", "5": "boots"}
RED, BLUE, BLACK = (190, 30, 40), (40, 60, 170), (20, 20, 22)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
    """(160, 120, 3) photo and (160, 120) label map: someone in a dress with heels, or in a coat with boots."""
    rng = np.random.default_rng(number)
    rgb = np.clip(rng.normal(205, 4, (160, 120, 3)), 0, 255).astype(np.uint8)
    labels = np.zeros((160, 120), np.uint8)
    dress = number % 2 == 0
    for value, where, colour in (
        (4, np.s_[10:30, 50:70], (210, 170, 140)), (1 if dress else 3, np.s_[30:130, 35:85], RED if dress else BLUE),
        (2 if dress else 5, np.s_[132:156, 45:75], BLACK if dress else RED),
    ):  # fmt: skip
        labels[where] = value
        rgb[where] = np.clip(np.array(colour) + rng.integers(-6, 7, (*rgb[where].shape[:2], 1)), 0, 255)
    return rgb, labels


class Small:
    """An encoder without a network: the picture itself, 8 x 8 px."""

    def vectors(self, squares: list[np.ndarray]) -> np.ndarray:
        few = np.stack([each[::20, ::20].astype(np.float32).ravel() - 124 for each in squares])
        return few / np.linalg.norm(few, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "slow" not in request.keywords:
        monkeypatch.setattr("train.suggest_closet.closet_encoder", Small)


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.init(tmp_path_factory.mktemp("outfits") / "w")
    for number in range(12):
        rgb, labels = drawn(number)
        name, words = made.blobs.put(png(rgb)), made.blobs.put(png(labels))
        roles = [labels == 0, labels == 4, (labels > 0) & (labels != 4)]
        composite = made.blobs.put(png(np.dstack([np.where(role, 255, 0) for role in roles]).astype(np.uint8)))
        made.tables.append("fetches", [{"crawl_id": "1", "store": "s", "url": name, "status": "ok", "sha256": name}])
        made.tables.append("groups", [{"sha256": name, "store": "s", "group_id": name, "cluster_id": name}])
        made.tables.append("masks", [
            {"sha256": name, "kind": kind, "source": "import:drawn", "status": "ok", "mask_sha256": sha256,
             "method": json.dumps({"names": NAMES})}
            for kind, sha256 in (("composite", composite), ("labels", words))
        ])  # fmt: skip
    check(made)
    return made


def photo_of(ws: Workspace, number: int) -> str:
    return ws.blobs.put(png(drawn(number)[0]))


def test_a_dress_of_the_workspace_is_given_black_heels_and_people_in_dresses(ws: Workspace) -> None:
    found = suggest(ws, photo_of(ws, 0), each=3, poses=4)
    assert (found.word, found.colour) == ("dress", "red")
    assert [each.said() for each in found.accessories] == ["black heels"] * 3
    assert [each.word for each in found.poses] == ["dress"] * 4
    assert photo_of(ws, 0) not in {each.sha256 for each in (*found.accessories, *found.poses)}


def test_the_box_holds_the_piece(ws: Workspace) -> None:
    found = suggest(ws, photo_of(ws, 1), each=1, poses=1)
    assert found.accessories[0].said() == "red boots"
    assert found.accessories[0].box == (132, 45, 156, 75)
    assert "100% of outfits like it have shoes" in found.accessories[0].why


def test_the_closet_is_worked_out_once(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = suggest(ws, photo_of(ws, 0))
    monkeypatch.setattr("train.suggest_closet.make_closet", None)
    assert suggest(ws, photo_of(ws, 0)) == first
    assert len(list((Path(ws.root) / "suggest").glob("*.npz"))) == 1


def test_a_sheet_shows_garment_accessories_and_poses(ws: Workspace, tmp_path: Path) -> None:
    found = suggest(ws, photo_of(ws, 0), each=2, poses=3, sheet=tmp_path / "ideas.png")
    assert found.sheet.endswith("ideas.png")
    assert Image.open(tmp_path / "ideas.png").width > 600


def test_a_file_from_outside_is_looked_at_and_its_kind_may_be_told(ws: Workspace, tmp_path: Path) -> None:
    from labeling_drawn import encoded
    from labeling_drawn import photo as drawn_person

    (tmp_path / "worn.jpg").write_bytes(encoded(drawn_person(), "JPEG", quality=95))
    found = suggest(ws, str(tmp_path / "worn.jpg"), kind="dress", each=1, poses=1)
    assert (found.word, found.outfits) == ("dress", 12)
    assert found.accessories[0].family == "shoes"


def test_a_picture_without_a_garment_is_told_so(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((80, 80), np.float32)
    monkeypatch.setattr("train.closer.look", lambda segmenter, rgb: Seen(nothing, nothing))
    (tmp_path / "wall.png").write_bytes(png(np.full((80, 80, 3), 240, np.uint8)))
    with pytest.raises(ImageError) as caught:
        suggest(ws, str(tmp_path / "wall.png"))
    assert caught.value.code == "no_garment"


def test_a_workspace_without_labelled_pieces_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmptyError, match="modiste import"):
        suggest(Workspace.init(tmp_path / "w"), "a" * 64)


@pytest.mark.parametrize("more", [{"kind": "sofa"}, {"families": ["sofa"]}])
def test_a_kind_nobody_knows_names_those_there_are(ws: Workspace, more: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"bag|coat"):
        suggest(ws, photo_of(ws, 0), **more)  # type: ignore[arg-type]


def test_the_command_prints_json_for_scripts(ws: Workspace) -> None:
    import typer

    app = typer.Typer()
    command.register(app)
    words = [photo_of(ws, 0), "-w", str(ws.root), "--kind", "shoes", "-k", "2", "--poses", "1", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [each["word"] for each in found["accessories"]] == ["heels", "heels"]
    assert len(found["poses"]) == 1


@pytest.mark.slow
def test_the_encoder_that_comes_in_a_package_says_the_same(ws: Workspace) -> None:
    for kept in (Path(ws.root) / "suggest").glob("*.npz"):
        kept.unlink()
    found = suggest(ws, photo_of(ws, 0), each=1, poses=1)
    assert [each.said() for each in (*found.accessories, *found.poses)] == ["black heels", "red dress"]
