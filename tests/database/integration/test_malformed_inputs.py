"""
Nothing that a caller sends makes a defect: every address, with bodies and parameters that nobody in good faith sends.

The same on SQLite and on PostgreSQL, which refuse different things: long integers the one, NUL the other.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from integration.operations.flows import install_flows
from integration.operations.setup import install_roles
from tests.database.integration import access
from tests.factories.integration import AT


pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"

UNREADABLE = {
    "empty": b"",
    "cut": b'{"a": ',
    "not UTF-8": b'{"a": "\xff"}',
    "a key twice": b'{"a": 1, "a": 2}',
    "no number": b'{"a": NaN}',
    "an endless number": b'{"a": 1e400}',
    "very many digits": b'{"a": ' + b"1" * 5_000 + b"}",
    "a NUL in a value": b'{"a": "\\u0000"}',
    "a NUL in a key": b'{"\\u0000": 1}',
    "half a character": b'{"a": "\\ud800"}',
    "deep nesting": b"[" * 1_000 + b"]" * 1_000,
}
WRONG = {
    "null": b"null",
    "a number": b"7",
    "a text": b'"text"',
    "a list of lists": b"[[], [[]]]",
    "a list of nulls": b"[null, null]",
    "an empty object": b"{}",
    "unknown fields": b'{"nobody knows this": {"or": ["this"]}}',
}
LONG = "9" * 30
PARAMETERS = [
    {"page": "0"},
    {"page": LONG, "page_size": "x"},
    {"page_size": LONG},
    {"search": "\x00", "flow": "\x00"},
    {"search": "é" * 3_000, "flow": "'"},
    {"state": "\x00", "status": "\x00"},
    {"start": "x", "end": LONG, "since": "x", "started_after": "x"},
    {"start": "2026-03-08T02:30", "end": "0001-01-01T00:00:00+14:00", "since": "9999-12-31"},
    {"measuring_component": "\x00", "event": "\x00"},
    {"measuring_component": LONG, "imd": LONG, "program": LONG},
]
NAMES = {"str": ["%00", "a%00b", "x" * 3_000, "..%2f..%2fetc%2fpasswd", "%ed%a0%80"], "int": ["9" * 30, "9" * 19]}


@pytest.fixture
def caller() -> APIClient:
    install_roles()
    install_flows(at=AT)
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_superuser("operator", "", "x"))
    return client


def doors(*methods: str) -> list[tuple[str, str]]:
    return [(method, path) for _, path, known in access.addresses() for method in known if method in methods]


def complaint(answer: Any, *, where: Any, allowed: range = range(200, 500)) -> str:
    """What is wrong with an answer, '' when nothing is."""
    # 503: the DACS side is switched off as shipped, and says so in its own form.
    if answer.status_code not in allowed and answer.status_code != 503:
        return f"{where}: {answer.status_code} {answer.content[:200]!r}"
    kind = answer.headers.get("Content-Type", "")
    is_service = "/dacs/" in str(where)
    if answer.status_code >= 400 and not kind.startswith(PROBLEM) and not is_service:
        return f"{where}: {answer.status_code} as {kind}"
    return ""


def test_a_body_is_never_a_defect(caller: APIClient) -> None:
    wrong = []
    bodies = {**WRONG, **{name: UNREADABLE[name] for name in ("cut", "a NUL in a value", "deep nesting")}}
    for name, body in bodies.items():
        for method, path in doors("POST", "PUT", "PATCH", "DELETE"):
            answer = caller.generic(method, path, body, content_type="application/json")
            wrong.append(complaint(answer, where=(method, path, name)))

    assert len(wrong) > 40
    assert [each for each in wrong if each] == []


def test_what_cannot_be_read_is_refused_where_messages_and_readings_come_in(caller: APIClient) -> None:
    for path in ("/api/v1/imds/", "/api/v1/flows/enrollment_request/enroll-to-dacs"):
        for name, body in UNREADABLE.items():
            answer = caller.generic("POST", path, body, content_type="application/json")

            assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM), (path, name)
            assert answer.json()["code"] in ("malformed", "validation"), (path, name)


def test_another_kind_of_body_is_never_a_defect(caller: APIClient) -> None:
    wrong = []
    for kind in ("text/plain", "multipart/form-data; boundary=b", "", "a/b; charset=x"):
        for method, path in doors("POST", "PUT", "PATCH"):
            for body in (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"--b\r\nContent-Disposition: form-data"):
                answer = caller.generic(method, path, body, content_type=kind)
                wrong.append(complaint(answer, where=(method, path, kind)))

    assert [each for each in wrong if each] == []


def test_a_parameter_is_never_a_defect(caller: APIClient) -> None:
    wrong = [
        complaint(caller.get(path, parameters), where=(path, parameters))
        for _, path in doors("GET")
        for parameters in PARAMETERS
    ]

    assert len(wrong) > 400
    assert [each for each in wrong if each] == []


def test_an_address_is_never_a_defect(caller: APIClient) -> None:
    wrong = []
    for template, _, methods in access.addresses():
        for kind, values in NAMES.items():
            marked = f"<{kind}:"
            if marked not in template:
                continue
            before, _, rest = template.partition(marked)
            for value in values:
                path = before + value + access.without_names(rest.partition(">")[2])
                for method in methods:
                    answer = caller.generic(method, path, b"{}", content_type="application/json")
                    wrong.append(complaint(answer, where=(method, path[:80])))

    assert len(wrong) > 100
    assert [each for each in wrong if each] == []


def test_a_nul_in_an_address_of_the_admin_is_refused(caller: APIClient) -> None:
    caller.force_authenticate(None)
    caller.force_login(User.objects.get(username="operator"))
    assert caller.get("/admin/auth/user/?q=%00").status_code == 400
    assert caller.get("/admin/auth/user/%00/change/").status_code == 404
