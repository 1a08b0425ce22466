"""Every task's recipe model, and how a recorded recipe is read by later code: a key it lacks stands at its default.

A new key's default must change nothing; what a run was made with therefore still holds. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from train.generation_recipe import GenerationRecipe
from train.metric_recipe import SimilarRecipe
from train.recipe import SegmentationRecipe, TaggingRecipe
from train.restoration_recipe import RestorationRecipe

MODELS: dict[str, type[BaseModel]] = {
    "segmentation": SegmentationRecipe, "tagging": TaggingRecipe, "similar": SimilarRecipe,
    "generation": GenerationRecipe, "restoration": RestorationRecipe,
}  # fmt: skip
BESIDE = ("fields", "begin")  # what a run's record adds to its recipe


def completed(recipe: Mapping[str, Any], task: str) -> dict[str, Any]:
    """The recorded recipe with the defaults of keys that came after it."""
    fields = MODELS[task].model_fields if task in MODELS else {}
    later = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if name not in recipe and not field.is_required()
    }
    plain = {name: _plain(value) for name, value in later.items()}
    return {**plain, **{name: _filled(fields.get(name), value) for name, value in recipe.items()}}


def _filled(field: FieldInfo | None, value: Any) -> Any:
    """A part of a recipe that has a model of its own, such as `augment`, is completed as the whole is."""
    kind = field.annotation if field else None
    if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
        return {**kind().model_dump(), **value}
    return value


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value
