"""The service's edits: words to a chain, a photo through it, the guard's figures beside the picture.

In: options, a photo's bytes, what sees the garment. Out: a JSON-ready result, or a Problem: `not_understood` with what
was, `refused` with every figure. Reads no file of the server, writes none.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from dataset.errors import ImageError, UsageError
from dataset.images import decode
from modiste.api_bodies import EditOptions
from modiste.api_images import pixels_of
from modiste.api_problems import Problem
from modiste.edit_ask import NotUnderstood, understood
from modiste.edit_chain import Chain, from_words
from modiste.edit_photo import EditRefused, Look, edit_one, refuse_odd
from modiste.edit_steps import Compose, Upscale


def wanted(options: EditOptions, most_pixels: int, given: Mapping[str, bytes]) -> Chain:
    """Raises Problem: words nobody understands, a step that can't be had here, a picture larger than `most_pixels`,
    one of the pictures `given` beside the photos that no step uses."""
    try:
        if options.ask is not None:
            chain = understood(options.ask, options.keep, files=False, given=given)
        else:
            chain = from_words(options.steps or "", options.keep, files=False, given=given)
    except NotUnderstood as error:
        raise Problem("not_understood", error.what) from error
    except UsageError as error:
        raise Problem("bad_option", _plain(error)) from error
    if "repair" in dict(chain.steps):
        raise Problem(
            "bad_option", "repair needs to be shown what is damaged", cure="modiste edit --damage MASK does it"
        )
    _fits(chain, most_pixels)
    return chain


def edited(
    data: bytes, look: Look, chain: Chain, *, weights: str, most_pixels: int, given: Mapping[str, bytes]
) -> dict[str, Any]:  # fmt: skip
    """One photo's result. Raises Problem for one that is refused, ImageError for one that can't be used."""
    times = next((step.times for _, step in chain.steps if isinstance(step, Upscale)), 1)
    if pixels_of(data) * times**2 > most_pixels:
        raise Problem("result_too_large", f"over {most_pixels} px")
    try:
        done = edit_one("photo", data, look, chain, weights=weights, given=given)
    except EditRefused as error:
        raise Problem("refused", error.what, steps=error.steps) from error
    except ImageError as error:
        if error.code == "too_large":
            raise Problem("result_too_large", error.what, cure=error.cure) from error
        raise
    png = done.files[0][1]
    width, height = struct.unpack(">II", png[16:24])
    reasons = [f"{each['step']}: {reason}" for each in done.steps for reason in each["guard"]["reasons"]]
    return {
        "chain": chain.words(), "verdict": done.verdict, "reasons": reasons, "mask": done.mask,
        "notes": [note for note in done.notes if note not in reasons], "steps": done.steps,
        "width": width, "height": height, "png": f"data:image/png;base64,{base64.b64encode(png).decode()}",
    }  # fmt: skip


def fit_for_use(name: str, data: bytes, most_pixels: int) -> None:
    """Decoded once to see it whole. Raises Problem, naming it, for a picture that no step could use."""
    try:
        refuse_odd(decode(data, max_pixels=most_pixels))
    except ImageError as error:
        raise Problem(error.code, f"{name}: {error.what}", cure=error.cure) from error


def _fits(chain: Chain, most_pixels: int) -> None:
    from labeling.staging import parse_template

    for _, step in chain.steps:
        if isinstance(step, Compose) and step.template != "square":
            found = parse_template(step.template)
            if found.width * found.height > most_pixels:
                raise Problem("bad_option", f"compose {step.template}: over {most_pixels} px")


def _plain(error: UsageError) -> str:
    """Without the options of a command line in it."""
    return f"{error.what} (expected {error.expected})" if error.expected else error.what
