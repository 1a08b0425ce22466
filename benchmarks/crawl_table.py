"""Figures of the crawl benchmark from its runs: pure arithmetic, medians over rounds, ratios within a round.

In: `Run`s. Out: plain dicts for --json, and lines for a person. CPU per image 'beyond pages' is a contender's CPU less
that of `pages alone` in the same round, both without start-up, per image; a contender that reads a list has no pages to
take off. Never compares runs of different rounds, nor one with a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from crawl_measure import Contender, Run

RATED = ("ours", "ours + decode", "ours + check", "ours import", "FilesPipeline", "bare aiohttp")
PEERS = ("ImagesPipeline", "img2dataset", "img2dataset mended", "img2dataset bare")
Row = dict[str, object]


def rows(chosen: list[Contender], rounds: list[list[Run]], images: int) -> list[Row]:
    """A row a contender: medians over its rounds. `fault` is the first that any round had."""
    return [_row(each, rounds, images) for each in chosen]


def _row(contender: Contender, rounds: list[list[Run]], images: int) -> Row:
    runs = [(run, each) for each in rounds for run in each if run.name == contender.name]
    if not runs:
        return {"name": contender.name, "fault": f"not run: {contender.missing}"}
    first = runs[0][0]
    row: Row = {"name": contender.name, "fault": next((run.fault for run, _ in runs if run.fault), "")}
    row |= {"images": first.images, "asked": first.asked}
    for name, figure in _FIGURES.items():
        values = [figure(run) for run, _ in runs]
        row[name] = {"median": median(values), "low": min(values), "high": max(values)}
    if contender.keeps_images and not row["fault"]:
        row["images_per_cpu_s"] = median(images / run.cpu_s for run, _ in runs)
        row["images_per_s"] = median(images / run.wall_s for run, _ in runs)
        beyond = [ms for run, each in runs if (ms := beyond_pages_ms(contender, run, each, images)) is not None]
        row["cpu_ms_per_image_beyond_pages"] = median(beyond) if beyond else None
    return row


_FIGURES: dict[str, Callable[[Run], float]] = {
    "cpu_s": lambda run: run.cpu_s,
    "system_s": lambda run: run.system_s,
    "startup_cpu_s": lambda run: run.startup_cpu_s,
    "wall_s": lambda run: run.wall_s,
    "startup_wall_s": lambda run: run.startup_wall_s,
    "peak_mb": lambda run: run.peak_mb,
}


def beyond_pages_ms(contender: Contender, run: Run, same_round: list[Run], images: int) -> float | None:
    """CPU ms per image; None where the round holds no `pages alone` to take off."""
    if contender.reads == "list":
        return 1000 * run.own_cpu_s / images
    pages = next((each for each in same_round if each.name == "pages alone" and not each.fault), None)
    return 1000 * (run.own_cpu_s - pages.own_cpu_s) / images if pages else None


def ratios(rounds: list[list[Run]]) -> list[Row]:
    """Images per CPU-second of each rated contender over each peer's, round by round; both had the same images."""
    found: list[Row] = []
    for name in RATED:
        for peer in PEERS:
            pairs = [pair for each in rounds if (pair := _pair(each, name, peer))]
            if pairs:
                whole = [theirs.cpu_s / ours.cpu_s for ours, theirs in pairs]
                own = [theirs.own_cpu_s / ours.own_cpu_s for ours, theirs in pairs]
                found.append({"name": name, "peer": peer, "cpu": _spread(whole), "cpu_without_startup": _spread(own)})
    return found


def _pair(same_round: list[Run], name: str, peer: str) -> tuple[Run, Run] | None:
    whole = {run.name: run for run in same_round if not run.fault}
    return (whole[name], whole[peer]) if name in whole and peer in whole else None


def _spread(values: list[float]) -> dict[str, object]:
    return {"median": median(values), "low": min(values), "high": max(values), "rounds": values}


def lines(table: list[Row]) -> list[str]:
    head = (
        f"{'':19} {'CPU s':>7} {'system':>6} {'start':>6} {'wall s':>7} {'start':>6} {'img/CPU-s':>9} {'img/s':>7} "
        f"{'ms/img beyond':>13} {'peak MB':>8}  asked"
    )
    return [head, *(_line(row) for row in table)]


def _line(row: Row) -> str:
    if "cpu_s" not in row:
        return f"{row['name']:19} {row['fault']}"
    values = [_median(row, key) for key in ("cpu_s", "system_s", "startup_cpu_s", "wall_s", "startup_wall_s")]
    rates = [_number(row.get(key), width) for key, width in
             (("images_per_cpu_s", 9), ("images_per_s", 7), ("cpu_ms_per_image_beyond_pages", 13))]  # fmt: skip
    asked = row["asked"]
    assert isinstance(asked, dict)
    counts = "{pages} pages, {images} images, {other} other".format(**asked)
    times = "{:7.2f} {:6.2f} {:6.2f} {:7.2f} {:6.2f}".format(*values)
    return (
        f"{row['name']:19} {times} {' '.join(rates)} {_median(row, 'peak_mb'):8.0f}  {counts} {row['fault']}".rstrip()
    )


def _median(row: Row, key: str) -> float:
    spread = row[key]
    assert isinstance(spread, dict)
    return float(spread["median"])


def _number(value: object, width: int) -> str:
    return f"{value:{width}.2f}" if isinstance(value, float) else " " * (width - 1) + "-"


def ratio_lines(found: list[Row]) -> list[str]:
    """Images per CPU-second, times the peer's: median and range over rounds, whole and without start-up."""
    said = []
    for row in found:
        spreads = [row[key] for key in ("cpu", "cpu_without_startup")]
        whole, own = ("{median:.2f} ({low:.2f} to {high:.2f})".format(**s) for s in spreads if isinstance(s, dict))
        said.append(f"{row['name']} over {row['peer']}, per CPU-second: {whole}; without start-up {own}")
    return said
