"""One measured number with all that EVALUATION.md asks of it.

In: a measurement. Out: a row of evaluation.json, a line for a person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`low` and `high` are the 95 % interval; `baseline` is the same metric of the trivial answer."""

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    part: str
    baseline_name: str | None = None
    baseline: float | None = None

    def line(self) -> str:
        between = "" if self.low is None or self.high is None else f" [{self.low:.3f}, {self.high:.3f}]"
        beside = "" if self.baseline is None else f", {self.baseline_name} {self.baseline:.3f}"
        return f"{self.metric} {self.value:.3f}{between} (n = {self.n}{beside})"
