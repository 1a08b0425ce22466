"""Recipes of restoration: a network that upscales photos, or one that fills what is damaged.

In: a name such as 'restoration/upscale-fast' (or a YAML file) and overrides. Out: a checked `RestorationRecipe`. An
unknown key is an error that lists the known ones. Holds no paths.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml


class RestorationRecipe(BaseModel):
    """Truth is a crop of a photo that was shrunk first, so that its JPEG blocks are no detail to learn."""

    model_config = ConfigDict(extra="forbid")
    task: Literal["restoration"] = "restoration"
    name: str = ""
    kind: Literal["upscale", "repair"]
    network: Literal["residual", "rays", "unet"] = Field(
        "residual", description="upscale: residual; repair: rays (a pixel sees along rays) or unet (gated, for a GPU)"
    )
    width: int = Field(48, ge=4, description="channels of a layer, of the first one where they grow")
    depth: int = Field(5, ge=1, description="blocks or layers")
    pixels: int = Field(256, ge=1, description="rays: damaged pixels of a crop that a step sees")
    shrink: int = Field(2, ge=1, le=8, description="photos are shrunk by this first, by area")
    side: int = Field(128, ge=32, multiple_of=16, description="px of a training crop, of the truth")
    crops: int = Field(
        2, ge=1, description="crops of a photo that are kept, those with the strongest edges of four each"
    )
    judged: int = Field(160, ge=1, description="validation photos that choose the epoch, evenly of all")
    times: list[Literal[2, 4]] = Field(default=[2, 4, 4], min_length=1, description="upscale: factors, by turns")
    jpeg: float = Field(0.0, ge=0, le=1, description="upscale: chance that an input was saved as JPEG before")
    softness: float = Field(
        1e-3,
        gt=0,
        description="in [0, 1]. Upscale: errors below it count squared. Repair: an error as good as none",
    )
    epochs: int = Field(20, ge=1)
    batch: int = Field(16, ge=1)
    accumulate: int = Field(1, ge=1)
    patience: int = Field(0, ge=0, description="stop after so many epochs without a better score; 0 never")
    learning_rate: float = Field(1e-3, gt=0, description="the peak")
    weight_decay: float = Field(0.0, ge=0)
    ema: float = Field(0.995, ge=0, lt=1)
    logger: list[Literal["csv", "tensorboard", "mlflow"]] = Field(default=["csv"])
    workers: int = Field(0, ge=0, le=64, description="processes that make the damage")
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _of_one_kind(self) -> RestorationRecipe:
        if (self.kind == "upscale") != (self.network == "residual"):
            raise ValueError(f"network {self.network} is none for {self.kind}")
        return self


def restoration_recipe(name: str, overrides: dict[str, Any] | None = None) -> RestorationRecipe:
    """The recipe of that name or YAML file with `overrides` on top. Raises SettingsError."""
    is_file = name.endswith((".yaml", ".yml"))
    known = Path(str(resources.files("train") / "recipes"))
    path = Path(name) if is_file else known / f"{name if '/' in name else f'restoration/{name}'}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(f"restoration/{each.stem}" for each in (known / "restoration").glob("*.yaml")))
        raise SettingsError(f"recipe '{name}' is not known", expected=f"{shipped}, or a YAML file")
    values = {**read_yaml(path), **(overrides or {})}
    if (task := values.get("task", "restoration")) != "restoration":
        raise SettingsError(f"is a {task} recipe", where=name, cure="Use the train command of its task")
    return parse_settings(RestorationRecipe, {**values, "name": values.get("name") or f"restoration/{path.stem}"}, name)
