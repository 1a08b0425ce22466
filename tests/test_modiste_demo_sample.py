"""A small sample of photographs still has all three parts, and what the demo prints can be typed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modiste.demo.job import _command
from modiste.demo.photos import PARTS, _sample, _street_part


@pytest.mark.parametrize("count", [9, 12, 40])
def test_a_small_sample_has_every_part_and_as_many_as_asked(count: int) -> None:
    files = [Path(f"street/photos/{number:04d}.jpg") for number in range(100) if number % 5 > 1 or number < 20]
    chosen = _sample(files, count, _street_part)
    parts = [_street_part(path) for path in chosen]
    assert (len(chosen), chosen) == (count, sorted(set(chosen)))
    assert min(parts.count(part) for part in PARTS) >= 3


def test_a_printed_command_is_quoted_as_a_shell_wants_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Child:
        def __init__(self, *words: object, **more: object) -> None: ...

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Child)
    _command(["snapshot", "x", "--where", "product_id LIKE 'WR-%'"], {}, False)
    assert capsys.readouterr().out == """$ modiste snapshot x --where "product_id LIKE 'WR-%'"\n"""
