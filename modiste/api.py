"""The service's application: paths, guard and life, put together.

In: what there is to work with, limits, who may ask. Out: an ASGI application for uvicorn or a test. Nothing is loaded
and no socket opened here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dataset.workspace import Workspace
from modiste.api_describe import describe
from modiste.api_guard import LOOPBACK_NAMES, Guard
from modiste.api_keys import KeyFile
from modiste.api_limits import Crowd, Limits
from modiste.api_metrics import Metrics
from modiste.api_parts import Parts
from modiste.api_problems import Problem, answer, answer_http
from modiste.api_routes import VERSION, Service, router_of
from modiste.api_work import BATCH, WAIT_S, Worker

PAGE = Path(__file__).with_name("web")


@dataclass(frozen=True)
class Access:
    """`hosts` are the names this server answers to (None: any); `origins` other sites whose pages may ask; `keys` the
    file of API keys (None: nobody needs one)."""

    hosts: Collection[str] | None = LOOPBACK_NAMES
    origins: Collection[str] = ()
    keys: KeyFile | None = None


@dataclass
class App:
    """`asgi` is what a server runs."""

    asgi: Guard
    service: Service
    fastapi: FastAPI
    limits: Limits = field(default_factory=Limits)


def make_app(
    parts: Parts, limits: Limits | None = None, access: Access | None = None, ws: Workspace | None = None,
    *, batch: int = BATCH, wait_s: float = WAIT_S, page: Path = PAGE,
) -> App:  # fmt: skip
    """`batch` photos at most go through a model at a time, gathered for `wait_s` seconds at most."""
    limits, access = limits or Limits(), access or Access()
    metrics = Metrics()
    crowd = Crowd(limits)
    service = Service(Worker(parts, limits, metrics, batch, wait_s), crowd, metrics, ws)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        service.worker.warm()
        yield
        await service.close()

    app = FastAPI(
        title="Modiste", version=VERSION, description="Tags, flows, cutouts, colours and similar products of photos.",
        docs_url=None, redoc_url=None, lifespan=life, redirect_slashes=False,
    )  # fmt: skip
    app.include_router(router_of(service))
    _add_page(app, page)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(Problem, answer)
    app.add_exception_handler(Exception, answer)
    if access.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(access.origins), allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        )  # fmt: skip
    guard = Guard(app, crowd, metrics, access.hosts, access.keys, access.origins)
    return App(guard, service, app, limits)


def _add_page(app: FastAPI, folder: Path) -> None:
    """`/` is the page, where it was installed; the files that belong to it are below /web."""
    if not (folder / "index.html").is_file():
        return

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return FileResponse(folder / "index.html")

    app.mount("/web", StaticFiles(directory=folder), name="web")
