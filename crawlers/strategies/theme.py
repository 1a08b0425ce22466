"""What a shop's product pages say of its images, from a sample: an API's answer carries no meta tags of its own.

In: products as an API named them. Out: the opt-out that holds for the whole shop, and those of single pages. The
sample is asked once a crawl, before any image is queued, and remembered in the queue with its evidence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from crawlers import optout
from crawlers.extract.page import extract
from crawlers.extract.product import Product
from crawlers.job import Job
from crawlers.optout import OptOut
from crawlers.queue import PageTask
from crawlers.strategies.ask import ask
from crawlers.strategies.keep import note, opted_out
from crawlers.strategies.strategy import PageAnswer

SAMPLES = 3
_OF_ONE_PAGE = ("noindex", "unavailable")  # shops set these on single products; the others are said of a whole shop


@dataclass(frozen=True)
class Theme:
    """`opted` holds for every image of the shop, `single` (URL -> opt-out) for one product's; `currency` may be new."""

    opted: OptOut | None = None
    single: dict[str, OptOut] = field(default_factory=dict)
    currency: str | None = None


async def of_shop(job: Job, products: list[Product], answer: PageAnswer) -> Theme:
    """From what is remembered, else from three of `products`; the API's own headers count too."""
    kept = job.queue.state("theme")
    theme = _remembered(kept) if kept else await _sampled(job, products)
    if not kept:
        words = (theme.opted.reason, theme.opted.evidence) if theme.opted else None
        job.queue.set_state(theme=json.dumps({"opted": words, "currency": theme.currency}))
    return theme if theme.opted else Theme(_of_api(job, answer), theme.single, theme.currency)


def sample(urls: list[str]) -> list[str]:
    """The first, the middle and the last."""
    picked = [urls[0], urls[len(urls) // 2], urls[-1]] if urls else []
    return list(dict.fromkeys(picked))[:SAMPLES]


def _remembered(kept: str) -> Theme:
    words = json.loads(kept)
    return Theme(OptOut(*words["opted"]) if words["opted"] else None, {}, words["currency"])


async def _sampled(job: Job, products: list[Product]) -> Theme:
    by_url = {product.url: product for product in products}
    said: dict[str, OptOut | None] = {}
    currency = None
    for url in sample(list(by_url)):
        answer = await ask(job, url)
        if not isinstance(answer, PageAnswer):
            continue
        opted = opted_out(job, answer)
        note(job, PageTask(url, "sample", 1), answer, "sample", opted)
        if answer.status == 200:
            said[url] = OptOut(opted.reason, f"sampled {url}: {opted.evidence}") if opted else None
            currency = currency or _currency(answer, by_url[url])
    found = [o for o in said.values() if o]
    whole = next((o for o in found if o.reason not in _OF_ONE_PAGE or len(found) == len(said)), None)
    return Theme(whole, {} if whole else {url: o for url, o in said.items() if o}, currency)


def _currency(answer: PageAnswer, product: Product) -> str | None:
    """The page's currency, where the page shows the price that the API gave."""
    read = extract(answer.body, answer.url, content_type=answer.headers.get("Content-Type"), page=answer.page)
    shown = next(iter(read.products), None)
    same = shown and shown.price and product.price and float(shown.price) == float(product.price)
    return shown.currency if shown and same else None


def _of_api(job: Job, answer: PageAnswer) -> OptOut | None:
    """Headers of the API's answer. Its 'noindex' speaks of the JSON (WordPress sends it with every such answer)."""
    tags = [
        ", ".join(word for word in optout.directives(value) if word not in _OF_ONE_PAGE)
        for value in answer.headers.getall("X-Robots-Tag", [])
    ]
    said = [*answer.headers.getall("Content-Usage", []), *answer.headers.getall("Content-Signal", [])]
    stated = optout.from_headers(tags, answer.headers.get("tdm-reservation"), job.purpose, said)
    return stated or job.gate.reserved(answer.url)
