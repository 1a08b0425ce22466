from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.errors import SettingsError
from dataset.label_space import known_spaces, load_space, written_out


def png(index: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(index.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_the_spaces_that_ship_have_their_published_class_counts() -> None:
    assert known_spaces() == ["ccp-59", "street-3", "street-9"]
    assert {name: len(load_space(name).classes) for name in known_spaces()} == {
        "ccp-59": 59,
        "street-3": 3,
        "street-9": 9,
    }


def test_words_fold_into_their_classes_whatever_number_a_file_gave_them() -> None:
    space = load_space("street-9")
    found = space.truth(png(np.array([[0, 1, 2, 3]] * 2)), {1: "Blazer", 2: "jeans ", 3: "wallet"})
    assert [space.classes[k] for k in found[0]] == ["background", "upper", "lower", "accessories"]


def test_street_9_names_every_word_of_the_59() -> None:
    named = load_space("street-9").words
    assert set(load_space("ccp-59").words) == set(named)


def test_the_same_words_are_garments_in_both_street_spaces() -> None:
    nine, all_of_them = load_space("street-9"), load_space("ccp-59")
    of = {word: nine.roles[k] for word, k in nine.words.items()}
    assert of == {word: all_of_them.roles[k] for word, k in all_of_them.words.items()}


def test_a_word_that_no_class_names_is_not_counted_unless_the_space_says_where_it_goes(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text("classes: {background: [], dress: [dress, gown]}\ngarments: [dress]\n")
    space = load_space(str(tmp_path / "two.yaml"))
    assert space.truth(png(np.array([[1, 2]] * 2)), {1: "gown", 2: "anorak"}).tolist() == [[1, 255]] * 2
    assert load_space("street-9").fold({7: "anorak"})[7] == 8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("classes: {background: [], a: [x], b: [X]}", "'X' is in two classes"),
        ("classes: {background: [], a: [x]}\ngarments: [coat]", "names no class: coat"),
        ("classes: {background: []}", "classes"),
        ("klasses: {}", "did you mean 'classes'"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        load_space(str(tmp_path / "bad.yaml"))


def test_an_unknown_space_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="street-9"):
        load_space("street-12")


def test_a_space_written_out_keeps_its_order_through_sorted_json(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("classes: {nothing: [], z: [zip], a: [arm]}\ngarments: [z]\n")
    kept = json.loads(json.dumps(written_out(str(tmp_path / "own.yaml")), sort_keys=True))
    assert load_space(kept) == load_space(str(tmp_path / "own.yaml"))
    assert load_space(kept).classes == ("nothing", "z", "a")
