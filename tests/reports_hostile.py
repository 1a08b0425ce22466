"""A workspace full of what a stranger could write: names that are markup, formulas, right-to-left or endless."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from test_reports_overview import NOW, STORES, build

from dataset.workspace import Workspace
from train.record import read_run, write_json

MARKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "<img src=https://evil.example/x.png>",
    "</title></style><script>alert(3)</script>",
    "<svg/onload=alert(4)>",
    "' onmouseover='alert(5)' x='",
    '<a href="javascript:alert(6)">sale</a>',
    "<!-- --> ]]> <style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "=cmd()",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\u202egnp.exe dress\u202c",
    "مرحبا فستان أحمر",
    "Ⓦ" * 400,
    "endless" * 5_000,
    "bell\x07 and\x1b[31m escape",
)
ADDRESSES = (
    "javascript:alert(7)",
    "data:text/html,<script>alert(8)</script>",
    'https://evil.example/"onclick="alert(9)',
    "//evil.example/x",
    "https://a.example/p?a=1&b=<i>",
    "file:///etc/passwd",
)


def hostile(root: Path) -> Workspace:
    """The drawn workspace of the overview's tests, then two crawls in which every column may be hostile."""
    ws = build(root, products=24)
    for number, crawl_id in enumerate(("c2", "c3")):
        _crawl(ws, crawl_id, number)
    _labels(ws)
    _runs(ws)
    settings = ws.root / "modiste.yaml"
    settings.write_text(settings.read_text().replace("name: Autumn windows", f"name: {json.dumps(MARKS[3])}"))
    return Workspace.open(root)


def _crawl(ws: Workspace, crawl_id: str, number: int) -> None:
    at = NOW + timedelta(days=7 * (number + 1))
    rows, visits = [], []
    for k, mark in enumerate(MARKS):
        if k % 6 == (5 if number else 4):
            continue  # gone, new
        rows.append({
            "store": STORES[k % 2] if k % 3 else MARKS[1], "product_id": mark[:300], "crawl_id": crawl_id,
            "fetched_at": at, "url": ADDRESSES[k % len(ADDRESSES)], "name": mark, "brand": mark, "colour": mark,
            "price": f"{10 + k + (k % 4 == 1) * number}.00", "list_price": f"{40 - 9 * number}.00",
            "currency": ("EUR", mark[:40])[k % 5 == 0], "availability": mark if k % 4 == number else "InStock",
            "categories": ["Women", f"Sale {mark}"], "variant_group": mark, "gtin": "4006381333931", "licence": mark,
            "image_urls": [f"https://a.example/{k}.jpg"], "extractor": mark,
        })  # fmt: skip
    for store in {row["store"] for row in rows}:
        visits.append({
            "store": store, "crawl_id": crawl_id, "url": f"https://{STORES[0]}/sitemap.xml", "kind": "sitemap",
            "found": "sitemap", "status": "ok", "fetched_at": at,
        })  # fmt: skip
    ws.tables.append("products", rows)
    ws.tables.append("pages", visits)


def _labels(ws: Workspace) -> None:
    names = ws.tables.read("images", ["sha256"], "status = 'ok'")["sha256"].to_pylist()
    rows: list[dict[str, Any]] = []
    shown = {row["product_id"]: row["store"] for row in ws.tables.read("products", where="crawl_id = 'c3'").to_pylist()}
    for sha256, (product_id, store) in zip(names, shown.items(), strict=False):
        seen = {"product_id": product_id, "store": store, "sha256": sha256, "status": "ok", "url": f"v{sha256}"}
        ws.tables.append("fetches", [{**seen, "crawl_id": "c3", "page_url": "p", "position": 0, "fetched_at": NOW}])
    for sha256, mark in zip(names, MARKS, strict=False):
        rows.append({"sha256": sha256, "field": mark[:60], "value": None, "word": mark, "source": "store"})
        for source in ("store", "rule", "model:20261120-1000-tagging-lite-bb22", f"model:../{mark[:20]}"):
            rows.append({"sha256": sha256, "field": "type", "value": mark, "word": mark, "source": source})
    ws.tables.upsert("labels", rows)
    ws.tables.append("takedowns", [{"kind": MARKS[0], "value": MARKS[1], "reason": MARKS[2], "created_at": NOW}])
    fetch = {"crawl_id": "c3", "page_url": "p", "status": "refused", "fetched_at": NOW, "source": MARKS[0]}
    rows = [{**fetch, "store": STORES[0], "url": f"u{k}", "reason": mark} for k, mark in enumerate(MARKS)]
    ws.tables.append("fetches", rows)


def _runs(ws: Workspace) -> None:
    """Recipe names, metric names, classes and snapshots from a record that somebody else wrote."""
    for folder in ws.runs.iterdir():
        run = read_run(folder)
        found = json.loads(json.dumps(run.evaluation))
        for row, mark in zip(found["rows"], MARKS, strict=False):
            row["baseline_name"] = mark
        found["rows"].append({**found["rows"][0], "metric": MARKS[0], "part": "test"})
        found["confusion"] = [
            {"field": MARKS[1], "part": "test", "classes": list(MARKS[:2]), "matrix": [[3, 1], [1, 3]]}
        ]
        found["detail"] = {"slices": [{"slice": MARKS[0], "n": 3}], "absent": [MARKS[1]]}
        write_json(folder / "evaluation.json", found)
        recipe = {"name": MARKS[0], MARKS[1]: MARKS[2]}
        write_json(
            folder / "run.json", {**run.data, "recipe": recipe, "taxonomy": MARKS[4], "hardware": {"cpu": MARKS[5]}}
        )
