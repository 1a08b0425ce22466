"""Calendars, facets, session ids: which kinds of address still bring something, so that endless ones end.

In: each listing page's address, and whether it brought anything new. Out: whether an address of that kind is still
worth asking for. Lives in memory: a kill costs the count, never a page.
"""

from __future__ import annotations

from collections import Counter

from crawlers.urls import clean, listing_of, numbered, pattern

MAX_BARREN = 50  # pages of one pattern in a row without anything new
MAX_WAITING = 200  # addresses with a query queued per pattern, beyond those that its pages have earned
EARNED = 20
MAX_IN_VAIN = 5
MAX_LISTINGS = 2_000  # remembered; forgetting the oldest costs one request too many, and keeps memory flat


class Patterns:
    """What is one pattern: `crawlers.urls.pattern`."""

    def __init__(self) -> None:
        self._barren: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def read(self, url: str, *, brought: bool) -> None:
        """A page of `url`'s pattern was read."""
        key = pattern(url)
        self._barren[key] = 0 if brought else self._barren[key] + 1
        if brought:
            self._waiting[key] -= EARNED

    def is_worn_out(self, url: str) -> bool:
        return self._barren[pattern(url)] >= MAX_BARREN

    def admits(self, url: str) -> bool:
        """Whether to queue one more address of this pattern."""
        key = pattern(url)
        if self._barren[key] >= MAX_BARREN:
            return False
        if "?" not in key:
            return True
        self._waiting[key] += 1
        return self._waiting[key] <= MAX_WAITING


class Pagination:
    """How this shop numbers its listings' pages, and how many products a full page shows."""

    def __init__(self) -> None:
        self._full = 0
        self._shown: dict[str, set[int]] = {}  # listing -> tiles seen in it
        self._reached: dict[str, int] = {}  # listing -> its last page known
        self._in_vain = dict.fromkeys(("?page=2", "/page/2"), 0)  # how often each way was tried since it last led on
        self._tried: dict[str, str] = {}  # address -> the way it was made by

    def read(self, url: str, tiles: list[str], following: list[str], *, has_pager: bool = False) -> list[str]:
        """Pages to try although no link leads to them: where the listing at `url` seems to go on.

        `tiles` are what it shows, `following` the pages it links; `has_pager` says that a script draws its pager.
        """
        listing, place = listing_of(url), numbered(url)
        new = self._show(listing, tiles)
        if new and (way := self._tried.pop(url, None)):
            self._in_vain[way] = 0
        if place is None and not following:
            return self._second_pages(url) if has_pager else []
        self._full = max(self._full, len(tiles))
        known = [
            *(p for u in following if (p := numbered(u)) and listing_of(u) == listing),
            *([place] if place else []),
        ]
        self._reached[listing] = max([self._reached.get(listing, 0), *(number for _, number, _ in known)])
        if not (place and place[1] >= self._reached[listing] and new and len(tiles) >= self._full > 1):
            return []
        return [place[0].replace("{}", str(place[1] + (1 if place[2] == "page" else len(tiles))))]

    def _show(self, listing: str, tiles: list[str]) -> int:
        """How many tiles this listing had not shown before."""
        shown = self._shown.setdefault(listing, set())
        before = len(shown)
        shown.update(hash(tile) for tile in tiles)
        while len(self._shown) > MAX_LISTINGS:
            self._reached.pop(oldest := next(iter(self._shown)), None)
            del self._shown[oldest]
        return len(shown) - before

    def _second_pages(self, url: str) -> list[str]:
        """By the ways that led on in this shop, while none is known by all; each only so often in vain."""
        if "?" in url:
            return []
        guesses = {clean(url.rstrip("/") + way): way for way, misses in self._in_vain.items() if misses < MAX_IN_VAIN}
        for way in guesses.values():
            self._in_vain[way] += 1
        self._tried |= guesses
        return list(guesses)
