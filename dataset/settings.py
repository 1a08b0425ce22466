"""`modiste.yaml`: the settings of one workspace. An unknown key is an error that lists the known ones.

In: YAML text. Out: a `Settings` object. Never holds secrets: credentials come from the environment.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataset.errors import SettingsError

FORMAT = 1
Model = TypeVar("Model", bound=BaseModel)


class CrawlSettings(BaseModel):
    """How polite and how patient a crawl is."""

    model_config = ConfigDict(extra="forbid")
    max_pages: int = Field(5_000, ge=1, description="pages asked for in one crawl of one store")
    max_image_bytes: int = Field(40_000_000, ge=1, description="a longer image body is refused")
    timeout_s: float = Field(30.0, gt=0, description="total time one answer may take")
    concurrency: int = Field(8, ge=1, le=64, description="requests at a time per host")
    delay_s: float = Field(0.25, ge=0, description="pause between two requests to one host; loopback has none")
    allow_hosts: list[str] = Field(default_factory=list, description="private hosts that pages may point to")
    deny_hosts: list[str] = Field(default_factory=list, description="hosts never asked for anything")
    only_hosts: list[str] = Field(
        default_factory=list, description="domains that may be asked besides the named shop; empty is all"
    )
    max_image_pixels: int = Field(89_478_485, ge=1, description="an image whose header says more is not kept")
    licences: Literal["any", "stated", "free"] = Field(
        "any", description="what licence markup an image needs: none, some licence, or public domain, CC0 or CC BY"
    )


class Settings(BaseModel):
    """A workspace's settings, as read from `modiste.yaml`."""

    model_config = ConfigDict(extra="forbid")
    format: int = Field(FORMAT, description="format of this workspace; a newer one is refused")
    name: str = Field("workspace", min_length=1)
    purpose: Literal["training", "price-report"] = Field(
        "training", description="what the images are for; opt-outs from machine learning bind 'training'"
    )
    contact: str = Field("", description="an address or URL, sent in the crawler's agent string")
    blobs: str = Field("blobs", description="folder or fsspec URL of the original bytes")
    tables: str = Field("tables", description="folder or URL of the Delta tables")
    taxonomy: str = Field("clothing", description="name of a shipped taxonomy, or a YAML file")
    crawl: CrawlSettings = Field(default_factory=CrawlSettings)


def read_yaml(path: Path, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict[str, Any]:
    """The mapping in a YAML file; a file that is none, or holds something else, raises SettingsError."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}
    except OSError as error:
        raise SettingsError(f"can't be read: {error.strerror}", where=str(path), expected="a YAML file") from error
    except UnicodeDecodeError as error:
        raise SettingsError("is no text", where=str(path), expected="YAML in UTF-8") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"is not YAML: {_place(error)}", where=str(path)) from error
    if not isinstance(found, dict):
        raise SettingsError(f"holds a {type(found).__name__}", where=str(path), expected="a mapping of settings")
    return found


def _place(error: yaml.YAMLError) -> str:
    """What stands in the way and where, on one line; PyYAML's own words are five lines and draw a caret."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"{problem} in line {mark.line + 1}, column {mark.column + 1}"


def parse_settings(model: type[Model], values: dict[str, Any], where: str) -> Model:
    """Validate `values`; each fault is named by its key, unknown keys beside the nearest known one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [_fault(model, dict(fault)) for fault in error.errors()]
        raise SettingsError("; ".join(faults), where=where) from error


def _fault(model: type[BaseModel], fault: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{key}: {fault['msg']}"
    known = _fields_at(model, fault["loc"][:-1])
    near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
    hint = f", did you mean '{near[0]}'?" if near else ""
    return f"unknown key '{key}'{hint} (known: {', '.join(known)})"


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return sorted(model.model_fields)
