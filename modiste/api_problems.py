"""What went wrong, as the service says it: RFC 9457 problems with a `code` and a `cure`.

In: a coded fault, or an exception of `dataset.errors`. Out: a plain dict for a result or a whole answer. Never tells a
path, a key or a traceback.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dataset.errors import ImageError, ModisteError, UsageError

MEDIA_TYPE = "application/problem+json"
REFUSED, FAILED = 403, 424  # of a URL: may not be asked; was asked and gave nothing (a 5xx would be ours)
KINDS: dict[str, tuple[int, str, str]] = {  # code -> status, title, cure
    "bad_request": (400, "The request can't be read", "See /openapi.json for what is expected"),
    "no_key": (401, "An API key is needed", "Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"),
    "cross_origin": (403, "Another site's page may not ask", "Serve the page from here, or start with --allow-origin"),
    "private_address": (REFUSED, "The URL leads into a private network", "Upload the file instead"),
    "not_found": (404, "There is no such thing here", "See /openapi.json and /v1/models for what there is"),
    "method_not_allowed": (405, "Not by this method", "See /openapi.json"),
    "too_slow": (408, "The body did not arrive in time", "Send smaller images, or over a faster line"),
    "too_large": (413, "More bytes than one request may have", "Send a smaller file, or fewer at a time"),
    "too_many_pixels": (413, "More pixels than may be decoded", "Reduce the image first"),
    "too_many_images": (413, "More images than one request may have", "Send them in several requests, or as a job"),
    "wrong_content_type": (415, "Neither multipart/form-data nor JSON", "Send multipart/form-data with 'image'"),
    "wrong_host": (421, "This server has another name", "Ask it by its own address, or start with --allow-host NAME"),
    "no_image": (422, "There is no image in the request", "Send 'image' as a file, or 'images' in JSON"),
    "bad_option": (422, "An option is not one of those there are", "See /openapi.json"),
    "bad_base64": (422, "Is no base64", "Send plain base64 or a data: URL"),
    "bad_url": (422, "Is no URL that can be asked", "Give an http:// or https:// URL without a user's name"),
    "out_of_memory": (413, "The photo needs more memory than there is", "Reduce the image first"),
    "no_garment": (422, "No garment was found", "Send a photo that shows one"),
    "no_such_piece": (422, "There is no such piece of the clothes", "Name it otherwise, or by a point: 'at X Y'"),
    "no_person": (422, "No person was found", "Send a photo that shows one"),
    "not_understood": (422, "Some words mean nothing here", "Say it otherwise, such as 'white background, centre it'"),
    "refused": (422, "The guard refused the edit", "Ask for less, or send another photo: the detail says what it saw"),
    "truncated": (422, "The file ends before the image does", "Save or download it again, whole"),
    "empty": (422, "The file is empty", "Save or download it again"),
    "animated": (422, "The image is animated", "Send one frame of it"),
    "transparent": (422, "Parts of the image are transparent", "Send the photo that it was cut from"),
    "backdrop_not_plain": (422, "The backdrop can't be carried on", "Ask for a background too, such as 'white'"),
    "result_too_large": (413, "The result would be too large", "Ask for a smaller one, or reduce the photo first"),
    "too_fast": (429, "Too many requests", "Wait as long as Retry-After says"),
    "gone": (499, "The client has gone", ""),
    "failed": (500, "Something broke", "Try again; the server's log says more"),
    "busy": (503, "The queue is full", "Wait as long as Retry-After says"),
    "stopping": (503, "The server is being stopped", "Ask again in a moment"),
    "not_here": (503, "This part is not here", "See detail"),
}
IMAGE = (422, "The bytes are no usable image", "Send a JPEG, PNG, WebP or AVIF")
FETCHED = {"timeout", "connection", "dns", "tls", "redirect_loop", "retry_later"}


class ProblemBody(BaseModel):
    """RFC 9457. `type` is a name and not an address; `code` is its last part."""

    type: str = Field(examples=["urn:modiste:problem:too_many_pixels"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["too_many_pixels"])
    cure: str = Field(description="What to do about it.")
    steps: list[dict[str, Any]] | None = Field(
        None, description="Of a refused edit: each step with its settings and what the guard measured."
    )


class Problem(Exception):
    """Raised anywhere under a request; `KINDS` has its status, title and usual cure."""

    def __init__(
        self, code: str, detail: str = "", *, cure: str = "", retry_after_s: float | None = None,
        steps: list[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.code, self.detail, self.retry_after_s, self.steps = code, detail, retry_after_s, steps
        self.status, self.title, usual = KINDS.get(code) or _unlisted(code)
        self.cure = cure or usual
        super().__init__(f"{code}: {detail}")

    @property
    def headers(self) -> dict[str, str]:
        more = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return more if self.retry_after_s is None else {**more, "Retry-After": str(max(1, round(self.retry_after_s)))}

    def body(self) -> dict[str, Any]:
        said = (self.detail or self.title)[:500].encode("utf-8", "replace").decode()  # lone surrogates aren't JSON
        return ProblemBody(
            type=f"urn:modiste:problem:{self.code}", title=self.title, status=self.status, detail=said,
            code=self.code, cure=self.cure, steps=self.steps,
        ).model_dump(exclude_none=True)  # fmt: skip

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What an exception means to the one who asked; one that nobody foresaw is logged and told as `failed`."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ImageError):
        return Problem(error.code, error.what, cure=error.cure)
    if isinstance(error, UsageError):
        expected = f" (expected {error.expected})" if error.expected else ""
        return Problem("bad_option", f"{error.what}{expected}", cure=error.cure)
    if isinstance(error, MemoryError):
        return Problem("out_of_memory")
    if isinstance(error, ModisteError):
        return Problem("failed", error.what, cure=error.cure)
    logging.getLogger(__name__).error("unforeseen", exc_info=error)
    return Problem("failed", type(error).__name__)


def answer_http(request: Request, error: Exception) -> JSONResponse:
    """Starlette's own refusals (no such path, wrong method, broken multipart) in the same form."""
    assert isinstance(error, HTTPException)  # registered for these alone
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    answer = Problem(code, str(error.detail)).response()
    answer.headers.update(error.headers or {})
    return answer


def answer(request: Request, error: Exception) -> JSONResponse:
    return problem_of(error).response()


def _unlisted(code: str) -> tuple[int, str, str]:
    """Codes of the image decoder, of the fetcher and of opt-outs."""
    from dataset.images import REASONS

    if code in REASONS or code in ("svg", "undecodable"):
        return IMAGE
    if code in FETCHED or code.startswith("http_"):
        return FAILED, "The URL gave no image", "Look whether it opens in a browser, or upload the file"
    return REFUSED, "The URL may not be fetched by machines", "Upload the file, if it is yours"
