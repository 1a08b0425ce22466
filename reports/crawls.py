"""The crawls of a workspace in time, and whether each saw its shop whole: only then may an absent product be 'gone'.

In: `products` and `pages`. Out: one `Crawl` per shop and crawl, oldest first, and the pairs a report compares. A crawl
is whole where lists of products were read, none of them failed, and it was asked for the whole shop without a limit
that cut it short. Never guesses: a crawl without rows in `pages` (an import, an older modiste) is not whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from dataset.errors import UsageError
from dataset.workspace import Workspace
from reports.wording import counted

# Pages asked as one of these are no lists of products, so their failure hides no other product.
_SINGLE = "('leaf', 'sample')"
_PARTLY = "asked for a part of the shop only, or not finished"
_ANSWERED = "('http_404', 'http_410')"
_CRAWLS = f"""
WITH ok AS (SELECT DISTINCT store, url, crawl_id FROM pages WHERE status IN ('ok', 'unchanged')),
shown AS (SELECT DISTINCT store, url FROM pages WHERE found = 'product'),
lists AS (
  SELECT p.store, p.crawl_id, p.status, p.reason, p.kind, s.url IS NOT NULL AS is_product,
    EXISTS (FROM ok o WHERE o.store = p.store AND o.url = p.url AND o.crawl_id <> p.crawl_id) AS read_elsewhere,
    EXISTS (FROM ok o WHERE o.store = p.store AND o.url = p.url AND o.crawl_id = p.crawl_id) AS read_here
  FROM pages p LEFT JOIN shown s ON s.store = p.store AND s.url = p.url WHERE p.kind NOT IN {_SINGLE}
), judged AS (
  SELECT store, crawl_id, count(*) FILTER (status IN ('ok', 'unchanged')) AS read,
    count(*) FILTER (NOT is_product AND NOT read_here AND NOT (kind = 'listing' AND reason IN {_ANSWERED}) AND (
      (status = 'failed' AND (read_elsewhere OR reason IS NULL OR reason NOT LIKE 'http_4%'))
      OR (status = 'refused' AND reason <> 'nothing_new' AND read_elsewhere))) AS broken
  FROM lists GROUP BY ALL
), asked AS (SELECT store, crawl_id, count(DISTINCT url) AS asked, min(fetched_at) AS began FROM pages GROUP BY ALL),
seen AS (SELECT store, crawl_id, count(DISTINCT product_id) AS products,
min(fetched_at) AS began FROM products GROUP BY ALL)
SELECT s.store, s.crawl_id, s.products, coalesce(least(s.began, a.began), s.began, a.began) AS began,
coalesce(a.asked, 0) AS asked,
  coalesce(j.read, 0) AS read, coalesce(j.broken, 0) AS broken
FROM seen s LEFT JOIN asked a ON a.store = s.store AND a.crawl_id = s.crawl_id
  LEFT JOIN judged j ON j.store = s.store AND j.crawl_id = s.crawl_id
ORDER BY s.store, began, s.crawl_id
"""


@dataclass(frozen=True)
class Crawl:
    """`whole_or_why` is empty where the shop was seen whole, else why it was not."""

    store: str
    crawl_id: str
    at: datetime
    products: int
    whole_or_why: str

    @property
    def is_whole(self) -> bool:
        return not self.whole_or_why


@dataclass(frozen=True)
class Pair:
    before: Crawl
    after: Crawl


def crawls(ws: Workspace, partial: Collection[str] = ()) -> list[Crawl]:
    """Every crawl that saw a product, by shop, oldest first. `partial`: ids of crawls known to have been asked for a
    part of the shop, or cut short; where it is a mapping, with the reason."""
    why_partly = partial if isinstance(partial, Mapping) else dict.fromkeys(partial, _PARTLY)
    most = ws.settings.crawl.max_pages
    found = []
    for row in ws.tables.query(_CRAWLS).to_pylist():
        why = str(why_partly.get(row["crawl_id"], "")) or _why(row, most)
        found.append(Crawl(row["store"], row["crawl_id"], row["began"], row["products"], why))
    return found


def _why(row: dict[str, int], most: int) -> str:
    """What the pages of the crawl tell against it, '' for nothing."""
    if not row["read"]:
        return "no list of products was read, so nothing tells what it left out"
    if row["broken"]:
        return f"{counted(row['broken'], 'list')} of products could not be read"
    return f"stopped at the limit of {most:,} pages" if row["asked"] >= most else ""


def pairs(found: Sequence[Crawl], before: str | None = None, after: str | None = None) -> list[Pair]:
    """Of every shop its two newest crawls; of the shop of a named crawl (its id or how it begins) that one instead.

    Raises UsageError for a crawl that is not there, or a pair of two shops or in the wrong order.
    """
    named = {"before": before and _one(found, before), "after": after and _one(found, after)}
    chosen = []
    for store in sorted({crawl.store for crawl in found}):
        line = [crawl for crawl in found if crawl.store == store]
        late = named["after"] if isinstance(named["after"], Crawl) and named["after"].store == store else line[-1]
        early = named["before"] if isinstance(named["before"], Crawl) and named["before"].store == store else None
        older = line[: line.index(late)]
        if early is None and older:
            early = older[-1]
        if early is not None and early not in older:
            raise UsageError(f"{early.crawl_id} is not older than {late.crawl_id}", expected="--before an older crawl")
        if early is not None:
            chosen.append(Pair(early, late))
    ends = [crawl.store for crawl in named.values() if isinstance(crawl, Crawl)]
    if len(set(ends)) > 1:
        raise UsageError(f"--before is of {ends[0]}, --after of {ends[1]}", expected="two crawls of one shop")
    return chosen


def in_turn(found: Sequence[Crawl]) -> list[Pair]:
    """Each crawl and the next one of its shop."""
    return [Pair(a, b) for a, b in pairwise(found) if a.store == b.store]


def _one(found: Sequence[Crawl], name: str) -> Crawl:
    hits = [crawl for crawl in found if crawl.crawl_id == name] or [
        crawl for crawl in found if crawl.crawl_id.startswith(name)
    ]
    if len(hits) == 1:
        return hits[0]
    known = ", ".join(crawl.crawl_id for crawl in found[-6:]) or "none"
    raise UsageError(f"{len(hits)} crawls are called '{name}'", expected=f"one of {known}")
