"""Key files of the peers: made once, kept, so that a connection that trusts one goes on trusting it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


class UnableToUseKeyFile(Exception):
    """A key file that cannot be read or made; the message says why."""


def host_key(path: Path) -> bytes:
    """
    Give the Ed25519 host key of a file in OpenSSH form; make the file when it is not there.

    :raises UnableToUseKeyFile: when that cannot be done.
    """
    return _kept(
        path,
        lambda: ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ),
    )


def signing_key(path: Path) -> rsa.RSAPublicKey:
    """
    Give the public half of the RSA key of a PEM file, private or public; make a private one when it is not there.

    :raises UnableToUseKeyFile: when that cannot be done.
    """
    pem = _kept(
        path,
        lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    try:
        if b"PUBLIC KEY" in pem:
            key: object = serialization.load_pem_public_key(pem)
        else:
            private = serialization.load_pem_private_key(pem, password=None)
            key = private.public_key()
    except (ValueError, TypeError) as error:
        raise UnableToUseKeyFile(f"{path} is no PEM key: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise UnableToUseKeyFile(f"{path} holds no RSA key.")
    return key


def certificate(path: Path) -> Path:
    """
    Give the file with key and self-signed certificate for localhost and 127.0.0.1; make it when it is not there.

    :raises UnableToUseKeyFile: when that cannot be done.
    """
    _kept(path, _key_and_certificate)
    return path


def _key_and_certificate() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sandbox file drop")])
    at = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - dt.timedelta(days=1))
        .not_valid_after(at + dt.timedelta(days=3650))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data := make())
    except OSError as error:
        raise UnableToUseKeyFile(f"{path} cannot be used: {error.strerror}") from error
    return data
