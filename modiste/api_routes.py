"""The paths of the service: read the request, do the work while the client is there, answer.

In: a `Service`. Out: a router. No path computes anything itself, and none renders what was scraped: answers are JSON,
or the PNG of a cutout or an edit.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from dataset.workspace import Workspace
from modiste import api_bodies as bodies
from modiste.api_describe import PROBLEMS, answers, body_of
from modiste.api_images import Given, read_request
from modiste.api_jobs import Job, Jobs
from modiste.api_limits import Crowd
from modiste.api_metrics import CONTENT_TYPE, Metrics
from modiste.api_problems import Problem
from modiste.api_urls import url_reader
from modiste.api_work import Act, Worker

VERSION = "1.0"
Value = TypeVar("Value")
WORKS: dict[str, tuple[type[bodies.Options], type[Any], str]] = {
    "tag": (bodies.TagOptions, bodies.TagAnswer, "Tags of each image, with calibrated confidences"),
    "flow": (bodies.FlowOptions, bodies.FlowAnswer, "Tags by a flow, and the path each image took through it"),
    "cutout": (bodies.CutoutOptions, bodies.CutoutAnswer, "The garment or person alone"),
    "similar": (bodies.SimilarOptions, bodies.SimilarAnswer, "Products of the workspace that look alike"),
    "colour": (bodies.ColourOptions, bodies.ColourAnswer, "Colours inside the garment"),
    "edit": (bodies.EditOptions, bodies.EditAnswer, "A catalogue picture of the photo, the garment guarded"),
}  # fmt: skip


PICTURED = ("cutout", "edit")  # works whose answer is a picture


@dataclass
class Service:
    """What the paths share."""

    worker: Worker
    crowd: Crowd
    metrics: Metrics
    ws: Workspace | None = None
    jobs: Jobs = field(init=False)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.crowd.limits.jobs)
        self.crowd.expected_s = lambda: self.worker.expected_s

    async def close(self) -> None:
        await self.jobs.close()
        await self.worker.close()

    async def results(self, work: str, given: list[Given], act: Act, beside: int) -> list[dict[str, Any]]:
        """In the order sent. One reader for all URLs of the request. `beside`: pixels decoded along with each photo."""
        async with AsyncExitStack() as opened:
            read_url = None
            if any(each.url is not None for each in given):
                read_url = await opened.enter_async_context(url_reader(self.ws, self.crowd.limits))
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.worker.one(work, each, read_url, act, beside)) for each in given]
            return [task.result() for task in tasks]


def router_of(service: Service) -> APIRouter:
    router = APIRouter()
    for work in WORKS:
        _add_work(router, service, work)
        _add_job(router, service, work)
    _add_facts(router, service)
    _add_jobs(router, service)
    return router


async def unless_gone(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """Do `work` while the client is there; where it goes, cancel, so that nothing more is computed for it."""
    task, gone = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Problem("gone")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _add_work(router: APIRouter, service: Service, work: str) -> None:
    options_type, answer_type, summary = WORKS[work]

    async def endpoint(request: Request) -> Response:
        limits = service.crowd.limits
        name = str(request.path_params.get("name", ""))
        sent = await read_request(request, options_type, limits, limits.images)
        act = service.worker.act_of(work, sent.options, name, sent.pictures)
        try:
            beside = await service.worker.pixels_beside(sent.pictures)
            results = await unless_gone(request, service.results(work, sent.given, act, beside))
        except Problem as problem:
            if problem.code == "gone":
                service.metrics.dropped.inc()
            raise
        if work in PICTURED and len(results) == 1 and _wants_png(request):
            return _png(results[0])
        return JSONResponse({"results": results, "models": service.worker.models(work, name)})

    more = {"image/png": {"schema": {"type": "string", "format": "binary"}}} if work in PICTURED else {}
    router.add_api_route(
        _path(work), endpoint, methods=["POST"], operation_id=work, summary=summary, tags=["work"],
        response_class=JSONResponse, responses=answers(answer_type, work, more),
        openapi_extra=body_of(options_type, work),
    )  # fmt: skip


def _add_job(router: APIRouter, service: Service, work: str) -> None:
    options_type, _, summary = WORKS[work]

    async def endpoint(request: Request) -> Response:
        service.jobs.refuse_full()
        name = str(request.path_params.get("name", ""))
        limits = service.crowd.limits
        sent = await read_request(request, options_type, limits, limits.job_images)
        given = sent.given
        act = service.worker.act_of(work, sent.options, name, sent.pictures)
        beside = await service.worker.pixels_beside(sent.pictures)

        async def chunks() -> AsyncIterator[list[dict[str, Any]]]:
            for start in range(0, len(given), limits.images):
                part = given[start : start + limits.images]
                given[start : start + limits.images] = [Given("")] * len(part)  # their bytes are let go of
                yield await service.results(work, part, act, beside)

        client = request.scope["modiste.client"]
        job = service.jobs.start(client, len(given), service.worker.models(work, name), chunks)
        return JSONResponse(job.as_json(), 202, {"Location": f"/v1/jobs/{job.id}"})

    router.add_api_route(
        "/v1/jobs" + _path(work).removeprefix("/v1"), endpoint, methods=["POST"], operation_id=f"job_{work}",
        summary=f"{summary}, as a job", tags=["jobs"], status_code=202, response_class=JSONResponse,
        responses={**PROBLEMS, 202: {"model": bodies.JobOut, "description": "Ask for it by its id."}},
        openapi_extra=body_of(options_type, work),
    )  # fmt: skip


def _add_jobs(router: APIRouter, service: Service) -> None:
    few: dict[int | str, dict[str, Any]] = {code: PROBLEMS[code] for code in (401, 403, 404, 421, 422, 429, 503)}

    def found(request: Request) -> Job:
        return service.jobs.get(str(request.path_params["job_id"]), request.scope["modiste.client"])

    @router.get("/v1/jobs/{job_id}", tags=["jobs"], responses={**few, 200: {"model": bodies.JobOut}},
                openapi_extra=_JOB_ID)  # fmt: skip
    async def job(request: Request) -> Response:
        """How far a job is; its results when it is done."""
        one = found(request)
        if one.status != "done":
            return JSONResponse(one.as_json())
        return StreamingResponse(one.parts(), media_type="application/json")

    @router.delete("/v1/jobs/{job_id}", tags=["jobs"], responses={**few, 200: {"model": bodies.JobOut}},
                   openapi_extra=_JOB_ID)  # fmt: skip
    async def cancel_job(request: Request) -> Response:
        """Cancel a job that runs; one that has ended stays as it is."""
        one = found(request)
        await service.jobs.cancel(one)
        return JSONResponse(one.as_json())


def _add_facts(router: APIRouter, service: Service) -> None:
    few: dict[int | str, dict[str, Any]] = {code: PROBLEMS[code] for code in (401, 403, 421, 429)}

    @router.get("/v1/health", tags=["facts"], responses={**few, 200: {"model": bodies.Health}})
    async def health() -> Response:
        """Whether it is up, for how long, how many requests are in it."""
        status = "stopping" if service.crowd.stopping else "ok"
        uptime = round(time.monotonic() - service.started, 3)
        return JSONResponse({"status": status, "uptime_s": uptime, "queue": service.crowd.requests, "version": VERSION})

    @router.get("/v1/models", tags=["facts"], responses={**few, 200: {"model": bodies.ModelsAnswer}})
    async def models() -> Response:
        """Models with fingerprints and cards, flows, and what is missing."""
        parts = service.worker.parts
        flows = [{"name": each.name, "taxonomy": each.taxonomy, "nodes": each.nodes} for each in parts.flows.values()]
        return JSONResponse({"models": parts.cards, "flows": flows, "missing": parts.missing})

    @router.get("/metrics", tags=["facts"], responses={**few, 200: {"content": {"text/plain": {}}}},
                response_class=Response)  # fmt: skip
    async def metrics() -> Response:
        """Prometheus' text format."""
        known = service.metrics
        for lane, each in service.worker.lanes.items():
            known.waiting.labels(lane).set(len(each))
        known.in_flight.set(service.crowd.requests)
        known.jobs.set(service.jobs.running)
        return Response(known.text(), media_type=CONTENT_TYPE)


_JOB_ID = {"parameters": [{"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _path(work: str) -> str:
    return "/v1/flow/{name}" if work == "flow" else f"/v1/{work}"


def _wants_png(request: Request) -> bool:
    return request.headers.get("accept", "").split(",")[0].partition(";")[0].strip().lower() == "image/png"


def _png(result: dict[str, Any]) -> Response:
    """The file of one cutout or edit, or its problem with the problem's own status."""
    if "error" in result:
        error = result["error"]
        raise Problem(error["code"], error["detail"], cure=error["cure"], steps=error.get("steps"))
    return Response(base64.b64decode(result["png"].partition(",")[2]), media_type="image/png")
