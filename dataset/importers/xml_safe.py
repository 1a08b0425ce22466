"""XML of others, without what XML can do to a reader: no DTD, no entities, no network, bounded size."""

from __future__ import annotations

from xml.etree import ElementTree

from dataset.errors import DataError
from dataset.importers.root import Root

MAX_BYTES = 1_000_000_000


def parse(root: Root, name: str) -> ElementTree.Element:
    """The document's element. Raises DataError for anything that declares a type or entities, or is no XML."""
    data = root.read(name, MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DataError("declares a document type or entities", where=name, expected="plain XML")
        return ElementTree.fromstring(text.partition("?>")[2] if text.startswith("<?xml") else text)
    except (ElementTree.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"is no XML: {error}", where=name, cure="Export it again") from error


def number(element: ElementTree.Element, key: str) -> float:
    """An attribute as a number. Raises DataError."""
    told = element.get(key)
    try:
        return float(told or "")
    except ValueError as error:
        raise DataError(f"{key} is {told!r}", where=f"<{element.tag}>", expected="a number") from error
