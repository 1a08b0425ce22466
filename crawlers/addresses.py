"""Private and link-local addresses: no URL that a page supplies may reach them, whatever name hides them.

In: host names, ports. Out: yes or no, and an aiohttp resolver that refuses after DNS, so that a connection can only
go to an address that was judged. The host and port the user named, and the workspace's `allow_hosts`, are exempt.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

DEFAULT_PORTS = {"http": 80, "https": 443}


class PrivateAddress(OSError):
    """A name that leads to an address inside somebody's network."""


def is_public(address: str) -> bool:
    """True for a globally routable address; an IPv4 address carried inside an IPv6 one is judged as itself."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def host_port(url: str) -> tuple[str, int]:
    """Lower-case host and port of a URL; ValueError where it has none."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"no host in {url}")
    return parts.hostname.lower(), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)


def is_loopback(url: str) -> bool:
    """True where a URL's own host says that it is this machine; used for speed, never for permission."""
    host = host_port(url)[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _literal(host: str) -> str | None:
    """The address that a host literal means, short and decimal IPv4 forms ('127.1', '2130706433') included."""
    try:
        return str(ipaddress.ip_address(host.split("%")[0]))
    except ValueError:
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return None


class AddressGuard:
    """Knows which hosts are exempt.

    `named` is the URL the user gave, None where there is none (a list of images); `allowed` are the settings' hosts,
    with or without a port.
    """

    def __init__(self, named: str | None, allowed: Collection[str] = ()) -> None:
        self._named = host_port(named) if named else None
        self._allowed = {entry.lower() for entry in allowed}

    def is_exempt(self, host: str, port: int) -> bool:
        host = host.lower()
        return (host, port) == self._named or host in self._allowed or f"{host}:{port}" in self._allowed

    def refuses_literal(self, url: str) -> str | None:
        """The address, where a URL's host is a literal (aiohttp asks no resolver for those) that is not public."""
        host, port = host_port(url)
        if self.is_exempt(host, port):
            return None
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            return host
        address = _literal(host)
        return host if address is not None and not is_public(address) else None


class GuardedResolver(AbstractResolver):
    """DNS by the system in a thread; names that lead to an address that is not public raise PrivateAddress."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._resolver = ThreadedResolver(loop=asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if self._guard.is_exempt(host, port):
            return found
        private = [entry["host"] for entry in found if not is_public(entry["host"])]
        if private:
            raise PrivateAddress(f"{host} leads to {private[0]}")
        return found

    async def close(self) -> None:
        await self._resolver.close()
