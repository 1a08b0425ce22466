"""What to wear with a garment, and which photo of a person to lay it over: what `modiste suggest` asks.

In: a workspace with label maps, a garment (file, URL, or sha256 of the workspace). Out: a `SuggestResult` of
accessories and poses, each a place in a photo of the workspace with the reason why; a contact sheet where asked for.
Writes nothing else but the closet's vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset.errors import EmptyError, ModisteError, UsageError
from dataset.images import decode
from dataset.outfits import ACCESSORIES, FAMILY, GARMENTS, Piece
from dataset.progress import Progress, silent
from dataset.workspace import Workspace
from labeling.colour_names import BASIC, chances
from modiste.search import read_picture
from train.suggest import Asked, Closet

_SHA256 = re.compile(r"[0-9a-f]{64}")
LEAST_SHARE = 0.01  # of the photo; less is no garment found
TYPE_SURE = 0.5
TILE = (240, 180)  # px of a picture on the sheet


@dataclass(frozen=True)
class Suggested:
    """A piece of a photo. `box` is top, left, bottom, right in px; `score` compares within a family or among poses."""

    sha256: str
    family: str
    word: str
    colour: str
    box: tuple[int, int, int, int]
    score: float
    why: str

    def said(self) -> str:
        return f"{self.colour} {self.word}"


@dataclass(frozen=True)
class SuggestResult:
    """`word` is what the garment is taken for ('' where nobody knows), `outfits` how many were learned from."""

    query: str
    word: str
    colour: str
    outfits: int
    accessories: tuple[Suggested, ...]
    poses: tuple[Suggested, ...]
    sheet: str = ""

    def line(self) -> str:
        taken = f"{self.colour} {self.word or 'garment'}"
        head = (
            f"{self.query}: a {taken}; {len(self.accessories)} accessories, {len(self.poses)} poses from {self.outfits}"
        )
        lines = [f"{each.family:>10}  {each.said():<22} {each.why}  {each.sha256[:12]}" for each in self.accessories]
        lines += [f"{'pose':>10}  {each.said():<22} {each.why}  {each.sha256[:12]}" for each in self.poses]
        return "\n".join([f"{head} outfits" + (f"; {self.sheet}" if self.sheet else ""), *lines])


def suggest(
    ws: Workspace, word: str, *, kind: str | None = None, families: Sequence[str] = (), each: int = 3, poses: int = 6,
    sheet: Path | None = None, progress: Progress = silent,
) -> SuggestResult:  # fmt: skip
    """`word` is a file, a URL or a sha256; `kind` says what the garment is where the tagger shouldn't guess. Raises
    UsageError (no such kind or family), EmptyError (no outfits), ImageError (no garment in it)."""
    from train.suggest_closet import load_closet

    _check(kind, families)
    closet = load_closet(ws, progress=progress)
    asked, aspect, picture = _asked(ws, closet, word, kind)
    wanted = [(family, share) for family, share in closet.families(asked) if not families or family in families]
    found = [
        one for family, share in wanted for one in _accessories(closet, asked, family, share, each, _of_photo(word))
    ]
    shown = [_pose(closet, asked, place, score) for place, score in closet.poses(asked, aspect, poses + 1)]
    shown = [one for one in shown if one.sha256 != _of_photo(word)][:poses]
    if not found and not shown:
        raise EmptyError("nothing is worn with it here", where=word, cure="Import more outfits, or ask for more --kind")
    if sheet is not None:
        write_sheet(ws, sheet, picture, found, shown)
    told = word[:12] if _of_photo(word) else word
    colour = _colour(asked.lab)
    return SuggestResult(
        told, asked.word, colour, len(closet.outfits), tuple(found), tuple(shown), str(sheet or "")
    )  # fmt: skip


def _check(kind: str | None, families: Sequence[str]) -> None:
    words = sorted(word for word, family in FAMILY.items() if family in GARMENTS)
    if kind is not None and kind not in words:
        raise UsageError(f"--type {kind}", expected=", ".join(words))
    if strange := [each for each in families if each not in ACCESSORIES]:
        raise UsageError(f"--kind {strange[0]}", expected=", ".join(ACCESSORIES))


def _of_photo(word: str) -> str:
    """The sha256, where it is one."""
    return word.lower() if _SHA256.fullmatch(word.lower()) else ""


def _asked(ws: Workspace, closet: Closet, word: str, kind: str | None) -> tuple[Asked, float, np.ndarray]:
    """What is asked about, its height / width, and a picture of it."""
    sha256 = _of_photo(word)
    for outfit in closet.outfits if sha256 else ():
        wearing = outfit.garment if kind is None else next((p for p in outfit.pieces if p.word == kind), None)
        if outfit.sha256 == sha256 and wearing is not None:
            vector = closet.vectors[next(k for k, piece in enumerate(closet.pieces) if piece is wearing)]
            top, left, bottom, right = wearing.box
            aspect = (bottom - top) / max(1, right - left)
            return Asked(wearing.word, wearing.lab, vector), aspect, crop_of(ws, wearing)
    return _from_picture(ws.blobs.get(sha256) if sha256 else read_picture(ws, word), kind)


def _from_picture(data: bytes, kind: str | None) -> tuple[Asked, float, np.ndarray]:
    """The garment by the segmenter that ships, its type by the tagger that ships unless it is told."""
    from dataset.errors import ImageError
    from labeling.colour_names import to_lab
    from modiste.cutout_model import choose
    from train.closer import look
    from train.suggest_closet import closet_encoder, shown_alone

    rgb = np.ascontiguousarray(decode(data).rgb)
    segmenter, _ = choose(None, threads=1)
    mask = look(segmenter, rgb).garment > 0.5
    if mask.mean() < LEAST_SHARE:
        raise ImageError("no_garment", f"less than {LEAST_SHARE:.0%} of the photo is garment")
    alone = shown_alone(rgb, mask)
    lab = np.median(to_lab(rgb[mask]), axis=0)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    aspect = (rows[-1] - rows[0] + 1) / (columns[-1] - columns[0] + 1)
    word = kind or _type_of(rgb)
    vector = closet_encoder().vectors([alone])[0]
    return Asked(word, (float(lab[0]), float(lab[1]), float(lab[2])), vector), float(aspect), alone


def _type_of(rgb: np.ndarray) -> str:
    """'' where the tagger isn't sure, isn't here, or sees no garment."""
    from train.tagging_weights import shipped_tagger

    try:
        answer = shipped_tagger(1).answers([rgb], ["type"])[0]["type"]
    except ModisteError:
        return ""
    word, sure = answer.ranked[0]
    return word if sure >= TYPE_SURE and FAMILY.get(word) in GARMENTS else ""


def _accessories(
    closet: Closet, asked: Asked, family: str, share: float, each: int, without: str
) -> list[Suggested]:  # fmt: skip
    """The best of one family, one a shoot."""
    places = [k for k, piece in enumerate(closet.pieces) if piece.family == family and piece.sha256 != without]
    scores = closet.scores(asked, places)
    found: list[Suggested] = []
    seen: set[str] = set()
    for at in np.argsort(-scores, kind="stable"):
        piece, group = closet.pieces[places[at]], closet.outfits[closet.owner[places[at]]].group
        if group in seen:
            continue
        seen.add(group)
        count, lift = closet.together(asked, piece)
        why = f"{share:.0%} of outfits like it have {family}"
        why += f"; {asked.word} with {piece.word} in {count}, {lift:.1f} x chance" if asked.word else ""
        found.append(_told(piece, float(scores[at]), why))
        if len(found) == each:
            break
    return found


def _pose(closet: Closet, asked: Asked, place: int, score: float) -> Suggested:
    piece = closet.pieces[place]
    alike = float(closet.vectors[place] @ asked.vector)
    return _told(piece, score, f"{alike:.2f} alike, {piece.share:.0%} of the photo")


def _told(piece: Piece, score: float, why: str) -> Suggested:
    return Suggested(piece.sha256, piece.family, piece.word, _colour(piece.lab), piece.box, round(score, 4), why)


def _colour(lab: tuple[float, float, float]) -> str:
    return BASIC[int(chances(np.array([lab], np.float32))[0].argmax())]


def crop_of(ws: Workspace, piece: Piece | Suggested, margin: float = 0.15) -> np.ndarray:
    """(h, w, 3) of the piece with a little around it."""
    rgb = decode(ws.blobs.get(piece.sha256)).rgb
    top, left, bottom, right = piece.box
    more = round(margin * max(bottom - top, right - left)) + 4
    return np.ascontiguousarray(rgb[max(0, top - more) : bottom + more, max(0, left - more) : right + more])


def write_sheet(
    ws: Workspace, path: Path, picture: np.ndarray, found: Sequence[Suggested], poses: Sequence[Suggested]
) -> None:
    """A PNG: the garment, then accessories as they are worn, then people for the pose."""
    from train.letterbox import letterbox
    from train.sheets import PAPER, photo_sheet

    shown: list[tuple[np.ndarray, str]] = [(picture, "asked for")]
    shown += [(crop_of(ws, each), f"{each.family}: {each.said()}"[:30]) for each in found]
    shown += [(decode(ws.blobs.get(each.sha256)).rgb, f"pose: {each.said()}"[:30]) for each in poses]
    tiles = [(letterbox(np.ascontiguousarray(rgb), TILE, PAPER[0]), words) for rgb, words in shown]
    photo_sheet(path, tiles, "To wear with it, and poses", columns=7)
