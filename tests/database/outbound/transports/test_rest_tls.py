from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
import trustme

from outbound.transports import rest
from outbound.transports.base import TargetTimedOut, TargetUnreachable
from tests.database.outbound.conftest import server_context
from tests.database.outbound.servers import Peer, serving
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db


def _client(port: int, ca_bundle: str, host: str = "localhost") -> rest.RestClient:
    return rest.client(
        make_connection(base_url=f"https://{host}:{port}", ca_bundle=ca_bundle, connect_timeout=Decimal(2))
    )


@pytest.fixture(autouse=True)
def _only_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    # `localhost` may be ::1 as well, which is not among the networks that these tests allow.
    monkeypatch.setattr("outbound.transports.sockets.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])
    monkeypatch.setattr("outbound.operations.connections.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])


class TestTls:
    def test_a_certificate_of_the_connection_s_authority_is_trusted(
        self, secure_peer: Peer, authority_pem: str
    ) -> None:
        assert _client(secure_peer.port, authority_pem).request("GET", "x").status == 200

    def test_an_unknown_authority_is_refused(self, secure_peer: Peer) -> None:
        with pytest.raises(TargetUnreachable, match=r"certificate is refused: .*local issuer") as caught:
            _client(secure_peer.port, "").request("GET", "x")
        assert caught.value.sent is False
        assert secure_peer.seen == []

    def test_a_bundle_replaces_the_public_authorities_and_trusts_no_other(self, secure_peer: Peer) -> None:
        other = trustme.CA().cert_pem.bytes().decode()
        with pytest.raises(TargetUnreachable, match="certificate is refused"):
            _client(secure_peer.port, other).request("GET", "x")
        assert secure_peer.seen == []

    def test_a_wrong_name_is_refused(self, secure_peer: Peer, authority_pem: str) -> None:
        with pytest.raises(TargetUnreachable, match=r"certificate is refused: .*not valid for 'dacs.example.org'"):
            _client(secure_peer.port, authority_pem, host="dacs.example.org").request("GET", "x")
        assert secure_peer.seen == []

    def test_an_expired_certificate_is_refused(self, authority: trustme.CA, authority_pem: str) -> None:
        expired = authority.issue_cert("localhost", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        with serving(server_context(expired)) as peer:
            with pytest.raises(TargetUnreachable, match=r"certificate is refused: .*expired"):
                _client(peer.port, authority_pem).request("GET", "x")
            assert peer.seen == []

    def test_tls_1_1_is_refused(self, authority: trustme.CA, authority_pem: str) -> None:
        context = server_context(authority.issue_cert("localhost"))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with serving(context) as peer:
            with pytest.raises(TargetUnreachable, match=r"TLS handshake failed|broken off"):
                _client(peer.port, authority_pem).request("GET", "x")
            assert peer.seen == []

    def test_a_plain_http_server_is_not_trusted(self, peer: Peer, authority_pem: str) -> None:
        with pytest.raises(TargetUnreachable, match="cannot be trusted") as caught:
            _client(peer.port, authority_pem).request("GET", "x")
        assert caught.value.sent is False

    def test_a_handshake_that_hangs_ends_with_the_connect_timeout(self, authority_pem: str, silent_port: int) -> None:
        client = rest.client(
            make_connection(
                base_url=f"https://localhost:{silent_port}", ca_bundle=authority_pem, connect_timeout=Decimal("0.3")
            )
        )
        started = time.monotonic()
        with pytest.raises(TargetTimedOut, match="TLS handshake") as caught:
            client.request("GET", "x")
        assert time.monotonic() - started < 15
        assert caught.value.sent is False


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and says nothing."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def accept() -> None:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
    for sock in held:
        sock.close()
