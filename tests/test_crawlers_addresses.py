"""Private addresses in every disguise: literals, DNS, redirects, rebinding."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp.abc import ResolveResult
from crawlers_shop import Answer, serving

from crawlers.addresses import AddressGuard, GuardedResolver, PrivateAddress, is_public
from crawlers.client import Client, Failure
from crawlers.pace import HostPace

GUARD = AddressGuard("http://127.0.0.1:80/", ["intranet.example", "10.0.0.5:8080"])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
     "0.0.0.0", "240.0.0.1", "255.255.255.255", "224.0.0.1", "198.18.0.1", "::", "::1", "::127.0.0.1",
     "::ffff:10.0.0.1", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
     "2001::1", "fe80::1%eth0", "fec0::1", "fd00:ec2::254", "ff02::1"],
)  # fmt: skip
def test_no_address_of_somebodys_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_addresses_of_the_open_net_are_public_in_each_form(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "127.0.0.1.", "localhost.", "a.localhost", "printer.local",
     "metadata.google.internal", "１２７.0.0.1", "127。0。0。1", "ⓛocalhost", "[::]", "[::ffff:7f00:1]", "[::7f00:1]",
     "eve@127.0.0.1", "good.example#@127.0.0.1"],
)  # fmt: skip
def test_every_spelling_of_an_inner_host_is_refused(host: str) -> None:
    refused = GUARD.refuses_literal(
        f"http://{host}:81/a.jpg" if "#" not in host else "http://good.example:81@127.0.0.1:81/"
    )
    assert refused


def test_only_the_named_host_and_port_and_the_allowed_ones_are_exempt() -> None:
    urls = ["http://127.0.0.1/a", "http://127.0.0.1:81/a", "http://10.0.0.5:8080/a", "http://10.0.0.5/a"]
    assert [GUARD.refuses_literal(url) for url in urls] == [None, "127.0.0.1", None, "10.0.0.5"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://shop.example:8443/a", None), ("https://shop.example/a", None), ("http://shop.example:22/", "port 22"),
        ("http://shop.example:6000/", "port 6000"), ("http://eve:pw@shop.example/", "names a user"),
        ("http://eve:pw@127.0.0.1/", None), ("http://127.0.0.1:25/", None),
    ],
)  # fmt: skip
def test_other_protocols_ports_and_users_are_refused_save_on_the_named_host(url: str, words: str | None) -> None:
    refused = GUARD.refuses_form(url)
    assert (refused is None) if words is None else words in str(refused)


def rebinding(*answers: str) -> GuardedResolver:
    """A resolver whose DNS gives another address each time."""
    resolver = GuardedResolver(GUARD)
    given = list(answers)

    class Dns:
        async def resolve(self, host: str, port: int, family: int) -> list[ResolveResult]:
            entry = {"hostname": host, "host": given.pop(0), "port": port, "family": family, "proto": 0, "flags": 0}
            return [entry]  # type: ignore[list-item]

    resolver._resolver = Dns()  # type: ignore[assignment]
    return resolver


def test_a_name_that_turns_to_an_inner_address_is_refused_at_that_very_connection() -> None:
    async def ask() -> str:
        resolver = rebinding("93.184.215.14", "169.254.169.254")
        first = await resolver.resolve("evil.example", 80, socket.AF_INET)
        with pytest.raises(PrivateAddress, match=r"evil.example leads to 169.254.169.254"):
            await resolver.resolve("evil.example", 80, socket.AF_INET)
        return first[0]["host"]

    assert asyncio.run(ask()) == "93.184.215.14"


def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name is resolved once a connection, by the guarded resolver: there is no second look-up to rebind."""

    async def ask(url: str) -> str:
        async with Client("m", AddressGuard("http://shop.example/"), HostPace(), timeout_s=3, concurrency=1) as client:
            resolver = client._session.connector._resolver  # type: ignore[union-attr]
            resolver._resolver = rebinding("127.0.0.1")._resolver
            with pytest.raises(Failure) as failure:
                await client.get(url, cap=10)
            return failure.value.reason

    with serving() as inner:
        port = inner.url.rsplit(":", 1)[1]
        assert asyncio.run(ask(f"http://evil.example:{port}/secret")) == "private_address"
        assert inner.asked == []


def test_a_redirect_is_never_followed_by_the_client_itself() -> None:
    async def ask(url: str) -> int:
        async with Client("m", AddressGuard(url), HostPace(), timeout_s=3, concurrency=1) as client:
            return (await client.get(url + "/a", cap=10)).status

    with serving() as shop:
        shop.answers["/a"] = Answer(b"", 302, {"Location": "http://169.254.169.254/"})
        assert asyncio.run(ask(shop.url)) == 302
        assert shop.asked == ["/a"]
