"""The command line that every contender of the crawl benchmark understands, and the one line it answers with.

In: NAME, --url, --urls, --out. Out: `Words`; `say` prints how many images the contender believes it has. Standard
library only: img2dataset's own virtual environment runs it too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONCURRENCY = 16  # requests at a time, of every contender
AGENT = "crawl-benchmark/1.0 (+bench@shop.example)"


@dataclass(frozen=True)
class Words:
    """`urls` is a file of image URLs; `out` a fresh folder of the contender's own; `profile` a file for cProfile."""

    name: str
    url: str
    urls: Path
    out: Path
    profile: Path | None


def read(doc: str | None, names: Sequence[str]) -> Words:
    """The parsed command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=names)
    parser.add_argument("--url", default="")
    parser.add_argument("--urls", type=Path, default=Path("urls.txt"))
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--profile", type=Path)
    return Words(**vars(parser.parse_args()))


def say(images: int) -> None:
    print(json.dumps({"images": images}), flush=True)
