"""Manners in time: one clock per host, shared by pages and images, so that both together keep the host's pace.

In: 'may I ask this host now?'. Out: the turn, after the host's delay, its Crawl-delay and any `Retry-After` it sent.
A host that asks for more patience than `MAX_WAIT_S` isn't asked again in this run: `ComeBackLater`.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from dataclasses import dataclass, field

MAX_WAIT_S = 120.0


class ComeBackLater(Exception):
    """The host wants to be left alone for `seconds`."""

    def __init__(self, host: str, seconds: float) -> None:
        self.host, self.seconds = host, seconds
        super().__init__(f"{host} asks to come back in {seconds:.0f} s")


@dataclass
class _Clock:
    delay_s: float
    next_at: float = 0.0


@dataclass
class HostPace:
    """Times are monotonic seconds. `default_delay_s` holds for hosts without a delay of their own."""

    default_delay_s: float = 0.0
    _clocks: dict[str, _Clock] = field(default_factory=dict)

    def set_delay(self, host: str, seconds: float) -> None:
        self._clock(host).delay_s = seconds

    def delay(self, host: str) -> float:
        return self._clock(host).delay_s

    def pause(self, host: str, seconds: float) -> None:
        """Nobody asks `host` before `seconds` from now."""
        clock = self._clock(host)
        clock.next_at = max(clock.next_at, time.monotonic() + seconds)

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
        return self._clocks.setdefault(host, _Clock(self.default_delay_s))


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or an HTTP date; None where it says nothing."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value.strip())
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
