"""The service under strain: crowds, clients that vanish, the end, and a machine that reads its description."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from modiste_api_drawn import Reds, Served, parts, photo, served, serving_child

from modiste.api_limits import Limits
from modiste.api_server import HeadersInTime

CHILD = """
import sys
from modiste_api_drawn import Reds, parts
from modiste.api import make_app
from modiste.api_limits import Limits
from modiste.api_server import serve_app
app = make_app(parts(Reds(float(sys.argv[1]))), Limits(rate=0))
serve_app(app, "127.0.0.1", 0, lambda port: print("port", port, flush=True), grace_s=20)
print("stopped", flush=True)
"""


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120  # a deadline for a hung server, not a measure
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.005)


def raw_post(url: str, body: bytes, whole: bool = True) -> socket.socket:
    """An upload over a bare socket, which may end before its time."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)))
    sent = request_of(body)
    client.sendall(sent if whole else sent[: len(sent) // 2])
    return client


def answer_of(client: socket.socket) -> bytes:
    """Head and JSON body, which may come in parts."""
    found = b""
    while not found.endswith(b"}"):
        found += client.recv(10_000)
    return found


def request_of(body: bytes) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    sent = part + body + b"\r\n--b--\r\n"
    lines = "POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return f"{lines}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


def test_work_of_a_client_that_vanished_is_dropped_before_it_is_computed() -> None:
    made = parts()
    tagger = made.tagger
    tagger.hold.clear()  # type: ignore[union-attr]
    with served(made, batch=1) as one:
        worker = one.app.service.worker
        first = raw_post(one.url, photo())
        until(lambda: bool(tagger.batches))  # type: ignore[union-attr]
        others = [raw_post(one.url, photo()) for _ in range(5)]
        until(lambda: len(worker.lanes["tag"]) == 5)
        for client in others:
            client.close()
        until(lambda: one.app.service.crowd.requests == 1)
        tagger.hold.set()  # type: ignore[union-attr]
        assert b"200 OK" in first.recv(100)
        first.close()
        assert httpx.post(f"{one.url}/v1/tag", files={"image": photo()}, timeout=60).status_code == 200
    assert tagger.batches == [1, 1]  # type: ignore[union-attr]
    assert worker.lanes["tag"].dropped == 5


def test_a_client_that_vanishes_in_its_upload_leaves_nothing_behind() -> None:
    with served() as one:
        for _ in range(20):
            raw_post(one.url, photo(), whole=False).close()
        assert httpx.get(f"{one.url}/v1/health", timeout=60).status_code == 200  # accepted after all of them
        crowd = one.app.service.crowd
        until(lambda: (crowd.requests, crowd.held_bytes) == (0, 0))


def test_who_sends_too_slowly_is_told_and_let_go() -> None:
    with served(limits=Limits(rate=0, body_s=0.2)) as one:
        client = raw_post(one.url, photo(), whole=False)
        assert b"408" in client.recv(100)
        client.close()


def test_who_sends_headers_too_slowly_is_let_go_and_who_keeps_a_connection_may_ask_again() -> None:
    class Hasty(HeadersInTime):
        headers_s = 0.3

    with served(http=Hasty) as one:
        address = ("127.0.0.1", int(one.url.rsplit(":", 1)[1]))
        with socket.create_connection(address, 60) as silent, socket.create_connection(address, 60) as slow:
            whole = b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            for _ in range(2):  # a connection that has been answered is watched again
                slow.sendall(whole)
                assert answer_of(slow).startswith(b"HTTP/1.1 200")
            slow.sendall(whole[:30])
            assert [slow.recv(100)[:12], silent.recv(100)[:12]] == [b"HTTP/1.1 408"] * 2
            assert slow.recv(100) == b""
        with httpx.Client(base_url=one.url, timeout=60) as client:
            assert client.post("/v1/tag", files={"image": photo()}).status_code == 200


def test_who_waits_long_for_an_answer_is_not_taken_for_slow() -> None:
    class Hasty(HeadersInTime):
        headers_s = 0.1

    with served(parts(Reds(seconds_each=0.5)), http=Hasty) as one:
        assert httpx.post(f"{one.url}/v1/tag", files={"image": photo()}, timeout=60).status_code == 200


@pytest.mark.slow
def test_a_thousand_parallel_uploads_are_answered_or_told_to_come_back() -> None:
    async def upload(one: Served) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(one.url.rsplit(":", 1)[1]))
        writer.write(request_of(photo()))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        status = int(head.split()[1])
        assert status != 503 or b"retry-after" in head
        return status

    async def all_at_once(one: Served) -> Counter[int]:
        return Counter(await asyncio.gather(*(upload(one) for _ in range(1_000))))

    with served(limits=Limits(rate=0, queue=64)) as one:
        found = asyncio.run(all_at_once(one))
        assert set(found) <= {200, 503}
        assert found[200] >= 64
        until(lambda: one.app.service.crowd.requests == 0)  # the last answer may be read before its request is left
        assert httpx.get(f"{one.url}/v1/health", timeout=60).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_what_runs_refuses_what_comes_and_exits_with_0(number: signal.Signals) -> None:
    def heard() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with serving_child(CHILD, "0.5", preexec=heard) as (child, url):
        running = raw_post(url, photo())
        with httpx.Client(base_url=url, timeout=60) as asker:
            until(lambda: asker.get("/v1/health").json()["queue"] == 1)
        child.send_signal(number)
        assert b"200 OK" in running.recv(100)
        running.close()
        out, err = child.communicate(timeout=120)
        assert (child.returncode, out) == (0, "stopped\n"), err
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/v1/health", timeout=60)


@pytest.mark.slow
def test_a_machine_that_reads_the_description_finds_no_fault() -> None:
    """schemathesis: any request its description allows, and some it doesn't, are answered as described."""
    import hypothesis
    import schemathesis
    from schemathesis import checks

    with served(limits=Limits(rate=0, body_s=5, url_s=0.5)) as one:
        schema = schemathesis.openapi.from_url(f"{one.url}/openapi.json")
        wanted = (
            checks.not_a_server_error, schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
            schemathesis.checks.CHECKS.get_one("content_type_conformance"),
            schemathesis.checks.CHECKS.get_one("status_code_conformance"),
        )  # fmt: skip
        asked: Counter[str] = Counter()
        for found in schema.get_all_operations():
            operation = found.ok()

            @hypothesis.settings(max_examples=15, deadline=None, database=None, derandomize=True,
                                 suppress_health_check=list(hypothesis.HealthCheck))  # fmt: skip
            @hypothesis.given(case=operation.as_strategy())
            def call(case: schemathesis.Case) -> None:
                asked[case.operation.label] += 1
                case.call_and_validate(checks=list(wanted), timeout=60)

            call()
        assert len(asked) == 17
        assert httpx.get(f"{one.url}/v1/health", timeout=60).json()["queue"] == 0
