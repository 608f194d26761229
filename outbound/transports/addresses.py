"""
Which network addresses calls may go to (`reliability.md` S1 and 5, SSRF). Plain Python.

The address is checked, not the name: a name is resolved once, *all* its addresses are checked, and the socket is
opened to one of exactly these (`transports.sockets`). Public unicast addresses are allowed; loopback, private,
link-local, shared, reserved and multicast ones only when the deployment names their network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from outbound.transports.base import TargetNotAllowed, TargetTimedOut, TargetUnreachable


IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Public by the registry, but an IPv4 address hides inside, or nobody's peer lives there.
_HIDING_NETWORKS: tuple[IpNetwork, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "fec0::/10",
    )
)
# 2130706433, 0177.0.0.1, 0x7f.1, 127.1: resolvers read them as addresses, people do not.
_ODD_LITERAL = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+))*\.?")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """
    The networks that a deployment allows beside the public ones.

    `allowed` holds CIDRs, e.g. `("10.20.0.0/16", "127.0.0.0/8")`.
    """

    allowed: tuple[str, ...] = ()

    def networks(self) -> list[IpNetwork]:
        """Give the allowed networks; a CIDR with host bits is taken as its network."""
        return [ipaddress.ip_network(text.strip(), strict=False) for text in self.allowed if text.strip()]

    def check(self, address: str) -> None:
        """
        Refuse an address that calls may not go to.

        :raises TargetNotAllowed: naming the address and what to do.
        """
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if any(parsed.version == network.version and parsed in network for network in self.networks()):
            return
        if not is_public(parsed):
            raise TargetNotAllowed(
                f"Calls to {parsed} are not allowed: it is {_kind(parsed)}. "
                "If this peer is meant, name its network in OUTBOUND_ALLOWED_NETWORKS."
            )

    def check_all(self, addresses: Sequence[str]) -> None:
        """
        Refuse when any one of the addresses may not be called.

        :raises TargetNotAllowed: for the first that may not.
        """
        for address in addresses:
            self.check(address)


def is_public(address: IpAddress) -> bool:
    """Whether an address is a public unicast one that hides no other address."""
    if any(address.version == network.version and address in network for network in _HIDING_NETWORKS):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    )


def _kind(address: IpAddress) -> str:
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_private:
        return "a private address"
    return "not a public address"


def check_host(host: str) -> str:
    """
    Give the host as it is resolved: without brackets, a literal address in its usual form, or a host name.

    :raises TargetNotAllowed: for an address in disguise (2130706433, 0177.0.0.1) or a host that is no host.
    """
    bare = host.strip("[]") if host.startswith("[") else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if _ODD_LITERAL.fullmatch(bare):
        raise TargetNotAllowed(f"{host} is an address in disguise; write it in its usual form, e.g. 192.0.2.10.")
    try:
        ascii_name = bare.encode("idna").decode("ascii")
    except UnicodeError:
        raise TargetNotAllowed(f"{host!r} is not a host name.") from None
    if not _HOST_NAME.fullmatch(ascii_name) or len(ascii_name) > 254:
        raise TargetNotAllowed(f"{host!r} is not a host name.")
    # Not every resolver knows the name with its dot; all know whose it is.
    return "localhost" if ascii_name.rstrip(".").lower() == "localhost" else ascii_name


def split_base_url(url: str) -> tuple[str, str, int]:
    """
    Give scheme, host and port of a connection's base address.

    An address of the product itself (`tieline:///dacs`, see `in_process`) has no host and no port.

    :raises TargetNotAllowed: for another scheme than http and https, and for credentials, query or fragment in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetNotAllowed(f"The base address is not a URL: {error}") from None
    if parts.scheme == "tieline":
        return _own_address(url, parts)
    if parts.scheme not in ("http", "https"):
        raise TargetNotAllowed(
            f"The base address must start with http:// or https://, not {parts.scheme or 'nothing'}:"
        )
    if parts.username is not None or parts.password is not None:
        raise TargetNotAllowed("The base address holds credentials; put them into the fields that are made for them.")
    if parts.query or parts.fragment:
        raise TargetNotAllowed("The base address ends with a path: it takes no '?' and no '#'.")
    if not parts.hostname or any(character.isspace() or not character.isprintable() for character in url):
        raise TargetNotAllowed("The base address names no host.")
    if "\\" in url:
        raise TargetNotAllowed("The base address holds a backslash.")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _own_address(url: str, parts: SplitResult) -> tuple[str, str, int]:
    if parts.netloc or not re.fullmatch(r"tieline:///[A-Za-z0-9_./-]*", url) or ".." in parts.path:
        raise TargetNotAllowed(
            "An address of Tieline itself is written as tieline:/// and a path, e.g. tieline:///dacs."
        )
    return parts.scheme, "", 0


def resolve(host: str, port: int, *, timeout: float) -> list[str]:
    """
    Give all addresses of a host, in the resolver's order, without duplicates.

    The system's resolver knows no deadline, so it is asked in a thread of its own.

    :param timeout: seconds.
    :raises TargetNotAllowed: when the host is no host.
    :raises TargetUnreachable: when the name does not resolve.
    :raises TargetTimedOut: when the resolver does not answer in time.
    """
    name = check_host(host)
    try:
        return [str(ipaddress.ip_address(name))]
    except ValueError:
        pass
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(max(timeout, 0.0))
    if not found:
        raise TargetTimedOut(f"The name {host} was not resolved within {timeout:g} s.", sent=False)
    if isinstance(found[0], Exception):
        raise TargetUnreachable(f"The name {host} does not resolve: {found[0]}")
    return list(dict.fromkeys(str(entry[4][0]) for entry in found[0]))
