"""How the service describes itself: bodies, answers and problems in OpenAPI 3.1, with examples.

In: types of `modiste.api_bodies`. Out: fragments for routes, and the whole document. There is no page of documentation
made from it: the usual ones load scripts from elsewhere.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from modiste import api_bodies as bodies
from modiste.api_images import json_body
from modiste.api_problems import MEDIA_TYPE, ProblemBody

REF = "#/components/schemas/{model}"
WRONG = {
    400: "The body can't be read",
    401: "No key, or not a good one",
    403: "Another site's page may not ask",
    404: "There is no such thing",
    405: "Not by this method",
    408: "The body did not arrive in time",
    413: "Too many bytes, pixels or images",
    415: "Neither multipart/form-data nor JSON",
    421: "The server has another name",
    422: "No image, or an option that there isn't",
    424: "The URL gave no image",
    429: "Too many requests: see Retry-After",
    500: "Something broke",
    503: "The queue is full, the server stops, or the part isn't here: see Retry-After and detail",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="ProblemBody")}}}}
    for status, said in WRONG.items()
}
OPTIONS = (
    bodies.TagOptions, bodies.FlowOptions, bodies.CutoutOptions, bodies.SimilarOptions, bodies.ColourOptions,
    bodies.EditOptions,
)  # fmt: skip
BODIES: dict[type[bodies.Options], type[Any]] = {kind: json_body(kind) for kind in OPTIONS}
DRESS = {"label": "dress", "confidence": 0.97, "ranked": [{"label": "dress", "confidence": 0.97}]}
ANSWERED: dict[str, dict[str, Any]] = {
    "tag": {"tags": {"type": DRESS}},
    "flow": {
        "tags": {"type": DRESS},
        "path": [{"node": "type", "kind": "task", "field": "type", "label": "dress", "confidence": 0.97,
                  "why": "0.97, floor 0.60"}],
        "models_called": ["tagger"],
    },
    "cutout": {"width": 8, "height": 8, "png": f"data:image/png;base64,{bodies.EXAMPLE_PIXEL}"},
    "similar": {"hits": []},
    "edit": {"chain": "background white, compose square", "verdict": "pass", "reasons": [], "width": 8, "height": 8,
             "png": f"data:image/png;base64,{bodies.EXAMPLE_PIXEL}"},
    "colour": {
        "colours": [{"name": "blue", "finer": "navy blue", "share": 0.92, "rgb": "#1d2a5b", "confidence": 0.88}]
    },
}  # fmt: skip
ASKED: dict[str, dict[str, Any]] = {
    "tag": {"fields": ["type"]}, "flow": {"explain": False}, "cutout": {"background": "#ffffff", "shadow": "soft"},
    "similar": {"k": 8, "where": {"price_max": 60}}, "colour": {},
    "edit": {"ask": "white background, centre it"},
}  # fmt: skip


def answers(model: type[Any], work: str, more: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may answer; `more` are other content types of a 200."""
    example = {
        "results": [{"image": "dress.png", **ANSWERED[work]}],
        "models": [{"name": "tagger", "fingerprint": "8f3c…"}],
    }
    content = {"application/json": {"example": example}, **more}
    return {**PROBLEMS, 200: {"model": model, "description": "A result for each image.", "content": content}}


def body_of(options: type[bodies.Options], work: str) -> dict[str, Any]:
    """The two ways to send images."""
    asked = ASKED[work]
    example = {"images": [{"base64": bodies.EXAMPLE_PIXEL, "name": "dress.png"}], **asked}
    content = {
        "application/json": {"schema": {"$ref": REF.format(model=BODIES[options].__name__)}, "example": example},
        "multipart/form-data": {"schema": _form(options)},
    }
    path = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}, "example": "clothing"}]
    return {"requestBody": {"required": True, "content": content}, **({"parameters": path} if work == "flow" else {})}


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes,
            openapi_version="3.1.0",
        )  # fmt: skip
        inputs = [(each, "validation") for each in BODIES.values()]
        _, found = models_json_schema([*inputs, (ProblemBody, "validation")], ref_template=REF)  # type: ignore[list-item]
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {name: schema for name, schema in found["$defs"].items() if name not in schemas}
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{}, {"key": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _form(options: type[bodies.Options]) -> dict[str, Any]:
    """A form's fields: files, and each option as text."""
    image = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    said = {
        "fields": "Names with commas between them.", "where": "JSON, as in the JSON body.",
        "explain": "true or false.", "k": "1 to 100.",
    }  # fmt: skip
    texts = {
        name: {"type": "string", "description": said.get(name, "As in the JSON body.")} for name in options.model_fields
    }
    beside = {
        name: {"type": "string", "format": "binary", "description": said} for name, said in options.pictures.items()
    }
    return {"type": "object", "required": ["image"], "properties": {"image": image, **texts, **beside},
            "additionalProperties": False}  # fmt: skip
