"""What a host's files reserve against training: usage lines of robots.txt, tdmrep.json, ai.txt, RSL terms.

In: a host's robots.txt, the asker of its files. Out: `Reservations`, which answer for each URL of the host with the
file and the line or rule. A file that can't be had or read says nothing; `evidence` tells what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from crawlers import aitxt, rsl, tdmrep, usage
from crawlers.aitxt import AiTxt
from crawlers.host_files import HostFile, HostFiles
from crawlers.optout import OptOut
from crawlers.robots import Robots

MAX_TERMS = 3  # RSL documents of one robots.txt
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Reservations:
    """`evidence` names the files looked for and what came."""

    robots: Robots
    tdm: list[tdmrep.Rule]
    ai: AiTxt | None
    terms: list[rsl.Terms]
    evidence: str

    def against(self, url: str) -> OptOut | None:
        """The first that keeps `url` from training."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if words := usage.in_robots(self.robots.lines, url):
            return OptOut("usage_reserved", f"{origin}/robots.txt {words}")
        if (rule := tdmrep.decide(self.tdm, url)) and rule.reserved:
            return OptOut("tdm_reserved", f"{origin}{tdmrep.PATH} {rule.words()}")
        if self.ai and (line := self.ai.against(url)):
            return OptOut("ai_txt", f"{origin}{aitxt.PATH} {line}")
        if (terms := rsl.decide(self.terms, url)) and terms.against:
            return OptOut("rsl_prohibits", f"RSL terms for {terms.pattern}: {terms.against}")
        return None


async def read(files: HostFiles, url: str, robots: Robots) -> Reservations:
    """The files of `url`'s host, those that its robots.txt lets us ask for."""
    notes = [robots.evidence]
    tdm = ai = None
    if found := await _file(files, urljoin(url, tdmrep.PATH), tdmrep.MAX_BYTES, robots, notes):
        tdm = _readable(tdmrep.read, found, notes)
    if found := await _file(files, urljoin(url, aitxt.PATH), aitxt.MAX_BYTES, robots, notes):
        ai = _readable(aitxt.read, found, notes)
    terms: list[rsl.Terms] = []
    for address in robots.licences[:MAX_TERMS]:
        where = urljoin(url, address)
        if found := await _file(files, where, rsl.MAX_BYTES, robots, notes):
            terms += _readable(partial(rsl.read, address=where), found, notes) or []
    return Reservations(robots, tdm or [], ai, terms, "; ".join(notes))


async def _file(files: HostFiles, address: str, cap: int, robots: Robots, notes: list[str]) -> HostFile | None:
    if not robots.allows(address):
        notes.append(f"{urlsplit(address).path}: disallowed, so not asked")
        return None
    found = await files.get(address, cap)
    notes.append(f"{urlsplit(address).path}: {found.failure or f'HTTP {found.status}'}")
    return found if found.is_there else None


def _readable(parse: Callable[[bytes], _Read], found: HostFile, notes: list[str]) -> _Read | None:
    """What `parse` makes of a file; None where it is none, such as a web page sent in its place."""
    try:
        return parse(found.body)
    except ValueError as error:
        notes[-1] += f", which {error}"
        return None
