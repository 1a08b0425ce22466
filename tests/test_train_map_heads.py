"""Heads of drawn maps: where they are, how one is laid on another, what a canvas shows of it."""

from __future__ import annotations

import cv2
import numpy as np

from train.generation_canvas import Canvases
from train.generation_data import Classes, Pictures
from train.map_heads import head_of, laid_places, lent_head

NAMES = ("background", "upper", "skin", "hair", "accessories")
CLASSES = Classes(NAMES, (0, 2, 1, 0, 0))


def person(x: int, y: int, size: int, fringe: bool = False, hat: bool = False) -> np.ndarray:
    """(96, 72): a body, a round face of `size` px radius whose upper part is hair, glasses; (x, y) is its middle."""
    index = np.zeros((96, 72), np.uint8)
    index[y + size : 92, x - 12 : x + 12] = 1
    cv2.circle(index, (x, y), size, 2, -1)
    cap = (index == 2) & (np.arange(96)[:, None] < (y if fringe else y - size // 2))
    index[cap] = 4 if hat else 3
    index[y, x - 2 : x + 2] = 4
    return index


def test_a_head_is_all_of_its_classes_and_no_hand() -> None:
    index = person(30, 14, 6)
    index[80:86, 10:16] = 2  # a hand, larger than LEAST_PX
    head = head_of(index, NAMES)
    assert head is not None
    assert [bool(head.where[place]) for place in ((14, 30), (9, 30), (82, 12))] == [True, True, False]
    assert abs(head.x - 30) < 1
    assert abs(head.y - 14) < 1.5


def test_a_map_without_a_person_or_a_head_has_none() -> None:
    assert head_of(np.zeros((96, 72), np.uint8), NAMES) is None
    assert head_of(np.where(person(30, 14, 6) == 1, 1, 0).astype(np.uint8), NAMES) is None


def test_a_head_is_moved_and_grown_but_not_bent() -> None:
    asked, given = head_of(person(40, 20, 8), NAMES), head_of(person(30, 14, 6), NAMES)
    assert asked is not None
    assert given is not None
    places = laid_places(asked, given)
    steps = np.diff(places[..., 0], axis=1)
    assert np.allclose(steps, steps[0, 0], atol=1e-4)
    assert 0.7 < steps[0, 0] < 0.8
    assert np.allclose(places[round(asked.y), round(asked.x)], (given.x, given.y), atol=1)


def test_a_hat_is_lent_where_a_hat_is_asked() -> None:
    maps = np.stack([person(30, 14, 6), person(30, 14, 6, fringe=True, hat=True)])
    fit = np.array([0.9, 0.5])
    bare, hat = (lent_head(person(34, 16, 6, fringe=True, hat=each), maps, fit, NAMES) for each in (False, True))
    assert bare is not None
    assert hat is not None
    assert (bare.place, hat.place) == (0, 1)


def test_a_canvas_shows_the_whole_face_where_another_fringe_was_asked() -> None:
    maps = np.stack([person(30, 14, 6), person(36, 16, 6)])
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None] * 2, (96, 72, 3))
    photos = np.stack([np.ascontiguousarray(ramp)] * 2)
    learned = Pictures(photos, maps, ())
    asked = person(32, 15, 6, fringe=True)
    bent, whole = (Canvases(learned, CLASSES, False, each)(asked) for each in (False, True))
    face = head_of(asked, NAMES)
    assert face is not None
    assert whole.trusted[face.where].mean() > 0.95 > bent.trusted[face.where].mean()
    column = whole.rgb[10:20, 32, 0].astype(int)
    assert (np.diff(column) >= 0).all()
    assert set(whole.donors) <= {0, 1}
