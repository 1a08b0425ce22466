"""The scores of a queue, on numbers small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dataset.errors import DataError
from labeling import queue_scores as scores
from labeling.queue_heads import committee, directions
from labeling.queue_pick import Mix, leading, pick, pick_typical, worth


def unit(*angles: float) -> np.ndarray:
    """(N, 2) unit vectors at those degrees."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float32)


def test_a_tie_is_most_uncertain_and_a_sure_answer_least() -> None:
    p = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.6, 0.3, 0.1]])
    assert scores.margin(p) == pytest.approx([1.0, 0.0, 0.7])
    assert scores.entropy(np.full((1, 3), 1 / 3)) == pytest.approx([1.0])


@pytest.mark.parametrize("row", [[0.5, 0.4], [0.9, 0.2], [1.2, -0.2], [np.nan, 1.0]])
def test_a_row_that_is_no_distribution_is_named(row: list[float]) -> None:
    with pytest.raises(DataError, match=r"row 1 "):
        scores.check_probabilities(np.array([[0.5, 0.5], row]))


def test_rounding_is_forgiven_and_mended() -> None:
    found = scores.check_probabilities(np.array([[0.3334, 0.3333, 0.3334]]))
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_members_that_swear_to_different_values_disagree_wholly() -> None:
    votes = np.array([[[1.0, 0.0], [0.7, 0.3]], [[0.0, 1.0], [0.7, 0.3]]])
    assert scores.disagreement(votes) == pytest.approx([1.0, 0.0], abs=1e-6)
    alone = np.array([[True, True], [False, True]])
    assert scores.disagreement(votes, alone)[0] == 0


def test_a_model_contradicts_a_label_unless_the_value_is_its_kind() -> None:
    p, given = np.array([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]), np.array([0, 1, -1])
    assert scores.doubt(p, given, np.array([0.5, 1.0, 1.0])) == pytest.approx([0.45, 0.1, 0.0])
    assert scores.doubt(p, given, np.ones(3), np.ones((2, 2), bool)) == pytest.approx([0, 0, 0])


def test_two_sources_alike_in_confidence_split_the_vote_wholly() -> None:
    assert scores.split_vote([0.9, 0.9]) == pytest.approx(1.0)
    assert scores.split_vote([0.9]) == scores.split_vote([]) == 0
    assert 0 < scores.split_vote([0.9, 0.1]) < 0.5


def test_what_is_seldom_labelled_is_rare() -> None:
    assert scores.rarity(np.eye(2), np.array([99, 9])) == pytest.approx([0.1, 1.0])


def test_the_middle_of_a_crowd_is_typical_and_a_loner_is_not() -> None:
    found = scores.typicality(unit(0, 1, 2, 3, 4, 120), neighbours=3)
    assert found[5] == 0
    assert found.argmax() == 2


def test_copies_of_a_labelled_or_queued_image_are_never_queued() -> None:
    vectors = unit(0, 1, 60, 61, 120)
    picks = pick(np.ones(5), 5, free=np.array([False, *[True] * 4]), rng=np.random.default_rng(0), vectors=vectors,
                 known=np.array([0]))  # fmt: skip
    places = {each.place for each in picks}
    assert len(places) == 2
    assert 4 in places
    assert 1 not in places
    marked = pick(np.ones(3), 3, free=np.ones(3, bool), rng=None, copies=np.array(["a", "a", "b"]))
    assert [each.place for each in marked] == [0, 2]


def test_diversity_takes_the_farthest_where_worth_is_equal() -> None:
    picks = pick(np.ones(4), 2, free=np.array([False, True, True, True]), rng=None, vectors=unit(0, 30, 90, 170),
                 known=np.array([0]))  # fmt: skip
    assert [each.place for each in picks] == [3, 2]
    assert picks[0].distance == 1


def test_the_same_seed_draws_the_same_queue() -> None:
    vectors, value = np.random.default_rng(5).normal(size=(200, 16)), np.linspace(0.1, 1, 200)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    drawn = [
        [each.place for each in pick(value, 20, free=np.ones(200, bool), rng=np.random.default_rng(s), vectors=vectors)]
        for s in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert value[drawn[0]].mean() > value.mean()


def test_a_cold_start_asks_for_one_of_each_crowd() -> None:
    crowds = np.concatenate([unit(*np.arange(n) * 3 + at) for n, at in ((9, 0), (7, 110), (5, 220))])
    picks = pick_typical(crowds, 3, free=np.ones(21, bool))
    assert sorted(int(np.searchsorted([9, 16], each.place, side="right")) for each in picks) == [0, 1, 2]
    covered = pick_typical(crowds, 2, free=np.ones(21, bool), known=np.array([4]))
    assert all(each.place >= 9 for each in covered)


def test_worth_is_a_weighted_mean_and_the_reason_is_what_stands_out() -> None:
    found = {"uncertainty": np.array([1.0, 0.1, 0.2]), "rarity": np.array([0.0, 1.0, 0.0])}
    mix = Mix(uncertainty=1, rarity=1, disagreement=0, diversity=0)
    assert worth(found, mix) == pytest.approx([0.5, 0.55, 0.1])
    picks = pick(worth(found, mix), 2, free=np.ones(3, bool), rng=None, diversity=0)
    assert leading(found, mix, picks, np.ones(3, bool), spread=False) == ["rarity", "uncertainty"]


def test_a_committee_learns_two_crowds_and_never_judges_what_it_learned_from() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    x = directions((rng.normal(size=(200, 20)) + 3 * y[:, None]).astype(np.float32), 5)
    assert x.shape == (200, 5)
    known = np.concatenate([np.arange(20), np.arange(100, 120)])
    groups = np.arange(200) // 2
    opinion = committee(x, known, y[known], 2, groups=groups)
    assert (opinion.mean.argmax(1) == y).mean() > 0.98
    assert opinion.mean.sum(1) == pytest.approx(np.ones(200))
    assert (opinion.fair[:, 0::2] == opinion.fair[:, 1::2]).all()
    assert opinion.fair[:, 40:100].all()
