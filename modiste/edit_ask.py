"""From a sentence to a chain: 'white background, centre it, twice as large', '白底，居中，放大两倍'.

In: English or Chinese. Out: a `Chain`, or an error that says what was understood and which words were not. A small
grammar of patterns, longest first: what it says it understood it did. Never guesses at a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from dataset.errors import UsageError
from dataset.settings import parse_settings
from modiste.edit_chain import Chain, chain_of, in_order
from modiste.edit_colours import CHINESE, SPELLED, colours
from modiste.edit_steps import STEPS

Wishes = dict[str, dict[str, Any]]
Take = Callable[[re.Match[str], Wishes], None]
NUMBERS = {"two": 2, "three": 3, "four": 4, "twice": 2, "double": 2, "triple": 3, "thrice": 3, "quadruple": 4,
           "两": 2, "二": 2, "三": 3, "四": 4, "俩": 2}  # fmt: skip
FILLER = re.compile(
    r"please|and|then|also|the|a|an|it|its|it's|this|that|them|of|to|my|for|with|on|in|me|photos?|pictures?|images?|"
    r"product|garment|item|cloth(?:es|ing)?|i|want|would like|can you|could you|make|put|give|as well|be|so|just|"
    r"请|把|将|给|我|它|的|并且|并|然后|再|和|与|及|图片|照片|图|衣服|商品|产品|一下|帮|要|想|成|让|且|了"
)
MOST_LETTERS = 1_000
_PICTURE = re.compile(r"[\w./~-]+\.(?:jpe?g|png|webp|tiff?|bmp|avif)\b", re.IGNORECASE | re.ASCII)


class NotUnderstood(UsageError):
    """Some words mean nothing here."""


def understood(text: str, keep: str = "person", *, files: bool = True, given: Collection[str] = ()) -> Chain:
    """Raises NotUnderstood (exit 2) for words that mean nothing here, naming them and what was understood; `files`
    and `given` as in `chain_of`."""
    if len(text) > MOST_LETTERS:
        raise UsageError(f"--ask of {len(text)} letters", expected=f"at most {MOST_LETTERS}")
    wishes: Wishes = {}
    text, pictures = _without_pictures(text)
    rest = _plain(text)
    for pattern, take in _grammar(tuple(given)):
        while match := pattern.search(rest):
            take(match, wishes)
            rest = f"{rest[: match.start()]} | {rest[match.end() :]}"
    for settings in wishes.values():
        settings |= {
            key: pictures[said] for key, said in settings.items() if isinstance(said, str) and said in pictures
        }
    left = [re.sub(r"file-\d+", lambda token: pictures[token[0]], each) for each in _unknown(rest)]
    found = [(name, parse_settings(STEPS[name], settings, f"--ask '{text}'")) for name, settings in wishes.items()]
    if left or not found:
        chain = Chain(tuple(in_order(found)), keep).words() if found else "nothing"
        what = f"didn't understand {', '.join(repr(each) for each in left)}" if left else "asks for no edit"
        raise NotUnderstood(
            f"'{text}': {what}; understood: {chain}",
            cure="Say it otherwise (such as 'white background, soft shadow, centre it, twice as large'), or use --do",
        )
    return chain_of(found, keep, files=files, given=given)


def _without_pictures(text: str) -> tuple[str, dict[str, str]]:
    """File names become 'file-1', ...: the grammar reads small letters, a file's name may have capitals."""
    pictures: dict[str, str] = {}

    def token(match: re.Match[str]) -> str:
        pictures[name := f"file-{len(pictures) + 1}"] = match[0]
        return name

    return _PICTURE.sub(token, text), pictures


def _plain(text: str) -> str:
    full = str.maketrans("，。；、！：（）×％", ",.;,!:()x%")
    return " " + re.sub(r"\s+", " ", text.lower().translate(full)).strip(" .!") + " "


def _unknown(rest: str) -> list[str]:
    """What is left once fillers are gone, in pieces as they were written."""
    pieces = re.split(r"[|,;:!?]|\.(?:\s|$)", rest)
    bare = [re.sub(rf"(?<![a-z])(?:{FILLER.pattern})(?![a-z])", " ", piece) for piece in pieces]
    return [re.sub(r"\s+", " ", piece).strip() for piece in bare if piece.strip(" .'\"-&+")]


def _grammar(given: tuple[str, ...]) -> list[tuple[re.Pattern[str], Take]]:
    """Patterns in the order they are tried; each takes its words away."""
    names = sorted([*colours(), *SPELLED, "gray", "light gray", "dark gray"], key=len, reverse=True)
    chinese = sorted(CHINESE, key=len, reverse=True)
    colour = rf"(#[0-9a-f]{{6}}|(?:{'|'.join(re.escape(name) for name in names)})(?![a-z])|(?:{'|'.join(chinese)})色?)"
    number = rf"({'|'.join(NUMBERS)}|\d+)"
    it = r"(?:it|the (?:garment|product|colou?r|dress|shirt|item|clothes)|this|colou?r)"
    dye = r"(?:recolou?r|dye|paint|colou?r|turn|make|change)"
    picture = rf"(?:the )?({'|'.join([r'file-[0-9]+', *given])})(?: picture| photo| image)?"
    rules: list[tuple[str, Take]] = [
        (rf"(?:in |with |take |use |copy )?(?:the )?(?:look|style|mood|light)(?: and colou?rs)? (?:of|from|like) "
         rf"{picture}|(?:styled? |look(?:ing)? )(?:it |this )?(?:like|as) {picture}|"
         rf"{picture}的?(?:风格|色调|氛围)", _like),
        (r"(?:on|with|including) the (?:garment|product|item|clothes) too|(?:garment|product) too|"
         r"(?:连|包括)(?:衣服|商品|产品)(?:也|都)?(?:一起)?", lambda m, w: _set(w, "style", garment=True)),
        (rf"(?:background|backdrop)(?: to| of| from| is| as)? {picture}|"
         rf"(?<![a-z])(?:on|before|in front of) {picture}|{picture} (?:as|for) (?:the |a )?(?:background|backdrop)|"
         rf"背景(?:换成|用|为)?{picture}|用{picture}(?:当|做|作)?背景", _behind),
        (rf"(?:gradient )?from {colour} to {colour}(?: gradient)?(?: background| backdrop)?", _gradient),
        (rf"{colour}(?:到|至){colour}的?渐变(?:背景|底)?", _gradient),
        (rf"(?:background|backdrop)(?: colou?r)?(?: in| to| into)? {colour}", _behind),
        (rf"(?:plain |pure |clean )?{colour} (?:background|backdrop|bg)", _behind),
        (rf"(?<![a-z])on (?:a |plain |pure )*{colour}", _behind),
        (rf"背景(?:换成|改成|变成|换为|改为|为|用|是)?(?:纯)?{colour}", _behind),
        (rf"(?:换|改|用|换成)?(?:纯)?{colour}的?(?:背景|底)", _behind),
        (r"(?:without|no) shadows?|不要阴影|无阴影", lambda m, w: _set(w, "background", shadow="none")),
        (r"(?:add |with )?(?:a )?(?:soft |natural )*shadows?|(?:加|带)?(?:上)?(?:柔和的?|自然)?(?:阴影|投影|影子)",
         lambda m, w: _set(w, "background", shadow="soft")),
        (r"(square-\d+|\d{2,5} ?x ?\d{2,5})(?: px| pixels)?", _template),
        (rf"(?:{number} times|x ?{number}|{number} ?x)(?: as)?(?: large| big| bigger| larger| the size| resolution)?",
         _larger),
        (rf"{number}(?: as)? (?:large|big|the size|the resolution)|{number} (?:its|the) (?:size|resolution)", _larger),
        (rf"放大(?:到|为)?{number}倍|{number}倍(?:大|放大|大小|分辨率)", _larger),
        (r"(?:upscale|enlarge|放大)", lambda m, w: _set(w, "upscale")),
        (r"margins?(?: of)? (\d+(?:\.\d+)?) ?(?:%|percent)|(\d+(?:\.\d+)?) ?(?:%|percent) margins?|"
         r"(?:边距|留白)(?:为)?(\d+(?:\.\d+)?)%", _margin),
        (r"(?:centre|center|centred|centered|in the middle|居中)",
         lambda m, w: _set(w, "compose")),
        (r"(?:square|正方形|方图)", lambda m, w: _set(w, "compose")),
        (r"(?:straighten|straight|upright|扶正|摆正|拉直|端正)",
         lambda m, w: _set(w, "compose", straighten=True)),
        (r"(?:remove|take off|clean|no|去除|去掉|去) ?(?:the )?(?:lint|fluff|specks|毛球|毛絮|线头|灰尘)",
         lambda m, w: _set(w, "beautify", lint=True)),
        (r"(?:denoise|remove noise|reduce noise|less noise|降噪|去噪)",
         lambda m, w: _set(w, "beautify", denoise=0.5)),
        (r"(?:white balance|beautify|enhance|better light|improve the light|"
         r"fix the light|fix the colou?rs|brighten|白平衡|美化|优化|校色|提亮)",
         lambda m, w: _set(w, "beautify")),
        (r"(?:repair|restore|mend|fix)(?: the| a)?(?: damage| scratch(?:es)?| holes?| tears?)?|"
         r"(?:修复|修补)(?:划痕|破洞|破损)?",
         lambda m, w: _set(w, "repair")),
        (rf"{dye} (?:the )?{colour} (?:garment|piece|part|one|coat|dress|jacket|trousers|pants|skirt|shirt|top|sweater)"
         rf"(?: to| in| into)? {colour}|"
         rf"把?{colour}的?(?:部分|外套|裙子|裤子|上衣)?(?:染成|改成|变成|换成|改为|换为){colour}", _dyed_of),
        (rf"{dye} (?:the )?(upper|lower) (?:part|piece|garment|half)(?: to| in| into)? {colour}|"
         rf"(?:把)?(上|下)(?:半身|身|装)(?:染成|改成|变成|换成|改为|换为){colour}", _dyed_of),
        (rf"{dye} (?:all|everything)(?: to| in| into)? {colour}", lambda m, w: _set(w, "recolour", to=m[1], of="all")),
        (rf"{dye}(?: {it})*(?: to| in| into)? {colour}", _dyed),
        (rf"(?:衣服|它|颜色)?(?:染成|改成|变成|换成|改为|换为){colour}", _dyed),
    ]  # fmt: skip
    return [(re.compile(_bounded(pattern)), take) for pattern, take in rules]


def _bounded(pattern: str) -> str:
    """Letters of a word are not cut apart; Chinese has no spaces to stop at."""
    return rf"(?<![a-z])(?:{pattern})(?![a-z])"


def _set(wishes: Wishes, step: str, **settings: Any) -> None:
    wishes.setdefault(step, {}).update(settings)


def _words(match: re.Match[str]) -> list[str]:
    return [group.strip() for group in match.groups() if group]


def _behind(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "background", to=_words(match)[0])


def _gradient(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "background", to="..".join(_words(match)[:2]))


def _like(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "style", like=_words(match)[0])


def _dyed(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "recolour", to=_words(match)[0])


def _dyed_of(match: re.Match[str], wishes: Wishes) -> None:
    of, to = _words(match)
    _set(wishes, "recolour", to=to, of={"上": "upper", "下": "lower"}.get(of, of))


def _larger(match: re.Match[str], wishes: Wishes) -> None:
    word = _words(match)[0]
    _set(wishes, "upscale", times=NUMBERS.get(word) or int(word))


def _margin(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "compose", margin=float(_words(match)[0]) / 100)


def _template(match: re.Match[str], wishes: Wishes) -> None:
    _set(wishes, "compose", template=_words(match)[0].replace(" ", ""))
