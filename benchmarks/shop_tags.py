"""How well a shop's words are read: precision and recall per field, on product texts written with what they say.

In: `benchmarks/shop_texts/` (development: 150 texts the reader was built on; unseen: 152, written before and read once
at the end), six languages. Out: a table, and --json FILE. Baseline: plain keywords, any synonym of any language that
stands in the title, category, colour or description as whole words; the title's first wins. An answer counts as right
where value and field agree exactly. Intervals: Wilson, 95 %.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataset.taxonomy import Taxonomy, load_taxonomy
from dataset.taxonomy_words import words_of
from labeling.shop_text import answers, read_shop

HERE = Path(__file__).with_name("shop_texts")
FIELDS = ("type", "colour", "gender", "sleeve", "length", "neckline", "pattern", "material", "fit")
Answers = dict[str, set[str]]
Z = 1.959964


@dataclass(frozen=True)
class Figure:
    """`n` is what was said for precision, what is true for recall."""

    part: str
    method: str
    field: str
    measure: str
    n: int
    value: float
    low: float
    high: float


def texts(part: str) -> list[tuple[dict[str, Any], str, Answers]]:
    """(product, language, truth) of one file."""
    found = []
    for line in (HERE / f"{part}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        language, brand, path, name, colour, description, truth = (cell.strip() for cell in line.split("|"))
        product = {"brand": brand or None, "categories": [c.strip() for c in path.split(">") if c.strip()],
                   "name": name, "colour": colour or None, "description": description or None}  # fmt: skip
        pairs = (pair.split("=") for pair in truth.split())
        found.append((product, language, {field: set(values.split(",")) for field, values in pairs}))
    return found


def keywords(words: Taxonomy) -> Callable[[dict[str, Any]], Answers]:
    """Plain keyword match, as a first script would: one alternation a field, no context."""
    known: dict[str, dict[str, str]] = {}
    for name in FIELDS:
        known[name] = {word.lower(): v.id for v in words.fields[name].values for _, word in words_of(v)}
    patterns = {
        name: re.compile("|".join(_plain(word) for word in sorted(found, key=len, reverse=True)))
        for name, found in known.items()
    }

    def read(product: dict[str, Any]) -> Answers:
        cells = [product["name"], *product["categories"], product["colour"], product["description"]]
        text = " . ".join(cell for cell in cells if cell).lower()
        found: Answers = {}
        for name, pattern in patterns.items():
            values = [known[name][match.group()] for match in pattern.finditer(text)]
            if values:
                found[name] = set(values) if words.fields[name].kind == "multi" else {values[0]}
        return found

    return read


def _plain(word: str) -> str:
    escaped = re.escape(word.lower())
    return escaped if re.search(r"[\u3400-\u9fff]", word) else rf"\b{escaped}\b"


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    if not n:
        return 0.0, 1.0
    share, z2 = right / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * ((share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def measure(part: str, method: str, read: Callable[[dict[str, Any]], Answers], show: bool = False) -> list[Figure]:
    """Counts of values: right, said, true; summed over fields under the name 'all'."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for product, language, truth in texts(part):
        said = read(product)
        for field in FIELDS:
            found, true = said.get(field, set()), truth.get(field, set())
            if show and found != true:
                print(f"  {language} {product['name']!r} {field}: said {sorted(found)}, true {sorted(true)}")
            for name in (field, "all"):
                for place, number in enumerate((len(found & true), len(found), len(true))):
                    counts[name][place] += number
    figures = []
    for name in (*FIELDS, "all"):
        right, said_n, true_n = counts[name]
        for what, n in (("precision", said_n), ("recall", true_n)):
            figures.append(Figure(part, method, name, what, n, right / max(1, n), *wilson(right, n)))
    return figures


def table(figures: list[Figure]) -> str:
    lines = []
    for precision, recall in zip(figures[::2], figures[1::2], strict=True):
        cells = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}] n={f.n:<4}" for f in (precision, recall)]
        lines.append(f"{precision.part:12} {precision.method:15} {precision.field:9} P {cells[0]} R {cells[1]}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("development", "unseen", "both"), default="both")
    parser.add_argument("--mistakes", action="store_true", help="print what was read wrongly (development only)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    words, figures = load_taxonomy("clothing"), []
    for part in ("development", "unseen") if given.part == "both" else (given.part,):
        show = given.mistakes and part == "development"
        ours = measure(part, "modiste", lambda product: answers(words, read_shop(words, product)), show)
        plain = measure(part, "plain keywords", keywords(words))
        print(table(ours), table(plain), sep="\n")
        figures += ours + plain
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in figures], indent=1))


if __name__ == "__main__":
    main()
