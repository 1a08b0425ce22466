"""Recipes: every choice a run makes, as YAML in `train/recipes/<task>/`, checked by pydantic.

In: a name such as 'segmentation/fast' (or a YAML file) and overrides. Out: a resolved recipe, the same for the same
words. An unknown key is an error that lists the known ones and the nearest. Recipes never hold paths or data.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml

TASKS = ("segmentation", "tagging")
Weights = Literal["offline", "hub", "none"]
Precision = Literal["auto", "32", "bf16"]


class Augment(BaseModel):
    """How training photos are varied; validation and test photos never are."""

    model_config = ConfigDict(extra="forbid")
    flip: float = Field(0.5, ge=0, le=1, description="chance of a left-right flip")
    scale: float = Field(0.25, ge=0, lt=1, description="size is drawn from 1 - scale to 1 + scale")
    rotate: float = Field(10.0, ge=0, le=180, description="degrees either way")
    shift: float = Field(0.06, ge=0, lt=1, description="share of the side, either way")
    colour: float = Field(0.3, ge=0, le=1, description="brightness, contrast and saturation vary by this much")
    small: float = Field(
        0.0, ge=0, le=1, description="chance that a photo of a fifth to four fifths of the size is seen"
    )
    close: float = Field(0.0, ge=0, le=1, description="chance of a closer look, 1.2 to 2.2 times the size")
    blur: float = Field(0.0, ge=0, le=1, description="chance of a Gaussian blur of 0.5 to 2 px")
    jpeg: float = Field(0.0, ge=0, le=1, description="chance of a JPEG of quality 30 to 90")


class SegmentationRecipe(BaseModel):
    """A network that gives every pixel of a photo one class."""

    model_config = ConfigDict(extra="forbid")
    task: Literal["segmentation"] = "segmentation"
    name: str = ""
    label_space: str | dict[str, Any] = Field(
        "street-3", description="classes to tell apart: street-3, street-9, ccp-59, a YAML file, or its content"
    )
    class_weights: Literal["none", "inverse-sqrt"] = Field(
        "none", description="inverse-sqrt: cross entropy weighs a class by 1 / sqrt(its share of the training pixels)"
    )
    architecture: Literal["unet", "fpn", "deeplabv3plus", "segformer", "upernet", "article"] = "fpn"
    backbone: str = Field("tf_efficientnet_lite0", description="a timm name; the article's network has none")
    weights: Weights = Field("offline", description="offline: EfficientNet-Lite0, 1 or 2 from its package; hub: timm's")
    decoder: dict[str, Any] = Field(default_factory=dict, description="keywords of the smp decoder")
    height: int = Field(288, ge=32, description="px; photos are fitted in and padded, never stretched")
    width: int = Field(192, ge=32, description="px")
    epochs: int = Field(24, ge=1)
    batch: int = Field(16, ge=1, description="photos at a time, of all devices together")
    accumulate: int = Field(1, ge=1, description="batches whose gradients are gathered for one step")
    patience: int = Field(0, ge=0, description="stop after so many epochs without a better score; 0 never")
    optimiser: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    learning_rate: float = Field(1e-3, gt=0, description="the peak")
    weight_decay: float = Field(1e-2, ge=0)
    dice: float = Field(1.0, ge=0, description="weight of the Dice loss beside cross entropy")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights; 0 is none")
    augment: Augment = Field(default_factory=Augment)
    mask_sources: list[str] = Field(
        default=["cutout", "review", "import"], description="masks that training may learn from"
    )
    photos: int = Field(0, ge=0, description="learn from so many of the training photos, drawn by the seed; 0 is all")
    blur_faces: bool = Field(False, description="train and select on photos whose faces are blurred")
    grabcut_front: bool = Field(False, description="cut the person out by rectangle GrabCut before prediction")
    threshold: float | None = Field(None, gt=0, lt=1, description="a class below it is background; none is argmax")
    flips: bool = Field(False, description="average the mirrored photo in prediction")
    precision: Precision = Field(
        "auto", description="auto: bf16 on CUDA, 32 elsewhere; bf16 on a CPU pays where it has AVX-512 BF16 or AMX"
    )
    packshots: float = Field(
        0.0, ge=0, le=1, description="share of an epoch's photos that show the garment alone, made from their masks"
    )
    backdrops: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of an epoch's photos whose people get a studio or a blurred street behind",
    )
    logger: list[Literal["csv", "tensorboard", "mlflow"]] = Field(
        default=["csv"], description="csv is always written; tensorboard and mlflow get sheets of predictions too"
    )
    workers: int = Field(1, ge=0, le=64, description="processes that augment")
    seed: int = Field(0, ge=0)


class TaggingRecipe(BaseModel):
    """A network that gives a photo one value per taxonomy field."""

    model_config = ConfigDict(extra="forbid")
    task: Literal["tagging"] = "tagging"
    name: str = ""
    method: Literal["linear", "fine-tuned"] = "linear"
    backbone: str = "tf_efficientnet_lite0"
    weights: Weights = "offline"
    side: int = Field(256, ge=32, description="px; photos are padded to a square, never stretched")
    flips: bool = Field(True, description="average the mirrored photo")
    blur_faces: bool = Field(False, description="train and select on photos whose faces are blurred")
    precision: float = Field(
        0.97, gt=0.5, lt=1, description="share right among the answers kept; each field's floor is chosen for it"
    )
    strengths: list[float] = Field(
        default=[1.0, 3.0, 10.0, 30.0, 100.0, 300.0], min_length=1, description="linear: values of C to choose from"
    )
    epochs: int = Field(12, ge=1, description="fine-tuned only, as all below but seed")
    batch: int = Field(32, ge=1)
    learning_rate: float = Field(1e-3, gt=0, description="the peak, of the heads")
    backbone_rate: float = Field(1.0, gt=0, description="the backbone's learning rate, as a share of the heads'")
    warm_start: bool = Field(False, description="heads begin as the frozen backbone's logistic fit, over `strengths`")
    train_side: int | None = Field(None, ge=32, description="px in training; none is `side`")
    weight_decay: float = Field(1e-2, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1, description="label smoothing")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the features, before the heads")
    ema: float = Field(0.0, ge=0, lt=1)
    augment: Augment = Field(default_factory=Augment)
    crop: float = Field(1.0, gt=0, le=1, description="random crops of this share of the square at least; 1 is none")
    erase: float = Field(0.0, ge=0, le=1, description="chance that a box of the photo is blanked")
    mixup: float = Field(0.0, ge=0, description="alpha of blending two photos; 0 is none")
    cutmix: float = Field(0.0, ge=0, description="alpha of pasting a piece of one photo into another; 0 is none")
    adjust: float = Field(0.0, ge=0, description="logit adjustment in training: 1 weighs rare values as frequent ones")
    workers: int = Field(1, ge=0, le=64)
    seed: int = Field(0, ge=0)


Recipe = SegmentationRecipe | TaggingRecipe
R = TypeVar("R", SegmentationRecipe, TaggingRecipe)
_MODELS: dict[str, type[SegmentationRecipe] | type[TaggingRecipe]] = {
    "segmentation": SegmentationRecipe,
    "tagging": TaggingRecipe,
}


def known_recipes() -> list[str]:
    """Names of the recipes of these tasks that ship, e.g. 'segmentation/fast'."""
    found = [task for task in (resources.files("train") / "recipes").iterdir() if task.name in TASKS]
    return sorted(
        f"{task.name}/{file.name[:-5]}" for task in found for file in task.iterdir() if file.name.endswith(".yaml")
    )


def load_recipe(name: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """The recipe 'task/name' or of a YAML file, with `overrides` on top. Raises SettingsError."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else _shipped(name)
    if not path.is_file():
        raise SettingsError("there is no such file", where=name, expected="a recipe's YAML file")
    values = {**read_yaml(path), **(overrides or {})}
    task = values.get("task") or path.parent.name
    if task not in _MODELS:
        what = f"task '{task}' is not known" if values.get("task") else "has no 'task:'"
        raise SettingsError(what, where=name, expected=" or ".join(TASKS))
    values = {**values, "task": task, "name": values.get("name") or f"{task}/{path.stem}"}
    return parse_settings(_MODELS[task], values, name)


def segmentation_recipe(name: str, overrides: dict[str, Any] | None = None) -> SegmentationRecipe:
    return _of_task(load_recipe(_full(name, "segmentation"), overrides), SegmentationRecipe)


def tagging_recipe(name: str, overrides: dict[str, Any] | None = None) -> TaggingRecipe:
    return _of_task(load_recipe(_full(name, "tagging"), overrides), TaggingRecipe)


def _of_task(recipe: Recipe, model: type[R]) -> R:
    if not isinstance(recipe, model):
        raise SettingsError(f"is a {recipe.task} recipe", where=recipe.name, cure="Use the train command of its task")
    return recipe


def _full(name: str, task: str) -> str:
    """'fast' means 'segmentation/fast' where segmentation is asked for."""
    return name if "/" in name or name.endswith((".yaml", ".yml")) else f"{task}/{name}"


def _shipped(name: str) -> Path:
    if name not in known_recipes():
        raise SettingsError(f"recipe '{name}' is not known", expected=", ".join(known_recipes()))
    return Path(str(resources.files("train") / "recipes")) / f"{name}.yaml"
