from __future__ import annotations

import numpy as np
import pytest

from labeling import people
from labeling.person_net import Person

SHAPE = (60, 90)


def body(left: int, right: int) -> np.ndarray:
    chance = np.zeros(SHAPE, np.float32)
    chance[10:50, left:right] = 0.9
    return chance


def seen(*bodies: np.ndarray) -> list[Person]:
    return [Person(each, np.zeros((33, 2)), np.zeros(33)) for each in bodies]


def mapped(monkeypatch: pytest.MonkeyPatch, person: np.ndarray, found: list[Person]) -> np.ndarray:
    monkeypatch.setattr(people, "can_see_bodies", lambda: True)
    monkeypatch.setattr(people, "pose", lambda rgb: found)
    return people.told_apart(np.zeros((*SHAPE, 3), np.uint8), person)


def test_two_who_touch_are_told_apart_by_their_own_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    together = np.maximum(body(20, 45), body(45, 70))
    whose = mapped(monkeypatch, together, seen(body(45, 70), body(20, 45)))
    assert [int(whose[30, column]) for column in (22, 43, 47, 68)] == [1, 1, 2, 2]


def test_where_the_network_finds_no_more_people_background_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = np.maximum(body(5, 25), body(50, 80))
    whose = mapped(monkeypatch, apart, seen(body(50, 80)))
    assert (int(whose[30, 10]), int(whose[30, 60]), int(whose.max())) == (1, 2, 2)


def test_one_body_that_was_found_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    again = body(18, 72) * np.where(np.arange(SHAPE[1]) % 2, 1.05, 0.95).astype(np.float32)
    assert mapped(monkeypatch, body(20, 70), seen(body(20, 70), again)).max() == 1


def test_a_speck_of_a_second_person_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = np.zeros(SHAPE, np.float32)
    hand[12:14, 20:22] = 1.0
    assert mapped(monkeypatch, body(20, 70), seen(body(20, 70), hand)).max() == 1


def test_without_the_networks_those_who_touch_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "can_see_bodies", lambda: False)
    assert people.told_apart(np.zeros((*SHAPE, 3), np.uint8), body(20, 70)).max() == 1


def test_nobody_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mapped(monkeypatch, np.zeros(SHAPE, np.float32), seen(body(0, 20))).max() == 0
