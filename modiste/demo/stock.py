"""The drawn shop's range: which garments it sells, in which colours, under which names and at what prices.
Seeded, pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from modiste.demo.scenes.garment import Garment
from modiste.demo.scenes.palette import CLOTH

BRANDS = ("Fennel & Rye", "Northgate", "Maison Alder", "Kestrel", "Ottoline")
NAMES = (
    "Juniper",
    "Marlow",
    "Isla",
    "Aster",
    "Rowan",
    "Celeste",
    "Harper",
    "Linden",
    "Wren",
    "Odette",
    "Sorrel",
    "Tamsin",
    "Briar",
    "Elowen",
    "Hollis",
    "Ines",
    "Juno",
    "Keira",
    "Lark",
    "Mabel",
    "Nell",
    "Orla",
    "Piper",
    "Quinn",
)
ORDER = (
    "dress",
    "t-shirt",
    "pants",
    "shirt",
    "skirt",
    "coat",
    "sweater",
    "blouse",
    "shorts",
    "jacket",
    "dress",
    "shoes",
    "pants",
    "hat",
)
PRICES = {
    "dress": (49, 139),
    "t-shirt": (15, 39),
    "pants": (39, 99),
    "shirt": (35, 79),
    "skirt": (35, 89),
    "coat": (119, 289),
    "sweater": (45, 119),
    "blouse": (35, 85),
    "shorts": (25, 59),
    "jacket": (79, 189),
    "shoes": (49, 159),
    "hat": (15, 45),
}
SIZES = {"shoes": ("37", "38", "39", "40", "41", "42"), "hat": ("One size",)}
PROBABLE = (("plain", 0.46), ("striped", 0.16), ("dotted", 0.1), ("checked", 0.14), ("floral", 0.14))


@dataclass(frozen=True)
class Offer:
    """One product page to be: the garment, its variant group and its words."""

    garment: Garment
    group: str
    name: str
    brand: str
    price: str
    list_price: str | None
    sizes: tuple[str, ...]
    description: str
    shape_seed: int


# kind -> pattern, sleeve, length, neckline, cut. A tuple is drawn from, a word stands, "" is the pattern drawn for all.
CUTS: dict[str, tuple[str | tuple[str, ...] | None, ...]] = {
    "t-shirt": (
        ("plain", "striped", "plain"), "short", "hip", ("crew", "v-neck", "scoop"), ("regular", "fitted", "boxy")
    ),
    "shirt": (("plain", "striped", "checked"), ("long", "long", "short"), "hip", "collar", ("regular", "boxy")),
    "blouse": ("", ("long", "three-quarter", "short"), "hip", ("bow", "v-neck", "boat"), "regular"),
    "sweater": (
        ("plain", "plain", "striped"), "long", "hip", ("turtleneck", "crew", "v-neck"), ("boxy", "regular")
    ),
    "skirt": ("", None, ("mini", "knee", "midi"), None, ("a-line", "pencil", "pleated", "flared")),
    "pants": (
        ("plain", "plain", "plain", "striped", "checked"), None, ("full", "full", "cropped"), None,
        ("skinny", "straight", "wide", "tailored"),
    ),
    "shorts": (("plain", "plain", "checked"), None, ("short", "knee"), None, ("straight", "tailored")),
    "jacket": (("plain", "plain", "checked"), "long", "hip", "lapel", ("open", "double", "single")),
    "shoes": ("plain", None, None, None, ("sneakers", "boots", "pumps", "loafers")),
    "hat": ("plain", None, None, None, ("beanie", "fedora", "bucket hat")),
}  # fmt: skip


def cut_garment(kind: str, rng: Random) -> Garment:
    """A garment of a type with fitting sleeve, length, neckline, pattern and cut; the colour is random.

    What is drawn, and in which order, stays: another order is another shop for every seed.
    """
    colour = rng.choice(tuple(CLOTH))
    pattern = rng.choices([name for name, _ in PROBABLE], [share for _, share in PROBABLE])[0]
    if kind == "dress":
        return _cut_dress(colour, pattern, rng)
    length = rng.choice(("knee", "midi", "thigh")) if kind == "coat" else None
    if kind == "pants":
        colour = rng.choice((colour, "denim", "black", "sand"))
    choices = CUTS["jacket" if kind == "coat" else kind]
    said = [rng.choice(each) if isinstance(each, tuple) else each for each in choices]
    return Garment(kind, colour, said[0] or pattern, said[1], length or said[2], said[3], said[4] or "regular")


def _cut_dress(colour: str, pattern: str, rng: Random) -> Garment:
    sleeve = rng.choice(("sleeveless", "short", "three-quarter", "long"))
    bare = sleeve == "sleeveless"
    neckline = rng.choice(("strap", "square", "v-neck") if bare else ("v-neck", "crew", "boat", "scoop"))
    cut = rng.choice(("wrap", "flared", "a-line", "sheath"))
    length = rng.choice(("mini", "knee", "midi", "maxi"))
    return Garment("dress", colour, pattern, sleeve, length, "v-neck" if cut == "wrap" else neckline, cut)


def _title(name: str, g: Garment) -> str:
    words = [name]
    if g.pattern != "plain":
        words.append(g.pattern)
    if g.type in ("dress", "skirt", "coat") and g.length:
        words.append({"mini": "mini", "midi": "midi", "maxi": "maxi"}.get(g.length, ""))
    if g.cut in ("wrap", "flared", "pleated", "wide", "skinny", "boxy", "pencil"):
        words.append({"wide": "wide-leg"}.get(g.cut, g.cut))
    kind = g.type if g.type not in ("shoes", "hat") else g.cut
    return " ".join(w for w in (*words, kind) if w) + f", {g.colour}"


def _describe(g: Garment) -> str:
    facts = [
        f"{value} {word}"
        for word, value in (("sleeves", g.sleeve), ("length", g.length), ("neckline", g.neckline))
        if value and value != "sleeveless"
    ]
    if g.sleeve == "sleeveless":
        facts.append("sleeveless")
    tail = f" Made with {', '.join(facts)}." if facts else ""
    return f"A {g.pattern} {g.type} in {g.colour}.{tail} Drawn for the Modiste demo: no real product."


def stock(products: int, seed: int) -> list[Offer]:
    """`products` offers; about a third are colour variants of the one before."""
    offers: list[Offer] = []
    rng = Random(f"stock {seed}")
    style = 0
    while len(offers) < products:
        kind = ORDER[style % len(ORDER)]
        g = cut_garment(kind, rng)
        low, high = PRICES[kind]
        price = rng.randint(low, high)
        sale = rng.random() < 0.25
        name, brand = NAMES[(style * 7 + seed) % len(NAMES)], rng.choice(BRANDS)
        colours = [g.colour] + ([rng.choice([c for c in CLOTH if c != g.colour])] if style % 3 == 0 else [])
        for colour in colours[: products - len(offers)]:
            dyed = Garment(g.type, colour, g.pattern, g.sleeve, g.length, g.neckline, g.cut)
            offers.append(
                Offer(
                    dyed,
                    f"style-{seed}-{style:04d}",
                    _title(name, dyed),
                    brand,
                    f"{price}.95",
                    f"{round(price * 1.4)}.95" if sale else None,
                    SIZES.get(kind, ("XS", "S", "M", "L", "XL")),
                    _describe(dyed),
                    seed * 100_003 + style,
                )
            )
        style += 1
    return offers
