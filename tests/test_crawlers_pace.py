"""One clock per host: delays that adapt, pauses that grow, `Retry-After`."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest

from crawlers.pace import MAX_WAIT_S, ComeBackLater, HostPace, retry_after_s

HOST = "shop.example:443"


def test_slow_answers_lengthen_the_delay_by_autothrottles_formula_and_fast_ones_shorten_it_again() -> None:
    pace = HostPace(0.25, target=4.0)
    delays = []
    for latency_s in (4.0, 4.0, 0.4, 0.4, 0.0, 0.0, 0.0):
        pace.answered(HOST, latency_s, 200)
        delays.append(round(pace._clock(HOST).delay_s, 3))
    assert delays == [1.0, 1.0, 0.55, 0.325, 0.25, 0.25, 0.25]


def test_an_error_may_lengthen_the_delay_but_not_shorten_it() -> None:
    pace = HostPace(0.25)
    pace.answered(HOST, 4.0, 200)
    pace.answered(HOST, 0.01, 404)
    assert pace._clock(HOST).delay_s == 1.0
    pace.answered(HOST, 8.0, 500)
    assert pace._clock(HOST).delay_s == 2.0


def test_the_delay_that_was_asked_for_is_the_least_and_a_minute_the_most() -> None:
    pace = HostPace(0.25)
    pace.set_delay(HOST, 3.0)
    pace.answered(HOST, 0.1, 200)
    assert (pace.delay(HOST), pace._clock(HOST).delay_s) == (3.0, 3.0)
    pace.answered(HOST, 4_000.0, 200)
    assert pace._clock(HOST).delay_s == 60.0


def test_our_own_host_is_never_slowed_down() -> None:
    pace = HostPace(0.25)
    pace.set_delay(HOST, 0.0)
    pace.answered(HOST, 9.0, 200)
    asyncio.run(pace.turn(HOST))
    assert pace.wait_s(HOST) == 0.0


def test_refusals_in_a_row_double_the_pause_and_a_burst_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace, waits = HostPace(0.0), []
    for _ in range(4):
        for status in (503, 429, 503):  # eight workers hear it at the same time
            pace.answered(HOST, 0.1, status)
        waits.append(pace.wait_s(HOST))
        now += pace.wait_s(HOST)
    assert waits == [1.0, 2.0, 4.0, 8.0]
    pace.answered(HOST, 0.1, 200)
    pace.answered(HOST, 0.1, 503)
    assert pace.wait_s(HOST) == 1.0


def test_a_host_that_refuses_without_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace = HostPace(0.0)
    while pace.wait_s(HOST) <= MAX_WAIT_S:
        now += pace.wait_s(HOST)
        pace.answered(HOST, 0.1, 503)
    with pytest.raises(ComeBackLater, match="come back in 128 s"):
        asyncio.run(pace.turn(HOST))
    assert now == 127.0


def test_retry_after_stands_over_the_growing_pause() -> None:
    pace = HostPace(0.0)
    pace.answered(HOST, 0.1, 503, "40")
    pace.answered(HOST, 0.1, 503, formatdate(time.time() + 20, usegmt=True))
    assert 39.0 < pace.wait_s(HOST) <= 40.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), (" 7 ", 7.0), ("soon", None), ("", None), ("-5", None), ("1.5", None), ("²", None),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("Thu, 01 Jan 1970 00:00:00 -0000", 0.0), ("Thu, 99 Foo", None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_nonsense_says_nothing(value: str, expected: float | None) -> None:
    assert retry_after_s(value) == expected


def test_an_endless_number_of_seconds_is_more_patience_than_we_have() -> None:
    pace = HostPace(0.0)
    pace.answered(HOST, 0.1, 429, "9" * 400)
    with pytest.raises(ComeBackLater, match="come back in inf s"):
        asyncio.run(pace.turn(HOST))
