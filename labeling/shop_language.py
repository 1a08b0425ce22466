"""Which language a product's text is in, told by its small words and by the taxonomy's own vocabulary.

In: a text and a taxonomy's `Lexicon`. Out: one of `dataset.taxonomy_file.LANGUAGES`, or None where nothing tells or two
are equal: words are then read only where all languages agree. Never guesses from a shop's address.
"""

from __future__ import annotations

import re
from collections import Counter

from dataset.taxonomy_file import LANGUAGES
from dataset.taxonomy_words import TOKEN, Lexicon, key_of

_CJK = re.compile(r"[\u3400-\u9fff]")
_SMALL_WORDS = {
    "en": "with and the for of in to our its is it made from without this your under over only not has are on at",
    "de": "mit und der die das aus für ohne ein eine im ist auch nicht zu von am es sie kein einer wird über sich",
    "fr": "avec et le la les des du en sans un une pour est à aux sur se son sa pas au dans ce cette col coupe",
    "es": "con y el la los las de del sin un una para es por en se su al no lo este esta cuello muy",
    "it": "con e il lo la gli le di del della senza un una per è da in si su al non i collo molto alla",
}
_KNOWN = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}


def language_of(text: str, lexicon: Lexicon) -> str | None:
    """One point for a small word, two for a word that only one language's part of the taxonomy knows."""
    if len(_CJK.findall(text)) > 1:
        return "zh"
    points: Counter[str] = Counter()
    for match in TOKEN.finditer(text):
        token = match.group().casefold()
        points.update(language for language, known in _KNOWN.items() if token in known)
        points.update(dict.fromkeys(_only_in(key_of(token), lexicon), 2))
    ranked = points.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _only_in(key: str, lexicon: Lexicon) -> list[str]:
    """The language, if there is just one, in which any field knows this word."""
    known = {language for words in lexicon.words.values() for language in words.get(key, ())} & set(LANGUAGES)
    return list(known) if len(known) == 1 else []
