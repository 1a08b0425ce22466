"""What may never be fetched, kept or trained on again, asked one thing at a time.

In: the `takedowns` table. Out: `Tombstones`, which answers for an address, a product, a brand, or bytes with the kind
of take-down that forbids them, or None. Crawlers, importers and `takedown` share these rules, so that what one
refuses the other does not bring back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dataset.workspace import Workspace

KINDS = ("domain", "url", "brand", "sha256", "product")


@dataclass(frozen=True)
class Tombstones:
    """`by_kind` holds the values of each kind as `fold` writes them."""

    by_kind: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, ws: Workspace) -> Tombstones:
        rows = ws.tables.read("takedowns", ["kind", "value"]).to_pylist()
        return cls.of((row["kind"], row["value"]) for row in rows)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Tombstones:
        found: dict[str, set[str]] = {}
        for kind, value in pairs:
            found.setdefault(kind, set()).add(fold(kind, value))
        return cls({kind: frozenset(values) for kind, values in found.items()})

    def __bool__(self) -> bool:
        return bool(self.by_kind)

    def against_url(self, url: str | None) -> str | None:
        """'url' or 'domain' where the address or its host (with what lies below it) was taken down."""
        if not url:
            return None
        if url in self._of("url"):
            return "url"
        return "domain" if self._of("domain") and self.against_store(*hosts(url)) else None

    def against_store(self, *names: str) -> str | None:
        """'domain' where a store's name or host lies within a domain taken down."""
        return "domain" if any(within(name, self._of("domain")) for name in names if name) else None

    def against_product(self, store: str | None, product_id: str | None, brand: str | None = None) -> str | None:
        """'product', 'brand' or 'domain'. `brand` is as the shop writes it."""
        if store and product_id and f"{store}|{product_id}" in self._of("product"):
            return "product"
        if brand and fold("brand", brand) in self._of("brand"):
            return "brand"
        return self.against_store(store) if store else None

    def against_bytes(self, sha256: str) -> str | None:
        return "sha256" if sha256 in self._of("sha256") else None

    def _of(self, kind: str) -> frozenset[str]:
        return self.by_kind.get(kind, frozenset())


def fold(kind: str, value: str) -> str:
    """How a value is compared: domains and hashes in lower case, brands without regard to case and spacing."""
    if kind == "domain":
        return (hosts(value)[-1] if "://" in value else value).strip().strip(".").lower().removeprefix("www.")
    if kind == "brand":
        return " ".join(value.split()).lower()
    return value.strip().lower() if kind == "sha256" else value.strip()


def hosts(url: str) -> tuple[str, ...]:
    """Host, and host with its port, in lower case; nothing where `url` has none."""
    try:
        parts = urlsplit(url)
        return tuple({(parts.hostname or "").lower(): 0, parts.netloc.rsplit("@", 1)[-1].lower(): 0})
    except ValueError:
        return ()


def within(host: str, domains: frozenset[str] | set[str]) -> bool:
    """True for a domain and everything below it."""
    labels = host.lower().split(".")
    return any(".".join(labels[place:]) in domains for place in range(len(labels)))
