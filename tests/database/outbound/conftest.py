from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
import trustme

from tests.database.outbound.servers import Peer, serving


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A peer over plain HTTP."""
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of the test's own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_pem(authority: trustme.CA) -> str:
    """Its certificate as PEM."""
    return authority.cert_pem.bytes().decode()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's TLS context for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def secure_peer(authority: trustme.CA) -> Iterator[Peer]:
    """A peer over HTTPS whose certificate is good for `localhost`."""
    with serving(server_context(authority.issue_cert("localhost"))) as running:
        yield running
