"""Words for codes, and scraped text made fit to be shown.

In: coded reasons of the tables, text a stranger wrote. Out: short English, and text without control or direction
characters. Escaping for HTML is the template's job (autoescape); for chart labels it is `reports.charts.label`.
"""

from __future__ import annotations

import re
import unicodedata
from http import HTTPStatus
from urllib.parse import urlsplit

REASONS: dict[str, str] = {
    "not_asked": "not asked for yet",
    "same_bytes": "same bytes at another address",
    "not_checked": "not checked yet",
    "not_masked": "no mask made yet",
    "not_labelled": "no label yet",
    "word_unmapped": "only words outside the taxonomy",
    "robots": "robots.txt disallows it",
    "robots_unavailable": "robots.txt can't be read, so kept out",
    "noimageai": "opted out of AI on images (noimageai)",
    "noml": "opted out of machine learning (noml)",
    "tdm_reserved": "text and data mining reserved",
    "taken_down": "taken down",
    "private_address": "leads into a private network",
    "denied_host": "on this workspace's deny list",
    "host_not_listed": "not among the hosts this workspace names",
    "offsite": "a page of another host",
    "scheme": "no web address",
    "bad_url": "no address that can be asked",
    "noindex": "not to be indexed (noindex)",
    "noimageindex": "images not to be indexed (noimageindex)",
    "unavailable": "no longer to be shown (unavailable_after)",
    "ai_txt": "kept from training by ai.txt",
    "usage_reserved": "training refused (Content-Signal, Content-Usage)",
    "rsl_prohibits": "its RSL terms don't allow training",
    "image_metadata": "refused by metadata inside the image",
    "licence_missing": "no licence stated",
    "licence_not_free": "its licence is not a free one",
    "nothing_new": "addresses like it brought nothing new",
    "svg": "a drawing in SVG",
    "retry_later": "the host asks to come back later",
    "redirect_loop": "redirects without end",
    "connection": "connection refused or cut off",
    "dns": "its name leads nowhere",
    "tls": "its certificate is not valid",
    "noai": "opted out of machine learning (noai)",
    "not_image": "answered with something that is no image",
    "cutout": "annotators' cutouts",
    "review": "a reviewer",
    "grabcut": "GrabCut",
    "grabcut:combined": "GrabCut from two person networks",
    "grabcut:pose": "GrabCut from a pose network",
    "grabcut:selfie": "GrabCut from a person network",
    "grabcut:skin": "GrabCut from skin colour",
    "grabcut:rectangle": "GrabCut from the middle rectangle",
    "grabcut:backdrop": "GrabCut from the backdrop's colour",
    "model": "a model",
    "majority_class": "majority class",
    "grabcut_alone": "GrabCut alone",
    "html": "a page instead of an image",
    "not_an_image": "no image format we know",
    "too_many_pixels": "more pixels than may be decoded",
    "mean_iou": "mean IoU",
    "garment_iou": "garment IoU",
    "macro_f1": "macro F1",
    "truncated": "file cut short",
    "too_large": "too large",
    "bomb": "decompression bomb",
    "empty": "zero bytes",
    "timeout": "no answer in time",
}
SPLITS = ("train", "validation", "test")


def in_words(code: str | None) -> str:
    """`robots_disallowed` -> 'robots.txt says no'; a code nobody wrote words for is shown with its dashes opened."""
    words = REASONS.get(code or "")
    if words is None and (answer := re.fullmatch(r"http_(\d{3})", code or "")):
        words = f"answered {answer[1]}{_named(int(answer[1]))}"
    return words or plain((code or "unsaid").replace("_", " "), 60)


def _named(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase.lower()})"
    except ValueError:  # shops make up their own
        return ""


def in_shops(count: int) -> str:
    return f"in {count:,} shop{'' if count == 1 else 's'}"


def counted(count: int, noun: str) -> str:
    """'1 list', '2 lists', with thousands parted."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def plain(text: object, longest: int = 90) -> str:
    """One line, no control, format or bidirectional-override characters, at most `longest` characters."""
    kept = "".join(" " if c.isspace() else c for c in str(text) if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def web_address(url: object) -> str | None:
    """The URL if it is http or https (so never `javascript:`), else None."""
    try:
        parts = urlsplit(str(url or "").strip())
    except ValueError:
        return None
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else None


def number(value: float | int | None) -> str:
    """12345 -> '12 345' (thin spaces); None -> an en dash."""
    return "–" if value is None else f"{value:,}".replace(",", "\u2009")


def size(count: int) -> str:
    """Bytes as B, kB or MB (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
