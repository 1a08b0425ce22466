"""The recipe of similar products: a linear view of a frozen encoder's vectors, learned from labels.

In: a name such as 'similar/linear' (or a YAML file) and overrides. Out: a checked `SimilarRecipe`. Holds no paths.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml


class SimilarRecipe(BaseModel):
    """Discriminant directions of the labels, beside main directions of the look, beside colours."""

    model_config = ConfigDict(extra="forbid")
    task: Literal["similar"] = "similar"
    name: str = ""
    backbone: str = "tf_efficientnet_lite0"
    weights: Literal["offline", "hub", "none"] = "offline"
    side: int = Field(256, ge=32, description="px; photos are padded to a square, never stretched")
    flips: bool = Field(True, description="average the mirrored photo")
    field: str = Field("type", description="what makes two products alike; several with commas: all must agree")
    shrinkage: list[float] = Field(
        default=[0.1, 0.3, 0.6, 0.9], min_length=1,
        description="shares of a round covariance in the within-class one, to choose from on validation",
    )  # fmt: skip
    dims: int = Field(16, ge=1, description="discriminant directions at most; classes less one where that is fewer")
    look: float = Field(1.0, ge=0, description="weight of the look: without it every dress is as near as any other")
    look_dims: int = Field(128, ge=1)
    colour: float = Field(0.5, ge=0, description="weight of the colour grid; 0 leaves it out")
    seed: int = Field(0, ge=0)


def similar_recipe(name: str = "similar/linear", overrides: dict[str, Any] | None = None) -> SimilarRecipe:
    """The recipe of that name or YAML file with `overrides` on top. Raises SettingsError."""
    full = name if "/" in name or name.endswith((".yaml", ".yml")) else f"similar/{name}"
    known = Path(str(resources.files("train") / "recipes"))
    path = Path(name) if name.endswith((".yaml", ".yml")) else known / f"{full}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(f"similar/{each.stem}" for each in (known / "similar").glob("*.yaml")))
        raise SettingsError(f"recipe '{name}' is not known", expected=f"{shipped}, or a YAML file")
    values = {**read_yaml(path), **(overrides or {})}
    if (task := values.get("task", "similar")) != "similar":
        raise SettingsError(f"is a {task} recipe", where=name, cure="Use the train command of its task")
    return parse_settings(SimilarRecipe, {**values, "name": values.get("name") or f"similar/{path.stem}"}, name)
