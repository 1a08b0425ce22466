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


def cut_garment(kind: str, rng: Random) -> Garment:
    """A garment of a type with fitting sleeve, length, neckline, pattern and cut; the colour is random."""
    colour = rng.choice(tuple(CLOTH))
    pattern = rng.choices([name for name, _ in PROBABLE], [share for _, share in PROBABLE])[0]
    pick = rng.choice
    if kind == "t-shirt":
        return Garment(
            kind,
            colour,
            pick(("plain", "striped", "plain")),
            "short",
            "hip",
            pick(("crew", "v-neck", "scoop")),
            pick(("regular", "fitted", "boxy")),
        )
    if kind == "shirt":
        return Garment(
            kind,
            colour,
            pick(("plain", "striped", "checked")),
            pick(("long", "long", "short")),
            "hip",
            "collar",
            pick(("regular", "boxy")),
        )
    if kind == "blouse":
        return Garment(
            kind,
            colour,
            pattern,
            pick(("long", "three-quarter", "short")),
            "hip",
            pick(("bow", "v-neck", "boat")),
            "regular",
        )
    if kind == "sweater":
        return Garment(
            kind,
            colour,
            pick(("plain", "plain", "striped")),
            "long",
            "hip",
            pick(("turtleneck", "crew", "v-neck")),
            pick(("boxy", "regular")),
        )
    if kind == "dress":
        sleeve = pick(("sleeveless", "short", "three-quarter", "long"))
        neckline = (
            pick(("strap", "square", "v-neck")) if sleeve == "sleeveless" else pick(("v-neck", "crew", "boat", "scoop"))
        )
        cut = pick(("wrap", "flared", "a-line", "sheath"))
        return Garment(
            kind,
            colour,
            pattern,
            sleeve,
            pick(("mini", "knee", "midi", "maxi")),
            "v-neck" if cut == "wrap" else neckline,
            cut,
        )
    if kind == "skirt":
        return Garment(
            kind,
            colour,
            pattern,
            None,
            pick(("mini", "knee", "midi")),
            None,
            pick(("a-line", "pencil", "pleated", "flared")),
        )
    if kind == "pants":
        return Garment(
            kind,
            pick((colour, "denim", "black", "sand")),
            pick(("plain", "plain", "plain", "striped", "checked")),
            None,
            pick(("full", "full", "cropped")),
            None,
            pick(("skinny", "straight", "wide", "tailored")),
        )
    if kind == "shorts":
        return Garment(
            kind,
            colour,
            pick(("plain", "plain", "checked")),
            None,
            pick(("short", "knee")),
            None,
            pick(("straight", "tailored")),
        )
    if kind in ("coat", "jacket"):
        length = "hip" if kind == "jacket" else pick(("knee", "midi", "thigh"))
        return Garment(
            kind,
            colour,
            pick(("plain", "plain", "checked")),
            "long",
            length,
            "lapel",
            pick(("open", "double", "single")),
        )
    return Garment(
        kind,
        colour,
        cut=pick(("sneakers", "boots", "pumps", "loafers") if kind == "shoes" else ("beanie", "fedora", "bucket hat")),
    )


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
