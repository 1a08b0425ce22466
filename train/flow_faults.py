"""One fault of a flow: how bad, where, what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """`node` is the id of the node, or 'model NAME'; `line` counts from 1."""

    level: Literal["error", "warning"]
    file: str
    line: int
    node: str
    what: str

    def told(self) -> str:
        return f"{self.file}, line {self.line}, {self.node}: {self.what}"

    def line_of_text(self) -> str:
        return f"{self.level}: {self.told()}"
