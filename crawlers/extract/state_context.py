"""What a page's states share: the subject they are judged by, and the one currency the page's scripts name.

In: a parsed page and its URL. Out: a `Context` handed to every reader of state. Currency: Shopify's and PrestaShop's
own word first, else the one code that all scripts agree on; a page whose switcher lists several codes names none.
"""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import unquote

from parsel import Selector

from crawlers.extract import fields
from crawlers.extract.state_subject import Subject

_ACTIVE = re.compile(
    r"""Shopify\.currency\s*=\s*\{\s*["']?active["']?\s*:\s*["']([A-Z]{3})["']"""
    r"""|ShopifyAnalytics\.meta\.currency\s*=\s*["']([A-Z]{3})["']"""
    r"""|"currency"\s*:\s*\{[^{}]{0,200}"iso_code"\s*:\s*"([A-Z]{3})\""""
    r"""|"currency"\s*:\s*\{\s*"code"\s*:\s*"([A-Z]{3})\""""
)
_ANY = re.compile(r"""urrency(?:_?[cC]ode|_?[iI]so(?:_?[cC]ode)?)?["']?\s{0,4}[:=,]\s{0,4}["']([A-Z]{3})["']""")
_META = (
    "//meta[@property='product:price:currency' or @property='og:price:currency' or @itemprop='priceCurrency']/@content"
)
_MAX_CHARS = 1_000_000


class Context:
    """Read lazily, once a page."""

    def __init__(self, page: Selector, url: str) -> None:
        self.page, self.url = page, url
        self.subject = Subject(page, url)

    @cached_property
    def currency(self) -> str | None:
        """ISO 4217 code the page is priced in, where it says one only."""
        written = self._scripts()
        if active := _ACTIVE.search(written):
            return next(code for code in active.groups() if code)
        found = set(_ANY.findall(written)) or {
            c for w in self.page.xpath(_META).getall()[:5] if (c := fields.currency(w))
        }
        return found.pop() if len(found) == 1 else None

    def _scripts(self) -> str:
        parts, left = [], _MAX_CHARS
        for tag in self.page.root.iter("script"):
            written = tag.text or ""
            if "urrency" in written and len(written) <= left:
                left -= len(written)
                parts.append(unquote(written) if "%22code%22" in written else written)
        return "\n".join(parts)
