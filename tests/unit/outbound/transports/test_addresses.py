from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.transports import addresses
from outbound.transports.addresses import Guard
from outbound.transports.base import TargetNotAllowed, TargetTimedOut, TargetUnreachable


FORBIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


class TestGuard:
    @pytest.mark.parametrize("address", FORBIDDEN)
    def test_refuses_every_address_that_is_not_public(self, address: str) -> None:
        with pytest.raises(TargetNotAllowed, match="OUTBOUND_ALLOWED_NETWORKS"):
            Guard().check(address)

    @pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:2800:220:1::1", "2a00::1"])
    def test_lets_public_addresses_through(self, address: str) -> None:
        Guard().check(address)

    @pytest.mark.parametrize(
        ("allowed", "address"),
        [
            ("127.0.0.0/8", "127.0.0.1"),
            ("10.20.0.0/16", "10.20.30.40"),
            ("fd00::/8", "fd00::1"),
            ("10.1.1.1", "10.1.1.1"),
        ],
    )
    def test_lets_through_what_the_deployment_names(self, allowed: str, address: str) -> None:
        Guard(allowed=(allowed,)).check(address)

    @pytest.mark.parametrize(
        ("allowed", "address"),
        [("127.0.0.0/8", "::ffff:127.0.0.1"), ("127.0.0.0/8", "::1"), ("10.20.0.0/16", "10.21.0.1")],
    )
    def test_an_allowed_network_allows_nothing_else(self, allowed: str, address: str) -> None:
        with pytest.raises(TargetNotAllowed):
            Guard(allowed=(allowed,)).check(address)

    def test_one_bad_address_among_good_ones_refuses_the_name(self) -> None:
        with pytest.raises(TargetNotAllowed, match=r"10\.0\.0\.1"):
            Guard().check_all(["8.8.8.8", "10.0.0.1"])

    @given(st.ip_addresses(network="10.0.0.0/8"))
    def test_no_private_address_gets_through(self, address: Any) -> None:
        with pytest.raises(TargetNotAllowed):
            Guard().check(str(address))


class TestCheckHost:
    @pytest.mark.parametrize(
        "host",
        [
            "2130706433",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "127.1",
            "017700000001",
            "1.2.3.4.5",
            "0",
            "127.0.0.1.",
        ],
    )
    def test_refuses_an_address_in_disguise(self, host: str) -> None:
        with pytest.raises(TargetNotAllowed, match="in disguise"):
            addresses.check_host(host)

    @pytest.mark.parametrize(
        "host", ["", "a b", "a/b", "a\r\nb", "a..b", "-a.example", "exa mple.org", "x" * 300, "a@b", "a%00b"]
    )
    def test_refuses_what_is_no_host(self, host: str) -> None:
        with pytest.raises(TargetNotAllowed, match="not a host name"):
            addresses.check_host(host)

    @pytest.mark.parametrize(
        ("host", "given"),
        [
            ("dacs.example.org", "dacs.example.org"),
            ("dacs.example.org.", "dacs.example.org."),
            ("my_host", "my_host"),
            ("LocalHost.", "localhost"),
            ("[::1]", "::1"),
            ("192.0.2.10", "192.0.2.10"),
            ("bücher.example", "xn--bcher-kva.example"),
        ],
    )
    def test_gives_the_host_as_it_is_resolved(self, host: str, given: str) -> None:
        assert addresses.check_host(host) == given


class TestSplitBaseUrl:
    @pytest.mark.parametrize(
        ("url", "parts"),
        [
            ("http://dacs.example.org", ("http", "dacs.example.org", 80)),
            ("https://dacs.example.org/rest", ("https", "dacs.example.org", 443)),
            ("https://dacs.example.org:8443/rest/", ("https", "dacs.example.org", 8443)),
            ("http://[2001:db8::1]:9001", ("http", "2001:db8::1", 9001)),
        ],
    )
    def test_gives_scheme_host_and_port(self, url: str, parts: tuple[str, str, int]) -> None:
        assert addresses.split_base_url(url) == parts

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("file:///etc/passwd", "must start with http"),
            ("gopher://dacs.example.org", "must start with http"),
            ("ftp://dacs.example.org", "must start with http"),
            ("dacs.example.org", "must start with http"),
            ("http://user:word@dacs.example.org", "holds credentials"),
            ("http://user@dacs.example.org", "holds credentials"),
            ("http://", "names no host"),
            ("http:///path", "names no host"),
            ("http://dacs.example.org:99999", "not a URL"),
            ("http://dacs.example.org/?x=1", "no '\\?'"),
            ("http://dacs.example.org/#x", "no '\\?'"),
            ("http://dacs.example.org\\@evil.example", "backslash|credentials"),
            ("http://dacs example.org", "names no host"),
            ("http://[::1", "not a URL"),
        ],
    )
    def test_refuses_everything_else(self, url: str, message: str) -> None:
        with pytest.raises(TargetNotAllowed, match=message):
            addresses.split_base_url(url)


class TestResolve:
    def test_a_literal_is_not_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", _must_not_be_called)
        assert addresses.resolve("192.0.2.10", 80, timeout=1) == ["192.0.2.10"]

    def test_gives_all_addresses_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [(2, 1, 6, "", (address, 80)) for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
        assert addresses.resolve("dacs.example.org", 80, timeout=1) == ["192.0.2.1", "192.0.2.2"]

    def test_an_unknown_name_is_an_unreachable_target(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_args: Any, **_kwargs: Any) -> Any:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(TargetUnreachable, match=r"does not resolve: .*Name or service not known") as caught:
            addresses.resolve("nowhere.example", 80, timeout=1)
        assert caught.value.sent is False

    def test_a_resolver_that_hangs_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: released.wait(60))
        started = time.monotonic()
        with pytest.raises(TargetTimedOut, match="not resolved within") as caught:
            addresses.resolve("slow.example", 80, timeout=0.05)
        assert time.monotonic() - started < 15
        released.set()
        assert caught.value.sent is False


def _must_not_be_called(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("the resolver was asked")
