"""Recipes of generation: GANs from noise, translators of pairs, rectified flow. Every choice as YAML, checked.

In: a name such as 'generation/gan-28' (or a YAML file) and overrides. Out: a checked `GenerationRecipe`. It holds no
paths.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml

TASK: Literal["generation"] = "generation"


class GenerationRecipe(BaseModel):
    """A generator of pictures. Of the keys that name a kind, the others' are left alone."""

    model_config = ConfigDict(extra="forbid")
    task: Literal["generation"] = TASK
    name: str = ""
    kind: Literal["gan", "pairs", "diffusion"] = "gan"

    height: int = Field(28, ge=8, description="px; photos are fitted in and padded with their border's colour")
    width: int = Field(28, ge=8, description="px")
    colour: bool = Field(False, description="RGB; without it grey")
    field: str = Field("type", description="taxonomy field to ask by; '' is unconditional")
    least: int = Field(20, ge=1, description="a value with fewer training images is left out")
    view: Literal["whole", "garment"] = Field("whole", description="garment: cut out on white by the snapshot's masks")
    flip: float = Field(0.5, ge=0, le=1, description="chance of a left-right flip in training")

    pairs: Literal["labels", "edges", "garment"] = Field(
        "labels", description="kind pairs: what the generator is given"
    )
    label_space: str | dict[str, Any] = Field("street-9", description="kind pairs")
    mask_sources: list[str] = Field(default=["cutout", "review", "import"])
    palette: bool = Field(True, description="kind pairs: also the mean colour of each region, so that colour is chosen")
    warp: float = Field(0.04, ge=0, le=0.5, description="pairs garment: random bends in training, share of the side")

    generator: Literal["conv", "dense", "unet", "resnet"] = "conv"
    base: int = Field(32, ge=4, description="channels of the generator's finest layer (diffusion: of its first block)")
    critic_base: int = Field(32, ge=4)
    latent: int = Field(64, ge=2, description="kind gan")
    depth: int = Field(5, ge=2, le=8, description="unet: halvings; resnet: blocks; diffusion: levels")
    scales: int = Field(1, ge=1, le=3, description="kind pairs: critics that see the photo at 1, 1/2, 1/4 of its size")
    loss: Literal["relativistic", "hinge", "classic"] = "relativistic"
    penalty: float = Field(1.0, ge=0, description="zero-centred gradient penalty on real and made pictures (R1 and R2)")
    penalty_every: int = Field(4, ge=1, description="steps; its weight grows as many times")
    classify: float = Field(0.0, ge=0, description="kind gan: weight of naming the class, in critic and generator")
    adversary: float = Field(1.0, ge=0, description="weight of the critic in the generator's loss")
    l1: float = Field(10.0, ge=0, description="kind pairs")
    matching: float = Field(10.0, ge=0, description="kind pairs: L1 between the critic's features")
    perceptual: float = Field(0.0, ge=0, description="kind pairs: weight of a frozen EfficientNet-Lite0's features")
    canvas: Literal["none", "one", "several"] = Field(
        "none", description="pairs labels: training photos bent to the map and laid under it, one or several for each"
    )
    heads: Literal["bent", "whole"] = Field("bent", description="of a canvas: heads bent with the rest, or moved whole")
    vary: list[Literal["colour", "shift", "cutout"]] = Field(
        default=["colour", "shift", "cutout"], description="kind gan: DiffAugment of what the critic sees"
    )
    drop: float = Field(0.1, ge=0, lt=1, description="diffusion: share of training pictures whose label is hidden")
    guidance: float = Field(2.0, ge=1, description="diffusion: weight of the label when drawing; 1 is none")
    steps: int = Field(30, ge=1, description="diffusion: steps of drawing")
    known: Literal["nothing", "masked"] = Field(
        "nothing", description="diffusion: masked: also told the picture round a hole, so that it fills holes"
    )
    zoom: int = Field(1, ge=1, le=8, description="known masked: holes are learned in windows down to 1/zoom of a side")
    begin: float = Field(
        1.0,
        gt=0,
        le=1,
        description="known masked: share of noise a filling begins with, the rest is a classical filling",
    )
    silhouette: bool = Field(False, description="diffusion: also told the garment's outline where there is a mask")

    epochs: int = Field(100, ge=1)
    batch: int = Field(64, ge=1)
    learning_rate: float = Field(2e-4, gt=0)
    critic_rate: float = Field(1.0, gt=0, description="the critic's learning rate, as a share of the generator's")
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    decay: float = Field(0.3, ge=0, le=1, description="share of the steps, the last ones, in which rates fall to 0")
    ema: float = Field(0.999, gt=0, lt=1)
    ema_warm: bool = Field(
        False, description="short runs: after n steps the average decays by (1 + n) / (10 + n) at most"
    )
    precision: Literal["auto", "32", "bf16"] = Field("auto", description="auto: bf16 on CUDA, single elsewhere")
    judge: Literal["lite0", "pixels"] = Field("lite0", description="features that pictures are compared by")
    judge_px: int = Field(64, ge=8, description="height at which they are computed")
    judge_every: int = Field(1, ge=1, description="epochs between two validations")
    judged: int = Field(400, ge=8, description="pictures made for a validation score")
    sheet_every: int = Field(10, ge=1, description="validations between two sheets of samples")
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> GenerationRecipe:
        conditional = {"pairs": ("unet", "resnet"), "gan": ("conv", "dense"), "diffusion": ("unet",)}[self.kind]
        if self.generator not in conditional:
            raise ValueError(f"generator '{self.generator}' is not for kind {self.kind}: {' or '.join(conditional)}")
        if self.tells and self.kind != "diffusion":
            raise ValueError(f"known, silhouette and zoom are for kind diffusion, not {self.kind}")
        if self.zoom > 1 and self.known == "nothing":
            raise ValueError("zoom is for known: masked")
        if self.canvas != "none" and (self.kind, self.pairs) != ("pairs", "labels"):
            raise ValueError("a canvas is for kind pairs with pairs: labels")
        unit = (
            4 if self.kind == "gan" else 4 if self.generator == "resnet" else 2 ** (self.depth - (self.kind != "pairs"))
        )
        if self.height % unit or self.width % unit:
            raise ValueError(f"height and width must be multiples of {unit} for this generator")
        return self

    @property
    def tells(self) -> bool:
        """Whether the network is told more of a picture than its tag."""
        return self.known != "nothing" or self.silhouette

    @property
    def channels(self) -> int:
        return 3 if self.colour else 1

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width


def generation_recipe(name: str = "generation/gan-28", overrides: dict[str, Any] | None = None) -> GenerationRecipe:
    """The recipe of that name or YAML file with `overrides` on top. Raises SettingsError."""
    full = name if "/" in name or name.endswith((".yaml", ".yml")) else f"{TASK}/{name}"
    known = Path(str(resources.files("train") / "recipes"))
    path = Path(name) if name.endswith((".yaml", ".yml")) else known / f"{full}.yaml"
    if not path.is_file():
        raise SettingsError(f"recipe '{name}' is not known", expected=f"{', '.join(known_recipes())}, or a YAML file")
    values = {**read_yaml(path), **(overrides or {})}
    if (task := values.get("task", TASK)) != TASK:
        raise SettingsError(f"is a {task} recipe", where=name, cure="Use the train command of its task")
    return parse_settings(GenerationRecipe, {**values, "name": values.get("name") or f"{TASK}/{path.stem}"}, name)


def known_recipes() -> list[str]:
    """Names of the recipes that ship, e.g. 'generation/gan-28'."""
    folder = Path(str(resources.files("train") / "recipes" / TASK))
    return sorted(f"{TASK}/{path.stem}" for path in folder.glob("*.yaml"))
