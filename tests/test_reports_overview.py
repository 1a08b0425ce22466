"""The workspace report, on a workspace drawn here: two shops, every kind of loss, masks, labels, a snapshot,
two runs."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dataset.masks import compose, from_png, to_png
from dataset.snapshot import create_snapshot, list_snapshots, load_snapshot
from dataset.workspace import Workspace
from reports.funnel import Stage, funnel
from reports.overview import ReportResult, report
from reports.pictures import Pictures
from reports.wording import plain, web_address

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
STORES = ("atelier.example", "corner.example")
EVIL = '<script>alert("x")</script>'
NAMES = {2: "=cmd()", **dict.fromkeys(range(1, 30, 2), EVIL)}
CATEGORIES = ("Dresses", "Skirts", "Coats", "Shirts")
COLOURS = {
    "navy": (34, 48, 92),
    "rust": (170, 78, 40),
    "sage": (140, 160, 130),
    "plum": (100, 48, 92),
    "sand": (206, 186, 150),
}
REFUSALS = ("robots", "noai", "denied_host")
FAILURES = ("http_404", "timeout", "html")


def draw(rng: np.random.Generator, colour: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """(JPEG of a figure in a dress, PNG of its composite mask)."""
    w, h = 240, 320
    skin, person, garment = Image.new("RGB", (w, h)), Image.new("1", (w, h)), Image.new("1", (w, h))
    skin.paste(tuple(int(v) for v in rng.integers(190, 245, 3)), (0, 0, w, h))
    x, tone = (
        int(rng.integers(100, 140)),
        [(92, 62, 45), (150, 104, 78), (205, 160, 130), (238, 200, 175)][rng.integers(4)],
    )
    body = [
        (x - 24, 78),
        (x + 24, 78),
        (x + 18, 150),
        (x + int(rng.integers(35, 62)), 235),
        (x - 50, 235),
        (x - 18, 150),
    ]
    for canvas, ink in ((skin, tone), (person, 1)):
        pen = ImageDraw.Draw(canvas)
        pen.ellipse((x - 19, 22, x + 19, 70), fill=ink)
        pen.rectangle((x - 8, 64, x + 8, 82), fill=ink)
        pen.line([(x - 22, 86), (x - 46, 190)], fill=ink, width=13)
        pen.line([(x + 22, 86), (x + 46, 190)], fill=ink, width=13)
        pen.line([(x - 12, 230), (x - 14, 308)], fill=ink, width=16)
        pen.line([(x + 12, 230), (x + 14, 308)], fill=ink, width=16)
    for canvas, ink in ((skin, colour), (person, 1), (garment, 1)):
        ImageDraw.Draw(canvas).polygon(body, fill=ink)
    noisy = np.asarray(skin).astype(int) + rng.normal(0, 5, (h, w, 3)).astype(int)
    out = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue(), to_png(compose(np.asarray(person), np.asarray(garment)))


def build(root: Path, products: int = 60) -> Workspace:
    """A workspace in which every stage loses something."""
    ws, rng = Workspace.init(root, name="Autumn windows"), np.random.default_rng(7)
    tables: dict[str, list[dict[str, Any]]] = {
        n: [] for n in ("products", "fetches", "images", "groups", "labels", "masks")
    }
    for k in range(products):
        _add_product(ws, rng, k, tables)
    tables["fetches"].append({**tables["fetches"][0], "url": "https://mirror.example/same.jpg"})
    for name, rows in tables.items():
        ws.tables.upsert(name, rows)
    ws.tables.append("takedowns", [{"kind": "brand", "value": "Gone & Co", "reason": "asked", "created_at": NOW}])
    create_snapshot(ws, "autumn-1", where="mask_sha256 IS NOT NULL")
    _add_run(ws, "20261120-0900-segmentation-unet-aa11", "segmentation", "grabcut_alone", 0.61, 0.84)
    _add_run(ws, "20261120-1000-tagging-lite-bb22", "tagging", "majority_class", 0.38, 0.79)
    return ws


def _add_product(ws: Workspace, rng: np.random.Generator, k: int, tables: dict[str, list[dict[str, Any]]]) -> None:
    store, category = STORES[k % 3 == 0], CATEGORIES[int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
    colour = list(COLOURS)[int(rng.integers(5))]
    price = float(rng.lognormal(4.2 if k % 3 else 4.8, 0.35))
    urls = [f"https://{store}/img/{k}-{n}.jpg" for n in range(2)]
    tables["products"].append({
        "store": store, "product_id": f"P{k}", "url": "javascript:alert(1)" if k == 1 else f"https://{store}/p/{k}",
        "name": NAMES.get(k, f"{colour.title()} {category[:-1].lower()} No {k}"), "brand": "Modesta",
        "price": "ask us" if k == 5 else f"{price:.2f}", "list_price": f"{price * 1.4:.2f}" if k % 5 == 0 else None,
        "currency": "USD" if k == 6 else "EUR", "availability": ("InStock", "InStock", "OutOfStock", None)[k % 4],
        "categories": ["Women", category], "colour": colour, "image_urls": [*urls,
        f"https://{store}/never/{k}.jpg"][: 3 if k % 20 == 0 else 2],
        "licence": "https://creativecommons.org/licenses/by/4.0/" if k % 3 else None, "extractor": "jsonld@1",
        "crawl_id": "c1", "fetched_at": NOW + timedelta(seconds=k),
    })  # fmt: skip
    for n, url in enumerate(urls):
        row = {"crawl_id": "c1", "store": store, "product_id": f"P{k}", "page_url": f"https://{store}/p/{k}",
        "url": url,
               "position": n, "fetched_at": NOW + timedelta(seconds=k), "source": "crawl"}  # fmt: skip
        turn = 2 * k + n
        if turn % 11 == 3:
            tables["fetches"].append({**row, "status": "failed", "reason": FAILURES[turn % 3]})
        elif turn % 11 == 7:
            tables["fetches"].append({**row, "status": "refused", "reason": REFUSALS[turn % 3]})
        else:
            image, mask = draw(rng, COLOURS[colour])
            sha256 = ws.blobs.put(image)
            tables["fetches"].append({**row, "status": "ok", "sha256": sha256, "bytes": len(image)})
            if turn % 17 != 2:
                _add_image(ws, rng, turn, sha256, (store, k, category, colour, mask), tables)


def _add_image(
    ws: Workspace, rng: np.random.Generator, turn: int, sha256: str, what: Any, tables: dict[str, list[dict[str, Any]]]
) -> None:
    store, k, category, colour, mask = what
    if turn % 13 == 4:
        tables["images"].append({"sha256": sha256, "status": "bad", "reason": ("truncated", "too_small")[turn % 2]})
        return
    scores = {name: float(rng.beta(a, 3)) for name, a in (("sharpness", 7), ("exposure", 9), ("contrast", 6),
    ("compression", 8),
                                                         ("resolution", 5), ("uniformity", 2))}  # fmt: skip
    tables["images"].append(
        {"sha256": sha256, "status": "ok", "width": 240, "height": 320, "format": "JPEG", "view": "scene", **scores}
    )
    near = tables["groups"][-1]["cluster_id"] if turn % 10 == 1 and tables["groups"] else sha256
    split = None if turn % 29 == 5 else ("train", "train", "train", "validation", "test")[k % 5]
    tables["groups"].append({"sha256": sha256, "store": store, "cluster_id": near, "group_id": near, "split": split})
    source = ("cutout", "cutout", "grabcut")[turn % 3]
    if turn % 9 == 6:
        tables["masks"].append(
            {"sha256": sha256, "kind": "composite", "source": source, "status": "bad", "reason": "garment_empty"}
        )
    elif turn % 19 != 9:
        quality = float(rng.beta(8, 2))
        tables["masks"].append({"sha256": sha256, "kind": "composite", "source": source, "status": "ok",
        "mask_sha256": ws.blobs.put(mask),
                                "quality": quality, "flags": ["holes"] if quality < 0.6 else []})  # fmt: skip
        if turn % 4 == 0:
            guess = ws.blobs.put(to_png(np.roll(from_png(mask), 9, axis=1)))
            tables["masks"].append({**tables["masks"][-1], "source": "model:run-1", "mask_sha256": guess})
    if turn % 7 != 5:
        tables["labels"].append(
            {"sha256": sha256, "field": "category", "value": category.lower(), "word": category, "source": "store"}
        )
    tables["labels"].append(
        {
            "sha256": sha256,
            "field": "colour",
            "value": None if colour in ("plum", "sage") else colour,
            "word": colour,
            "source": "store",
        }
    )


def _add_run(ws: Workspace, name: str, task: str, baseline: str, floor: float, score: float) -> None:
    folder = ws.runs / name
    (folder / "figures").mkdir(parents=True)
    snap = load_snapshot(ws, "autumn-1")
    (folder / "run.json").write_text(json.dumps({
        "id": name, "task": task, "status": "done", "recipe": {"name": f"{task}/unet"}, "snapshot": snap.name,
        "fingerprint": snap.fingerprint,
        "counts": {"train": 40, "validation": 15, "test": 14}, "started_at": name[:13], "wall_s": 312.5,
    }))  # fmt: skip
    names = {"segmentation": ("mean_iou", "garment_iou", "pixel_accuracy"), "tagging": ("accuracy", "macro_f1")}[task]
    rows = [
        {"metric": m, "value": score + 0.02 * (part == "validation") - 0.03 * k, "low": score - 0.08,
        "high": min(score + 0.05, 1.0), "n": n,
         "part": part, "baseline_name": baseline, "baseline": floor}
        for k, m in enumerate(names) for part, n in (("validation", 15), ("test", 14))
    ]  # fmt: skip
    classes, matrix = (
        ["dresses", "skirts", "coats", "shirts"],
        [[22, 3, 0, 1], [4, 15, 0, 2], [0, 1, 11, 0], [1, 2, 1, 6]],
    )
    confusion = (
        [{"field": "category", "part": "test", "classes": classes, "matrix": matrix}] if task == "tagging" else []
    )
    (folder / "evaluation.json").write_text(json.dumps({"rows": rows, "confusion": confusion}))
    with open(folder / "metrics.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "train_loss", "validation_loss", "validation_score"])
        writer.writerows(
            [e, 1 / (e + 1), 1 / (e + 1) + 0.1 + 0.01 * e, score * (1 - 0.7 ** (e + 1))] for e in range(12)
        )
    Image.fromarray(np.full((90, 300, 3), 200, np.uint8)).save(folder / "figures" / "worst_test.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, ReportResult, str]:
    ws = build(tmp_path_factory.mktemp("report") / "ws")
    result = report(ws)
    return ws, result, Path(result.path).read_text("utf-8")


def outside_scripts(html: str) -> str:
    return re.sub(r"<script(?: [^>]*)?>.*?</script>", "", html, flags=re.S)


def chain(stages: list[Stage]) -> list[tuple[int, int]]:
    kept = {stage.name: stage.kept for stage in stages}
    return [(stage.total, kept[stage.after] + stage.joined) for stage in stages if stage.after]


def test_every_stage_of_the_funnel_takes_up_what_the_stage_before_kept(made: Any) -> None:
    stages = funnel(made[0], load_snapshot(made[0], "autumn-1").rows)
    assert [stage.name for stage in stages][0::3] == ["Listed on pages", "Near-duplicates", "In the snapshot"]
    assert len(chain(stages)) == 7
    assert all(total == came_in for total, came_in in chain(stages))


def test_the_funnel_counts_match_the_tables_counted_another_way(made: Any) -> None:
    ws = made[0]
    stages = {stage.name: stage for stage in funnel(ws, load_snapshot(ws, "autumn-1").rows)}
    fetches, images = ws.tables.read("fetches").to_pylist(), ws.tables.read("images").to_pylist()
    listed = {(p["store"], u) for p in ws.tables.read("products").to_pylist() for u in p["image_urls"]}
    assert stages["Listed on pages"].total == len(listed | {(f["store"], f["url"]) for f in fetches})
    assert stages["Fetched"].kept == len({f["sha256"] for f in fetches if f["sha256"]})
    assert stages["Checked"].kept == sum(i["status"] == "ok" for i in images)
    lost = {p.code: p.count for p in stages["Listed on pages"].parts if p.kind == "lost"}
    assert lost["noai"] == sum(f["reason"] == "noai" for f in fetches)
    assert set(lost) == set(REFUSALS) | set(FAILURES)


def test_every_kind_of_loss_is_named_with_its_reason(made: Any) -> None:
    codes = {part.code for stage in funnel(made[0], None) for part in stage.parts if part.count}
    assert {
        "same_bytes",
        "not_asked",
        "not_checked",
        "truncated",
        "garment_empty",
        "not_masked",
        "near_duplicate",
        "word_unmapped",
    } <= codes


def test_an_image_checked_without_a_fetch_is_said_to_have_joined(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "ws")
    ws.tables.append("images", [{"sha256": "0" * 64, "status": "ok"}])
    checked = next(stage for stage in funnel(ws, None) if stage.name == "Checked")
    assert (checked.joined, checked.kept, checked.total) == (1, 1, 1)


def test_a_product_named_script_stays_text(made: Any) -> None:
    html = made[2]
    assert EVIL not in html
    assert "&lt;script&gt;alert" in html
    scripts = re.findall(r"<script(?: [^>]*)?>", html)
    assert scripts.count("<script>") == 2
    assert set(scripts) == {"<script>", '<script type="application/json" data-chart>'}


def test_a_formula_stays_text_and_a_javascript_address_is_no_link(made: Any) -> None:
    assert plain("=cmd()") == "=cmd()"
    assert "javascript:" not in outside_scripts(made[2])
    assert web_address("javascript:alert(1)") is None
    assert web_address("https://a.example/p?q=1") == "https://a.example/p?q=1"


def test_scraped_text_loses_its_direction_overrides() -> None:
    assert plain("red\u202egnp.exe\x00\n dress") == "redgnp.exe dress"


def test_nothing_is_loaded_from_elsewhere(made: Any) -> None:
    html = outside_scripts(made[2])
    assert not re.findall(r"(?:src|srcset|poster|action)\s*=\s*[\"']?(?!data:)[^\"'> ]", html)
    assert "url(" not in html
    assert "@import" not in html
    links = re.findall(r"<a [^>]*href=\"https?:[^>]*>", html)
    assert links
    assert all('rel="noopener nofollow noreferrer"' in link for link in links)
    assert "<link" not in html


def test_the_policy_names_every_script_by_its_hash(made: Any) -> None:
    import base64
    import hashlib

    html = made[2]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    for script in re.findall(r"<script>(.*?)</script>", html, flags=re.S):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy[1].replace("&#39;", "'").replace("&#43;", "+")


def test_a_metric_stands_beside_its_interval_its_n_and_its_baseline(made: Any) -> None:
    row = re.search(r"<tr><td>mean IoU</td>(.*?)</tr>", made[2], flags=re.S)
    assert row
    text = " ".join(re.sub("<[^>]+>", " ", row[1]).split())
    assert text == "0.860 [0.760, 0.890] n = 15 0.840 [0.760, 0.890] n = 14 GrabCut alone 0.610"


def test_the_file_keeps_to_its_budget(made: Any) -> None:
    _, result, html = made
    assert result.bytes == len(html.encode()) < 12_000_000
    assert html.count("data:image/jpeg;base64,") > 40


def test_pictures_beyond_the_budget_are_left_out_and_counted(made: Any) -> None:
    ws = made[0]
    pictures = Pictures(ws.blobs, budget_bytes=25_000)
    shown = [pictures.image(sha256) for sha256 in list(ws.blobs)[:60]]
    assert sum(len(uri) for uri in shown if uri) == pictures.used <= 25_000
    assert pictures.left_out > 0


def test_an_empty_workspace_gives_a_report_that_names_the_next_command(tmp_path: Path) -> None:
    result = report(Workspace.init(tmp_path / "ws"))
    html = Path(result.path).read_text("utf-8")
    assert "This workspace is empty" in html
    assert "<code>modiste crawl URL</code>" in html
    assert len(html) < 50_000


def test_a_damaged_run_and_a_damaged_snapshot_are_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    ws = build(tmp_path / "ws", products=12)
    (ws.runs / "20261120-1000-tagging-lite-bb22" / "run.json").write_text("{half")
    (ws.snapshots / "broken.json").write_text("{}")
    html = Path(report(ws).path).read_text("utf-8")
    assert "Run 20261120-1000-tagging-lite-bb22 can&#39;t be read" in html
    assert list_snapshots(ws) == ["autumn-1", "broken"]
    assert "was edited or cut short" in html
    assert "<td>mean IoU</td>" in html


def test_a_lost_blob_leaves_a_hole_not_an_error(tmp_path: Path) -> None:
    ws = build(tmp_path / "ws", products=12)
    for sha256 in list(ws.blobs):
        ws.blobs.delete(sha256)
    result = report(ws)
    assert "no picture here" in Path(result.path).read_text("utf-8")


def test_a_second_report_overwrites_the_first_and_says_the_same(made: Any, tmp_path: Path) -> None:
    first, second = report(made[0], out=tmp_path / "a.html"), report(made[0], out=tmp_path / "a.html")
    assert first == second
    assert re.match(r"report: 60 products, \d+ images, 2 runs -> .*a\.html \(\d+\.\d MB\)", second.line())


def test_every_code_of_a_crawl_has_words_in_the_report() -> None:
    from crawlers import fetcher, policy
    from reports.wording import REASONS

    codes = {*policy.REASONS, *fetcher.REASONS} - {"http_<status>"}
    assert codes - set(REASONS) == set()


def test_the_funnel_begins_with_the_pages_and_why_some_were_not_read(tmp_path: Path) -> None:
    ws = Workspace.init(tmp_path / "w")
    row = {"crawl_id": "c", "store": "s", "kind": "leaf", "fetched_at": datetime(2026, 1, 1, tzinfo=UTC)}
    later = datetime(2026, 1, 2, tzinfo=UTC)
    ws.tables.append("pages", [
        {**row, "url": "a", "status": "failed", "reason": "timeout"},
        {**row, "url": "a", "status": "ok", "reason": None, "fetched_at": later},
        {**row, "url": "b", "status": "refused", "reason": "robots"},
    ])  # fmt: skip
    stage = funnel(ws, None)[0]
    assert (stage.name, stage.total, stage.kept) == ("Pages asked for", 2, 1)
    assert {part.code: part.count for part in stage.parts if part.kind == "lost"} == {"robots": 1}
