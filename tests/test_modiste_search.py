"""`modiste search` and `match` as a person types them: files, sha256s, filters, sheets, and what is wrong with them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_train_data import drawn_workspace, png, scene
from typer import Typer
from typer.testing import CliRunner

import train.embeddings
from dataset.errors import EmptyError, ImageError, ModisteError, UsageError
from dataset.workspace import Workspace
from modiste.cli import search as commands
from modiste.search import Searcher, search
from train.embeddings import Encoder, embed, load_encoder, painted_out


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    import torch

    def small(*_: object, **__: object) -> Encoder:
        torch.manual_seed(0)
        return load_encoder("test_convnext", "none", side=32, device="cpu")

    ws = drawn_workspace(tmp_path / "w", {"train": 5, "test": 2})
    embed(ws, small())
    monkeypatch.setattr(train.embeddings, "encoder_named", small)
    return ws


def ask(*words: str) -> tuple[int, str, BaseException | None]:
    app = Typer()
    commands.register(app)
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output, result.exception


def test_a_file_finds_itself_first_and_a_sheet_is_written(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "q.png").write_bytes(png(scene(3)[0]))
    sheet = tmp_path / "hits.png"
    code, told, _ = ask(
        "search", str(tmp_path / "q.png"), "-w", str(ws.root), "-k", "3", "--sheet", str(sheet), "--json"
    )
    found = json.loads(told)
    assert (code, len(found["hits"])) == (0, 3)
    assert (found["hits"][0]["product_id"], found["hits"][0]["similarity"]) == ("3", pytest.approx(1.0, abs=1e-4))
    assert Image.open(io.BytesIO(sheet.read_bytes())).size[0] >= 640


def test_an_image_of_the_workspace_leaves_its_own_product_out(ws: Workspace) -> None:
    index = Searcher(ws).index
    place = index.rows.column("product_id").index("2")
    sha = index.rows.column("sha256")[place]
    assert "2" not in {hit.product_id for hit in search(ws, sha, k=9).hits}
    assert len(search(ws, sha, k=9).hits) == 6


def test_filters_reach_the_index_and_an_empty_result_says_how_many_there_are(ws: Workspace) -> None:
    sha = ws.tables.read("images", ["sha256"])["sha256"].to_pylist()[0]
    assert ask("search", sha, "-w", str(ws.root), "--tag", "colour=red")[0] == 0
    error = ask("search", sha, "-w", str(ws.root), "--store", "nowhere")[2]
    assert isinstance(error, EmptyError)
    assert "7 products" in str(error)


@pytest.mark.parametrize(
    "words",
    [
        ["--price", "cheap"],
        ["--price", "9..3"],
        ["--price", ".."],
        ["--tag", "red"],
        ["--where", "1; DROP"],
        ["-k", "0"],
    ],
)
def test_wrong_options_are_told_before_anything_is_searched(ws: Workspace, words: list[str]) -> None:
    sha = ws.tables.read("images", ["sha256"])["sha256"].to_pylist()[0]
    error = ask("search", sha, "-w", str(ws.root), *words)[2]
    assert isinstance(error, UsageError)


def test_what_is_no_picture_is_refused_by_name(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"<html>no</html>")
    cases = {str(tmp_path / "page.jpg"): ImageError, "nowhere.jpg": UsageError, "f" * 64: UsageError}
    for word, kind in cases.items():
        with pytest.raises(kind):
            search(ws, word)
    with pytest.raises(ModisteError, match="private_address"):
        search(ws, "http://127.0.0.1:9/x.jpg")


def test_a_workspace_without_vectors_names_the_command(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "new")
    error = ask("search", "f" * 64, "-w", str(tmp_path / "new"))[2]
    assert "modiste embed" in str(error)


def test_matching_one_shop_alone_is_told(ws: Workspace) -> None:
    error = ask("match", "-w", str(ws.root), "--threshold", "0.9")[2]
    assert isinstance(error, EmptyError)
    assert isinstance(ask("match", "-w", str(ws.root))[2], UsageError)


def test_painting_out_keeps_the_garment_and_spares_photos_without_one() -> None:
    rgb = np.full((10, 8, 3), 200, np.uint8)
    composite = np.zeros((5, 4, 3), np.uint8)
    composite[..., 0] = 255
    assert np.array_equal(painted_out(rgb, composite), rgb)
    composite[1:3, 1:3] = (0, 0, 255)
    out = painted_out(rgb, composite)
    assert (out[2:6, 2:6] == 200).all()
    assert (out[0] == 124).all()
