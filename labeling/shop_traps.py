"""What in a shop's text is not said of the product itself: negations, companions, parts, comparisons, other variants.

In: running text and the mentions found in it. Out: text with the parts about other things blanked (same length), and
whether a mention is negated or of a part. The lists are of shop language in six tongues; they are words, not code, and
grow here. Never looks at what a mention means beyond its field.
"""

from __future__ import annotations

import re
from itertools import takewhile

from dataset.taxonomy_words import TOKEN, Mention


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# From here to the end of the sentence another thing is spoken of: what goes with it, what else there is, who wears it.
_COMPANIONS = (
    r"\bgo(?:es|ing)? (?:\w+ )?with\b",
    r"\bpair(?:s|ed)? (?:\w+ )*?with\b",
    r"\bmatch(?:es|ed|ing)?\b",
    r"\b(?:wears?|worn|styled?|team(?:ed)?|layer(?:ed)?|thrown?) (?:\w+ ){0,3}?(?:with|over|under|alone)\b",
    r"\b(?:looks?|works?|perfect|ideal|great) (?:\w+ )?(?:with|over|under)\b",
    r"\bcombin(?:e|es|ed|ing)\b",
    r"\bcomplements?\b",
    r"\balso (?:available|comes)\b",
    r"\bavailable in\b",
    r"\bother colou?rs\b",
    r"\b(?:the )?model\b",
    r"\binspired by\b",
    r"\bfits (?:a|your)\b",
    r"\bto wear\b",
    r"\btuck\b",
    r"\bversion sold out\b",
    r"(?<!all[ -])\bunder(?!shirt|wear|wire)\b(?= )",
    r"(?<!all[ -])\bover(?= (?:a|an|your|the|any|\w+s)\b)(?! the knee)",
    r"\bpass(?:t|en) (?:\w+ )?zu\b",
    r"\bkombinier\w*",
    r"\bauch in\b",
    r"\berhältlich in\b",
    r"\bzu tragen\b",
    r"\bmodel trägt\b",
    r"\bse porte\b",
    r"\bà associer\b",
    r"\bassocie[rz]\b",
    r"\bà porter\b",
    r"\bparfaite?s? avec\b",
    r"\bexiste aussi\b",
    r"\bdisponible (?:aussi|également)?\b",
    r"\bcombina(?:r|lo|la|do)?\b",
    r"\bllév?al[oa]\b",
    r"\bqueda bien\b",
    r"\btambién\b",
    r"\bideal (?:para|con)\b",
    r"\babbina(?:re|to|ta|lo|la)?\b",
    r"\b(?:ottim|perfett)[oa] con\b",
    r"\bindossal[oa]\b",
    r"\bdisponibile\b",
    r"搭配",
    r"百搭",
    r"也有",
    r"另有",
)
# A sentence with one of these is of another thing as a whole, or German has put its verb last.
_WHOLE = (
    r"\bnot included\b",
    r"\bsold (?:out|separately)\b",
    r"\bnicht (?:im lieferumfang )?enthalten\b",
    r"\bkombinier\w*",
    r"\bzu tragen\b",
    r"\bnon inclus",
    r"\bno incluid",
    r"\bnon incluso\b",
)
_NO = {
    "en": "no not without non never isn't aren't minus unlike than like instead neither nor",
    "de": "ohne kein keine keiner keines keinen keinem nicht statt wie",
    "fr": "sans pas non ni jamais comme",
    "es": "sin no ni nunca como",
    "it": "senza non né mai come",
}
_NEGATORS = {language: frozenset(words.split()) for language, words in _NO.items()}
_ANY = _set("no not without non never isn't ohne kein keine nicht sans pas ni sin senza né")
_ZH_NEGATED = re.compile(r"(?:不含|没有|无需|不带|不是|不|无|非)\S?$")
_AFTER_NEGATED = re.compile(r"[\s-]*(?:free|frei)\b", re.I)
_PARTS = _set("""
    button buttons zip zips zipper zippers lining logo sole soles trim trims stitching stitch collar cuff cuffs patch
    patches piping tab strap straps lapels lettering embroidery heel padding brim frame buckle laces insole hem detail
    details hardware waistband pocket pockets bodice
    knopf knöpfe knöpfen futter sohle kragen logo schnalle reißverschluss nähte naht besatz bündchen riemen träger
    bouton boutons doublure semelle col logo surpiqûres boucle fermeture bordure poignets
    botón botones forro suela cuello logo hebilla cremallera costuras ribete puños
    bottoni fodera suola colletto logo fibbia cerniera cuciture bordo polsini""")
_ZH_PARTS = re.compile(r"^(?:纽扣|扣|拉链|里衬|内衬|鞋底|领|边|标)")
_CONNECTORS = _set("in of made from is are aus en de di est e es è the a")
_STOPS = _set("with without mit ohne avec sans con sin senza and und et y in for für")
_SENTENCE = re.compile(r"[^.!?。！？;；\n]+(?:\.(?=\d)[^.!?。！？;；\n]+)*")
_CLAUSE_END = re.compile(r"[,:;，、：]")
_TRIGGER, _REFUSED = re.compile("|".join(_COMPANIONS), re.I), re.compile("|".join(_WHOLE), re.I)
NEAR_TOKENS = 3  # how far a 'without' reaches


def about_itself(text: str) -> str:
    """`text` with what is said of other things replaced by spaces, letter for letter."""
    kept = list(text)
    for sentence in _SENTENCE.finditer(text):
        trigger = _TRIGGER.search(sentence.group())
        if _REFUSED.search(sentence.group()):
            _blank(kept, sentence.start(), sentence.end())
        elif trigger:
            _blank(kept, sentence.start() + trigger.start(), sentence.end())
    return "".join(kept)


def without_brand(text: str, brand: str | None, *, everywhere: bool = False) -> str:
    """`text` with the brand's name blanked where it leads or follows 'by'; `everywhere` it stands as written."""
    if not brand or not brand.strip():
        return text
    name = re.escape(brand.strip())
    at = (
        rf"(?<!\w){name}(?!\w)"
        if everywhere
        else rf"^\W*{name}(?!\w)|(?<=\bby )\s*{name}(?!\w)|(?<=\bvon )\s*{name}(?!\w)"
    )
    return re.sub(at, lambda match: " " * len(match.group()), text, flags=0 if everywhere else re.I)


def negated(text: str, mention: Mention, language: str | None) -> bool:
    """Whether a 'no', 'without' or 'unlike' stands up to three words before it in its clause, or '-free' behind."""
    before = _CLAUSE_END.split(_sentence_before(text, mention))[-1]
    if language == "zh":
        return bool(_ZH_NEGATED.search(before))
    words = _NEGATORS.get(language, _ANY) | _NEGATORS["en"] if language else _ANY
    near = before.casefold().split()[-NEAR_TOKENS:]
    return any(token.strip("\"'()-") in words for token in near) or bool(_AFTER_NEGATED.match(text, mention.end))


def of_a_part(text: str, mention: Mention, language: str | None) -> bool:
    """Whether a colour or material is said of buttons, lining or sole, not of the thing."""
    behind = _CLAUSE_END.split(re.split(r"[.!?。]", text[mention.end :])[0])[0]
    if language == "zh":
        return bool(_ZH_PARTS.match(behind))
    after = [match.group().casefold() for match in TOKEN.finditer(behind)][:2]
    after = list(takewhile(lambda token: token not in _STOPS, after))
    if any(token in _PARTS for token in after):
        return True
    before = _CLAUSE_END.split(_sentence_before(text, mention))[-1]
    near = [match.group().casefold() for match in TOKEN.finditer(before)][-NEAR_TOKENS:]
    while near and (near[-1] in _CONNECTORS or near[-1].isdigit()):
        near.pop()
    return bool(near) and near[-1] in _PARTS


def _sentence_before(text: str, mention: Mention) -> str:
    return re.split(r"[.!?。！？;；\n]", text[: mention.start])[-1]


def _blank(letters: list[str], start: int, end: int) -> None:
    letters[start:end] = " " * (end - start)
