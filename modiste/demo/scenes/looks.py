"""Who wears what: a person and an outfit drawn from a seeded generator, and the order in which they are painted."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from modiste.demo.scenes import palette
from modiste.demo.scenes.body import draw_arm, draw_hand, draw_leg, draw_torso
from modiste.demo.scenes.bottoms import draw_pants, draw_skirt
from modiste.demo.scenes.canvas import PERSON, Canvas
from modiste.demo.scenes.collars import draw_collar
from modiste.demo.scenes.curves import blob, line
from modiste.demo.scenes.figure import BUILDS, POSES, Figure, stand
from modiste.demo.scenes.garment import OUTER, TOPS, Garment
from modiste.demo.scenes.head import LONG, STYLES_MAN, STYLES_WOMAN, Face, draw_back_hair, draw_head, head_frame
from modiste.demo.scenes.outer import draw_coat
from modiste.demo.scenes.props import SHOES, draw_bag, draw_hat, draw_shoe
from modiste.demo.scenes.tops import draw_sleeve, draw_torso_garment

BARE_FROM = {"sleeveless": 0.0, "short": 0.5, "three-quarter": 1.2, "long": 1.5}


@dataclass(frozen=True)
class Person:
    build: str
    face: Face


@dataclass(frozen=True)
class Look:
    """A person, the clothes from the inside out, and what goes with them; `seed` decides the folds."""

    person: Person
    clothes: tuple[Garment, ...]
    shoes: tuple[str, str]
    bag: tuple[str, str] | None
    hat: tuple[str, str] | None
    seed: int


def draw_person(rng: Random, woman: bool) -> Person:
    build = rng.choice([name for name in BUILDS if name.endswith(" woman") == woman])
    tone = rng.randrange(len(palette.SKIN))
    hair = rng.choice(palette.HAIR[:3] if tone > 5 else palette.HAIR if tone < 4 else palette.HAIR[:5])
    style = rng.choice(STYLES_WOMAN if woman else STYLES_MAN)
    if style == "afro":
        hair = rng.choice(palette.HAIR[:3])
    face = Face(
        palette.SKIN[tone],
        hair,
        style,
        rng.choice(palette.LIPS) if woman else palette.mix(palette.SKIN[tone], "#8a3a30", 0.35),
        not woman and rng.random() < 0.4,
        rng.random() < 0.14,
        woman and rng.random() < 0.45,
    )
    return Person(build, face)


def _under(rng: Random) -> Garment:
    return Garment(
        "t-shirt", rng.choice(("white", "ecru", "black", "grey", "sky blue")), "plain", "short", "hip", "crew", "fitted"
    )


def _bottom(rng: Random, woman: bool, clash: str) -> Garment:
    colour = rng.choice(
        [c for c in ("denim", "navy", "black", "sand", "charcoal", "ecru", "olive", "chocolate") if c != clash]
    )
    if woman and rng.random() < 0.4:
        return Garment(
            "skirt",
            colour,
            "plain",
            None,
            rng.choice(("mini", "knee", "midi")),
            None,
            rng.choice(("a-line", "pencil", "pleated")),
        )
    return Garment(
        "pants",
        colour,
        "plain",
        None,
        rng.choice(("full", "full", "cropped")),
        None,
        rng.choice(("skinny", "straight", "wide", "tailored")),
    )


def _top(rng: Random, clash: str) -> Garment:
    colour = rng.choice(
        [c for c in ("white", "ecru", "black", "blush", "sky blue", "grey", "mustard", "sage") if c != clash]
    )
    kind = rng.choice(("t-shirt", "shirt", "sweater"))
    cut, neckline = {"t-shirt": ("regular", "crew"), "shirt": ("regular", "collar"), "sweater": ("boxy", "turtleneck")}[
        kind
    ]
    return Garment(
        kind,
        colour,
        "plain",
        "short" if kind == "t-shirt" else "long",
        "hip" if kind != "t-shirt" else "waist",
        neckline,
        cut,
    )


def dress_up(g: Garment, seed: int, woman: bool | None = None) -> Look:
    """A look in which `g` is the piece that is sold."""
    rng = Random(f"look {seed}")
    if woman is None:
        woman = g.type in ("dress", "skirt", "blouse") or rng.random() < 0.55
    clothes: tuple[Garment, ...]
    if g.type == "dress":
        clothes = (g,)
    elif g.type in TOPS:
        clothes = (_bottom(rng, woman, g.colour), g)
    elif g.type in OUTER:
        clothes = (_bottom(rng, woman, g.colour), _under(rng), g)
    elif g.type in ("shoes", "hat"):
        top = _top(rng, g.colour)
        clothes = (_bottom(rng, woman, top.colour), top)
    else:
        clothes = (_top(rng, g.colour), g)
    shoes = (
        (g.cut, palette.CLOTH[g.colour])
        if g.type == "shoes"
        else (rng.choice(SHOES if woman else ("sneakers", "boots", "loafers")), rng.choice(palette.LEATHER))
    )
    hat = (g.cut, palette.CLOTH[g.colour]) if g.type == "hat" else None
    bag = (rng.choice(("tote", "crossbody")), rng.choice(palette.LEATHER)) if rng.random() < 0.42 else None
    return Look(draw_person(rng, woman), clothes, shoes, bag, hat, seed)


def _wear(canvas: Canvas, figure: Figure, clothes: tuple[Garment, ...], rng: Random) -> None:
    for g in clothes:
        if g.type == "skirt":
            draw_skirt(canvas, figure, g, rng)
        elif g.type in ("pants", "shorts"):
            draw_pants(canvas, figure, g, rng)
        elif g.type in OUTER:
            draw_coat(canvas, figure, g, rng)
        else:
            draw_torso_garment(canvas, figure, g, rng)


def paint_look(canvas: Canvas, look: Look, pose: str, back: bool = False) -> Figure:
    """Paint the whole person from back to front; the figure stands on y = 0 around x = 0."""
    rng = Random(f"folds {look.seed}")
    figure = stand(BUILDS[look.person.build], POSES[pose])
    tone = look.person.face.skin
    if not back:
        draw_back_hair(canvas, figure, look.person.face)
    for side in sorted((-1, 1), key=lambda s: figure.leg[s][2][1]):
        draw_leg(canvas, figure, side, tone)
        draw_shoe(canvas, figure, side, *look.shoes)
    draw_torso(canvas, figure, tone)
    bag_side = next((s for i, s in enumerate((1, -1)) if figure.pose.hands[1 - i] == "loose"), 0)
    _wear(canvas, figure, look.clothes, rng)
    top = next((g for g in look.clothes[::-1] if g.sleeve), None)
    shirts = [g for g in look.clothes if g.neckline in ("turtleneck", "collar", "bow")]
    for g in shirts[-1:]:
        draw_collar(canvas, figure, g)
    if look.bag and bag_side and look.bag[0] == "crossbody":
        draw_bag(canvas, figure, bag_side, *look.bag)
    for side in (-1, 1):
        draw_arm(canvas, figure, side, tone, BARE_FROM[top.sleeve or "long"] if top else 0.0)
        if look.bag and look.bag[0] == "tote" and side == bag_side:
            draw_bag(canvas, figure, side, *look.bag)
        draw_hand(canvas, figure, side, tone)
        if top:
            draw_sleeve(canvas, figure, top, side, rng)
    draw_head(canvas, figure, look.person.face, back)
    if look.hat:
        with canvas.group(head_frame(figure)):
            draw_hat(canvas, *look.hat)
    if not back and look.person.face.style in LONG[:2]:
        _locks(canvas, figure, look)
    return figure


def _locks(canvas: Canvas, figure: Figure, look: Look) -> None:
    """Long hair that comes forward over one shoulder."""
    face, side = look.person.face, 1 if look.seed % 2 else -1
    with canvas.group(head_frame(figure)):
        d = blob(
            [
                (side * 34, -30),
                (side * 43, -22),
                (side * 47, 12),
                (side * 44, 52),
                (side * 34, 80),
                (side * 26, 48),
                (side * 31, 8),
            ]
        )
        canvas.solid(PERSON, d, canvas.lit(face.hair, 1.1), palette.darker(face.hair, 0.5), 0.9)
        clip = canvas.clip(d)
        canvas.round_off(d, clip, 8, 0.4, palette.darker(face.hair, 0.75))
        for x in (34, 39, 43):
            canvas.paint(
                line((side * x, -24), (side * (x + 1), 14), (side * (x - 5), 70)),
                stroke=palette.darker(face.hair, 0.5),
                width=0.9,
                opacity=0.6,
                clip=clip,
            )
