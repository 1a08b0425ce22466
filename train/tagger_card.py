"""The page for people that goes with an exported tagger: what it knows, how it was made, what it reaches.

In: the card (`train.export_tagger`). Out: Markdown. Every figure is the card's own, with n and interval; where the run
was never judged the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def card_words(name: str, card: Mapping[str, Any]) -> str:
    """Markdown of one card."""
    facts = card["facts"]
    parts = [f"# {name}: a tagger", _knows(facts), _made(card), _reaches(card), _floors(facts), _bounds(facts)]
    return "\n\n".join(parts) + "\n"


def _knows(facts: Mapping[str, Any]) -> str:
    lines = ["**What it answers**, for a photo seen as a padded square of " + f"{facts['input'][0]} px:"]
    for field, values in facts["values"].items():
        kind = "any of" if field in facts.get("multi", []) else "one of"
        lines.append(f"- `{field}`: {kind} {', '.join(values)}")
    return "\n".join(lines)


def _made(card: Mapping[str, Any]) -> str:
    facts, recipe = card["facts"], card["facts"]["recipe"]
    how = "frozen, with logistic heads" if recipe["method"] == "linear" else "fine-tuned"
    counts = (facts.get("record") or {}).get("counts") or {}
    photos = f" on {counts['train']} photos, {counts['validation']} for validation" if counts else ""
    return (
        f"**How it was made.** Recipe `{recipe['name']}`: {recipe['backbone']}, {how}, "
        f"{card['parameters'] / 1e6:.1f} million parameters, seed {recipe['seed']}{photos}; snapshot "
        f"`{facts['snapshot']}` ({facts['fingerprint'][:12]}), taxonomy {facts.get('taxonomy') or 'not told'}, run "
        f"`{facts['run']}`. Stored as {card['variant']}, {card['measured']['bytes'] / 1e6:.1f} MB. A file whose sha256 "
        "differs from the card beside it is refused."
    )


def _reaches(card: Mapping[str, Any]) -> str:
    rows = [row for row in card["test"] if row.get("part")]
    if not rows:
        return "**What it reaches** is not known: the run was not judged before it was exported."
    head = "| figure | value | 95 % interval | n | part | beside it |\n|---|---|---|---|---|---|"
    return "**What it reaches**\n\n" + "\n".join([head, *map(_row, rows)])


def _row(row: Mapping[str, Any]) -> str:
    between = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    beside = "" if row["baseline"] is None else f"{row['baseline']:.3f}, {row['baseline_name']}"
    return f"| {row['metric']} | {row['value']:.3f} | {between} | {row['n']} | {row['part']} | {beside} |"


def _floors(facts: Mapping[str, Any]) -> str:
    lines = ["**When it doesn't commit itself.**"]
    for field, each in facts.get("floors", {}).items():
        kept = f"{each['kept']} of {each['n']} validation answers were surer, {each['right']} of them right"
        lines.append(
            f"`{field}` under a chance of {each['floor']:.2f}: {kept} (wanted {each['wanted']}, {each['rule']})."
        )
    return " ".join(lines) if len(lines) > 1 else "It has no floor: it always commits itself."


def _bounds(facts: Mapping[str, Any]) -> str:
    return (
        "**Where it is worse, or unknown.** It names one of its values for any photo, also for one without a garment "
        "or of a kind it never saw; a low chance is the only sign. Nothing but photos like those of its snapshot "
        f"(`{facts['snapshot']}`) was measured. It must not be used to identify or judge people."
    )
