"""What a crawl still has to do and what it has found out, as an interface: pages, images, rows not yet in the tables.

In: what a page held, what an attempt brought. Out: what is still to do. Two implementations:
`crawlers.sqlite_queue` (one process, a file) and `crawlers.redis_queue` (several workers). Whatever `commit` has
returned from outlives `kill -9`; what was told since then is done again by the next run, never lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

ROWS = {"products": "products", "attempts": "fetches", "visits": "pages"}  # kind of row in the queue -> its table


@dataclass(frozen=True)
class PageTask:
    """`kind` names what reads the answer: a strategy's own kinds, 'listing' (links are followed), 'leaf' (not)."""

    url: str
    kind: str
    depth: int


@dataclass(frozen=True)
class ImageTask:
    """`host` is the URL's host:port; `attempts` were made before."""

    url: str
    host: str
    attempts: int


@dataclass(frozen=True)
class Known:
    """What an earlier fetch of a URL left for asking conditionally. `sha256` is the stored body's blob."""

    etag: str | None
    last_modified: str | None
    sha256: str
    bytes: int

    def headers(self) -> dict[str, str]:
        """Request headers; empty where the server gave nothing to ask by."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Found:
    """What one page held.

    `links` are (URL, kind, depth, priority), `products` (row, image URLs), `visit` the row of this attempt in `pages`;
    `refusal` is the part that the attempt rows of its images share where the page opts them out.
    """

    links: list[tuple[str, str, int, int]] = field(default_factory=list)
    products: list[tuple[dict[str, Any], list[str]]] = field(default_factory=list)
    visit: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None


@dataclass
class Counts:
    """Pages by what became of them, and products found."""

    pending: int = 0
    claimed: int = 0
    done: int = 0
    failed: int = 0
    refused: int = 0
    products: int = 0

    @property
    def tried(self) -> int:
        return self.done + self.failed + self.refused

    @property
    def pages(self) -> int:
        return self.tried + self.pending + self.claimed


def host_of(url: str) -> str:
    """host:port of a URL in lower case, '-' for what has none: it is asked for too, so that its refusal is a row."""
    try:
        return urlsplit(url).netloc.lower() or "-"
    except ValueError:
        return "-"


class Queue(Protocol):
    """One store's crawl. No method waits for the network of a shop. `name` is this worker's."""

    name: str

    def close(self) -> None: ...

    def commit(self) -> None:
        """Make everything told so far outlive a kill. Called often; costs nothing where there is nothing."""

    def state(self, key: str) -> str | None:
        """A word the crawl keeps about itself: status, crawl_id, strategy, asked, …"""

    def set_state(self, **values: str) -> None: ...

    def settle(self, key: str, value: str) -> str:
        """Set a word of the state unless it is set; returns what stands. Workers agree on it by this."""

    def alone(self) -> bool:
        """True where no other worker is at this crawl."""

    def leave(self) -> None:
        """This worker has nothing left to do or to write; it only waits for the others."""

    def adopt(self) -> None:
        """Take over what workers that died have claimed and not written. The caller reconciles the rows."""

    def begin_anew(self) -> None:
        """Forget what the last crawl did; what is known for conditional requests stays."""

    def widen(self) -> None:
        """Ask again for the pages that name other pages: the scope has changed, so they may name more."""

    def add_page(self, url: str, kind: str, depth: int = 0, priority: int = 0) -> bool:
        """False if it is there already. Higher priority goes first, then who came first."""

    def follow_instead(self, url: str) -> None:
        """Start over from `url` as a listing, following the links of what was only read so far."""

    def drop_pending(self, kind: str) -> int:
        """Forget the pages of a kind that nobody has claimed; returns how many."""

    def claim_page(self) -> PageTask | None:
        """The next page, now this worker's; None where there is none to be had."""

    def page_done(self, url: str, found: Found, known: Known | None = None) -> int:
        """What a page held, told as a whole; returns how many products were new."""

    def page_ended(self, url: str, status: str, reason: str, visit: dict[str, Any] | None = None) -> None:
        """`status` is failed or refused ('retry_later' stays for the next run), or pending: given back."""

    def postponed(self) -> int:
        """Put pages that asked to be asked later back among the pending; returns how many."""

    def counts(self) -> Counts: ...

    def add_images(self, images: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """(URL, {product_id, page_url, position}) of images that no page led to; what is there already is left."""

    def image_hosts(self, limit: int) -> list[str]:
        """At most `limit` hosts with an image to be asked for; another call goes on behind the last one given."""

    def claim_images(self, host: str, limit: int) -> list[ImageTask]: ...

    def images_left(self) -> int:
        """Images not done yet, by whomever they are held."""

    def image_attempted(
        self, url: str, result: dict[str, Any], *, again_at: float | None, known: Known | None = None
    ) -> None:
        """One attempt: a row for each product that shows the image. `again_at` (unix s) leaves it to be tried again."""

    def known(self, url: str) -> Known | None:
        """What an earlier crawl kept of this URL, a page or an image."""

    def waiting(self) -> int:
        """How many rows, of all kinds, `unwritten` would give."""

    def unwritten(self, kind: str, limit: int) -> list[tuple[Any, dict[str, Any]]]:
        """(key, row) of a kind of `ROWS` not yet in its table, oldest first; only rows this worker is to write."""

    def mark_written(self, kind: str, keys: Iterable[Any]) -> None: ...

    def outcomes(self) -> dict[tuple[str, str | None], int]:
        """(status, reason) of each image use's last attempt -> how many."""

    def page_reasons(self) -> dict[str, int]:
        """Coded reason -> pages that failed or were refused for it, most frequent first."""
