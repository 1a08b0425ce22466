"""One language of a shop: sitemaps name each product once for every language it is sold in.

In: sitemap entries, the front page's language. Out: the URLs to read, and how many copies of which language were left
out. Only what is known to be a copy goes: by `hreflang`, or because the same path stands there in the own language.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from crawlers.sitemaps import Entry
from crawlers.strategies.strategy import Front

CODES = frozenset((
    "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi",
    "fr", "ga", "gl", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "ko", "lt", "lv", "mk",
    "ms", "mt", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te",
    "th", "tr", "uk", "ur", "uz", "vi", "zh",
))  # fmt: skip
_PREFIX = re.compile(r"/([A-Za-z]{2})([-_][A-Za-z]{2,4})?(?=/|$)")
_IN_NAME = re.compile(r"(?<![A-Za-z])([A-Za-z]{2})([-_][A-Za-z]{2})?(?![A-Za-z])")
_REMEMBERED = 100_000  # paths; beyond it no more copies are told apart, which costs requests, never products


class Languages:
    """`own` is the language to keep, as the front page says ('' says nothing); `left_out` counts copies of others."""

    def __init__(self, own: str, left_out: dict[str, int]) -> None:
        self.own, self.left_out = own, left_out
        self._paths: set[int] = set()
        self._foreign: list[tuple[str, str, int]] = []

    def kept(self, entry: Entry) -> str | None:
        """The URL of this entry in the own language; None where it is a copy, or has to wait for the file's end."""
        if not self.own:
            return entry.url
        if entry.alternates:
            return self._alternate(entry)
        language, bare = split(entry.url)
        if language in ("", self.own):
            if len(self._paths) < _REMEMBERED:
                self._paths.add(hash(bare))
            return entry.url
        if len(self._foreign) >= _REMEMBERED:
            return entry.url
        self._foreign.append((entry.url, language, hash(bare)))
        return None

    def rest(self) -> list[str]:
        """The waiting URLs of other languages that turned out to have no twin in the own one."""
        alone = []
        for url, language, path in self._foreign:
            if path in self._paths:
                self._leave_out(language)
            else:
                alone.append(url)
        self._foreign = []
        return alone

    def _alternate(self, entry: Entry) -> str:
        """The entry's page in the own language, which may be an entry of its own: the queue knows it then."""
        host = urlsplit(entry.url).netloc
        of = {address: language[:2] for language, address in entry.alternates if urlsplit(address).netloc == host}
        if of.get(entry.url) == self.own or self.own not in of.values():
            return entry.url
        self._leave_out(of.get(entry.url, "another language"))
        return next(address for address, language in of.items() if language == self.own)

    def _leave_out(self, language: str) -> None:
        self.left_out[language] = self.left_out.get(language, 0) + 1


def split(url: str) -> tuple[str, str]:
    """(language that the path begins with, or '', the rest of path and query)."""
    parts = urlsplit(url)
    rest = f"?{parts.query}" if parts.query else ""
    found = _PREFIX.match(parts.path)
    if not found or found[1].lower() not in CODES:
        return "", parts.path + rest
    return found[1].lower(), parts.path[found.end() :] + rest


def one_of_each(addresses: Iterable[str], own: str) -> list[str]:
    """Of sitemaps whose addresses differ in a language's code alone, the one in the own language."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for address in addresses:
        path = urlsplit(address).path
        code = next((m for m in _IN_NAME.finditer(path) if m[1].lower() in CODES), None)
        key = path[: code.start()] + "*" + path[code.end() :] if code else path
        groups[f"{key}?{urlsplit(address).query}"].setdefault(
            f"{code[1].lower()}{code[2] or ''}" if code else "", address
        )
    kept: list[str] = []
    for group in groups.values():
        of_own = [address for language, address in group.items() if own and language[:2] == own]
        kept += of_own or group.values()
    return kept


def of_front(front: Front) -> dict[str, str]:
    """{'language': two letters}: what the address says, else what the page does; nothing where neither does."""
    said, _ = split(front.url)
    page = front.answer.page if front.answer else None
    written = (page.xpath("/html/@lang").get() or "")[:2].lower() if page is not None else ""
    language = said or (written if written in CODES else "")
    return {"language": language} if language else {}
