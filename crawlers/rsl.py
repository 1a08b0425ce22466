"""RSL 1.0 (Really Simple Licensing, https://rslstandard.org/rsl): the XML document that robots.txt's `License:` line
names, with what each part of a host may be used for.

In: the bytes of the document, its address, a URL. Out: what refuses training, or nothing. The longest `content` that
covers the URL holds. Training is refused where a licence prohibits it or permits other uses only, and where it must be
paid for or asked for at a licence server: we can do neither. One licence of several that allows it is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from crawlers.patterns import matches, path_of

MAX_BYTES = 1024 * 1024
_TRAINING = frozenset({"all", "ai-all", "ai-train"})
_FREE = frozenset({"free", "attribution", "contribution"})


@dataclass(frozen=True)
class Terms:
    """One `content`: `origin` and `pattern` say what it covers, `against` why it can't be trained on, '' if it can."""

    origin: str
    pattern: str
    against: str


def read(body: bytes, address: str) -> list[Terms]:
    """ValueError says why these bytes are no RSL document. Entities are not expanded, nothing else is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError) as error:
        raise ValueError("is not XML") from error
    if root is None or _name(root) != "rsl":
        raise ValueError("is no RSL document")
    return [_terms(content, address) for content in root if _name(content) == "content" and content.get("url")]


def decide(terms: list[Terms], url: str) -> Terms | None:
    """What holds for `url`."""
    origin, path = urlsplit(url).netloc.lower(), path_of(url)
    found = [t for t in terms if t.origin == origin and matches(t.pattern, path)]
    return max(found, key=lambda t: len(t.pattern), default=None)


def _terms(content: etree._Element, address: str) -> Terms:
    url = urljoin(address, str(content.get("url")))
    licences = [child for child in content if _name(child) == "license"]
    whys = [why for licence in licences if (why := _against(licence))]
    against = whys[0] if licences and len(whys) == len(licences) else ""
    if content.get("server"):
        against = against or f"a licence must be had from {content.get('server')}"
    parts = urlsplit(url)
    return Terms(parts.netloc.lower(), (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), against)


def _against(licence: etree._Element) -> str:
    """Why one licence keeps from training."""
    prohibited, permitted = _usages(licence, "prohibits"), _usages(licence, "permits")
    if named := sorted(prohibited & _TRAINING):
        return f"prohibits usage {named[0]}"
    if permitted and not permitted & _TRAINING:
        return f"permits usage {' '.join(sorted(permitted))} only"
    payments = [str(child.get("type") or "free").lower() for child in licence if _name(child) == "payment"]
    return f"payment {payments[0]}" if payments and not set(payments) & _FREE else ""


def _usages(licence: etree._Element, name: str) -> set[str]:
    texts = [child.text or "" for child in licence if _name(child) == name and child.get("type", "usage") == "usage"]
    return {word for text in texts for word in text.lower().replace(",", " ").split()}


def _name(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""
