"""The TLS context of a connection: whom it trusts, and the certificate that the product shows."""

from __future__ import annotations

import secrets
import ssl
import tempfile

from cryptography.hazmat.primitives import serialization

from outbound.models import Certificate, Connection
from outbound.transports.base import ConnectionNotUsable
from outbound.transports.sockets import tls_context


def connection_context(connection: Connection) -> ssl.SSLContext:
    """
    Give a context with the connection's CA bundle and trust certificate, and its identity when it has one.

    :raises ConnectionNotUsable: when one of them cannot be read.
    """
    trusted = [connection.ca_bundle]
    if connection.trust_certificate is not None:
        trusted.append(connection.trust_certificate.chain)
    context = tls_context("\n".join(text for text in trusted if text))
    if connection.identity_certificate is not None:
        _show(context, connection.identity_certificate)
    return context


def _show(context: ssl.SSLContext, identity: Certificate) -> None:
    # The ssl module reads keys from files only: this one is the owner's alone, encrypted with a passphrase that
    # nobody else knows, and gone at once.
    passphrase = secrets.token_bytes(32).hex()
    try:
        key = serialization.load_pem_private_key(identity.private_key.encode(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(identity.chain.encode() + encrypted)
            file.flush()
            context.load_cert_chain(file.name, password=passphrase)
    except (ssl.SSLError, OSError, ValueError, TypeError) as error:
        raise ConnectionNotUsable(f"The identity certificate {identity.name} cannot be used: {error}") from None
