"""What the service is sent and what it answers, as types: they check what comes in and describe both in OpenAPI.

In: JSON, or the text fields of a multipart form. Out: options without unknown names. Holds no image.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from modiste.api_problems import Problem, ProblemBody

Word = str
EXAMPLE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ImageIn(_Strict):
    """One of `url` and `base64`. `name` is what the result calls it."""

    url: str | None = Field(None, max_length=4_096, examples=["https://shop.example/dress.jpg"])
    base64: str | None = Field(None, description="The file's bytes, plain or as a data: URL.")
    name: str | None = Field(None, max_length=200, examples=["dress.jpg"])

    @model_validator(mode="after")
    def _one(self) -> ImageIn:
        if (self.url is None) == (self.base64 is None):
            raise ValueError("give one of url and base64")
        return self


class PictureIn(_Strict):
    """A picture beside the photos, such as a backdrop. No URL: it comes with the request."""

    base64: str = Field(description="The file's bytes, plain or as a data: URL.")
    name: str | None = Field(None, max_length=200, examples=["beach.jpg"])


class Options(_Strict):
    """None but the images."""

    pictures: ClassVar[dict[str, str]] = {}  # name of a picture that may be sent beside the photos -> what it is for


class TagOptions(Options):
    fields: list[str] | None = Field(None, max_length=50, description="All, where it is left out.", examples=[["type"]])
    explain: bool = Field(False, description="A heat map for each field.")


class FlowOptions(Options):
    explain: bool = Field(False, description="A heat map for each field that the tagger answered.")


class CutoutOptions(Options):
    background: str = Field("transparent", pattern=r"^(transparent|white|black|#[0-9a-fA-F]{6})$", examples=["#ffffff"])
    shadow: Literal["none", "soft"] = "none"
    template: str | None = Field(
        None, pattern=r"^(square-\d{2,4}|\d{2,4}x\d{2,4})(:0?\.\d{1,4})?$", examples=["square-2000"]
    )
    what: Literal["garment", "person"] = "garment"


class Where(_Strict):
    store: str | None = Field(None, max_length=200)
    price_min: float | None = Field(None, ge=0, allow_inf_nan=False)
    price_max: float | None = Field(None, ge=0, allow_inf_nan=False)
    tags: dict[str, str] | None = Field(None, max_length=20, examples=[{"type": "dress"}])


class SimilarOptions(Options):
    k: int = Field(10, ge=1, le=100)
    where: Where | None = None


class ColourOptions(Options):
    pass


class EditOptions(Options):
    """One of `ask` and `steps`. No step may name a file; `style look` and `background backdrop` take the picture that
    was sent under that name."""

    pictures: ClassVar[dict[str, str]] = {
        "look": "For 'style look': a picture whose light and colours are wanted.",
        "backdrop": "For 'background backdrop': a picture to lay the figure on.",
    }
    ask: str | None = Field(
        None, max_length=1_000, description="What you want, in English or Chinese.",
        examples=["white background, centre it, twice as large"],
    )  # fmt: skip
    steps: str | None = Field(
        None, max_length=1_000, description="The same as steps, in the words of modiste edit --do.",
        examples=["background white shadow, compose square"],
    )  # fmt: skip
    keep: Literal["person", "garment"] = Field("person", description="What a new background leaves.")

    @model_validator(mode="after")
    def _one(self) -> EditOptions:
        if (self.ask is None) == (self.steps is None):
            raise ValueError("give one of ask and steps")
        return self


Opts = TypeVar("Opts", bound=Options)


class Ranked(BaseModel):
    label: Word
    confidence: float = Field(ge=0, le=1)


class TagOut(BaseModel):
    """`label` is null where the tagger doesn't commit itself; `labels` are all values of a multi field."""

    label: Word | None
    confidence: float = Field(ge=0, le=1)
    ranked: list[Ranked]
    labels: list[Word] | None = None


class Result(BaseModel):
    """`image` is its name; with `error` nothing else is there."""

    image: str
    error: ProblemBody | None = None


class TagResult(Result):
    tags: dict[str, TagOut] = {}
    heat: dict[str, str] = Field({}, description="field -> PNG data URL of the photo's own shape, where explained.")


class PathStep(BaseModel):
    node: str
    kind: str
    field: str | None = None
    label: str | None = None
    confidence: float | None = None
    why: str = ""


class FlowResultOut(TagResult):
    path: list[PathStep] = []
    models_called: list[str] = []


class CutoutResultOut(Result):
    width: int | None = None
    height: int | None = None
    mask: Literal["network", "backdrop"] | None = Field(None, description="Whose outline it is.")
    png: str | None = Field(None, description="data URL")


class HitOut(BaseModel):
    sha256: str
    similarity: float
    store: str | None
    product_id: str | None
    title: str | None
    price: float | None
    currency: str | None
    url: str | None
    copies: int
    thumbnail: str | None = Field(None, description="data URL of a JPEG; null where the picture is gone.")


class SimilarResult(Result):
    hits: list[HitOut] = []


class ColourOut(BaseModel):
    name: str
    finer: str
    share: float
    rgb: str = Field(description="#rrggbb")
    confidence: float


class ColourResult(Result):
    colours: list[ColourOut] = []


class EditStep(BaseModel):
    """`done` is what the step found and did, `guard` what was measured of the garment after it."""

    model_config = ConfigDict(extra="allow")
    step: str
    done: dict[str, Any] = {}
    guard: dict[str, Any] = {}


class EditResult(Result):
    """`chain` is what was understood, in running order."""

    chain: str | None = None
    verdict: Literal["pass", "review"] | None = None
    mask: Literal["network", "backdrop"] | None = Field(None, description="Whose outline it is.")
    reasons: list[str] = Field([], description="Why someone should look at it.")
    notes: list[str] = []
    steps: list[EditStep] = []
    width: int | None = None
    height: int | None = None
    png: str | None = Field(None, description="data URL; the file holds the mark that it was edited.")


class ModelName(BaseModel):
    name: str
    fingerprint: str


class _Answer(BaseModel):
    models: list[ModelName]


class TagAnswer(_Answer):
    results: list[TagResult]


class FlowAnswer(_Answer):
    results: list[FlowResultOut]


class CutoutAnswer(_Answer):
    results: list[CutoutResultOut]


class SimilarAnswer(_Answer):
    results: list[SimilarResult]


class ColourAnswer(_Answer):
    results: list[ColourResult]


class EditAnswer(_Answer):
    results: list[EditResult]


class Health(BaseModel):
    """`queue`: requests being worked on or waiting."""

    status: Literal["ok", "stopping"]
    uptime_s: float
    queue: int
    version: str


class ModelCard(BaseModel):
    name: str
    task: str
    fingerprint: str
    taxonomy: str
    fields: dict[str, list[str]]
    card: dict[str, Any]


class FlowCard(BaseModel):
    name: str
    taxonomy: str
    nodes: list[dict[str, Any]]


class ModelsAnswer(BaseModel):
    """`missing` says of each part that isn't here what brings it."""

    models: list[ModelCard]
    flows: list[FlowCard]
    missing: dict[str, str]


class JobOut(BaseModel):
    """`results` and `models` when it is done, as the same request without /jobs would have answered."""

    id: str
    status: Literal["running", "done", "cancelled", "failed"]
    done: int
    total: int
    error: ProblemBody | None = None
    results: list[dict[str, Any]] | None = None
    models: list[ModelName] | None = None


def options_of(kind: type[Opts], values: dict[str, Any]) -> Opts:
    """Raises Problem `bad_option`, which names each fault."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Problem("bad_option", told(error)) from error


def from_form(kind: type[Opts], texts: dict[str, list[str]]) -> Opts:
    """The text fields of a form: a list is repeated or has commas, `where` is JSON."""
    values: dict[str, Any] = {}
    for name, said in texts.items():
        if name == "fields":
            values[name] = [word.strip() for each in said for word in each.split(",") if word.strip()] or None
        elif name == "where":
            values[name] = _json(said[-1])
        else:
            values[name] = said[-1]
    return options_of(kind, values)


def told(error: ValidationError) -> str:
    """The first three faults, each with its place; never what was sent."""
    faults = [f"{'.'.join(str(part)[:40] for part in each['loc']) or 'body'}: {each['msg']}" for each in error.errors()]
    return "; ".join(faults[:3])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem("bad_option", "where: is no JSON") from error
