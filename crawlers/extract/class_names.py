"""What shops call their elements: patterns over class names, ids and custom tag names, and nothing else.

In: nothing. Out: compiled patterns, all case-blind, for names joined with blanks and split at capitals (`oldPrice` ->
`old-price`). Never judges: `lines.flags_of` turns them into bits.
"""

from __future__ import annotations

import re


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.I)


def _part(*names: str) -> re.Pattern[str]:
    """One of the names as a whole part of a class name."""
    return re.compile(rf"(?:^|[\s_-])(?:{'|'.join(names)})(?=$|[\s_-])", re.I)


BUY = _any(
    r"add[-_]?(?:item[-_]?)?(?:to|2)[-_]?(?:the[-_]?)?(?:cart|bag|basket|order)|addcart",
    r"buy[-_]?(?:now|button|btn|it)\b|btn[-_]?(?:cart|buy|addtocart)|button[-_]?(?:cart|buy)\b",
    r"cart[-_](?:button|btn|add)\b|product[-_]form[-_]+submit|add_to_cart|\batc\b|single_add",
)  # fmt: skip
PRICE = _any(
    r"pri(?:ce|cing|x\b|s\b)|preis|pre[cçz]+io|preco|prezzo|\bprijs|\bcena\b|\bmoney\b|\bamount\b|\bcost\b",
    r"woocommerce-price|kakaku|kosten|-pris\b",
)  # fmt: skip
STRUCK = _any(
    r"(?:^|[\s_-])(?:old|was|rrp|msrp|uvp|strike\w*|struck|crossed|line-?through|linethrough|stricken|"
    r"strikethrough|vanha|stara|stary|starsza|eski|regi|vechi|vecchio|oude?|gammel|gammal|foer|puvodni|bezna|"
    r"mrp|coret|riscado|antigo|antes|statt|compare[-_]at\w*|compare[-_]?price|scratch\w*|strik\w*|barr[ée]+|ancien|antiguo|"
    r"anterior|tachado|streich\w*|previous|before|original|rsp|list[-_]?price|price[-_]+list|"
    r"price[-_]+compare\w*|undiscounted|non[-_]sale|retail[-_]?price|was[-_]?price|oldprice)(?=$|[\s_-])",
)  # fmt: skip
WEAK_STRUCK = _part(
    "regular", "standard", "normal", "base", "full", "retail", "list", "compare", "reg",
)  # fmt: skip
SALE = _part(
    "sale", "sales", "special", "current", "now", "final", "promo", "promotion", "reduced", "discounted",
    "actual", "our", "new", "today", "selling", "offer", "main", "saleprice", "specialprice", "neu", "aktuell",
    "actuel",
)  # fmt: skip
STOCK = _any(
    r"stock|lieferbar|dostepn|nalichi|availab|verfügbar|verfuegbar|lieferstatus",
    r"delivery-?(?:status|information)|dispo|inventory|soldout|sold-out|lager",
)  # fmt: skip
CENTS = _any(
    r"\b(?:cents?|decimals?|fraction|minor|kopecks|centimes|sup|superscript|digits)\b",
    r"[-_](?:cents?|decimals?|fraction|small)\b",
)  # fmt: skip
OPTION = _any(
    r"swatch|variant|variat|\bsizes?\b|options?\b|size[-_]|attribute|taille|talla|gr(?:ö|oe)sse|rozmiar",
)  # fmt: skip
BADGE = _part(
    "badge", "label", "tag", "flag", "sticker", "ribbon", "tooltip", "badges", "sr-only", "visually-hidden",
    "visuallyhidden", "screen-reader-text", "hidden", "hide", "d-none", "is-hidden", "u-hidden", "price__badge",
    "template",
)  # fmt: skip
# Hidden by the theme's style sheet: often shown again by script, so such text only stands apart from what is beside it.
HIDDEN = _part(
    "hidden", "hide", "d-none", "is-hidden", "u-hidden", "displaynone", "display-none", "dis-none", "js-hidden",
)  # fmt: skip
CRUMBS = _any(
    r"bread-?crumb|(?:^|[\s_-])crumbs?(?:$|[\s_-])|(?:^|\s)(?:trail|pathway|you-are-here)(?:$|\s)",
)  # fmt: skip
CODE = _any(
    r"(?:^|[\s_-])(?:product[-_]?)?(?:sku|mpn|ean|gtin)(?=$|[\s_-])|artnr|item-?(?:number|no)\b",
)  # fmt: skip
STORY = _any(
    r"(?:^|[\s_-])desc(?:ription)?(?=$|[\s_-])|beschreibung|descripcion|descrizione|descricao",
)  # fmt: skip
RELATED = _any(
    r"related|recommend|also[-_]?(?:bought|like|viewed)|up-?sell|cross-?sell|recently|similar|companion",
    r"frequently|bought[-_]?together|complete[-_]?the[-_]?look|shop[-_]?the[-_]?look|best[-_]?seller",
    r"you[-_]?may|might[-_]?like|suggest",
)  # fmt: skip
NOISE = _any(
    r"mini-?(?:cart|basket|bag)",
    r"cart-?(?:drawer|sidebar|popup|preview|flyout|drop-?down|summary|notification|modal|overlay|panel|"
    r"count|total|widget|contents|mini)",
    r"side-?(?:cart|basket)|header-(?:cart|basket|minicart)|basket-(?:mini|preview|summary)",
    r"shopping-?cart-?(?:content|widget)|ajax-?cart|block_?-?cart|slide-?cart|mega-?menu|main-?menu|nav-?bar",
    r"navigation|site-?nav|main-?nav|site-?(?:header|footer)|page-(?:header|footer)",
    r"(?:^|\s)(?:main-|global-|l-|c-|shop-)?footer(?:$|[\s-])|top-?bar|announcement",
    r"header-?(?:top|bar|main|wrapper|inner)|masthead|off-?canvas|cookie|consent|gdpr|newsletter|subscribe",
    r"lightbox|exit-?intent|pop-?up(?:$|\s)",
    r"(?:^|[\s_-])reviews?(?:$|\s|-(?:list|container|section|content|block|tab|items|wrapper))|testimonial",
    r"comments?(?:$|\s|-(?:list|area|section))|customer-?reviews|ratings?-(?:list|section)|yotpo|bazaarvoice",
    r"trustpilot|judgeme|questions|search-?(?:form|results|box|bar|suggest|overlay|flyout)",
    r"quick-?(?:view|search|shop)-?(?:modal|popup|content)?|currency-?(?:switch|select|pick|drop)",
    r"country-?(?:select|switch|pick)|language-?(?:switch|select|pick)|breadcrumb",
    r"(?:^|\s)(?:left-|right-|shop-)?sidebar(?:$|\s)|facets?(?:$|\s)|filters?(?:$|\s)|layered-nav",
    r"widget_(?:products|shopping|top|recent|price)|compare-?(?:list|popup|bar|products)",
    r"wish-?list-?(?:popup|modal|dropdown|items)|skip-link|instagram",
)  # fmt: skip
