"""The step `split`: train, validation and test by whole groups, then a search for leaks.

In: `groups`, `labels` to stratify by, `fetches` for first-seen dates. Out: `groups.split` and `groups.split_rule`,
the shares reached and the leaks found across the parts. Strategies: grouped (default: in the order of a stable hash,
the same shares in every store and label; groups that have a part keep it), shop-out, season-out, and random, which is
marked as such because it leaks by construction. Published splits can be given as CSV files. Never depends on the
order of rows.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.errors import DataError, EmptyError, UsageError
from dataset.leaks import find_leaks
from dataset.made_images import made_images, without_made
from dataset.progress import Progress, silent
from dataset.strata import PARTS, Shares, assign_stratified, label_of_images, place, units_of
from dataset.workspace import Workspace

STRATEGIES = ("grouped", "shop-out", "season-out", "random")
_STRENGTH = {"train": 0, "validation": 1, "test": 2}
_LARGE = 20  # fewer images of a store or label than this reach no share
_ALSO_CALLED = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train"}
Row = dict[str, Any]


@dataclass(frozen=True)
class SplitResult:
    """`counts` are images per part; `moved` is how many images of a given split had to move to hold groups together."""

    strategy: str
    images: int
    groups: int
    counts: dict[str, int]
    changed: int
    leaks: int
    leak_examples: tuple[str, ...] = ()
    given: int = 0
    moved: int = 0
    unknown: int = 0
    contradicted: int = 0  # images to which the given files give two parts: they take the strictest
    stratified_by: str = ""
    worst_share: float = (
        0.0  # largest distance from the train share asked for, in a store or label of 20 images or more
    )
    kept: int = 0  # groups that had their part already
    made: int = 0  # pictures made or changed by software: in train, or nowhere
    made_left_out: int = 0  # of these, those that belong with a photo of another part
    left_out: int = 0  # shop-out: images that have no part, since they belong with one in a shop of another part

    @property
    def grouped(self) -> bool:
        return self.strategy == "grouped"

    def line(self) -> str:
        parts = ", ".join(f"{part} {n} ({100 * n / self.images:.0f} %)" for part, n in self.counts.items())
        text = f"{self.strategy} split of {self.images} images in {self.groups} groups: {parts}; {self.leaks} leaks"
        text += f"; by store{' and ' + self.stratified_by if self.stratified_by else ''}" if self.grouped else ""
        text += f", train share off by at most {100 * self.worst_share:.0f} % in any" if self.grouped else ""
        if self.given:
            text += f"; {self.given} given, {self.moved} moved to hold groups together"
        text += f"; {self.contradicted} given two parts, the strictest taken" if self.contradicted else ""
        text += (
            f"; {self.left_out} left out: they belong with images in a shop of another part" if self.left_out else ""
        )
        text += f"; {self.made} made or edited by software, in train alone" if self.made else ""
        text += f", {self.made_left_out} of them left out: their photo is in another part" if self.made_left_out else ""
        return text + (f"; {self.unknown} given but not here" if self.unknown else "")


def split(
    ws: Workspace,
    *,
    strategy: str = "grouped",
    shares: Shares = (0.7, 0.15, 0.15),
    seed: int = 0,
    given: Path | Sequence[Path] = (),
    stratify: str | None = None,
    afresh: bool = False,
    progress: Progress = silent,
) -> SplitResult:
    """Assign every image of `groups`. `given` are CSV files with the columns sha256 and split, or folders of such
    (`imports/` of the workspace holds one an import); images they do not name follow the strategy, and one given two
    parts takes the strictest: test, then validation. `stratify` names the label field to hold shares for (default:
    the one most images have); `afresh` forgets the parts that groups have. Raises UsageError for wrong shares or a
    strategy the data can't carry, DataError for a bad CSV, EmptyError before `dedup`."""
    _check(strategy, shares)
    rows = sorted(ws.tables.read("groups").to_pylist(), key=lambda row: str(row["sha256"]))
    if not rows:
        raise EmptyError("no groups to split", where=str(ws.root), cure="Run `modiste dedup` first")
    progress(0, len(rows))
    files = given_files([given] if isinstance(given, Path) else given)
    wanted, twice = _given_by(files)
    rule = {"strategy": strategy, "shares": list(shares), "seed": seed}
    rule |= {"given": ", ".join(path.name for path in files)} if files else {}
    written = json.dumps(rule, sort_keys=True)
    field, label_of = label_of_images(ws, stratify) if strategy == "grouped" else ("", {})
    made = made_images(ws)
    photos = [row for row in rows if row["sha256"] not in made]
    kept = {} if afresh or strategy != "grouped" else _kept(photos, written)
    if strategy == "grouped":
        by_group = assign_stratified(units_of(rows, label_of), shares=shares, seed=seed, kept=kept)
        parts = {row["sha256"]: by_group[row["group_id"]] for row in rows}
    else:
        parts = _assign(ws, rows, strategy, shares, seed)
    parts, moved = _with_given(rows, parts, wanted)
    left_out = len(rows) - len(parts)
    parts, dropped = without_made(rows, parts, made, move=strategy in ("grouped", "random"))
    changed = _write(ws, rows, parts, written)
    leaks = find_leaks(ws)
    progress(len(rows), len(rows))
    here = {row["sha256"] for row in rows}
    counts = Counter(parts.values())
    return SplitResult(
        strategy=strategy,
        images=len(rows),
        groups=len({row["group_id"] for row in rows}),
        counts={part: counts[part] for part in PARTS},
        changed=changed,
        leaks=leaks.total,
        leak_examples=leaks.examples,
        given=len(here & set(wanted)),
        moved=moved,
        unknown=len(set(wanted) - here),
        contradicted=twice,
        stratified_by=field,
        worst_share=_worst_share(rows, parts, label_of, shares[0]),
        kept=len(kept),
        made=len(made & {row["sha256"] for row in rows}),
        made_left_out=dropped,
        left_out=left_out,
    )


def part_of(name: str, *, shares: Shares = (0.7, 0.15, 0.15), seed: int = 0) -> str:
    """The part a name falls into: sha256 of 'seed:name' as a fraction of the whole, cut at the shares."""
    at = place(name, seed)
    return "train" if at < shares[0] else "validation" if at < shares[0] + shares[1] else "test"


def assign_by_hash(names: Iterable[str], *, shares: Shares = (0.7, 0.15, 0.15), seed: int = 0) -> dict[str, str]:
    """Part of each name by its hash. A part with a share that came out empty is given the nearest name of the
    fullest part: that happens in tiny sets only, and there alone does one name's part depend on the others."""
    ordered = sorted(set(names), key=lambda name: (place(name, seed), name))
    parts = {name: part_of(name, shares=shares, seed=seed) for name in ordered}
    wanted = [part for part, share in zip(PARTS, shares, strict=True) if share > 0]
    for part in wanted if len(ordered) >= len(wanted) else ():
        counts = Counter(parts.values())
        if not counts[part]:
            fullest = max(PARTS, key=lambda other: counts[other])
            candidates = [name for name in ordered if parts[name] == fullest]
            parts[candidates[-1] if _STRENGTH[part] > _STRENGTH[fullest] else candidates[0]] = part
    return parts


def given_files(paths: Iterable[Path]) -> list[Path]:
    """The CSV files themselves, and those in the folders, sorted; each once. Raises UsageError for an empty folder."""
    found: set[Path] = set()
    for path in paths:
        inside = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise UsageError("no CSV file in this folder", where=str(path), expected="*.csv with sha256 and split")
        found |= set(inside)
    return sorted(found, key=lambda path: (path.name, str(path)))


def read_given(path: Path) -> dict[str, str]:
    """sha256 -> part from a CSV file with those two columns (others are ignored). Raises DataError naming the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"sha256", "split"} - set(reader.fieldnames or [])
            if missing:
                raise DataError(f"no column {sorted(missing)}", where=str(path), expected="a CSV with sha256 and split")
            return _strictest(_given_row(row, f"{path}:{reader.line_num}") for row in reader)
    except FileNotFoundError as error:
        raise UsageError("no such file", where=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is no CSV file: {error}", where=str(path)) from error


_FIRST_SEEN = """
    SELECT group_id, strftime(min(fetched_at), '%Y-%m-%d') AS day FROM fetches JOIN groups USING (sha256)
    WHERE status IN ('ok', 'unchanged') AND fetches.fetched_at IS NOT NULL GROUP BY group_id
"""


def _check(strategy: str, shares: Shares) -> None:
    if strategy not in STRATEGIES:
        raise UsageError(f"there is no strategy '{strategy}'", expected="one of " + ", ".join(STRATEGIES))
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6 or shares[0] == 0:
        raise UsageError(f"shares {shares}", expected="three numbers for train, validation, test that add up to 1")


def _assign(ws: Workspace, rows: list[Row], strategy: str, shares: Shares, seed: int) -> dict[str, str]:
    """sha256 -> part; an image that is left out is not in it."""
    if strategy == "random":
        return assign_by_hash((row["sha256"] for row in rows), shares=shares, seed=seed)
    if strategy == "shop-out":
        return _by_store(rows, shares, seed)
    by_group = _by_season(ws, rows, shares)
    return {row["sha256"]: by_group[row["group_id"]] for row in rows}


def _kept(rows: list[Row], rule: str) -> dict[str, str]:
    """group -> part of the groups whose images all have one part, given by this same rule."""
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        told[row["group_id"]].add((row["split"], row["split_rule"]))
    return {group: part for group, ((part, by), *others) in told.items() if by == rule and part and not others}


def _worst_share(rows: list[Row], parts: dict[str, str], label_of: dict[str, str], wanted: float) -> float:
    held: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["sha256"] not in parts:
            continue
        held["store", row["store"] or ""][parts[row["sha256"]]] += 1
        if row["sha256"] in label_of:
            held["label", label_of[row["sha256"]]][parts[row["sha256"]]] += 1
    large = [counts for counts in held.values() if counts.total() >= _LARGE]
    return max((abs(counts["train"] / counts.total() - wanted) for counts in large), default=0.0)


def _by_store(rows: list[Row], shares: Shares, seed: int) -> dict[str, str]:
    """Whole stores, in the order of their hashes. A group seen in several takes the strictest part of them, and its
    images in stores of other parts are left out: in train they would leak, in test they come from a store that was
    learned from."""
    sizes = Counter(row["store"] or "" for row in rows)
    order = sorted(sizes, key=lambda store: (place(store, seed), store))
    part = _in_turn(order, sizes, shares, f"shop-out needs 3 stores, there are {len(sizes)}")
    by_group = _strictest((row["group_id"], part[row["store"] or ""]) for row in rows)
    here = {row["sha256"]: part[row["store"] or ""] for row in rows}
    return {row["sha256"]: here[row["sha256"]] for row in rows if here[row["sha256"]] == by_group[row["group_id"]]}


def _by_season(ws: Workspace, rows: list[Row], shares: Shares) -> dict[str, str]:
    """Newest days to test, those before to validation; a group is as old as its first image, or oldest where unsaid."""
    days = {row["group_id"]: row["day"] for row in ws.tables.query(_FIRST_SEEN).to_pylist()}
    sizes = Counter(days.get(row["group_id"], "") for row in rows)
    order = sorted(sizes, reverse=True)
    part = _in_turn(order, sizes, shares, f"season-out needs 3 first-seen dates, there are {len(sizes)}")
    return {row["group_id"]: part[days.get(row["group_id"], "")] for row in rows}


def _in_turn(order: list[str], sizes: Counter[str], shares: Shares, too_few: str) -> dict[str, str]:
    """Fill test, then validation, up to their shares, at least one unit each, leaving at least one for every part
    after."""
    turns = [(part, share) for part, share in zip(PARTS[::-1], shares[::-1], strict=True) if share > 0]
    if len(order) < len(turns):
        raise UsageError(too_few, cure="Crawl more, or use --strategy grouped")
    whole, left, parts = sum(sizes.values()), list(order), {}
    for turn, (part, share) in enumerate(turns, start=1):
        filled = 0
        while left and (turn == len(turns) or not filled or filled + sizes[left[0]] / 2 <= share * whole):
            if filled and len(left) <= len(turns) - turn:
                break
            parts[left[0]] = part
            filled += sizes[left.pop(0)]
    return parts


def _with_given(rows: list[Row], parts: dict[str, str], wanted: dict[str, str]) -> tuple[dict[str, str], int]:
    """The parts with the given ones laid over them, group by group, and how many given images are not where they
    were."""
    by_group = _strictest((row["group_id"], wanted[row["sha256"]]) for row in rows if row["sha256"] in wanted)
    given = {row["sha256"]: by_group[row["group_id"]] for row in rows if row["group_id"] in by_group}
    parts = parts | given
    moved = sum(parts[sha256] != part for sha256, part in wanted.items() if sha256 in parts)
    return parts, moved


def _strictest(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = defaultdict(lambda: "train")
    for name, part in pairs:
        found[name] = max(found[name], part, key=_STRENGTH.__getitem__)
    return dict(found)


def _given_by(files: Iterable[Path]) -> tuple[dict[str, str], int]:
    """sha256 -> strictest part of all files, and how many images are given two."""
    pairs = [pair for path in files for pair in read_given(path).items()]
    wanted = _strictest(pairs)
    return wanted, len({sha256 for sha256, part in pairs if part != wanted[sha256]})


def _given_row(row: dict[str, str | None], where: str) -> tuple[str, str]:
    sha256, word = (row["sha256"] or "").strip().lower(), (row["split"] or "").strip().lower()
    part = _ALSO_CALLED.get(word, word)
    if part not in PARTS:
        raise DataError(f"'{word}' is no split", where=where, expected="train, validation or test")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise DataError(f"'{sha256[:70]}' is no sha256", where=where, expected="64 hex characters")
    return sha256, part


def _write(ws: Workspace, rows: list[Row], parts: dict[str, str], rule: str) -> int:
    changed = [
        row | {"split": parts.get(row["sha256"]), "split_rule": rule}
        for row in rows
        if (row["split"], row["split_rule"]) != (parts.get(row["sha256"]), rule)
    ]
    return ws.tables.upsert("groups", changed)
