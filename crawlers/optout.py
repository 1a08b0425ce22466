"""Opt-outs that a page or an image states about itself: `X-Robots-Tag`, meta robots, TDM reservation.

In: header values, a page's meta tags, the workspace's purpose. Out: the coded reason that refuses images, with the
words it rests on, or nothing. A directive addressed to another crawler binds that crawler only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from parsel import Selector

AGENT = "modiste"
# Which directives keep images from which purpose. A price report shows images but trains nothing.
BINDING: dict[str, tuple[str, ...]] = {
    "training": ("noai", "noimageai", "noml", "noindex", "noimageindex", "tdm_reserved"),
    "price-report": ("noindex", "noimageindex"),
}
_VALUED = ("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after")


@dataclass(frozen=True)
class OptOut:
    """`reason` is one of `crawlers.policy.REASONS`, `evidence` the words as written and where."""

    reason: str
    evidence: str


def directives(value: str) -> list[str]:
    """Lower-case directives of one X-Robots-Tag value that bind us; 'none' is spelled out."""
    found: list[str] = []
    addressee = ""
    for part in value.lower().split(","):
        name, colon, rest = part.strip().partition(":")
        if colon and name.strip() not in _VALUED:
            addressee, part = name.strip(), rest
        if addressee in ("", "*", AGENT, f"{AGENT}bot"):
            word = part.strip()
            found += ["noindex", "nofollow"] if word == "none" else [word]
    return [f for f in found if f]


def from_headers(robots_tags: Iterable[str], tdm: str | None, purpose: str) -> OptOut | None:
    """The first binding directive among the `X-Robots-Tag` headers, or a TDM reservation."""
    for value in robots_tags:
        if refused := _binding(directives(value), purpose):
            return OptOut(refused, f"X-Robots-Tag: {value}")
    if (tdm or "").strip() == "1" and "tdm_reserved" in BINDING[purpose]:
        return OptOut("tdm_reserved", "tdm-reservation: 1")
    return None


def from_page(page: Selector, purpose: str) -> OptOut | None:
    """The same from a page's meta tags."""
    for meta in page.xpath("//meta[@name and @content]"):
        name, content = meta.attrib["name"].strip().lower(), meta.attrib["content"]
        if name in ("robots", AGENT, f"{AGENT}bot"):
            if refused := _binding(directives(content), purpose):
                return OptOut(refused, f'<meta name="{name}" content="{content}">')
        elif name == "tdm-reservation" and content.strip() == "1" and "tdm_reserved" in BINDING[purpose]:
            return OptOut("tdm_reserved", '<meta name="tdm-reservation" content="1">')
    return None


def follows_links(page: Selector, robots_tags: Iterable[str]) -> bool:
    """False where the page says nofollow to us."""
    metas = page.xpath("//meta[translate(@name,'ROBTS','robts')='robots']/@content").getall()
    return not any("nofollow" in directives(re.sub(r"\s*;\s*", ",", value)) for value in [*metas, *robots_tags])


def _binding(found: list[str], purpose: str) -> str | None:
    return next((d for d in found if d in BINDING[purpose]), None)
