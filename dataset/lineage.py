"""The step `lineage`: where a thing came from and what was made of it, as a tree with counts.

In: a sha256 (or its first 8 digits or more), an image or page URL, a product ('store|id' or its id), a snapshot, a run
or its weight file, a metric ('run:name' or its name). Out: shop -> page -> fetch -> blob -> labels, masks, group and
split -> snapshots -> runs, as text and as JSON, with what is concerned counted in full and shown in part. Knows what
was taken down from the marks on snapshots. Never changes anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dataset.derived import family
from dataset.errors import UsageError
from dataset.lineage_uses import Uses, metrics_of, uses_of, weight_run
from dataset.workspace import Workspace

_HEX = re.compile(r"[0-9a-f]{8,64}")
MOST_IMAGES = 50
_AMONG = "IN (SELECT unnest(?::VARCHAR[]))"
Row = dict[str, Any]


@dataclass(frozen=True)
class Node:
    """One thing in a chain; `children` are what was made of it, but for those called 'from' and 'made from'."""

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
    """`images`, `shops` (images by store), `snapshots` and `weights` (images by run) count what is concerned in all,
    even where the tree shows the first ones only. `gone` images were taken down."""

    thing: str
    root: Node
    images: int
    gone: int
    shops: dict[str, int]
    snapshots: dict[str, int]
    weights: dict[str, int]

    @property
    def stores(self) -> tuple[str, ...]:
        return tuple(self.shops)

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def line(self) -> str:
        made = f"{len(self.snapshots)} snapshots, {len(self.weights)} runs"
        gone = f" ({self.gone} taken down)" if self.gone else ""
        stores = f" of {', '.join(self.shops)}" if self.shops else ""
        return f"{self.root.kind} {self.thing}: {self.images} images{gone}{stores}; {made}"

    def text(self) -> str:
        return self.root.text()

    def as_json(self) -> dict[str, Any]:
        told = {key: getattr(self, key) for key in ("thing", "images", "gone", "shops", "snapshots", "weights")}
        return told | {"stores": list(self.shops), "runs": list(self.weights), "tree": self.root.as_json()}

    def answer(self, question: str) -> str:
        """'shops': which shops are in it; 'weights': which weights contain it; each with its images."""
        if question == "shops":
            rows = [f"{store}: {count} images" for store, count in self.shops.items()]
        elif question == "weights":
            rows = [f"{run}: {count} of the {self.images} images" for run, count in self.weights.items()]
        else:
            raise UsageError(f"--ask {question}", expected="shops or weights")
        return "\n".join(rows) or f"no {question}"


def lineage(ws: Workspace, thing: str) -> Lineage:
    """The chain of `thing`. Raises UsageError where nothing of that name is known, naming what was looked for."""
    uses = uses_of(ws)
    kind, shas, top = _find(ws, thing, uses)
    shown = sorted(shas)[:MOST_IMAGES]
    details = {name: _by_sha(_select(ws, name, shown)) for name in ("fetches", "images", "groups", "labels", "masks")}
    children = family(ws)
    parents = {name: [each for each, made in children.items() if name in made] for name in shown} if children else {}
    nodes = tuple(_image(name, details, uses, parents.get(name, []), children.get(name, [])) for name in shown)
    if len(shas) > len(shown):
        nodes += (Node("and", f"{len(shas) - len(shown)} more images"),)
    snapshots = {name: len(rows & shas) for name, rows in uses.rows.items() if rows & shas}
    weights = {str(run["id"]): count for name, count in snapshots.items() for run in uses.runs.get(name, [])}
    if "snapshot" in top:
        snapshots = {name: count for name, count in snapshots.items() if name == top["snapshot"]}
        only = top.get("id")
        weights = {run["id"]: len(shas) for run in uses.runs.get(top["snapshot"], []) if only in (None, run["id"])}
    return Lineage(
        thing, Node(kind, thing, top, nodes), len(shas), len(shas & uses.gone), _shops(ws, shas),
        dict(sorted(snapshots.items())), dict(sorted(weights.items())),
    )  # fmt: skip


def _find(ws: Workspace, thing: str, uses: Uses) -> tuple[str, set[str], Row]:
    """(kind, the images concerned, facts)."""
    by_id = {run["id"]: run for runs in uses.runs.values() for run in runs}
    run_id = thing if thing in by_id else weight_run(ws, thing)
    if run_id in by_id:
        run = by_id[run_id]
        return "run" if run_id == thing else "weight", set(uses.rows.get(run["snapshot"], ())), run
    if thing in uses.meta:
        meta = uses.meta[thing]
        told = {"fingerprint": meta["fingerprint"], "where": meta["where"], "broken": uses.broken.get(thing)}
        return "snapshot", set(uses.rows.get(thing, ())), {"snapshot": thing, **told}
    if _HEX.fullmatch(thing.lower()) and (known := _from_hex(ws, thing.lower(), uses)):
        return "sha256", known, {"taken down": "yes"} if known <= uses.gone else {}
    if "://" in thing:
        return _from_url(ws, thing)
    sql = "SELECT DISTINCT sha256 FROM fetches WHERE (store || '|' || product_id = ? OR product_id = ?)"
    rows = ws.tables.query(sql, parameters=[thing, thing])["sha256"].to_pylist()
    if rows:
        return "product", {sha256 for sha256 in rows if sha256}, {}
    return _from_metric(ws, thing, by_id, uses)


def _from_hex(ws: Workspace, prefix: str, uses: Uses) -> set[str]:
    known = ws.tables.query(
        "SELECT DISTINCT sha256 FROM fetches WHERE starts_with(sha256, ?) UNION "
        "SELECT sha256 FROM images WHERE starts_with(sha256, ?)",
        parameters=[prefix] * 2,
    )["sha256"].to_pylist()
    return set(known) | {sha256 for sha256 in uses.gone if sha256.startswith(prefix)}


def _from_url(ws: Workspace, url: str) -> tuple[str, set[str], Row]:
    rows = ws.tables.query(
        "SELECT sha256, url, page_url, status, reason, policy FROM fetches WHERE ? IN (url, final_url, page_url)",
        parameters=[url],
    ).to_pylist()
    if not rows:
        raise _unknown(url, "the URL of an image or page that was asked for")
    kind = "page" if all(row["page_url"] == url and row["url"] != url for row in rows) else "url"
    refused = sorted({_refusal(row) for row in rows if not row["sha256"]})
    return kind, {row["sha256"] for row in rows if row["sha256"]}, {"without bytes": "; ".join(refused)}


def _refusal(row: Row) -> str:
    """'refused noai (X-Robots-Tag: noai)': what became of an address that gave no bytes, and on what evidence."""
    told = f"{row['status']} {row['reason']}"
    try:
        evidence = json.loads(row["policy"] or "{}").get("evidence")
    except (ValueError, AttributeError):
        evidence = row["policy"]
    return f"{told} ({evidence})" if evidence else told


def _from_metric(ws: Workspace, thing: str, by_id: dict[str, Row], uses: Uses) -> tuple[str, set[str], Row]:
    """A metric leads to every run that has it; 'run:metric' to one."""
    run, _, name = thing.rpartition(":")
    values: Row = {}
    for run_id in [run] if run in by_id else [] if run else sorted(by_id):
        for path, value in metrics_of(ws, run_id).items():
            if name in (path, path.rsplit(".", 1)[-1]):
                values[f"{run_id} {path}"] = value
    if not values:
        raise _unknown(
            thing, "a sha256, a URL, a product (store|id), a metric (run:name), a weight, a snapshot or a run"
        )
    names = {by_id[key.split(" ", 1)[0]]["snapshot"] for key in values}
    one = by_id.get(run, {})
    return "metric", {sha256 for each in names for sha256 in uses.rows.get(each, ())}, {**values, **one}


def _unknown(thing: str, expected: str) -> UsageError:
    return UsageError(f"nothing here is called '{thing}'", expected=expected)


def _image(
    sha256: str, details: dict[str, dict[str, list[Row]]], uses: Uses, parents: list[str], children: list[str]
) -> Node:
    image = next(iter(details["images"].get(sha256, [])), {})
    facts = {key: image.get(key) for key in ("status", "reason", "width", "height", "format", "view")}
    facts |= {"taken down": "yes"} if sha256 in uses.gone else {}
    fetches = details["fetches"].get(sha256, [])
    made = [_fetch(row) for row in sorted(fetches, key=lambda row: str(row["fetched_at"]))]
    made += [Node("made from", parent) for parent in parents]
    made += [Node("made into", child) for child in children]
    made += [
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
    return Node("image", sha256, facts, (*made, *_used(sha256, uses)))


def _fetch(row: Row) -> Node:
    facts = {key: row[key] for key in ("status", "reason", "store", "product_id", "crawl_id", "policy")}
    facts["at"] = row["fetched_at"].isoformat() if row["fetched_at"] else None
    return Node(
        "from", row["url"] or row["source"] or "?", facts, (Node("on page", row["page_url"]),) * bool(row["page_url"])
    )


def _used(sha256: str, uses: Uses) -> list[Node]:
    found = []
    for name in sorted(name for name, rows in uses.rows.items() if sha256 in rows):
        runs = tuple(
            Node("run", run["id"], {key: run.get(key) for key in ("fingerprint", "marked")})
            for run in uses.runs.get(name, [])
        )
        found.append(Node("snapshot", name, {"fingerprint": uses.meta[name]["fingerprint"]}, runs))
    return found


def _shops(ws: Workspace, shas: set[str]) -> dict[str, int]:
    """Images by store; one that two shops show counts for both."""
    sql = f"""SELECT store, count(DISTINCT sha256) AS n FROM fetches
      WHERE sha256 {_AMONG} AND store IS NOT NULL AND store <> '' GROUP BY 1 ORDER BY 1"""
    rows = ws.tables.query(sql, parameters=[sorted(shas)]).to_pylist()
    return {row["store"]: row["n"] for row in rows}


def _select(ws: Workspace, table: str, values: list[str]) -> list[Row]:
    return ws.tables.query(f'SELECT * FROM "{table}" WHERE sha256 {_AMONG}', parameters=[values]).to_pylist()


def _by_sha(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["sha256"], []).append(row)
    return found
