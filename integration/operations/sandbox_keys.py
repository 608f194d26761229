"""The keys that the connections to the simulated peers trust and sign with, made once and kept beside the data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


def known_host_key(directory: Path) -> str:
    """Give the public key of the file drop's SFTP server; its key file is made when it is not there."""
    pem = _kept(
        directory / "host_key",
        lambda: ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ),
    )
    public = serialization.load_ssh_private_key(pem, password=None).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def signing_key_file(directory: Path) -> Path:
    """Give the file of the key that requests to object storage are signed with; it is made when it is not there."""
    path = directory / "oci.pem"
    _kept(
        path,
        lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    return path


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data := make())
    return data
