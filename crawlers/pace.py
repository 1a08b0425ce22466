"""Manners in time: one clock per host, shared by pages and images, so that both together keep the host's pace.

In: 'may I ask this host now?', and how it answered. Out: the turn, after the host's delay, its Crawl-delay and any
`Retry-After` it sent. A host that answers slower is asked less often, by AutoThrottle's formula; one that answers 429
or 503 without saying for how long is left alone for 1, 2, 4, … seconds. A host that asks for more patience than
`MAX_WAIT_S` isn't asked again in this run: `ComeBackLater`.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from dataclasses import dataclass, field
from datetime import UTC

MAX_WAIT_S = 120.0
MAX_DELAY_S = 60.0  # what slow answers alone may lead to, as Scrapy's AUTOTHROTTLE_MAX_DELAY
BACKOFF_S = 1.0


class ComeBackLater(Exception):
    """The host wants to be left alone for `seconds`."""

    def __init__(self, host: str, seconds: float) -> None:
        self.host, self.seconds = host, seconds
        super().__init__(f"{host} asks to come back in {seconds:.0f} s")


@dataclass
class _Clock:
    """`floor_s` is the least pause, `delay_s` the present one, `refusals` those in a row that gave no time."""

    floor_s: float
    delay_s: float
    next_at: float = 0.0
    paused_until: float = 0.0
    refusals: int = 0


@dataclass
class HostPace:
    """Times are monotonic seconds. `default_delay_s` holds for hosts without a delay of their own.

    `target` is how many requests a host should have in work on average while its delay adapts.
    """

    default_delay_s: float = 0.0
    target: float = 4.0
    _clocks: dict[str, _Clock] = field(default_factory=dict)

    def set_delay(self, host: str, seconds: float) -> None:
        """The least pause between two requests. 0 also keeps slow answers from adding one: the host is our own."""
        clock = self._clock(host)
        clock.floor_s = clock.delay_s = seconds

    def delay(self, host: str) -> float:
        """The least pause asked for, in seconds."""
        return self._clock(host).floor_s

    def pause(self, host: str, seconds: float) -> None:
        """Nobody asks `host` before `seconds` from now."""
        clock = self._clock(host)
        clock.paused_until = max(clock.paused_until, time.monotonic() + seconds)
        clock.next_at = max(clock.next_at, clock.paused_until)

    def answered(self, host: str, latency_s: float, status: int, retry_after: str | None = None) -> None:
        """Learn from an answer whose headers came `latency_s` after asking.

        AutoThrottle (Scrapy): target delay = latency / target; the new delay is the mean of the old one and that, never
        below the target delay nor the floor; an answer that isn't 200 may not shorten it, since errors come fast.
        """
        clock = self._clock(host)
        if status in (429, 503):
            self._refused(host, clock, retry_after)
            return
        clock.refusals = 0
        if clock.floor_s <= 0:
            return
        aim = latency_s / self.target
        wanted = min(max(aim, (clock.delay_s + aim) / 2, clock.floor_s), max(MAX_DELAY_S, clock.floor_s))
        if status == 200 or wanted > clock.delay_s:
            clock.delay_s = wanted

    def _refused(self, host: str, clock: _Clock, retry_after: str | None) -> None:
        """What was in work when the pause began says nothing new, so one burst of refusals counts once."""
        asked = retry_after_s(retry_after)
        if asked is not None:
            self.pause(host, asked)
        elif time.monotonic() >= clock.paused_until:
            self.pause(host, BACKOFF_S * 2**clock.refusals)
            clock.refusals += 1

    def wait_s(self, host: str) -> float:
        """Seconds until the host may be asked; 0 is now."""
        return max(0.0, self._clock(host).next_at - time.monotonic())

    async def turn(self, host: str) -> None:
        """Wait for this host's next turn and take it. A pause that comes up while waiting is waited for too."""
        while (wait := self.wait_s(host)) > 0:
            if wait > MAX_WAIT_S:
                raise ComeBackLater(host, wait)
            await asyncio.sleep(wait)
        clock = self._clock(host)
        clock.next_at = time.monotonic() + clock.delay_s

    def _clock(self, host: str) -> _Clock:
        found = self._clocks.get(host)
        if found is None:
            found = self._clocks[host] = _Clock(self.default_delay_s, self.default_delay_s)
        return found


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or an HTTP date; None where it says nothing."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip())
    try:
        until = email.utils.parsedate_to_datetime(value)
        return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
