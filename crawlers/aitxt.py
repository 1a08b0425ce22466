"""`/ai.txt`, after Spawning (2023): robots.txt's grammar over paths and file types, read when media are downloaded, not
when pages are crawled. Disallow keeps from training.

In: the bytes of the file, an image's URL. Out: the words that refuse it, or nothing. The newer form of lines such as
`Training: deny` (draft-car-ai-txt-wellknown-00) is understood at the same place. `/llms.txt` is no opt-out: it is a map
of a site for answering machines, so it is never asked for. Web pages served in the file's place say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from crawlers import robots
from crawlers.robots import Robots

PATH = "/ai.txt"
MAX_BYTES = 512 * 1024
_NO = ("deny", "denied", "disallow", "no", "none", "false", "prohibited")


@dataclass(frozen=True)
class AiTxt:
    """`rules` reads it as robots.txt is read, `denied` is the line that denies training as a whole."""

    rules: Robots
    denied: str = ""

    def against(self, url: str) -> str | None:
        """The line that keeps `url` from training; None where nothing does."""
        if self.denied:
            return self.denied
        return None if self.rules.allows(url) else self.rules.line_against(url) or "disallowed"


def read(body: bytes) -> AiTxt:
    """ValueError says why these bytes are no such file."""
    if body.lstrip()[:1] == b"<":
        raise ValueError("is a web page")
    rules = robots.read(body, PATH)
    denied = next((line for line in rules.lines if line.field == "training" and line.value.lower() in _NO), None)
    return AiTxt(rules, f"line {denied.number}: Training: {denied.value}" if denied else "")
