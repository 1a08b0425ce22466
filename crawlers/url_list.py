"""A file of image URLs in; bytes, products and coded attempts in the workspace, by the same fetcher as a crawl's.

In: text (a URL a line, '#' begins a comment), CSV, Parquet or JSONL with a `url` column and any of `product`, `label`,
`licence`. Out: an attempt row for each URL; a product row where the list names a product, label (kept as its category,
in the list's words) or licence. Robots, opt-outs, private addresses and take-downs are judged like a crawl's; loopback
and private hosts only by `crawl.allow_hosts`. Never writes labels: what a word means is `label tags`'s to say.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from crawlers import licences
from crawlers.addresses import AddressGuard
from crawlers.client import Client
from crawlers.extract.product import Product
from crawlers.job import product_row
from crawlers.licences import Licence, PageLicences
from crawlers.optout import OptOut
from crawlers.pace import HostPace
from crawlers.policy import Decision
from crawlers.queue import Found, Queue
from crawlers.rows import Writer
from crawlers.session import fetcher_for, gate_for, image_counts, queue_path, seldom_collected, together
from crawlers.settings import agent
from crawlers.sqlite_queue import SqliteQueue
from dataset.errors import DataError, EmptyError, UsageError
from dataset.progress import Progress, silent
from dataset.workspace import Workspace

EXTRACTOR = "modiste.import/1"
_COLUMNS = {
    "url": ("url", "image_url", "image", "link", "src", "contenturl"), "product": ("product", "product_id", "sku"),
    "label": ("label", "category", "class", "tag"), "licence": ("licence", "license", "rights"),
}  # fmt: skip
_READERS = {
    ".csv": "read_csv(?, all_varchar=true, null_padding=true)", ".tsv": "read_csv(?, all_varchar=true, delim='\t')",
    ".parquet": "read_parquet(?)", ".jsonl": "read_json(?, format='newline_delimited')",
    ".ndjson": "read_json(?, format='newline_delimited')",
}  # fmt: skip
_BATCH = 1_000
_TOLD = "product IS NOT NULL OR label IS NOT NULL OR licence IS NOT NULL"
_PRODUCTS = """
SELECT coalesce(product, url) AS key, list(url ORDER BY n), any_value(label), any_value(licence), any_value(product)
FROM listed WHERE {told} GROUP BY key ORDER BY min(n)
"""


@dataclass(frozen=True)
class ImportResult:
    """Counts over all runs of this import. `reasons`: coded reason -> images."""

    store: str
    listed: int
    products: int
    images_ok: int
    images_unchanged: int
    images_failed: int
    images_refused: int
    reasons: dict[str, int] = field(default_factory=dict)
    was_finished: bool = False

    def line(self) -> str:
        """One line for a person."""
        said = ", ".join(f"{reason} {n}" for reason, n in self.reasons.items())
        counts = (
            f"{self.store}: {self.listed} images listed, {self.products} products; {self.images_ok} ok, "
            f"{self.images_failed} failed, {self.images_refused} refused{f' ({said})' if said else ''}"
        )
        return f"imported already, nothing asked. {counts}" if self.was_finished else counts

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def import_urls(ws: Workspace, path: Path, *, store: str | None = None, progress: Progress = silent) -> ImportResult:
    """Fetch the images that `path` lists; go on with it, or with a list that has grown, where it stood.

    `store` names the rows, by default the file's stem. Raises UsageError (no such file, no format of ours, or being
    imported now), DataError (can't be read, or has no URL column), EmptyError (no URL in it).
    """
    name = store or path.stem
    listed = _opened(path)
    queue: Queue = SqliteQueue(queue_path(ws, f"list-{name}"))
    try:
        given = _fingerprint(path)
        if queue.state("finished") == given:
            return _result(queue, name, was_finished=True)
        if queue.state("crawl_id") is None:
            queue.set_state(crawl_id=f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
        _take_in(listed, queue, name, ws.settings.crawl.licences)
        with seldom_collected():
            asyncio.run(_fetch(ws, queue, name, progress))
        queue.set_state(finished=given)
        return _result(queue, name)
    finally:
        queue.close()


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    """A database whose table `listed` holds url, product, label, licence and n, whatever the file calls them."""
    if not path.is_file():
        raise UsageError("there is no such list", where=str(path), expected="a file of image URLs")
    db = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        if path.suffix.lower() in _READERS:
            db.execute(f"CREATE TABLE given AS SELECT * FROM {_READERS[path.suffix.lower()]}", [str(path)])
        elif path.suffix.lower() in (".txt", ".list", ""):
            lines = pa.table({"url": pa.array(_lines(path), pa.string())})
            db.register("lines", lines)
            db.execute("CREATE TABLE given AS SELECT url FROM lines")
        else:
            known = ", ".join([".txt", *_READERS])
            raise UsageError(f"{path.suffix} is no kind of list", where=str(path), expected=f"one of {known}")
        db.execute(f"CREATE TABLE listed AS {_named(db, path)}")
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"can't be read as {path.suffix or 'text'}: {str(error).splitlines()[0]}", where=str(path),
            cure="Give a file with a column 'url', in UTF-8",
        ) from error  # fmt: skip
    return db


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig")
    return [word for line in text.splitlines() if (word := line.strip()) and not word.startswith("#")]


def _named(db: duckdb.DuckDBPyConnection, path: Path) -> str:
    columns = [row[0] for row in db.execute("DESCRIBE given").fetchall()]
    there = {column.lower(): column for column in columns}
    chosen = {ours: next((there[n] for n in names if n in there), None) for ours, names in _COLUMNS.items()}
    if chosen["url"] is None:
        raise DataError(
            f"has no column of URLs; its columns: {', '.join(columns)}", where=str(path), expected="a column 'url'"
        )
    parts = [
        f"nullif(trim({_quoted(theirs)}::VARCHAR), '') AS {ours}" if theirs else f"NULL::VARCHAR AS {ours}"
        for ours, theirs in chosen.items()
    ]
    return f"SELECT {', '.join(parts)}, row_number() OVER () AS n FROM given WHERE url IS NOT NULL"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_in(db: duckdb.DuckDBPyConnection, queue: Queue, store: str, policy: str) -> None:
    """Queue the whole list: again is harmless, so a kill in the middle costs nothing.

    Where the workspace asks for licences, every image is judged by the one its line names.
    """
    crawl_id, number = str(queue.state("crawl_id")), 0
    told = _TOLD if policy == "any" else "true"
    for rows in _batches(db, f"SELECT url, n FROM listed WHERE NOT ({told}) ORDER BY n"):
        queue.add_images((url, {"product_id": None, "page_url": None, "position": n}) for url, n in rows)
        number += len(rows)
    for rows in _batches(db, _PRODUCTS.format(told=told)):
        judged = [(row, _unlicensed(row, policy)) for row in rows]
        queue.page_done("", Found(products=[_product(row, store, crawl_id) for row, refused in judged if not refused]))
        for row, refused in judged:
            if refused:
                _refuse(queue, row, refused, store)
        number += sum(len(row[1]) for row in rows)
    if not number:
        raise EmptyError("there is no URL in the list", where=store, cure="Give a URL a line, or a column 'url'")
    queue.set_state(listed=str(number))


def _unlicensed(row: tuple[Any, ...], policy: str) -> OptOut | None:
    licence = Licence(row[3], where="the list") if row[3] else None
    return licences.refusal(PageLicences(licence), row[1], policy)


def _refuse(queue: Queue, row: tuple[Any, ...], refused: OptOut, store: str) -> None:
    """A product whose images are refused rows."""
    crawl_id = str(queue.state("crawl_id"))
    told = {
        **_stamp(crawl_id, store), "fetched_at": datetime.now(UTC).isoformat(), "reason": refused.reason,
        "policy": Decision(refused.reason, refused.evidence).as_json(),
    }  # fmt: skip
    queue.page_done("", Found(products=[_product(row, store, crawl_id)], refusal=told))


def _stamp(crawl_id: str, store: str) -> dict[str, Any]:
    return {"crawl_id": crawl_id, "store": store, "source": "list"}


def _batches(db: duckdb.DuckDBPyConnection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    found = db.execute(sql)
    while rows := found.fetchmany(_BATCH):
        yield rows


def _product(row: tuple[Any, ...], store: str, crawl_id: str) -> tuple[dict[str, Any], list[str]]:
    key, urls, label, licence, name = row
    images = list(dict.fromkeys(urls))
    said = {"name": name, "categories": label, "licence": licence, "images": images}
    product = Product(
        key=key, url=images[0], name=name, categories=[label] if label else [], licence=licence, images=images,
        source={column: ["list", 1.0] for column, value in said.items() if value},
    )  # fmt: skip
    return {**product_row(product, store, crawl_id, None), "extractor": EXTRACTOR}, images


async def _fetch(ws: Workspace, queue: Queue, store: str, progress: Progress) -> None:
    settings, crawl_id = ws.settings.crawl, str(queue.state("crawl_id"))
    guard = AddressGuard(None, settings.allow_hosts)
    pace = HostPace(settings.delay_s, target=max(1.0, settings.concurrency / 2))
    async with Client(
        agent(ws.settings.contact), guard, pace, timeout_s=settings.timeout_s, concurrency=settings.concurrency
    ) as client:
        gate, writer = gate_for(ws, client), Writer(ws, queue, crawl_id)
        fetcher = fetcher_for(ws, queue, client, gate, _stamp(crawl_id, store))
        fetcher.pages_ended, listed = True, int(queue.state("listed") or 0)
        fetcher.progress = lambda done, _: progress(done, listed)
        await writer.reconcile()
        await together(queue, writer, fetcher.run())


def _result(queue: Queue, store: str, *, was_finished: bool = False) -> ImportResult:
    images, reasons = image_counts(queue)
    return ImportResult(
        store, int(queue.state("listed") or 0), queue.counts().products, images["ok"], images["unchanged"],
        images["failed"], images["refused"], reasons, was_finished,
    )  # fmt: skip
