"""Private and link-local addresses: no URL that a page supplies may reach them, whatever name hides them.

In: host names, ports. Out: yes or no, and an aiohttp resolver that refuses after DNS, so that a connection can only
go to an address that was judged. The host and port the user named, and the workspace's `allow_hosts`, are exempt.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

DEFAULT_PORTS = {"http": 80, "https": 443}
# NAT64 (RFC 6052), IPv4-compatible (RFC 4291) and IPv4-translated (RFC 2765): the last 32 bits are an IPv4 address.
_CARRIES_IPV4 = [ipaddress.ip_network(n) for n in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")]
# Ports of other protocols, which a page could make us speak to (WHATWG Fetch, 'port blocking'); besides these, all
# below 1024 but the web's own two.
_NO_WEB_PORTS = {
    1719,
    1720,
    1723,
    2049,
    3659,
    4045,
    4190,
    5060,
    5061,
    6000,
    6566,
    *range(6665, 6670),
    6679,
    6697,
    10080,
}


class PrivateAddress(OSError):
    """A name that leads to an address inside somebody's network."""


def is_public(address: str) -> bool:
    """True for a globally routable address; an IPv4 address carried inside an IPv6 one is judged as itself."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and any(ip in network for network in _CARRIES_IPV4):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@lru_cache(maxsize=4_096)
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

    def is_named(self, host: str) -> bool:
        """True for the host of the URL the user gave, on any port."""
        return self._named is not None and host.lower() == self._named[0]

    def refuses_form(self, url: str) -> str | None:
        """Why a URL that a page supplies may not be asked, where it names a user or another protocol's port.

        A user's name in it would be sent as credentials. Any other port is a web server's as likely as not.
        """
        parts, (host, port) = urlsplit(url), host_port(url)
        if self.is_exempt(host, port) or self.is_named(host):
            return None
        if parts.username is not None or parts.password is not None:
            return "names a user"
        odd = port < 1024 and port not in DEFAULT_PORTS.values()
        return f"port {port} is no web server's" if odd or port in _NO_WEB_PORTS else None

    def refuses_literal(self, url: str) -> str | None:
        """The address, where a URL's host is a literal (aiohttp asks no resolver for those) that is not public.

        The host is read as the client will read it: '１２７.0.0.1' in full-width digits is an address to yarl alone.
        """
        host, port = host_port(url)
        if self.is_exempt(host, port):
            return None
        if not host.isascii():
            host = URL(url).raw_host or host
        host = host.rstrip(".")
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
