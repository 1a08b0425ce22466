"""The tutorial, typed in as it stands; every command that README and the pages name exists, with its options."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from modiste.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "howto").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
LIMIT_S = 2400  # five minutes on two quiet cores


def typed(page: Path) -> str:
    """What a reader types: the lines after `$ `, and what follows them up to the next one (a here-document)."""
    lines = "\n".join(BLOCK.findall(page.read_text())).splitlines()
    return "\n".join(line.removeprefix("$ ") for line in lines)


def named(page: Path) -> list[str]:
    """Every `modiste …` in code, without what follows a shell operator."""
    text = page.read_text()
    spans = re.findall(r"`(modiste [^`]+)`", text) + re.findall(r"^\$? ?(modiste .+)$", text, re.M)
    return [re.split(r" [&|;]|&&", span)[0].strip() for span in spans]


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": binaries, "FIFTYONE_DO_NOT_TRACK": "true"}
    environment.pop("MODISTE_WORKSPACE", None)
    script = "set -eo pipefail\n" + typed(ROOT / "docs" / "tutorial.md")
    log = tmp_path / "log"
    with log.open("w") as kept:  # a pipe would stay open as long as the shop is served
        child = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=environment, start_new_session=True, stdout=kept, stderr=kept
        )
    try:
        code = child.wait(LIMIT_S)
    finally:
        os.killpg(child.pid, signal.SIGTERM)
    assert code == 0, log.read_text()[-3000:]
    assert (tmp_path / "cutouts").is_dir()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_a_page_names_exists_with_its_options(page: Path) -> None:
    unknown = [text for text in named(page) if not known(text)]
    assert unknown == []


def known(text: str) -> bool:
    """Whether the words name a command, and each option is one of it or of a group on the way."""
    words = [word for word in shlex.split(text.replace("'", "")) if word != "…"][1:]
    command: Any = get_command(app)
    options = {"--help", "--install-completion", *flags(command)}
    first = words[0] if words else ""
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
            options |= flags(command)
    asked = {word.split("=")[0] for word in words if word.startswith("-")}
    return (first.startswith("-") or first in vars(get_command(app))["commands"]) and asked <= options


def flags(command: Any) -> set[str]:
    return {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
