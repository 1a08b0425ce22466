"""What goes with a garment, learned by counting real outfits and by how alike pieces look.

In: a `Closet`, the pieces of many outfits with their vectors, and a garment's word, colour and vector. Out: a score of
every accessory: the more, the more it is worn with garments like this, beyond its being worn at all. Ways: `popular`
(how often such a piece is worn), `counted` (words and colours that come together), `seen` (kernels over vectors),
`both`. And photos of people who wear such a garment, for a pose. Never trains a network, draws no random number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dataset.outfits import FAMILY, Outfit, Piece

Floats = npt.NDArray[np.float32]
WAYS = ("popular", "counted", "seen", "both")
PRIOR = 4.0  # outfits that a word or colour is given in advance, shared out as all pieces are
GARMENT_WIDTH, PIECE_WIDTH = 0.04, 0.16  # of the kernels, in cosine; chosen on street's validation photos
# Weights of `both`: words together, `seen`, cosine, colours near (CIELAB, and without lightness; in 30 units). A
# conditional logit over street's training photos, five folds: python -m benchmarks.suggest --fit
WEIGHTS = np.array([0.42, 0.69, 1.59, 0.12, 0.21])
GREY, BLACK, WHITE = 10.0, 30.0, 78.0  # chroma below which a colour is none; lightness


@dataclass(frozen=True)
class Asked:
    """A garment: `word` and `lab` as a `Piece`'s, '' where nobody knows what it is; `vector` (d,) of unit length."""

    word: str
    lab: tuple[float, float, float]
    vector: Floats


@dataclass
class Closet:
    """Outfits and, for each piece in their order, a vector (N, d). `known` outfits are learned from."""

    outfits: Sequence[Outfit]
    vectors: Floats
    known: Sequence[bool] | None = None
    pieces: list[Piece] = field(init=False)
    owner: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.pieces = [piece for outfit in self.outfits for piece in outfit.pieces]
        self.owner = np.repeat(np.arange(len(self.outfits)), [len(each.pieces) for each in self.outfits])
        learned = np.ones(len(self.outfits), bool) if self.known is None else np.asarray(self.known, bool)
        garment = np.array([piece.is_garment for piece in self.pieces], bool)
        self._garments = np.flatnonzero(learned[self.owner] & garment)
        self._accessories = np.flatnonzero(learned[self.owner] & ~garment)
        own = self.vectors[learned[self.owner]]
        self.middle: Floats = own.mean(axis=0) if len(own) else np.zeros(self.vectors.shape[1], np.float32)
        self._counted = _Counts([each for each, known in zip(self.outfits, learned, strict=True) if known])

    def scores(self, asked: Asked, candidates: Sequence[int], way: str = "both") -> npt.NDArray[np.float64]:
        """(len(candidates),) of indices of `pieces`; comparable within one garment alone."""
        pieces = [self.pieces[k] for k in candidates]
        if way == "popular":
            return np.array([self._counted.worn(piece) for piece in pieces])
        if way == "counted":
            return np.array([self._counted.beyond_chance(asked, piece) for piece in pieces])
        if way == "seen":
            return self._seen(asked.vector, candidates)
        return self.features(asked, candidates) @ WEIGHTS

    def features(self, asked: Asked, candidates: Sequence[int]) -> npt.NDArray[np.float64]:
        """(len(candidates), 5): what `WEIGHTS` weighs."""
        pieces = [self.pieces[k] for k in candidates]
        words = np.array([self._counted.words(asked, piece)[1] for piece in pieces])
        apart = np.array([piece.lab for piece in pieces]) - np.array(asked.lab)
        middle = self.middle
        mine, theirs = asked.vector - middle, self.vectors[list(candidates)] - middle
        alike = theirs @ mine / np.maximum(np.linalg.norm(theirs, axis=1) * np.linalg.norm(mine), 1e-9)
        near = [-np.linalg.norm(apart, axis=1) / 30, -np.linalg.norm(apart[:, 1:], axis=1) / 30]
        return np.column_stack([words, self._seen(asked.vector, candidates), alike, *near])

    def like(self, asked: Asked, k: int) -> list[tuple[int, float]]:
        """The k learned garments most like it, (index of `pieces`, cosine), those of another family last."""
        near = self.vectors[self._garments] @ asked.vector
        same = np.array([_related(asked.word, self.pieces[each].word) for each in self._garments])
        order = np.argsort(-(near + same), kind="stable")[:k]
        return [(int(self._garments[each]), float(near[each])) for each in order]

    def poses(self, asked: Asked, aspect: float, k: int) -> list[tuple[int, float]]:
        """The k learned garments on people that it could best be laid over, (index of `pieces`, score), one a photo:
        of its kind, of its proportions (`aspect` is height / width), alike, large, and seen whole."""
        best: dict[int, tuple[float, int]] = {}
        for place in self._garments:
            piece, owner = self.pieces[place], int(self.owner[place])
            score = _fits(piece, self.outfits[owner], asked, aspect) + float(self.vectors[place] @ asked.vector)
            best[owner] = max(best.get(owner, (-np.inf, -1)), (score, int(place)))
        return [(place, score) for score, place in sorted(best.values(), reverse=True)[:k]]

    def families(self, asked: Asked, among: int = 60) -> list[tuple[str, float]]:
        """(family, share of the outfits most like it that have one), commonest first."""
        owners = [self.outfits[self.owner[place]] for place, _ in self.like(asked, among)]
        counts = Counter(family for outfit in owners for family in {piece.family for piece in outfit.accessories})
        return [(family, count / max(1, len(owners))) for family, count in counts.most_common()]

    def together(self, asked: Asked, piece: Piece) -> tuple[int, float]:
        """In how many outfits such garments come with pieces of this word, and how many times as often as by chance."""
        count, lift = self._counted.words(asked, piece)
        return count, float(np.exp(lift))

    def _seen(self, vector: Floats, candidates: Sequence[int]) -> npt.NDArray[np.float64]:
        """log of the mean likeness to accessories worn with like garments, over that to all of the same family."""
        garment = np.zeros(len(self.outfits))
        np.maximum.at(
            garment, self.owner[self._garments], _kernel(self.vectors[self._garments] @ vector, GARMENT_WIDTH)
        )
        weight = garment[self.owner[self._accessories]]
        families = np.array([self.pieces[k].family for k in self._accessories])
        found = np.zeros(len(candidates))
        for place, candidate in enumerate(candidates):
            same = families == self.pieces[candidate].family
            if not same.any():
                continue
            alike = _kernel(self.vectors[self._accessories[same]] @ self.vectors[candidate], PIECE_WIDTH)
            with_like = (weight[same] * alike).sum() / max(weight[same].sum(), 1e-12)
            found[place] = np.log(with_like + 1e-6) - np.log(alike.mean() + 1e-6)
        return found


class _Counts:
    """Outfits in which a word or colour of a garment comes with one of an accessory."""

    def __init__(self, outfits: Sequence[Outfit]) -> None:
        self.all = max(1, len(outfits))
        self.alone: Counter[tuple[str, ...]] = Counter()
        self.pairs: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
        for outfit in outfits:
            ours = {mark for piece in outfit.pieces if piece.is_garment for mark in marks(piece.word, piece.lab)}
            ours |= {("family", piece.family) for piece in outfit.pieces if piece.is_garment}
            theirs = {mark for piece in outfit.accessories for mark in _worn_marks(piece)}
            self.alone.update(ours | theirs)
            self.pairs.update((one, other) for one in ours for other in theirs)

    def worn(self, piece: Piece) -> float:
        return float(self.alone[_worn_marks(piece)[1]] + self.alone[_worn_marks(piece)[0]] / (10 * self.all))

    def beyond_chance(self, asked: Asked, piece: Piece) -> float:
        """Sum of log P(accessory's mark | garment's mark) / P(accessory's mark), towards 0 where little is known."""
        return sum(self._lift(one, other) for one in marks(asked.word, asked.lab) for other in _worn_marks(piece))

    def words(self, asked: Asked, piece: Piece) -> tuple[int, float]:
        """(outfits with both, log of how far beyond chance) of the two words alone, or of the garment's family where
        nobody wears such a word here; (0, 0) where it has none."""
        if not asked.word:
            return 0, 0.0
        mine, theirs = ("word", asked.word), ("word", piece.word)
        mine = mine if self.alone[mine] else ("family", FAMILY[asked.word])
        return self.pairs[mine, theirs], self._lift(mine, theirs)

    def _lift(self, one: tuple[str, ...], other: tuple[str, ...]) -> float:
        base = (self.alone[other] + 1) / (self.all + 2)
        return float(np.log((self.pairs[one, other] + PRIOR * base) / (self.alone[one] + PRIOR) / base))


def marks(word: str, lab: tuple[float, float, float]) -> list[tuple[str, ...]]:
    """What is counted of a garment: its word, its family with its colour."""
    family = FAMILY.get(word, "")
    return ([("word", word)] if word else []) + [("colour", family, colour_of(lab))]


def colour_of(lab: tuple[float, float, float]) -> str:
    """One of eleven: black, grey, white, or an eighth of the hue circle in CIELAB."""
    light, a, b = lab
    if np.hypot(a, b) < GREY:
        return "black" if light < BLACK else "white" if light > WHITE else "grey"
    return f"hue {int(np.degrees(np.arctan2(b, a)) % 360 // 45)}"


def _worn_marks(piece: Piece) -> list[tuple[str, ...]]:
    return [("word", piece.word), ("colour", piece.family, colour_of(piece.lab))]


def _related(word: str, other: str) -> float:
    return 0.2 * (word == other) + 0.3 * (FAMILY.get(word) == FAMILY.get(other)) if word else 0.0


def _fits(piece: Piece, outfit: Outfit, asked: Asked, aspect: float) -> float:
    top, left, bottom, right = piece.box
    tall, wide = bottom - top, right - left
    solid = piece.share * outfit.size[0] * outfit.size[1] / max(1, tall * wide)  # of its box: less is hidden or torn up
    stretched = abs(float(np.log(tall / max(1, wide) / aspect)))
    return 2 * _related(asked.word, piece.word) - stretched + min(solid, 0.6) + min(piece.share, 0.12) * 4


def _kernel(cosine: Floats, width: float) -> npt.NDArray[np.float64]:
    return np.exp((cosine.astype(np.float64) - 1) / width)
