"""The arrows of docs/design/house.md: which room may import which. A break is named by file and line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("crawlers", "dataset", "labeling", "train", "reports", "modiste")
ALLOWED = {room: {room, "dataset"} for room in ROOMS} | {"dataset": {"dataset"}, "modiste": set(ROOMS)}
SIDEWAYS = {("reports", "train.record")}
HEAVY_HOME = {"torch": "train", "lightning": "train", "timm": "train", "scrapy": "crawlers", "fiftyone": "labeling"}


def imports_of(source: str) -> list[tuple[int, str]]:
    """(line, dotted name) of every import anywhere in a module, those inside functions included."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def broken_arrows(path: Path, room: str, source: str) -> list[str]:
    broken = []
    for line, name in imports_of(source):
        top = name.split(".")[0]
        sideways = any(room == here and f"{name}.".startswith(f"{there}.") for here, there in SIDEWAYS)
        if top in ROOMS and top not in ALLOWED[room] and not sideways:
            broken.append(f"{path}:{line} {room} imports {name}")
        if top in HEAVY_HOME and room not in (HEAVY_HOME[top], "modiste"):
            broken.append(f"{path}:{line} {room} imports {top}, which belongs to {HEAVY_HOME[top]}")
    return broken


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_every_import_follows_an_arrow_of_the_house(room: str) -> None:
    broken = [b for p in modules(room) for b in broken_arrows(p.relative_to(ROOT), room, p.read_text())]
    assert broken == []


def test_a_broken_arrow_is_named_by_file_and_line() -> None:
    source = "import numpy\n\ndef f():\n    from train.segmentation import x\n"
    assert broken_arrows(Path("labeling/a.py"), "labeling", source) == [
        "labeling/a.py:4 labeling imports train.segmentation.x"
    ]


def test_reports_may_read_run_folders_and_nothing_else_of_train() -> None:
    source = "from train.record import load\nfrom train.recipe import x\n"
    assert broken_arrows(Path("reports/a.py"), "reports", source) == ["reports/a.py:2 reports imports train.recipe.x"]


def test_fiftyone_is_imported_by_curation_alone() -> None:
    importers = {
        p.relative_to(ROOT).as_posix()
        for room in ROOMS
        for p in modules(room)
        if any(name.split(".")[0] == "fiftyone" for _, name in imports_of(p.read_text()))
    }
    homes = ("labeling/curation", "labeling/plugin/", "labeling/queue_app.py")
    assert importers
    assert [name for name in sorted(importers) if not name.startswith(homes)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_an_init_file_holds_a_docstring_and_nothing_else(room: str) -> None:
    for path in (ROOT / room).rglob("__init__.py"):
        body = ast.parse(path.read_text()).body
        assert len(body) <= 1, path
        assert all(isinstance(node, ast.Expr) for node in body), path


def test_modules_import_each_other_without_a_cycle() -> None:
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for room in ROOMS for p in modules(room)}
    used = {name: {used for _, used in imports_of(path.read_text())} for name, path in names.items()}
    edges = {name: {n for u in used[name] for n in (u, u.rpartition(".")[0]) if n in names} - {name} for name in names}
    assert cycle_in(edges) == []


def cycle_in(edges: dict[str, set[str]]) -> list[str]:
    """Modules that stay when all that import nothing (left) are taken away, again and again."""
    left = {name: set(targets) for name, targets in edges.items()}
    while free := [name for name, targets in left.items() if not targets]:
        for name in free:
            del left[name]
        for targets in left.values():
            targets.difference_update(free)
    return sorted(left)


def test_no_parquet_is_read_from_memory_that_python_owns() -> None:
    """Arrow's reading threads let go of it while the interpreter ends, which aborts the process after its work."""
    traps = (
        "read_table(io.",
        "read_table(BytesIO",
        "to_pyarrow_table(",
        "to_pyarrow_dataset(",
        "import pyarrow.dataset",
    )
    found = [f"{p}: {trap}" for room in ROOMS for p in modules(room) for trap in traps if trap in p.read_text()]
    assert found == []
