"""The step `lineage`: where a thing came from and what was made of it, as a tree.

In: a sha256 (or its first 8 digits or more), an image or page URL, a product ('store|id' or its id), a snapshot's
name or a run's id. Out: page -> fetch -> blob -> labels, masks, group and split -> snapshots -> runs, as text and as
JSON. Reads run folders as plain JSON. Never changes anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dataset.errors import DataError, ModisteError, UsageError
from dataset.snapshot import list_snapshots, load_snapshot, read_meta
from dataset.workspace import Workspace

_HEX = re.compile(r"[0-9a-f]{8,64}")
_MOST_IMAGES = 50
Row = dict[str, Any]


@dataclass(frozen=True)
class Node:
    """One thing in a chain; `children` are what was made of it."""

    kind: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    children: tuple[Node, ...] = ()

    def text(self, indent: str = "") -> str:
        facts = ", ".join(f"{key} {value}" for key, value in self.facts.items() if value not in (None, "", []))
        line = f"{indent}{self.kind} {self.name}" + (f"  ({facts})" if facts else "")
        return "\n".join([line, *(child.text(indent + "  ") for child in self.children)])

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind, "name": self.name, **({"facts": self.facts} if self.facts else {})}
        return found | ({"children": [child.as_json() for child in self.children]} if self.children else {})


@dataclass(frozen=True)
class Lineage:
    """`images`, `snapshots` and `runs` count what is concerned in all, even where the tree shows the first ones
    only."""

    thing: str
    root: Node
    images: int
    snapshots: tuple[str, ...]
    runs: tuple[str, ...]
    stores: tuple[str, ...]

    def line(self) -> str:
        made = f"{len(self.snapshots)} snapshots, {len(self.runs)} runs"
        return f"{self.root.kind} {self.thing}: {self.images} images of {', '.join(self.stores) or 'no store'}; {made}"

    def text(self) -> str:
        return self.root.text()

    def as_json(self) -> dict[str, Any]:
        return {
            "thing": self.thing,
            "images": self.images,
            "stores": list(self.stores),
            "snapshots": list(self.snapshots),
            "runs": list(self.runs),
            "tree": self.root.as_json(),
        }


@dataclass(frozen=True)
class _Uses:
    """Which snapshots hold an image, and which runs learned from a snapshot."""

    rows: dict[str, set[str]]
    meta: dict[str, Row]
    broken: dict[str, str]
    runs: dict[str, list[Row]]


def lineage(ws: Workspace, thing: str) -> Lineage:
    """The chain of `thing`. Raises UsageError where nothing of that name is known, naming what was looked for."""
    uses = _uses(ws)
    kind, shas, top = _find(ws, thing, uses)
    fetches = _by_sha(_select(ws, "fetches", "sha256", shas))
    shown = sorted(shas)[:_MOST_IMAGES]
    details = {name: _by_sha(_select(ws, name, "sha256", shown)) for name in ("images", "groups", "labels", "masks")}
    children = tuple(_image(sha256, fetches.get(sha256, []), details, uses) for sha256 in shown)
    if len(shas) > len(shown):
        children += (Node("and", f"{len(shas) - len(shown)} more images"),)
    snapshots = [top["snapshot"]] if "snapshot" in top else [name for name in uses.rows if uses.rows[name] & shas]
    runs = [thing] if kind == "run" else [str(run["id"]) for name in snapshots for run in uses.runs.get(name, [])]
    return Lineage(
        thing=thing,
        root=Node(kind, thing, top, children),
        images=len(shas),
        snapshots=tuple(sorted(snapshots)),
        runs=tuple(sorted(runs)),
        stores=tuple(sorted({row["store"] for rows in fetches.values() for row in rows if row["store"]})),
    )


def _find(ws: Workspace, thing: str, uses: _Uses) -> tuple[str, set[str], Row]:
    """(kind, the images concerned, facts)."""
    for runs in uses.runs.values():
        for run in runs:
            if run["id"] == thing:
                return "run", set(uses.rows.get(run["snapshot"], ())), run
    if thing in uses.meta:
        meta = uses.meta[thing]
        broken = uses.broken.get(thing)
        return (
            "snapshot",
            set(uses.rows.get(thing, ())),
            {"snapshot": thing, "fingerprint": meta["fingerprint"], "where": meta["where"], "broken": broken},
        )
    if _HEX.fullmatch(thing.lower()):
        known = ws.tables.query(
            "SELECT DISTINCT sha256 FROM fetches WHERE starts_with(sha256, ?) UNION "
            "SELECT sha256 FROM images WHERE starts_with(sha256, ?)",
            parameters=[thing.lower()] * 2,
        )["sha256"].to_pylist()
        if known:
            return "sha256", set(known), {}
    if "://" in thing:
        return _from_url(ws, thing)
    sql = "SELECT DISTINCT sha256, store FROM fetches WHERE (store || '|' || product_id = ? OR product_id = ?)"
    rows = ws.tables.query(sql, parameters=[thing, thing]).to_pylist()
    if rows:
        return "product", {row["sha256"] for row in rows if row["sha256"]}, {}
    raise _unknown(thing, "a sha256, a URL, a product (store|id), a snapshot or a run")


def _from_url(ws: Workspace, url: str) -> tuple[str, set[str], Row]:
    rows = ws.tables.query(
        "SELECT sha256, url, page_url, status, reason FROM fetches WHERE ? IN (url, final_url, page_url)",
        parameters=[url],
    ).to_pylist()
    if not rows:
        raise _unknown(url, "the URL of an image or page that was asked for")
    kind = "page" if all(row["page_url"] == url and row["url"] != url for row in rows) else "url"
    refused = sorted({f"{row['status']} {row['reason']}" for row in rows if not row["sha256"]})
    return kind, {row["sha256"] for row in rows if row["sha256"]}, {"without bytes": "; ".join(refused)}


def _unknown(thing: str, expected: str) -> UsageError:
    return UsageError(f"nothing here is called '{thing}'", expected=expected)


def _image(sha256: str, fetches: list[Row], details: dict[str, dict[str, list[Row]]], uses: _Uses) -> Node:
    image = next(iter(details["images"].get(sha256, [])), {})
    facts = {key: image.get(key) for key in ("status", "reason", "width", "height", "format", "view")}
    came = [_fetch(row) for row in sorted(fetches, key=lambda row: str(row["fetched_at"]))]
    made = [
        Node("label", f"{row['field']} = {row['value']}", {"source": row["source"], "word": row["word"]})
        for row in details["labels"].get(sha256, [])
    ]
    made += [
        Node("mask", row["kind"], {"source": row["source"], "blob": row["mask_sha256"]})
        for row in details["masks"].get(sha256, [])
    ]
    made += [
        Node("group", row["group_id"], {"split": row["split"], "rule": row["split_rule"]})
        for row in details["groups"].get(sha256, [])
    ]
    return Node("image", sha256, facts, (*came, *made, *_used(sha256, uses)))


def _fetch(row: Row) -> Node:
    facts = {key: row[key] for key in ("status", "reason", "store", "product_id", "crawl_id", "policy")}
    facts["at"] = row["fetched_at"].isoformat() if row["fetched_at"] else None
    return Node(
        "from", row["url"] or row["source"] or "?", facts, (Node("on page", row["page_url"]),) * bool(row["page_url"])
    )


def _used(sha256: str, uses: _Uses) -> list[Node]:
    found = []
    for name in sorted(name for name, rows in uses.rows.items() if sha256 in rows):
        runs = tuple(Node("run", run["id"], {"fingerprint": run["fingerprint"]}) for run in uses.runs.get(name, []))
        found.append(Node("snapshot", name, {"fingerprint": uses.meta[name]["fingerprint"]}, runs))
    return found


def _uses(ws: Workspace) -> _Uses:
    uses = _Uses({}, {}, {}, {})
    for name in list_snapshots(ws):
        try:
            uses.meta[name] = read_meta(ws, name)
            uses.rows[name] = set(load_snapshot(ws, name).rows["sha256"].to_pylist())
        except ModisteError as error:
            uses.broken[name] = str(error)
    for path in sorted(ws.runs.glob("*/run.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise DataError(f"can't be read: {error}", where=str(path), cure="Delete the run's folder") from error
        facts = {"id": path.parent.name, "snapshot": run.get("snapshot"), "fingerprint": run.get("fingerprint")}
        uses.runs.setdefault(str(run.get("snapshot")), []).append(facts)
    return uses


def _select(ws: Workspace, table: str, column: str, values: set[str] | list[str]) -> list[Row]:
    sql = f'SELECT * FROM "{table}" WHERE list_contains(?::VARCHAR[], "{column}")'
    return ws.tables.query(sql, parameters=[sorted(values)]).to_pylist()


def _by_sha(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["sha256"], []).append(row)
    return found
