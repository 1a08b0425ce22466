"""What a take-down concerns: every row, blob, snapshot, run and export that holds the thing or was made from it.

In: a workspace, a kind and a value. Out: a `Plan`, which is plain data: it is counted for the dry run, written down
before anything is touched, and followed by `dataset.takedown`. Reads only.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from dataset.derived import descendants, family
from dataset.errors import DataError, UsageError
from dataset.progress import Progress, silent
from dataset.schema import KEYS
from dataset.tombstones import KINDS, Tombstones, fold
from dataset.workspace import Workspace

_TELLING = 6  # characters of a path below which it could be any word of a page
BY_IMAGE = ("images", "groups", "labels", "masks", "embeddings", "reviews")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(rb"[^\s\"'<>(),;\\]+")
_AMONG = "IN (SELECT unnest(?::VARCHAR[]))"
_HOST = r"lower(regexp_extract({0}, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)', 1))"
_NETLOC = r"lower(regexp_extract({0}, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/?#]+)', 1))"


@dataclass
class Plan:
    """Sets are of sha256s, but `urls`. `products` are 'store|id'. `pages` and `masks` are blobs that go."""

    kind: str
    value: str
    images: set[str] = field(default_factory=set)
    derived: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)
    also_shown_by: set[str] = field(default_factory=set)
    look_at: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.images or self.products or self.urls or self.pages)

    @property
    def blobs(self) -> set[str]:
        return self.images | self.pages | self.masks

    def as_json(self) -> dict[str, Any]:
        return {key: sorted(value) if isinstance(value, set) else value for key, value in vars(self).items()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Plan:
        values: dict[str, Any] = {key: set(each) if isinstance(each, list) else each for key, each in told.items()}
        return cls(**values)

    def join(self, other: Plan) -> None:
        """Add what another look found."""
        for key, value in vars(other).items():
            if isinstance(value, set):
                getattr(self, key).update(value)
        self.look_at |= other.look_at

    def names(self, text: str) -> bool:
        """True for an address that goes: listed, or for a domain any address within it."""
        return text in self.urls or (self.kind == "domain" and _of_domain(self.value).against_url(text) is not None)


@functools.cache
def _of_domain(domain: str) -> Tombstones:
    return Tombstones.of([("domain", domain)])


def checked(kind: str, value: str) -> str:
    """The value as it is compared. Raises UsageError for a kind or value that can't be meant."""
    folded = fold(kind, value)
    forms = {
        "sha256": (r"[0-9a-f]{64}", "64 hex digits"), "product": (r".+\|.+", "store|product_id"),
        "url": (r"[a-z][a-z0-9+.-]*://.+", "a whole address"), "domain": (r"[^\s/|]+", "a host, such as shop.example"),
        "brand": (r".+", "a name"),
    }  # fmt: skip
    if kind not in forms:
        raise UsageError(f"there is no take-down by '{kind}'", expected="one of " + ", ".join(KINDS))
    pattern, expected = forms[kind]
    if not re.fullmatch(pattern, folded):
        raise UsageError(f"--{kind} {value}: can't be meant", expected=expected)
    return folded


def plan(ws: Workspace, kind: str, value: str, *, with_duplicates: bool = False, progress: Progress = silent) -> Plan:
    """Everything concerned, by the tables as they are now, the masks of all versions on disk, and the pages' text."""
    found = Plan(kind, checked(kind, value))
    _seeds(ws, found)
    _spread(ws, found, with_duplicates)
    _addresses(ws, found)
    _pages(ws, found, progress)
    found.masks = _mask_blobs(ws, found.images)
    return found


def concerned_keys(ws: Workspace, found: Plan, table: str) -> pa.Table:
    """Keys of the rows of one table that go."""
    keys = ", ".join(f'"{key}"' for key in KEYS[table])
    of_product, of_image = f"store || '|' || product_id {_AMONG}", f"sha256 {_AMONG}"
    conditions: dict[str, tuple[str, list[set[str]]]] = {
        "products": (of_product, [found.products]),
        "fetches": (f"{of_image} OR {of_product} OR {_fetch_condition(found)}", [found.images, found.products]),
        "pages": (_page_condition(found), [found.urls]),
    }
    condition, values = conditions.get(table, (of_image, [found.images]))
    sql = f"SELECT DISTINCT {keys} FROM {table} WHERE {condition}"
    return ws.tables.query(sql, parameters=[sorted(each) for each in values])


def edited_rows(ws: Workspace, found: Plan) -> dict[str, list[dict[str, Any]]]:
    """Rows of `products` and `pages` that stay but name what goes, as they should read: without these addresses, and
    without the page's blob where that goes."""
    pages = f"SELECT * FROM pages WHERE sha256 {_AMONG}"
    products = f"""
      WITH shown AS (SELECT store, product_id, crawl_id, unnest(image_urls) AS image FROM products),
      naming AS (SELECT DISTINCT store, product_id, crawl_id FROM shown WHERE image {_AMONG})
      SELECT * FROM products WHERE page_sha256 {_AMONG} UNION ALL
      SELECT p.* FROM products p SEMI JOIN naming n
        ON p.store = n.store AND p.product_id = n.product_id AND p.crawl_id = n.crawl_id"""
    kept_pages = ws.tables.query(pages, parameters=[sorted(found.pages)]).to_pylist()
    kept_products = ws.tables.query(products, parameters=[sorted(found.urls), sorted(found.pages)]).to_pylist()
    going = {tuple(row.values()) for row in concerned_keys(ws, found, "pages").to_pylist()}
    kept_pages = [row | {"sha256": None} for row in kept_pages if (row["crawl_id"], row["url"]) not in going]
    kept_products = [
        _without(row, found) for row in kept_products if f"{row['store']}|{row['product_id']}" not in found.products
    ]
    return {"pages": kept_pages, "products": kept_products}


def _without(row: dict[str, Any], found: Plan) -> dict[str, Any]:
    variants = row["variants"]
    named = variants and any(found.names(token.replace("\\/", "/")) for token in re.findall(r'[^\s",]+', variants))
    return row | {
        "image_urls": [url for url in row["image_urls"] or [] if not found.names(url)],
        "variants": None if named else variants,
        "page_sha256": None if row["page_sha256"] in found.pages else row["page_sha256"],
    }


def _seeds(ws: Workspace, found: Plan) -> None:
    """Products and images that match by themselves."""
    products = _product_condition(found)
    rows = ws.tables.query(f"SELECT DISTINCT store || '|' || product_id AS key FROM products WHERE {products}")
    found.products = {key for key in rows["key"].to_pylist() if key}
    sql = f"SELECT DISTINCT sha256 FROM fetches WHERE sha256 IS NOT NULL AND ({_fetch_condition(found)})"
    found.images = set(ws.tables.query(sql)["sha256"].to_pylist())
    if found.kind == "sha256":
        known = "SELECT sha256 FROM images WHERE sha256 = ? UNION SELECT sha256 FROM masks WHERE sha256 = ?"
        there = ws.blobs.has(found.value) or ws.tables.query(known, parameters=[found.value] * 2).num_rows
        found.images |= {found.value} if there else set()
    if found.products:
        shown = "store || '|' || product_id IN (SELECT unnest(?::VARCHAR[]))"
        sql = f"SELECT DISTINCT sha256 FROM fetches WHERE sha256 IS NOT NULL AND {shown}"
        found.images |= set(ws.tables.query(sql, parameters=[sorted(found.products)])["sha256"].to_pylist())


def _spread(ws: Workspace, found: Plan, with_duplicates: bool) -> None:
    """To near-duplicates, where asked, and to everything made from the images; the rest is named to be looked at."""
    sql = """SELECT DISTINCT g.sha256 FROM groups g WHERE g.cluster_id IN
      (SELECT cluster_id FROM groups WHERE sha256 IN (SELECT unnest(?::VARCHAR[])))"""
    alike = set(ws.tables.query(sql, parameters=[sorted(found.images)])["sha256"].to_pylist()) - found.images
    if with_duplicates:
        found.images |= alike
    children = family(ws)
    found.derived = descendants(children, found.images)
    found.images |= found.derived
    if alike - found.images:
        found.look_at["near-duplicates"] = sorted(alike - found.images)


def _addresses(ws: Workspace, found: Plan) -> None:
    """Every address that a row to go holds, and which other shops show one of the images."""
    sql = f"""SELECT DISTINCT store, url, final_url, coalesce(store || '|' || product_id, '') AS key FROM fetches
      WHERE sha256 IN (SELECT unnest(?::VARCHAR[])) OR {_fetch_condition(found)}
      OR store || '|' || product_id IN (SELECT unnest(?::VARCHAR[]))"""
    rows = ws.tables.query(sql, parameters=[sorted(found.images), sorted(found.products)]).to_pylist()
    found.urls |= {row[name] for row in rows for name in ("url", "final_url") if row[name]}
    sql = "SELECT DISTINCT url FROM products WHERE store || '|' || product_id IN (SELECT unnest(?::VARCHAR[]))"
    found.urls |= set(ws.tables.query(sql, parameters=[sorted(found.products)])["url"].drop_null().to_pylist())
    if found.kind in ("url", "domain"):
        sql = f"SELECT url, final_url FROM pages WHERE {_own_page_condition(found)}"
        found.urls |= {url for row in ws.tables.query(sql).to_pylist() for url in row.values() if url}
    if found.kind == "url" and (found.images or found.products):
        found.urls.add(found.value)
    stores = {row["store"] for row in rows if row["store"] and row["key"] not in found.products}
    found.also_shown_by = stores if found.kind in ("brand", "product") else set()


def _pages(ws: Workspace, found: Plan, progress: Progress) -> None:
    """Blobs of pages that go: the products' own, and every page of the same shops that names an address that goes."""
    sql = """
      WITH kept AS (SELECT store, url, sha256 FROM pages UNION SELECT store, url, page_sha256 FROM products),
      shops AS (SELECT DISTINCT store FROM fetches WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))
        UNION SELECT DISTINCT store FROM products WHERE store || '|' || product_id IN (SELECT unnest(?::VARCHAR[]))
        UNION SELECT DISTINCT store FROM pages WHERE url IN (SELECT unnest(?::VARCHAR[])))
      SELECT DISTINCT url, sha256 FROM kept WHERE sha256 IS NOT NULL AND store IN (FROM shops)"""
    values = [sorted(found.images), sorted(found.products), sorted(found.urls)]
    rows = ws.tables.query(sql, parameters=values).to_pylist()
    wanted = _spellings(found.urls)
    for number, row in enumerate(rows, start=1):
        if row["sha256"] not in found.pages and (found.names(row["url"]) or _tokens_of(ws, row["sha256"]) & wanted):
            found.pages.add(row["sha256"])
        progress(number, len(rows))


def _spellings(urls: Iterable[str]) -> set[bytes]:
    """How markup writes an address: whole, without its scheme, as a path."""
    found: set[bytes] = set()
    for url in urls:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        short = [path, path.lstrip("/")] if len(path) > _TELLING and set(path[1:]) & set("./?") else []
        found |= {text.encode() for text in (url, f"//{parts.netloc}{path}", *short) if text}
    return found


def _tokens_of(ws: Workspace, sha256: str) -> set[bytes]:
    """What could be an address in a page's blob; nothing where the blob is gone or is no compressed page."""
    try:
        text = zlib.decompress(ws.blobs.get(sha256))
    except (DataError, zlib.error):
        return set()
    found = set(_TOKEN.findall(text.replace(b"\\/", b"/").replace(b"&amp;", b"&")))
    return found | {token.split(b"?", 1)[0] for token in found}  # the same picture at another width


def _mask_blobs(ws: Workspace, images: set[str]) -> set[str]:
    """Masks of these images in any version still on disk, but those that another image's row names too."""
    if not images:
        return set()
    found, others = set[str](), set[str]()
    for sha256, mask in _every_mask(ws):
        if mask:
            (found if sha256 in images else others).add(mask)
    return found - others


def _every_mask(ws: Workspace) -> Iterator[tuple[str, str | None]]:
    """(image, mask blob) of the masks table, old versions included where they lie on this disk."""
    import pyarrow.parquet as pq

    if "://" in ws.tables.root:
        table = ws.tables.read("masks", ["sha256", "mask_sha256"])
        yield from zip(table["sha256"].to_pylist(), table["mask_sha256"].to_pylist(), strict=True)
        return
    from pathlib import Path

    for path in sorted(Path(ws.tables.root, "masks").rglob("*.parquet")):
        if "_delta_log" not in path.parts:
            table = pq.ParquetFile(path).read(["sha256", "mask_sha256"])
            yield from zip(table["sha256"].to_pylist(), table["mask_sha256"].to_pylist(), strict=True)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _within(column: str, domain: str) -> str:
    value, tail = _quoted(domain), _quoted("." + domain)
    host, netloc = _HOST.format(column), _NETLOC.format(column)
    return f"({host} = {value} OR ends_with({host}, {tail}) OR {netloc} = {value})"


def _of_store(domain: str) -> str:
    return f"(lower(store) = {_quoted(domain)} OR ends_with(lower(store), {_quoted('.' + domain)}))"


def _product_condition(found: Plan) -> str:
    value = _quoted(found.value)
    return {
        "domain": f"{_of_store(found.value)} OR {_within('url', found.value)}",
        "brand": f"lower(trim(regexp_replace(brand, '\\s+', ' ', 'g'))) = {value}",
        "url": f"url = {value}",
        "product": f"store || '|' || product_id = {value}",
        "sha256": "false",
    }[found.kind]


def _fetch_condition(found: Plan) -> str:
    """Rows of `fetches` that match by themselves, also where they brought no bytes."""
    value = _quoted(found.value)
    columns = ("url", "final_url", "page_url")
    return {
        "domain": f"({_of_store(found.value)} OR {' OR '.join(_within(name, found.value) for name in columns)})",
        "brand": f"(store || '|' || product_id IN (SELECT store || '|' || product_id FROM products WHERE "
        f"{_product_condition(found)}))",
        "url": f"({value} IN (url, final_url, page_url))",
        "product": f"(store || '|' || product_id = {value})",
        "sha256": f"(sha256 = {value})",
    }[found.kind]


def _own_page_condition(found: Plan) -> str:
    if found.kind == "domain":
        return f"{_of_store(found.value)} OR {_within('url', found.value)} OR {_within('final_url', found.value)}"
    return f"{_quoted(found.value)} IN (url, final_url)"


def _page_condition(found: Plan) -> str:
    listed = "url IN (SELECT unnest(?::VARCHAR[]))"
    own = found.kind in ("url", "domain")
    return f"({listed}) OR {_own_page_condition(found)}" if own else listed
