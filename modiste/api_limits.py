"""How much one client and all of them together may ask: bytes, pixels, images, requests a second, requests at a time.

In: counts and a clock. Out: yes, or a `Problem` with how long to wait. Memory is bounded by what is let in: bytes of
bodies being read, and pixels decoded at a time. Never blocks the event loop.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from modiste.api_problems import Problem

MEGA = 1_000_000


@dataclass(frozen=True)
class Limits:
    """`rate` is requests a second of one key or address, 0 for no bound; `burst` as many at once. `queue` requests are
    worked on or wait. `held_bytes` are bodies, `held_pixels` decoded photos, in memory at a time."""

    image_bytes: int = 20 * MEGA
    body_bytes: int = 64 * MEGA
    pixels: int = 40 * MEGA
    images: int = 16
    job_images: int = 500
    jobs: int = 4
    rate: float = 20.0
    burst: int = 60
    queue: int = 128
    body_s: float = 60.0
    url_s: float = 30.0
    held_bytes: int = 256 * MEGA
    held_pixels: int = 80 * MEGA


@dataclass
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """A token bucket per client, the longest unseen forgotten first."""

    MOST = 10_000

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> None:
        """Raises Problem `too_fast` where the bucket is empty."""
        if self.rate <= 0:
            return
        now = self._clock()
        bucket = self._buckets.pop(client, None) or _Bucket(float(self.burst), now)
        bucket.tokens = min(self.burst, bucket.tokens + self.rate * (now - bucket.at))
        bucket.at = now
        self._buckets[client] = bucket
        if len(self._buckets) > self.MOST:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            raise Problem(
                "too_fast", f"more than {self.rate:g} a second", retry_after_s=(1 - bucket.tokens) / self.rate
            )
        bucket.tokens -= 1


def client_of(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 of an IPv6 one, which one customer has whole."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


@dataclass
class Crowd:
    """Requests being worked on, and the bytes of their bodies."""

    limits: Limits
    requests: int = 0
    held_bytes: int = 0
    stopping: bool = False
    expected_s: Callable[[], float] = field(default=lambda: 1.0)

    def enter(self) -> None:
        if self.stopping:
            raise Problem("stopping", retry_after_s=5)
        if self.requests >= self.limits.queue:
            raise Problem("busy", f"{self.requests} requests are waiting", retry_after_s=self.expected_s())
        self.requests += 1

    def leave(self, body_bytes: int) -> None:
        self.requests -= 1
        self.held_bytes -= body_bytes

    def hold(self, more: int, of_this: int) -> None:
        """`more` bytes of a body came, `of_this` is what the request has sent by now."""
        self.held_bytes += more
        if of_this > self.limits.body_bytes:
            raise Problem("too_large", f"the body has over {self.limits.body_bytes} bytes")
        if self.held_bytes > self.limits.held_bytes:
            raise Problem("busy", "too many bytes are in flight", retry_after_s=self.expected_s())


class Budget:
    """A semaphore that counts pixels: first come, first served. One photo larger than all of it goes alone."""

    def __init__(self, most: int) -> None:
        self.most, self.used = most, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, amount: int) -> AsyncIterator[None]:
        amount = min(amount, self.most)
        if self._waiting or self.used + amount > self.most:
            await self._turn(amount)
        else:
            self.used += amount
        try:
            yield
        finally:
            self.used -= amount
            self._wake()

    async def _turn(self, amount: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.used -= amount  # it had been let in
            else:
                self._waiting.remove((amount, turn))
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self.used + self._waiting[0][0] <= self.most:
            amount, turn = self._waiting.popleft()
            if not turn.cancelled():
                self.used += amount
                turn.set_result(None)
