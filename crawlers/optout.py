"""Opt-outs that a page or an image states about itself: `X-Robots-Tag`, meta robots, TDM reservation, usage headers,
and the metadata inside an image.

In: header values, a page, an image's bytes, the workspace's purpose. Out: the coded reason that refuses images, with
the words it rests on, or nothing. A directive addressed to another crawler binds that crawler only; of several
headers or tags each one binds. What binds whom:

| stated                                                                  | training | price-report |
|-------------------------------------------------------------------------|----------|--------------|
| robots.txt Disallow, 5xx on robots.txt, deny list, take-down            | yes      | yes          |
| noindex, none, noimageindex, unavailable_after in the past              | yes      | yes          |
| noai, noimageai, noml                                                   | yes      | no           |
| TDM reservation: tdmrep.json, header, meta                              | yes      | no           |
| ai.txt, Content-Signal ai-train=no, Content-Usage train-ai=n, RSL       | yes      | no           |
| IPTC/PLUS 'data mining prohibited', C2PA 'training not allowed' inside  | yes      | no           |
| noarchive, nosnippet, notranslate, indexifembedded, max-snippet         | no       | no           |
| max-image-preview:none                                                  | no       | no           |

A price report shows a shop's pictures beside its prices and trains nothing. `noarchive` is about a search engine's
cached copy and `max-image-preview` about the size of a picture among search results (Google, 'Robots meta tag,
data-nosnippet, and X-Robots-Tag specifications'); neither says anything about use, so neither binds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from parsel import Selector

from crawlers import usage
from crawlers.robots import AGENT

_INDEXING = ("noindex", "noimageindex", "unavailable")
BINDING: dict[str, tuple[str, ...]] = {
    "training": ("noai", "noimageai", "noml", *_INDEXING, "tdm_reserved", "usage_reserved", "image_metadata"),
    "price-report": _INDEXING,
}
_VALUED = ("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after")
_CUT_DATE = re.compile(r"unavailable_after\s*:\s*(mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*$")


@dataclass(frozen=True)
class OptOut:
    """`reason` is one of `crawlers.policy.REASONS`, `evidence` the words as written and where."""

    reason: str
    evidence: str


def directives(value: str, now: datetime | None = None) -> list[str]:
    """Lower-case directives of one X-Robots-Tag value that bind us.

    'none' is spelled out; a date of `unavailable_after` that has passed at `now` becomes 'unavailable'.
    """
    found: list[str] = []
    addressee = ""
    for part in _parts(value.lower()):
        name, colon, rest = part.partition(":")
        if colon and name.strip() not in _VALUED:
            addressee, part = name.strip(), rest.strip()
        if addressee in ("", "*", AGENT, f"{AGENT}bot"):
            found += _spelled(part, now or datetime.now(UTC))
    return found


def from_headers(robots_tags: Iterable[str], tdm: str | None, purpose: str, said: Iterable[str] = ()) -> OptOut | None:
    """The first binding directive among the `X-Robots-Tag` headers, a TDM reservation, or a refusal of training.

    `tdm` is the `tdm-reservation` header; `said` holds the values of Content-Usage and Content-Signal.
    """
    if found := _tagged(robots_tags, purpose):
        return found
    if _reserves(tdm) and "tdm_reserved" in BINDING[purpose]:
        return OptOut("tdm_reserved", "tdm-reservation: 1")
    return _usage_header(said, purpose)


def from_page(page: Selector, purpose: str) -> OptOut | None:
    """The same from a page's meta tags."""
    found = _meta_robots(page, purpose)
    if not found and _reserves(_meta_tdm(page)) and "tdm_reserved" in BINDING[purpose]:
        return OptOut("tdm_reserved", '<meta name="tdm-reservation" content="1">')
    return found


def of_page(
    page: Selector, robots_tags: Iterable[str], tdm: str | None, purpose: str, *,
    said: Iterable[str] = (), by_host: OptOut | None = None,
) -> OptOut | None:  # fmt: skip
    """All a page says of its images, with the protocol's precedence for TDM: meta over header over the host's file.

    `by_host` is what the host's files reserve for this page (`crawlers.policy.Gate.reserved`).
    """
    if found := _tagged(robots_tags, purpose) or _meta_robots(page, purpose) or _usage_header(said, purpose):
        return found
    if by_host and by_host.reason != "tdm_reserved":
        return by_host
    meta = _meta_tdm(page)
    if _states(meta):
        return from_page(page, purpose)
    return from_headers([], tdm, purpose) if _states(tdm) else by_host


def from_bytes(body: bytes, purpose: str) -> OptOut | None:
    """What an image's own metadata says: the PLUS vocabulary's Data Mining property in XMP (IPTC 2023.1), or a C2PA
    assertion on training and mining. It can be known only after the body has come, so the body is dropped then.
    """
    if "image_metadata" not in BINDING[purpose]:
        return None
    if (at := body.find(b"DMI-PROHIBITED")) >= 0:
        word = re.match(rb"[A-Z-]+", body[at : at + 80])
        return OptOut("image_metadata", f"XMP plus:DataMining {word[0].decode() if word else ''}")
    if b"training-mining" in body and b"notAllowed" in body:
        return OptOut("image_metadata", "C2PA training-mining: notAllowed")
    return None


def follows_links(page: Selector, robots_tags: Iterable[str]) -> bool:
    """False where the page says nofollow to us."""
    metas = page.xpath("//meta[translate(@name,'ROBTS','robts')='robots']/@content").getall()
    return not any("nofollow" in directives(value) for value in [*metas, *robots_tags])


def _tagged(robots_tags: Iterable[str], purpose: str) -> OptOut | None:
    for value in robots_tags:
        if refused := _binding(directives(value), purpose):
            return OptOut(refused, f"X-Robots-Tag: {value}")
    return None


def _meta_robots(page: Selector, purpose: str) -> OptOut | None:
    for meta in page.xpath("//meta[@content and (@name or @http-equiv)]"):
        # `root.get`, not `attrib`: the latter reads every attribute, and one with a broken name makes it raise
        name = (meta.root.get("name") or meta.root.get("http-equiv") or "").strip().lower()
        content = meta.root.get("content")
        if name in ("robots", AGENT, f"{AGENT}bot", "x-robots-tag") and (
            refused := _binding(directives(content), purpose)
        ):
            return OptOut(refused, f'<meta name="{name}" content="{content}">')
    return None


def _meta_tdm(page: Selector) -> str | None:
    name = "translate(normalize-space(@name),'TDMRESVAION','tdmresvaion')"
    return page.xpath(f"//meta[{name}='tdm-reservation']/@content").get()


def _usage_header(said: Iterable[str], purpose: str) -> OptOut | None:
    if "usage_reserved" in BINDING[purpose] and (value := usage.in_headers(said)):
        return OptOut("usage_reserved", f"header: {value}")
    return None


def _states(tdm: str | None) -> bool:
    """True for the protocol's two values; others are errors and count as unset."""
    return (tdm or "").strip() in ("0", "1")


def _reserves(tdm: str | None) -> bool:
    return (tdm or "").strip() == "1"


def _parts(value: str) -> Iterator[str]:
    """Directives of a value; the comma inside 'Friday, 25-Jun-10' doesn't part them."""
    held = ""
    for part in re.split("[,;]", value):
        held += part
        if _CUT_DATE.search(held):
            held += ","
            continue
        yield held.strip()
        held = ""


def _spelled(part: str, now: datetime) -> list[str]:
    name, _, value = part.partition(":")
    if name.strip() == "unavailable_after":
        return ["unavailable"] if _passed(value.strip().upper(), now) else []
    return ["noindex", "nofollow"] if part == "none" else [part] if part else []


def _passed(when: str, now: datetime) -> bool:
    """True for a date (ISO 8601, RFC 822, RFC 850) before `now`; what can't be read has not passed."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(when)
        except (ValueError, TypeError, OverflowError):
            continue
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) < now
    return False


def _binding(found: list[str], purpose: str) -> str | None:
    return next((d for d in found if d in BINDING[purpose]), None)
