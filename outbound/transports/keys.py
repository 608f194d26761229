"""Private keys as people paste them (PEM or OpenSSH), and host keys that servers are pinned to. Plain Python."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from outbound.transports.base import ConnectionNotUsable


PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_HOST_KEY_TYPES = ("ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-")


@dataclass(frozen=True, slots=True)
class HostKey:
    """The public key of a server."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The fingerprint as OpenSSH shows it."""
        return fingerprint(self.blob)

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"


def load_private_key(text: str) -> PrivateKey:
    """
    Read a private key from PEM (PKCS#1, PKCS#8, SEC1) or OpenSSH text.

    :raises ConnectionNotUsable: when it is none, of an unknown kind, or protected by a passphrase.
    """
    data = (text.strip() + "\n").encode()
    try:
        if text.lstrip().startswith(_OPENSSH):
            key: object = serialization.load_ssh_private_key(data, password=None)
        else:
            key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if _is_protected(text, error):
            raise ConnectionNotUsable(
                "The private key is protected by a passphrase. Store it without one "
                "(ssh-keygen -p -N '' -f FILE): it is kept encrypted."
            ) from None
        raise ConnectionNotUsable("The private key cannot be read: it is neither PEM nor OpenSSH text.") from None
    if not isinstance(key, PrivateKey):
        raise ConnectionNotUsable("The private key is of a kind that is not used: RSA, ECDSA and Ed25519 are.")
    return key


def as_openssh(key: PrivateKey) -> str:
    """Give a private key as OpenSSH text."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()


def read_host_keys(text: str) -> list[HostKey]:
    """
    Read the keys that a server may show, one a line: `ssh-ed25519 AAAA…`, also as lines of a `known_hosts` file.

    :raises ConnectionNotUsable: when there is none, or a line cannot be read.
    """
    found = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        at = next((number for number, word in enumerate(words[:3]) if word.startswith(_HOST_KEY_TYPES)), None)
        blob = _decoded(words[at + 1]) if at is not None and at + 1 < len(words) else b""
        if at is None or not blob.startswith(_named(words[at])):
            raise ConnectionNotUsable(
                "The known host key cannot be read. It is the server's public key on one line, "
                "e.g. 'ssh-ed25519 AAAA…', as ssh-keyscan prints it."
            )
        found.append(HostKey(words[at], blob))
    if not found:
        raise ConnectionNotUsable("The connection names no known host key: no server is trusted unseen.")
    return found


def fingerprint(blob: bytes) -> str:
    """Give the SHA-256 fingerprint of a public key, as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _is_protected(text: str, error: Exception) -> bool:
    return isinstance(error, TypeError) or "ENCRYPTED" in text or "password" in str(error).lower()


def _decoded(word: str) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _named(kind: str) -> bytes:
    return len(kind).to_bytes(4, "big") + kind.encode()
