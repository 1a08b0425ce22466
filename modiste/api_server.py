"""The server around the application: binds, says where, stops gracefully.

In: an `App`, host, port. Out: nothing; returns when it was told to stop by SIGTERM or SIGINT. New requests are refused
from then on, those being worked on are ended (within `grace_s`), jobs are cancelled. A second signal ends it at once.
A connection whose next request's headers take too long is closed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dataset.errors import UsageError
from modiste.api import App

BACKLOG = 2_048
HEADERS_S = 10.0


class HeadersInTime(H11Protocol):
    """uvicorn waits without end for a first request, and for the rest of any headers that have begun."""

    headers_s = HEADERS_S
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Bytes that come while no request is being answered are the next one's headers; more of them gain no time."""
        if not self._is_waiting():
            self._unwatch()
        elif self._due is None:
            self._due = self.loop.call_later(self.headers_s, self._late)

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _unwatch(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        self._due = None
        if self._is_waiting() and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn raises the signal again after it has stopped, which makes a graceful stop look like a crash."""

    def __init__(self, config: uvicorn.Config, app: App, said: Callable[[int], None]) -> None:
        super().__init__(config)
        self._app, self._said = app, said

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._said(self.servers[0].sockets[0].getsockname()[1])

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._app.service.crowd.stopping = True
        self.handle_exit(number, frame)


def serve_app(app: App, host: str, port: int, said: Callable[[int], None], grace_s: int = 30) -> None:
    """`said` is told the port once it is bound (0 asks for a free one). Raises UsageError where it can't be bound."""
    config = uvicorn.Config(
        app.asgi, host=host, port=port, lifespan="on", http=HeadersInTime, access_log=False, proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=grace_s, timeout_keep_alive=15, backlog=BACKLOG,
        log_level="warning",
    )  # fmt: skip
    server = Server(config, app, said)
    try:
        server.run()
    except SystemExit as error:  # uvicorn's way to say that the address is taken
        raise UsageError(f"can't listen on {host}:{port}", cure="Choose another --port, or end what uses it") from error
