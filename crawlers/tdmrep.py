"""TDM reservations of a whole host: `/.well-known/tdmrep.json`, after the TDM Reservation Protocol of the W3C
community group (https://www.w3.org/community/tdmrep/).

In: the bytes of the file, a URL. Out: the rule that holds for the URL. The first rule in sequence that matches decides;
values but 0 and 1 are errors of the file and count as unset. A file that is no JSON array says nothing, and a host that
gives no file reserves nothing (the protocol's own words: failure to provide it means that it is not implemented).

Precedence, by the protocol: the file, over it the response's `tdm-reservation` header, over both the page's meta tag
(`crawlers.optout.of_page`). We leave it on one side only: an image whose *file* rule reserves it isn't asked for, so a
header that would lift the reservation is never seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawlers.patterns import matches, path_of

PATH = "/.well-known/tdmrep.json"
MAX_BYTES = 512 * 1024
_RESERVED, _FREE = (1, "1", True), (0, "0", False)


@dataclass(frozen=True)
class Rule:
    """`number` counts from 1; `policy` is where a licence for mining can be had."""

    number: int
    location: str
    reserved: bool
    policy: str | None

    def words(self) -> str:
        offered = f", tdm-policy {self.policy}" if self.policy else ""
        return f"rule {self.number}: {self.location} tdm-reservation {int(self.reserved)}{offered}"


def read(body: bytes) -> list[Rule]:
    """The rules in sequence. ValueError says why these bytes are no such file."""
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    items = [found] if isinstance(found, dict) and "location" in found else found  # brackets forgotten: still meant
    if not isinstance(items, list):
        raise ValueError("is no JSON array of rules")
    return [rule for number, item in enumerate(items, 1) if (rule := _rule(number, item))]


def decide(rules: list[Rule], url: str) -> Rule | None:
    """The rule that holds for `url`: the first that matches."""
    path = path_of(url) if rules else ""
    return next((rule for rule in rules if matches(rule.location, path)), None)


def _rule(number: int, item: Any) -> Rule | None:
    value = item.get("tdm-reservation") if isinstance(item, dict) else None
    if value not in _RESERVED + _FREE or not isinstance(item.get("location"), str):
        return None
    location, policy = item["location"].strip(), item.get("tdm-policy")
    if "://" in location:  # seen in the wild: a whole URL
        location = urlsplit(location).path or "/"
    return Rule(number, location, value in _RESERVED, policy if isinstance(policy, str) else None)
