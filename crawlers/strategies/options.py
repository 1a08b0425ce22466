"""What a shop system calls an option of a product: is it the colour, is it the size?

In: the option's name as the shop wrote it, in whichever of some twenty languages. Out: 'colour', 'size' or None.
"""

from __future__ import annotations

import re

_COLOUR = re.compile(
    r"\W*((select(ed)?|choose|wähle) )?(colou?rs?|colou?r ?(name|way)|shade|farben?|couleurs?|coloris|colores?|cor(es)?"
    r"|kleur(en)?|kolor|färg(er)?|farve[r]?|farge[r]?|väri|barva|szín|renk|χρώμα|цвет|колір|色|カラー|顏色|颜色|색상)\W*",
    re.I,
)
_SIZE = re.compile(
    r"\W*((select|choose|eu|us|uk|shoe|ring|waist|clothing|apparel|t-?shirt) ){0,2}(sizes?|größen?|groessen?|grössen?"
    r"|tailles?|pointures?|tallas?|taglie?|taglia|misura|tamanhos?|ma(at|ten)|storlek(ar)?|størrelse[r]?|koko|rozmiar"
    r"|velikost|veľkosť|méret|beden|numara|numero|μέγεθος|размер|розмір|サイズ|尺码|尺寸|尺碼|사이즈)\W*",
    re.I,
)


def meaning(name: object) -> str | None:
    """Underscores and the prefix that WooCommerce gives its attributes ('pa_color') don't matter."""
    plain = re.sub(r"[_\-]+", " ", str(name or "").strip().removeprefix("pa_").removeprefix("attribute_")).strip()
    if _COLOUR.fullmatch(plain):
        return "colour"
    return "size" if _SIZE.fullmatch(plain) else None
