"""The settings of every edit step, and of a chain of them.

In: words or YAML, checked by pydantic. Out: frozen models with defaults. Holds no pixels and does nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Repair(Step):
    """Fill what the damage mask shows, from around it."""

    method: Literal["learned", "telea", "navier-stokes"] = "learned"
    radius: float = Field(4.0, gt=0, le=32, description="px around a hole that telea and navier-stokes look at")


class Beautify(Step):
    """Light and cleanliness, bounded."""

    white_balance: bool = True
    exposure: bool = True
    denoise: float = Field(0.0, ge=0, le=1, description="0 none, 1 the most allowed")
    lint: bool = Field(False, description="remove sparse specks from the garment")


class Recolour(Step):
    """One piece of the clothes becomes another colour."""

    to: str = Field(description="a colour's name, English or Chinese, or #RRGGBB")
    of: str = Field("", description="which piece: its colour, upper, lower, or all of one colour; else the largest")
    at: str = Field("", pattern=r"^(\d+(\.\d+)?%? \d+(\.\d+)?%?)?$", description="a point on it: 'X Y', px or %")

    def place(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """(row, column) of `at` in a photo of (height, width)."""
        if not self.at:
            return None
        x, y = (
            round(float(text[:-1]) / 100 * (side - 1)) if text.endswith("%") else int(float(text))
            for text, side in zip(self.at.split(), size[::-1], strict=True)
        )
        return y, x


class Style(Step):
    """The light and colours of a reference picture, off the garment unless told otherwise."""

    like: str = Field(description="a picture file whose look is wanted; over HTTP 'look', the picture sent so")
    garment: bool = Field(False, description="on the garment too: its colours change, within the guard's limits")
    strength: float = Field(0.7, gt=0, le=1, description="0 nothing, 1 as much as the bounds allow")


class Background(Step):
    """What lies behind the figure."""

    to: str = Field(
        "white", description="a colour, 'COLOUR..COLOUR' from top to bottom, a picture, or 'backdrop' sent so"
    )
    shadow: Literal["none", "soft"] = "none"


class Compose(Step):
    """Where the figure stands in the frame."""

    template: str = Field("square", description="square (the figure's own scale), square-2000, or 1600x2000")
    margin: float = Field(0.05, ge=0, lt=0.45, description="share of the frame's shorter side")
    straighten: bool = False


class Upscale(Step):
    """More pixels, the same picture."""

    method: Literal["learned", "lanczos"] = "learned"
    times: Literal[2, 3, 4] = 2


STEPS: dict[str, type[Step]] = {
    "repair": Repair, "beautify": Beautify, "recolour": Recolour, "style": Style, "background": Background,
    "compose": Compose, "upscale": Upscale,
}  # fmt: skip
