"""The curves of benchmarks/active_learning.py as one picture: accuracy over labels, a band of 95 % over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

COLOURS = {"random": "#6b7280", "uncertainty only": "#d97706", 
           "diversity only": "#059669", "ours": "#1d4ed8", "ours, cold start": "#60a5fa"}  # fmt: skip


def plot(report: dict[str, Any], path: Path) -> None:
    """Write a PNG. A band is the mean's bootstrap interval; the line across is the target."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), dpi=120)
    sizes = report["sizes"]
    for name, each in report["strategies"].items():
        low, middle, high = band(np.array(each["curves"]))
        colour = COLOURS.get(name)
        axes.plot(sizes, middle, label=name, color=colour, linewidth=2.4 if name == "ours" else 1.5,
                  linestyle="--" if name == "ours, cold start" else "-")  # fmt: skip
        axes.fill_between(sizes, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.axhline(report["target"], color="black", linewidth=0.9, linestyle=":")
    told = f"95 % of the accuracy with all {report['train']:,} labels"
    axes.text(sizes[0] + 6, report["target"] + 0.005, told, ha="left", va="bottom", fontsize=9)
    axes.set_xlabel("labels asked of a person")
    axes.set_ylabel(f"accuracy, {report['part']} (n = {report['judged']})")
    axes.set_title(
        f"Garment type: what to label next ({len(report['seeds'])} seeds, bands 95 % over seeds)", fontsize=11
    )
    axes.set_ylim(0.4, 0.92)
    axes.set_xlim(sizes[0], sizes[-1])
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def band(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rounds,) each: lower, mean, upper of the mean over seeds, by bootstrap."""
    drawn = np.random.default_rng(0).integers(0, len(curves), (1000, len(curves)))
    low, high = np.percentile(curves[drawn].mean(1), [2.5, 97.5], axis=0)
    return low, curves.mean(0), high
