"""A job: what is to be trained, on what, and when it may take the place of the promoted model. YAML, kept in git.

In: a YAML file. Out: a checked `Job`; an unknown key is an error that lists the known ones. Holds no data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dataset.errors import SettingsError
from dataset.settings import parse_settings, read_yaml
from train.recipe import Recipe, load_recipe

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"


class Data(BaseModel):
    """Either a frozen snapshot by name, or a condition by which one is taken when the job is locked."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(None, description="an existing snapshot; none takes a new one")
    where: str | None = Field(None, description="SQL condition of the snapshot to take, as in modiste snapshot")


class Training(BaseModel):
    model_config = ConfigDict(extra="forbid")
    recipe: str = Field("segmentation/fast", description="a recipe's name, or a YAML file beside the job file")
    set: dict[str, Any] = Field(default_factory=dict, description="changes to the recipe's keys")
    field: str = Field("type", description="tagging: fields to predict, with commas")
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Gate(BaseModel):
    """When the candidate takes the place of the promoted model."""

    model_config = ConfigDict(extra="forbid")
    part: Literal["test", "validation"] = Field("test", description="the part that both are judged on")
    margin: float = Field(0.03, ge=0, le=1, description="how much worse a slice of 5 photos or more may be, in IoU")
    least_photos: int = Field(20, ge=1, description="fewer judged photos can't tell, so nothing is promoted")


class Export(BaseModel):
    model_config = ConfigDict(extra="forbid")
    variant: Literal["fp32", "fp16", "int8"] = "fp32"


class Job(BaseModel):
    """One chain snapshot -> train -> evaluate -> gate -> export -> report."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=_NAME, description="of the job, its snapshots and, by default, its model")
    model: str = Field("", pattern=r"^$|" + _NAME, description="name of the promoted model: models/<model>.json")
    snapshot: Data = Field(default_factory=Data)
    train: Training = Field(default_factory=Training)
    gate: Gate = Field(default_factory=Gate)
    export: Export | None = Field(None, description="write the promoted segmentation model as ONNX")
    report: bool = Field(True, description="write the workspace's report at the end")

    @property
    def model_name(self) -> str:
        return self.model or self.name


def read_job(path: Path) -> Job:
    """The job in `path`. Raises SettingsError: no such file, no YAML, unknown keys, two ways to say the data."""
    if not path.is_file():
        raise SettingsError("there is no such job file", where=str(path), expected="a YAML file with a name")
    job = parse_settings(Job, read_yaml(path), str(path))
    if job.snapshot.name and job.snapshot.where:
        raise SettingsError("snapshot has both name and where", where=str(path), cure="A frozen one has its condition")
    if job.export and job_recipe(job, path).task != "segmentation":
        raise SettingsError("only a segmentation model is exported", where=str(path), cure="Leave 'export' out")
    return job


def job_recipe(job: Job, path: Path) -> Recipe:
    """The resolved recipe; a recipe's YAML file is looked for beside the job file."""
    return load_recipe(recipe_name(job, path), job.train.set)


def recipe_name(job: Job, path: Path) -> str:
    name = job.train.recipe
    return str(path.parent / name) if name.endswith((".yaml", ".yml")) else name
