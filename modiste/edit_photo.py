"""One photo through a chain, the guard after each step: bytes in, finished files out, nothing written.

In: the photo's bytes, a chain, what sees the garment, perhaps a damage mask. Out: `Finished`, or an ImageError with a
coded reason, `refused` where the guard says no.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dataset.errors import ImageError, MaskError
from dataset.images import Decoded, decode
from modiste.cutout_backdrop import settled as settled_mask
from modiste.edit_background import NOTHING, background
from modiste.edit_chain import Chain
from modiste.edit_compose import compose
from modiste.edit_guard import Judgement, Rules, guard_rules, judge, worst
from modiste.edit_learned import fingerprint_of, settled
from modiste.edit_light import beautify
from modiste.edit_mark import lineage, marked, source_type
from modiste.edit_outline import blind_share, left_behind
from modiste.edit_picture import Picture, seen
from modiste.edit_recolour import recolour
from modiste.edit_repair import repair
from modiste.edit_steps import Background, Beautify, Compose, Recolour, Repair, Step, Style, Upscale
from modiste.edit_style import style
from modiste.edit_upscale import upscale
from train.closer import Seen

Look = Callable[[np.ndarray], Seen]
Where = np.ndarray | None


class EditRefused(ImageError):
    """The guard's no. `steps` as in `Finished`, up to and with the refused one."""

    def __init__(self, what: str, steps: list[dict[str, Any]]) -> None:
        super().__init__("refused", what)
        self.steps = steps


@dataclass
class Finished:
    """`files` are (suffix, bytes); `steps` one dict a step: its settings, what was done, the guard's figures; `mask` is
    whose: the 'network' or the 'backdrop'."""

    picture: Picture
    files: list[tuple[str, bytes]] = field(default_factory=list)
    verdict: str = "pass"
    steps: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mask: str = "network"


def edit_one(
    name: str, data: bytes, look: Look, chain: Chain, *, kind: str = "png", damage: np.ndarray | None = None,
    weights: str = "", given: Mapping[str, bytes] = NOTHING, mask: str = "auto",
) -> Finished:  # fmt: skip
    """`given`: files of the pictures that steps name by a word; `mask` as for a cutout. Raises ImageError:
    `animated`, `transparent`, `no_garment`, `refused`, and what the steps and decoding raise."""
    photo = decode(data)
    refuse_odd(photo)
    try:
        found, way = settled_mask(photo.rgb, look(photo.rgb), mask)
        picture, notes = seen(photo.rgb, found, keep=chain.keep)
        done = run_chain(picture, chain, damage, given)
    except MemoryError as error:
        raise ImageError("out_of_memory", f"{photo.width} x {photo.height}") from error
    done.notes, done.mask = list(dict.fromkeys(notes + done.notes)), way
    made = marked(done.picture.flat(), kind, source_type(chain))
    facts = lineage(name, data, made, chain, done.steps, done.verdict, weights, way)
    done.files = [(f".{kind}", made), (".edit.json", facts)]
    return done


def run_chain(
    picture: Picture, chain: Chain, damage: np.ndarray | None = None, given: Mapping[str, bytes] = NOTHING
) -> Finished:  # fmt: skip
    """Every step and its judgement. Raises EditRefused at the first step the guard refuses."""
    done = Finished(picture)
    judgements: list[Judgement] = []
    for name, step in chain.steps:
        before = done.picture
        after, came_from, facts, notes = applied(before, step, damage, given)
        blind, left = _outline(before, step)
        verdict = judge(
            before.flat(), after.flat(), before.garment, came_from, rules_of(name, step), blind=blind, left=left
        )
        judgements.append(verdict)
        done.steps.append({"step": name, **step.model_dump(), "done": facts, "guard": asdict(verdict)})
        if verdict.verdict == "refuse":
            raise EditRefused(f"{name}: {'; '.join(verdict.reasons)}", done.steps)
        done.picture, done.notes = after, done.notes + notes
        done.notes += [f"{name}: {reason}" for reason in verdict.reasons]
    done.verdict = worst(judgements)
    return done


def applied(
    picture: Picture, step: Step, damage: Where, given: Mapping[str, bytes] = NOTHING
) -> tuple[Picture, Where, dict[str, Any], list[str]]:  # fmt: skip
    """The picture after the step, where its pixels came from (None: where they were), what was done, notes."""
    if isinstance(step, Background):
        notes = ["no shadow: the figure ends at the photo's edge"] if picture.cut_off and step.shadow == "soft" else []
        sent = {"picture_sha256": hashlib.sha256(given[step.to]).hexdigest()} if step.to in given else {}
        return background(picture, step, given), None, sent, notes
    if isinstance(step, Compose):
        after, came_from, facts = compose(picture, step)
        notes = [f"enlarged {facts['scale']:.2f} times for the template"] if facts["scale"] > 1 else []
        return after, came_from, facts, notes
    if isinstance(step, Upscale):
        return *upscale(picture, step), []
    if isinstance(step, Recolour):
        after, facts = recolour(picture, step)
        return after, None, facts, []
    if isinstance(step, Style):
        after, facts = style(picture, step, given)
        return after, None, facts, []
    if isinstance(step, Repair):
        try:
            after, made = repair(picture, damage, step)
        except MaskError as error:
            raise ImageError("mask_size", error.what, expected=error.expected) from error
        facts = {"pixels": int(made.sum()), "network": fingerprint_of(settled(step))}
        return after, in_place_without(made), facts, []
    if isinstance(step, Beautify):
        after, made, facts, notes = beautify(picture, step)
        return after, in_place_without(made) if made.any() else None, facts, notes
    raise TypeError(f"no step {type(step).__name__}")


def rules_of(name: str, step: Step) -> Rules:
    """The limits of a step; a look on the garment too has others than one kept off it."""
    on_it = isinstance(step, Style) and step.garment
    return guard_rules()[f"{name} on the garment" if on_it else name]


def _outline(picture: Picture, step: Step) -> tuple[float, float]:
    """How blind the outline is that a step relies on (the figure's for a new backdrop, the garment's for a new colour
    in it or around it), and how much of the figure lies beyond it."""
    around = isinstance(step, Recolour) or (isinstance(step, Style) and not step.garment)
    if not around and not isinstance(step, Background):
        return 0.0, 0.0
    figure = picture.alpha > 127
    return blind_share(picture.rgb, picture.garment if around else figure), left_behind(picture.rgb, figure)


def in_place_without(made: np.ndarray) -> np.ndarray:
    """(H, W, 2) float32 of each pixel's own place, NaN where it was made."""
    y, x = np.indices(made.shape, dtype=np.float32)
    places = np.dstack([x, y])
    places[made] = np.nan
    return places


def refuse_odd(photo: Decoded) -> None:
    """Raises ImageError for an animation, and for what has transparent parts."""
    if photo.frames > 1:
        raise ImageError("animated", f"{photo.frames} frames", expected="a still photo", cure="Save one frame as PNG")
    if photo.alpha is not None:
        raise ImageError(
            "transparent", "parts are transparent", expected="a photo with its backdrop",
            cure="Give the photo it was cut from, or lay it on a colour first",
        )  # fmt: skip
