"""The shops served on loopback and crawled by our own crawler into one workspace, season after season.

In: a stock. Out: a workspace that was crawled at six simulated dates, checked, deduplicated and labelled by the
functions behind the commands. Only the clock is simulated: the modules that date rows are told another 'now'. What a
shop listed before is asked conditionally, as any recrawl does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from unittest import mock

from leakage_stock import SEASONS, Stock

import crawlers.fetcher
import crawlers.job
import crawlers.run
from crawlers.run import crawl
from dataset.check import check
from dataset.duplicates import dedup
from dataset.workspace import Workspace
from labeling.tagging import label_tags
from modiste.demo.goods import Catalogue
from modiste.demo.store import DemoStore, Shop

DATES = [datetime(2025, 1 + 2 * season, 15, 9, tzinfo=UTC) for season in range(SEASONS)]
_DATED_BY = (crawlers.run, crawlers.job, crawlers.fetcher)


def crawled(stock: Stock, root: Path, *, seasons: Iterable[int] = range(SEASONS)) -> tuple[Workspace, list[str]]:
    """A workspace ready to be split, and what each step said; the shops are visited in these seasons."""
    done, said = root / "crawled", []
    if done.exists():  # a run that was cut off goes on with what it had
        ws = Workspace.open(root)
    else:
        ws = Workspace.init(root, contact="leakage@shop.example", crawl={"delay_s": 0, "max_pages": 100_000})
        said += _visited(ws, stock, seasons)
        done.touch()
    said += [check(ws, workers=1).line(), dedup(ws).line(), label_tags(ws, workers=1).line()]
    return ws, [line for line in said if line]


def _visited(ws: Workspace, stock: Stock, seasons: Iterable[int]) -> list[str]:
    said = []
    with ExitStack() as open_shops:
        stores = {shop: open_shops.enter_context(DemoStore(_catalogue(stock, shop, -1))) for shop in stock.listed}
        for season in seasons:
            with _clock(DATES[season]):
                said += [_visit(ws, stock, shop, store, season) for shop, store in stores.items()]
    return said


def _visit(ws: Workspace, stock: Stock, shop: str, store: DemoStore, season: int) -> str:
    catalogue = _catalogue(stock, shop, season)
    if not catalogue.products:
        return ""
    store.shop = Shop(catalogue, store.url)
    return crawl(ws, store.url, store=shop, recrawl=True).line()


def _catalogue(stock: Stock, shop: str, season: int) -> Catalogue:
    """What the shop has listed up to a season."""
    here = tuple(product for since, product in stock.listed[shop] if since <= season)
    return Catalogue(stock.folder, stock.looks[shop].shop, here)


@contextmanager
def _clock(date: datetime) -> Iterator[None]:
    """Rows are dated as if the clock had stood at `date` when this began."""
    began = datetime.now(UTC)

    class Simulated(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return date + (datetime.now(tz) - began)

    with ExitStack() as patches:
        for module in _DATED_BY:
            patches.enter_context(mock.patch.object(module, "datetime", Simulated))
        yield
