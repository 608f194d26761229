"""
OCI request signing, Signature Version 1, as an authentication of `requests`. Plain Python.

Signed are `date`, `(request-target)` and `host`, in this order; with POST, PUT and PATCH also `content-length`,
`content-type` and `x-content-sha256`, except for the PUT of an object, whose body may be streamed. The target is
signed as it is sent, percent-encoding and query included.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from requests.auth import AuthBase

from outbound.transports.base import ConnectionNotUsable
from outbound.transports.keys import load_private_key


_ALWAYS = ("date", "(request-target)", "host")
_WITH_BODY = ("content-length", "content-type", "x-content-sha256")
_OBJECT = re.compile(r"/n/[^/]+/b/[^/]+/o/[^?]+")


class OciSignature(AuthBase):
    """Signs each request with the key of a user of a tenancy."""

    def __init__(self, *, key_id: str, private_key: RSAPrivateKey, clock: Callable[[], dt.datetime]) -> None:
        self._key_id = key_id
        self._private_key = private_key
        self._clock = clock

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add date, host, the digest of a body, and the signature."""
        headers = request.headers
        headers["date"] = email.utils.format_datetime(self._clock().astimezone(dt.UTC), usegmt=True)
        headers["host"] = urlsplit(str(request.url)).netloc
        names: tuple[str, ...] = _ALWAYS
        if _signs_body(str(request.method), request.path_url):
            body = request.body or b""
            if not isinstance(body, bytes):
                raise TypeError("only a body of bytes can be signed")
            headers.setdefault("content-type", "application/json")
            headers["content-length"] = str(len(body))
            headers["x-content-sha256"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
            names = (*_ALWAYS, *_WITH_BODY)
        target = f"{str(request.method).lower()} {request.path_url}"
        lines = [f"{name}: {target if name == '(request-target)' else headers[name]}" for name in names]
        signature = self._private_key.sign("\n".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256())
        headers["authorization"] = (
            f'Signature algorithm="rsa-sha256",headers="{" ".join(names)}",keyId="{self._key_id}",'
            f'signature="{base64.b64encode(signature).decode()}",version="1"'
        )
        return request


def signature_of(*, name: str, key_id: str, private_key: str, clock: Callable[[], dt.datetime]) -> OciSignature:
    """
    Give the signer of a connection.

    :param name: the connection's, for messages.
    :param private_key: an RSA key as PEM text.
    :raises ConnectionNotUsable: when key or key id is missing, or the key is none that can sign.
    """
    if not re.fullmatch(r"[\x21\x23-\x7e]+/[\x21\x23-\x7e]+/[\x21\x23-\x7e]+", key_id):
        raise ConnectionNotUsable(f"Connection {name} names no key id of the form tenancy/user/fingerprint.")
    if not private_key:
        raise ConnectionNotUsable(f"Connection {name} has no private key to sign with.")
    key = load_private_key(private_key)
    if not isinstance(key, RSAPrivateKey):
        raise ConnectionNotUsable("Object storage requests are signed with an RSA key, and this is another kind.")
    return OciSignature(key_id=key_id, private_key=key, clock=clock)


def _signs_body(method: str, path: str) -> bool:
    return method in ("POST", "PUT", "PATCH") and not (method == "PUT" and _OBJECT.search(path))
