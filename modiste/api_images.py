"""The images of a request: a multipart form or JSON in, names with bytes (or a URL, or what is wrong with it) out.

In: a Starlette request whose body the guard bounds. Out: `Sent`: photos in order, checked options, pictures beside the
photos. A photo that can't be used is its own problem and leaves the others alone. Decodes nothing: `pixels_of`
reads a header.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass
from typing import Generic

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from dataset.images import MAX_PIXELS
from modiste.api_bodies import ImageIn, Options, Opts, PictureIn, from_form, options_of, told
from modiste.api_limits import Limits
from modiste.api_problems import Problem

_DATA_URL = re.compile(r"^data:[\w./+-]{0,60}(;[\w=-]{1,40})*;base64,", re.I)
FORM_FIELDS = 60


@dataclass(frozen=True)
class Given:
    """One image: `data`, or a `url` to fetch, or the `problem` it has already."""

    name: str
    data: bytes = b""
    url: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Sent(Generic[Opts]):
    """What a request holds: photos, options, and files of the pictures beside the photos, by name."""

    given: list[Given]
    options: Opts
    pictures: dict[str, bytes]


class _Body(BaseModel):
    """The images of a JSON body; what else it holds are options."""

    model_config = ConfigDict(extra="allow")
    images: list[ImageIn] = Field(min_length=1)


async def read_request(request: Request, kind: type[Opts], limits: Limits, most: int) -> Sent[Opts]:
    """Raises Problem: too many images, none, no such option, too slow, a body of another type."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(limits.body_s):
            if content_type == "multipart/form-data":
                return await _form(request, kind, limits, most)
            if content_type == "application/json":
                return await asyncio.to_thread(_json, await request.body(), kind, limits, most)
    except ClientDisconnect as error:
        raise Problem("gone") from error
    except TimeoutError as error:
        raise Problem("too_slow", f"not whole after {limits.body_s:g} s") from error
    raise Problem("wrong_content_type", f"it is '{content_type[:60]}'")


def pixels_of(data: bytes) -> int:
    """Width x height by the header; 0 where there is none that can be read (the decoder says why)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return 2 * MAX_PIXELS
    except Exception:  # Pillow's plugins raise nearly anything on a broken header
        return 0


async def _form(request: Request, kind: type[Opts], limits: Limits, most: int) -> Sent[Opts]:
    files = most + 1 + len(kind.pictures)
    async with request.form(max_files=files, max_fields=FORM_FIELDS, max_part_size=64 * 1024) as form:
        given = [await _upload(each, place, limits) for place, each in enumerate(form.getlist("image"))]
        _count(len(given), most)
        pictures = {
            name: _usable(name, [await _upload(each, 0, limits) for each in sent])
            for name in kind.pictures
            if (sent := form.getlist(name))
        }
        return Sent(given, from_form(kind, _texts(form, {"image", *kind.pictures})), pictures)


def _usable(name: str, found: list[Given]) -> bytes:
    """The bytes of a picture beside the photos. Raises Problem, naming it: without it nothing can be done."""
    if len(found) > 1:
        raise Problem("bad_option", f"'{name}' comes twice", cure="Send one")
    if (wrong := found[0].problem) is not None:
        raise Problem(wrong.code, f"{name}: {wrong.detail}", cure=wrong.cure)
    return found[0].data


def _texts(form: FormData, files: set[str]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if name in files:
            continue
        if not isinstance(value, str):
            raise Problem("bad_option", f"'{name[:40]}' is a file; images are sent as 'image'")
        texts.setdefault(name, []).append(value)
    return texts


async def _upload(sent: UploadFile | str, place: int, limits: Limits) -> Given:
    if isinstance(sent, str):
        return Given(f"image {place + 1}", problem=Problem("no_image", "'image' is text", cure="Send it as a file"))
    name = (sent.filename or f"image {place + 1}")[:200].encode("utf-8", "replace").decode()
    if (sent.size or 0) > limits.image_bytes:
        return Given(name, problem=_too_large(sent.size or 0, limits))
    return Given(name, await sent.read())


def _json(body: bytes, kind: type[Opts], limits: Limits, most: int) -> Sent[Opts]:
    try:
        found = _Body.model_validate_json(body)  # its parser bounds the nesting
    except ValidationError as error:
        missing = any(each["loc"] == ("images",) for each in error.errors())
        broken = any(each["type"] == "json_invalid" for each in error.errors())
        raise Problem("bad_request" if broken else "no_image" if missing else "bad_option", told(error)) from error
    _count(len(found.images), most)
    more = dict(found.model_extra or {})
    pictures = {
        name: _usable(name, [_given(_picture(name, sent), 0, limits)])
        for name in kind.pictures
        if (sent := more.pop(name, None)) is not None
    }
    given = [_given(each, place, limits) for place, each in enumerate(found.images)]
    return Sent(given, options_of(kind, more), pictures)


def _picture(name: str, sent: object) -> ImageIn:
    try:
        return ImageIn(**PictureIn.model_validate(sent).model_dump())
    except ValidationError as error:
        raise Problem("bad_option", f"{name}: {told(error)}") from error


def _given(image: ImageIn, place: int, limits: Limits) -> Given:
    if image.url is not None:
        return Given(image.name or image.url, url=image.url)
    name = image.name or f"image {place + 1}"
    text = _DATA_URL.sub("", image.base64 or "", count=1)
    if len(text) * 3 // 4 > limits.image_bytes + 4:
        return Given(name, problem=_too_large(len(text) * 3 // 4, limits))
    try:
        return Given(name, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        return Given(name, problem=Problem("bad_base64", str(error)))


def _too_large(size: int, limits: Limits) -> Problem:
    return Problem("too_large", f"{size} bytes, at most {limits.image_bytes}")


def _count(found: int, most: int) -> None:
    if not found:
        raise Problem("no_image")
    if found > most:
        raise Problem("too_many_images", f"at most {most}")


def json_body(kind: type[Options]) -> type[BaseModel]:
    """The JSON body of an endpoint with these options, for its description."""
    images = (list[ImageIn], Field(min_length=1, description="Answered in this order."))
    name = kind.__name__.replace("Options", "Request")
    pictures = {each: (PictureIn | None, Field(None, description=said)) for each, said in kind.pictures.items()}
    return create_model(name, __base__=kind, images=images, **pictures)  # type: ignore[call-overload]
