from __future__ import annotations

import numpy as np
import pytest

from dataset.outfits import ACCESSORIES, FAMILY, GARMENTS, Outfit, Piece, outfit_of
from train.suggest import WAYS, Asked, Closet, colour_of

RED, BLUE, BLACK = (45.0, 60.0, 40.0), (35.0, 10.0, -50.0), (10.0, 0.0, 0.0)
BOX = (0, 0, 200, 100)


def piece(photo: str, word: str, lab: tuple[float, float, float], share: float = 0.1) -> Piece:
    return Piece(photo, word, 1, BOX, share, lab)


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def closet(count: int = 20, known: list[bool] | None = None) -> Closet:
    """Red dresses come with black bags and heels, blue coats with red boots; everyone has a black belt."""
    outfits, vectors = [], []
    for k in range(count):
        name, dress = f"{k:064x}", k % 2 == 0
        worn = [("dress", RED), ("bag", BLACK), ("heels", BLACK)] if dress else [("coat", BLUE), ("boots", RED)]
        pieces = tuple(piece(name, word, lab) for word, lab in [*worn, ("belt", BLACK)])
        outfits.append(Outfit(name, "train", name, (400, 200), pieces))
        side = 1.0 if dress else -1.0
        vectors += [unit(side, 0.02 * k + j, 0.3) if each.is_garment else unit(side, 3 * j, -0.4)
                    for j, each in enumerate(pieces)]  # fmt: skip
    return Closet(outfits, np.array(vectors, np.float32), known)


def place(of: Closet, word: str) -> int:
    return next(k for k, each in enumerate(of.pieces) if each.word == word)


@pytest.fixture
def dressed() -> tuple[Closet, Asked]:
    found = closet()
    return found, Asked("dress", RED, found.vectors[place(found, "dress")])


@pytest.mark.parametrize("way", ["counted", "seen", "both"])
def test_what_is_worn_with_it_comes_before_what_is_worn_with_others(dressed: tuple[Closet, Asked], way: str) -> None:
    found, asked = dressed
    heels, boots = found.scores(asked, [place(found, "heels"), place(found, "boots")], way)
    assert heels > boots


def test_what_everyone_wears_is_popular_but_says_nothing(dressed: tuple[Closet, Asked]) -> None:
    found, asked = dressed
    belt, heels = place(found, "belt"), place(found, "heels")
    popular = found.scores(asked, [belt, heels], "popular")
    counted = found.scores(asked, [belt, heels], "counted")
    assert popular[0] > popular[1]
    assert counted[0] < counted[1]
    assert found.together(asked, found.pieces[belt])[1] == pytest.approx(1, abs=0.1)
    assert found.together(asked, found.pieces[heels]) == (10, pytest.approx(1.65, abs=0.1))


def test_a_word_that_nobody_wears_here_is_taken_for_its_family(dressed: tuple[Closet, Asked]) -> None:
    found, asked = dressed
    jumpsuit = Asked("jumpsuit", RED, asked.vector)
    assert found.together(jumpsuit, found.pieces[place(found, "heels")])[0] == 10


def test_without_a_word_the_colour_still_speaks(dressed: tuple[Closet, Asked]) -> None:
    found, asked = dressed
    nameless = Asked("", RED, asked.vector)
    assert np.isfinite(found.scores(nameless, [0, 1], "both")).all()
    assert [found.pieces[k].word for k, _ in found.like(nameless, 3)] == ["dress"] * 3


def test_outfits_that_are_not_known_teach_nothing() -> None:
    blind = closet(known=[False] * 20)
    asked = Asked("dress", RED, blind.vectors[0])
    scores = blind.scores(asked, [place(blind, "heels"), place(blind, "boots")], "counted")
    assert scores == pytest.approx([0, 0])
    assert blind.poses(asked, 2.0, 3) == []


def test_families_are_told_by_how_many_like_outfits_have_them(dressed: tuple[Closet, Asked]) -> None:
    found, asked = dressed
    shares = dict(found.families(asked, among=10))
    assert shares["belt"] == shares["bag"] == shares["shoes"] == 1.0
    assert "hat" not in shares


def test_a_pose_is_a_photo_of_its_kind_and_each_photo_comes_once(dressed: tuple[Closet, Asked]) -> None:
    found, asked = dressed
    poses = found.poses(asked, 2.0, 5)
    assert [found.pieces[k].word for k, _ in poses] == ["dress"] * 5
    assert len({found.pieces[k].sha256 for k, _ in poses}) == 5


def test_a_garment_of_its_proportions_suits_better() -> None:
    tall, wide = (
        Outfit(name, "train", name, (400, 200), (Piece(name, "dress", 1, box, 0.1, RED),))
        for name, box in (("a" * 64, (0, 0, 200, 100)), ("b" * 64, (0, 0, 80, 180)))
    )
    both = Closet([tall, wide], np.array([unit(1, 0), unit(1, 0)]))
    assert both.poses(Asked("dress", RED, unit(1, 0)), 2.0, 1)[0][0] == 0
    assert both.poses(Asked("dress", RED, unit(1, 0)), 0.5, 1)[0][0] == 1


@pytest.mark.parametrize(
    ("lab", "name"), [((10, 0, 0), "black"), ((95, 1, 2), "white"), ((50, 3, 3), "grey"), ((45, 60, 40), "hue 0")]
)
def test_colours_fall_into_eleven(lab: tuple[float, float, float], name: str) -> None:
    assert colour_of(lab) == name


def test_pieces_are_read_from_a_label_map_crumbs_and_strange_words_left_out() -> None:
    rgb = np.full((100, 80, 3), 255, np.uint8)
    labels = np.zeros((100, 80), np.uint8)
    labels[20:60, 20:60], rgb[20:60, 20:60] = 1, (200, 0, 0)
    labels[70:76, 30:40], labels[0, 0], labels[80:90, :20] = 2, 3, 4
    row = {"sha256": "a" * 64, "split": "train", "group_id": ""}
    found = outfit_of(row, rgb, labels, {1: "dress", 2: "bag", 3: "ring", 4: "hair"})
    assert [each.word for each in found.pieces] == ["bag", "dress"]
    assert found.garment is not None
    assert (found.garment.box, found.garment.share) == ((20, 20, 60, 60), 0.2)
    assert found.garment.lab[1] > 50
    assert [each.family for each in found.accessories] == ["bag"]
    assert found.group == "a" * 64


def test_no_word_is_in_two_families() -> None:
    assert len(FAMILY) == sum(len(words) for table in (GARMENTS, ACCESSORIES) for words in table.values())
    assert WAYS[-1] == "both"
