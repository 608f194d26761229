"""Requests made up from the OpenAPI schema by schemathesis: such as fit it, and such as do not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode, SerializationContext, openapi, serializer


_HOST = "http://testserver"
_LARGE_ROUND = 25
# What the client of the test says itself.
_OWN_HEADERS = frozenset({"content-length", "content-type", "authorization", "host"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that went out, and the operation of the schema that it is one of."""

    operation: str
    method: str
    path: str
    body: bytes
    answer: HttpResponse
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.body[:300]!r}: {self.answer.status_code}"


@serializer("application/x-ndjson")
def json_lines(_: SerializationContext, value: Any) -> bytes:
    """Write JSON lines; what is no list is one line, and a text stands as it is."""
    lines = value if isinstance(value, list) else [value]
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode(
        "utf-8", "surrogatepass"
    )


def operations() -> list[Any]:
    """Give every operation of the schema as it is published."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    schema = openapi.from_dict(json.loads(json.dumps(document, default=str)))
    return [result.ok() for result in schema.get_all_operations()]


def send_all(
    wanted: int,
    *,
    client: APIClient,
    known: Mapping[str, Sequence[Any]],
) -> Iterator[Sent]:
    """
    Send about so many requests, as many of each operation; the same ones in every run.

    :param known: by name of a parameter, values that lead to something that is there; taken every second time.
    """
    all_operations = operations()
    of_each = max(1, min(_LARGE_ROUND, wanted // len(all_operations)))
    sent = number = 0
    while sent < wanted:
        number += 1
        for operation in all_operations:
            for case in _cases(operation, of_each, known, number):
                request = _prepared(case)
                if request is None:
                    continue
                sent += 1
                yield _answered(operation.label, request, client)


def _cases(operation: Any, examples: int, known: Mapping[str, Sequence[Any]], number: int) -> list[Case]:
    found: list[Case] = []

    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)), st.data()
    )
    def collect(case: Case, data: st.DataObject) -> None:
        for values in (case.path_parameters, case.query):
            for name in values or {}:
                if name in known and data.draw(st.booleans()):
                    values[name] = data.draw(st.sampled_from(known[name]))
        found.append(case)

    collect()
    return found


def _prepared(case: Case) -> requests.PreparedRequest | None:
    """Give the request as bytes; None when no client could send it."""
    values = case.as_transport_kwargs(base_url=_HOST)
    values.pop("cookies", None)
    try:
        return requests.Request(**{**values, "headers": dict(values.get("headers") or {})}).prepare()
    except (requests.exceptions.RequestException, UnicodeError):
        return None


def _answered(
    operation: str,
    request: requests.PreparedRequest,
    client: APIClient,
) -> Sent:
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
    method, path = str(request.method), request.path_url
    began = time.monotonic()
    answer = client.generic(
        method, path, body, content_type=str(request.headers.get("Content-Type", "")), headers=headers
    )
    seconds = time.monotonic() - began
    return Sent(operation=operation, method=method, path=path, body=body, answer=answer, seconds=seconds)
