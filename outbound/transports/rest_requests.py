"""What a request of the product looks like: its address, its headers, its body."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec
import requests
import structlog

from foundation import tracing
from outbound.models import Connection
from outbound.transports.streams import SizedChunks


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


# An address that goes over the wire as it stands: nothing to quote, to join or to take out of it.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?P<target>(?:/[A-Za-z0-9_~.-]*)*(?:\?[A-Za-z0-9_~.,:/=&-]*)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRequest:
    """A request that needs no preparing: sent straight over the pooled sockets, at half the cost."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


class RequestMaker:
    """Makes the requests of one connection; holds its credentials, so keep it in memory."""

    def __init__(self, connection: Connection, *, auth: requests.auth.AuthBase | None) -> None:
        self._base_url = connection.base_url.rstrip("/")
        self._authorization = _basic(connection.username, connection.password)
        self._auth = auth

    def make(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | SizedChunks | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> requests.PreparedRequest | PlainRequest:
        """
        Give a request that can be sent.

        :param path: appended to the connection's base address.
        :param json: becomes a JSON document, decimals as exact numbers; or `body`, sent as it is.
        :param idempotency_key: the same for every try of the same message.
        """
        if method not in _METHODS:
            raise ValueError(f"{method} is not a method that connections use")
        if json is not None and body is not None:
            raise ValueError("json and body exclude each other")
        sent: dict[str, str] = {
            "User-Agent": "Tieline",
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "identity",
        }
        if json is not None:
            body = _ENCODER.encode(json)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        if idempotency_key:
            sent["Idempotency-Key"] = _word(idempotency_key)
        correlation = structlog.contextvars.get_contextvars().get("correlation_id")
        if correlation:
            sent["X-Correlation-Id"] = str(correlation)
        sent.update(tracing.headers())
        if self._authorization:
            sent["Authorization"] = self._authorization
        url = f"{self._base_url}/{path.lstrip('/')}" if path else self._base_url
        if self._auth is None and (body is None or isinstance(body, bytes)) and "/." not in url:
            plain = _PLAIN.fullmatch(url)
            if plain is not None:
                target = plain["target"]
                target = target if target.startswith("/") else f"/{target}"
                return PlainRequest(method=method, target=target, headers=sent, body=body)
        return requests.Request(method, url, headers=sent, data=body, auth=self._auth).prepare()


def _word(key: str) -> str:
    """
    Give a key as a header can carry it: what is no visible ASCII character goes as %XX of its UTF-8, and so does %.

    Keys are made of the ids of others, in whatever script; two different ones stay different.
    """
    return quote(key, safe=_VISIBLE)


def _basic(username: str, password: str) -> str:
    if not username:
        return ""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
