"""The leakage benchmark's report as Markdown tables. In: the dictionary that goes to JSON. Out: text."""

from __future__ import annotations

from typing import Any

from train.metrics import wilson

Interval = tuple[float, float, float]


def table(report: dict[str, Any]) -> str:
    head = (
        f"{report['photos']} photographs; {report['images']} images of 6 shops, {report['unseen_images']} of 3 unseen"
    )
    more = report["random_over_grouped"]
    return "\n".join(
        [
            f"{head}; {report['cpu_s']} CPU s",
            "",
            *_scores(report["splits"]),
            "",
            f"random over grouped, test accuracy: {_signed(more)}",
            "",
            *_mechanism(report["splits"]),
            "",
            *_leaks(report["leaks"]),
            "",
            *_joined(report["joined"]),
        ]
    )


def _scores(splits: dict[str, Any]) -> list[str]:
    lines = [
        "| split | test accuracy, mean | each run [Wilson], n | majority | same models, unseen shops | said - true |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in splits.items():
        each = "; ".join(_run(run["figure"]) for run in found["runs"])
        majority = "; ".join(f"{run['figure']['baseline']:.3f}" for run in found["runs"])
        told = (_plain(found["test"]), each, majority, _plain(found["unseen"]), _signed(found["gap"]))
        lines.append(f"| {name} | {' | '.join(told)} |")
    runs = [run["unseen_majority"] for found in splits.values() for run in found["runs"]]
    return [*lines, f"majority on the unseen shops: {min(runs):.3f} to {max(runs):.3f}"]


def _mechanism(splits: dict[str, Any]) -> list[str]:
    """Where a split's score comes from, summed over its runs."""
    lines = [
        "| split | test images with one of their group in train | the others | from shops mostly not in train |",
        "|---|---|---|---|",
    ]
    for name, found in splits.items():
        cells = [_share(*(sum(run[kind][what] for run in found["runs"]) for what in ("right", "n"))) for kind in _KINDS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


_KINDS = ("copied", "single", "away")


def _leaks(leaks: dict[str, Any]) -> list[str]:
    lines = ["| planted pairs, summed over the splits of a kind | " + " | ".join(_LEAK_COLUMNS) + " |"]
    lines.append("|---" * (len(_LEAK_COLUMNS) + 1) + "|")
    for strategy, kinds in leaks.items():
        for kind, n in kinds.items():
            cells = [n["planted"], n["joined"], n["across"], f"{n['found']} / {n['across']}", n["joined_across"]]
            lines.append(f"| {strategy}: {kind} | " + " | ".join(map(str, cells)) + " |")
    return lines


_LEAK_COLUMNS = ("planted", "in one group", "across parts", "found by the leak check", "across though in one group")


def _joined(found: dict[str, Any]) -> list[str]:
    """Recall of dedup on the unseen shops' planted pairs, and the pairs it made that nobody planted."""
    lines = ["| planted in the unseen shops, joined | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for kind in next(iter(found.values()))["kinds"]:
        lines.append(f"| {kind} | " + " | ".join(_share(*each["kinds"][kind]) for each in found.values()) + " |")
    wrong = (f"{each['unexplained']} of {each['pairs']}" for each in found.values())
    return [*lines, f"| pairs in one cluster that were not planted | {' | '.join(wrong)} |"]


def _run(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}] {figure['n']}"


def _share(right: int, n: int) -> str:
    low, high = wilson(right, n)
    return f"{right / n:.3f} [{low:.3f}, {high:.3f}] {n}" if n else "none"


def _plain(found: Interval) -> str:
    return f"{found[0]:.3f} [{found[1]:.3f}, {found[2]:.3f}]"


def _signed(found: Interval) -> str:
    return f"{found[0]:+.3f} [{found[1]:+.3f}, {found[2]:+.3f}]"
