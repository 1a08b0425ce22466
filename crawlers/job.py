"""What one crawl knows while it runs: its scope and budgets, and the parts that its spider and its fetcher share.

In: made by `crawlers.run`. Out: read by spider, frontier, gate middleware and download handler. Holds no state that
a kill may lose.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crawlers.browser import Browser
from crawlers.client import Client
from crawlers.extract.product import EXTRACTOR, Product
from crawlers.fetcher import Fetcher
from crawlers.policy import Gate
from crawlers.queue import PageTask, Queue
from crawlers.rows import Writer
from crawlers.site_config import SiteConfig
from dataset.blobs import BlobStore
from dataset.progress import Progress

FRONTIER_PER_PAGE = 10  # a frontier holds at most so many URLs per page of the budget: calendars and facets end there
MAX_DEPTH = 8
PAGE_COMPRESSION = 2  # a third of level 6's time for a tenth more bytes, on HTML


@dataclass(frozen=True)
class Scope:
    """What was asked for; the same scope again is the same crawl.

    `url` is the address as given, `only` a path prefix.
    """

    url: str
    store: str
    only: str | None
    max_products: int | None
    max_pages: int


@dataclass
class Job:
    """Everything a page's callback needs. `host` is the store's own."""

    scope: Scope
    crawl_id: str
    host: str
    queue: Queue
    client: Client
    gate: Gate
    fetcher: Fetcher
    writer: Writer
    blobs: BlobStore
    purpose: str
    site: SiteConfig | None
    progress: Progress
    browser: Browser | None = None
    error: Exception | None = None  # what stopped the pages from inside a callback, where Scrapy would only log it

    def is_over(self) -> bool:
        """True when a budget is spent."""
        if self.queue.counts().tried >= self.scope.max_pages:
            return True
        return self.room_for_products() == 0

    def room_for_products(self) -> int | None:
        """How many more products the budget allows; None is no limit."""
        if self.scope.max_products is None:
            return None
        return max(0, self.scope.max_products - self.queue.counts().products)

    def frontier_is_full(self) -> bool:
        return self.queue.counts().pages >= FRONTIER_PER_PAGE * self.scope.max_pages

    def keep_page(self, body: bytes) -> str:
        """sha256 of the page's blob: its bytes, compressed with zlib."""
        return self.blobs.put(zlib.compress(body, PAGE_COMPRESSION))

    def visit(self, task: PageTask, status: str, reason: str | None = None, **columns: Any) -> dict[str, Any]:
        """A row of `pages`, JSON-able: one attempt at one page."""
        return {
            "crawl_id": self.crawl_id, "store": self.scope.store, "url": task.url, "kind": task.kind,
            "status": status, "reason": reason, "fetched_at": datetime.now(UTC).isoformat(), **columns,
        }  # fmt: skip

    def row(self, product: Product, page_sha256: str) -> dict[str, Any]:
        """A row of `products`, JSON-able."""
        return product_row(product, self.scope.store, self.crawl_id, page_sha256)


def product_row(product: Product, store: str, crawl_id: str, page_sha256: str | None) -> dict[str, Any]:
    """A row of `products`, JSON-able."""
    plain = {
        name: getattr(product, name)
        for name in ("url", "name", "brand", "price", "list_price", "currency", "availability", "categories",
                     "colour", "sizes", "sku", "gtin", "mpn", "variant_group", "description", "licence")
    }  # fmt: skip
    return {
        **plain,
        "store": store, "product_id": product.key, "image_urls": product.images,
        "variants": json.dumps(product.variants) if product.variants else None,
        "source": json.dumps(product.source),
        "extractor": EXTRACTOR, "crawl_id": crawl_id, "page_sha256": page_sha256,
        "fetched_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
