from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from integration.flows import derms_score
from integration.flows.derms_score import Verdict
from outbound.retry import FaultType
from outbound.transports import base


class Client:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, outcome: base.Answer | base.TransportError) -> None:
        self.outcome = outcome
        self.asked: dict[str, Any] = {}

    def stream_upload(
        self,
        method: str,
        path: str,
        chunks: Iterable[bytes],
        size: int,
        headers: Mapping[str, str] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> base.Answer:
        self.asked = {
            "call": (method, path, b"".join(chunks), size),
            "headers": dict(headers or {}),
            "key": idempotency_key,
        }
        if isinstance(self.outcome, base.TransportError):
            raise self.outcome
        return self.outcome


def answer(status: int, body: bytes = b"") -> base.Answer:
    return base.Answer(status=status, headers={}, body=body, elapsed_seconds=0.1)


def send(client: Client, name: str = "SDCSE_0042_00.csv") -> derms_score.Sent:
    return derms_score.upload(
        client=client, path="/device-score", name=name, message_id="FILE-1-1", chunks=[b"a", b"b"], size=2
    )


class TestUpload:
    def test_sends_the_bytes_under_the_guides_headers(self) -> None:
        client = Client(answer(202))

        assert send(client).verdict is Verdict.ACCEPTED
        assert client.asked == {
            "call": ("POST", "/device-score", b"ab", 2),
            "headers": {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": 'attachment; filename="SDCSE_0042_00.csv"',
                "X-Message-Id": "FILE-1-1",
            },
            "key": "FILE-1-1",
        }

    def test_a_call_that_fails_stops_the_run(self) -> None:
        sent = send(Client(base.TargetUnreachable("10.0.0.1 refused")))

        assert (sent.verdict, sent.reason) == (Verdict.STOP, "DERMS cannot be reached")
        assert sent.fault is not None
        assert (sent.fault.type, sent.fault.code) == (FaultType.REMOTE, "target_unreachable")

    @pytest.mark.parametrize(
        ("status", "verdict"),
        [
            *((status, Verdict.ACCEPTED) for status in (200, 202, 204)),
            (409, Verdict.ALREADY_LOADED),
            *((status, Verdict.REFUSED) for status in (400, 413, 415, 422)),
            *((status, Verdict.FAILED) for status in (500, 501)),
            *((status, Verdict.STOP) for status in (401, 403, 404, 405, 408, 429, 502, 503, 504)),
        ],
    )
    def test_what_an_answer_means(self, status: int, verdict: Verdict) -> None:
        sent = derms_score.read_answer(answer(status, b"why"))

        assert sent.verdict is verdict
        assert (sent.fault is not None) == (verdict in (Verdict.STOP, Verdict.FAILED))

    def test_a_wrong_address_is_ours_to_set_right(self) -> None:
        fault = derms_score.read_answer(answer(404)).fault

        assert fault is not None
        assert fault.type is FaultType.TECHNICAL


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("SDCSE_1.csv", 'attachment; filename="SDCSE_1.csv"'),
        ('SDCSE"1.csv', "attachment; filename=\"SDCSE_1.csv\"; filename*=UTF-8''SDCSE%221.csv"),
        ("SDCSE_é.csv", "attachment; filename=\"SDCSE__.csv\"; filename*=UTF-8''SDCSE_%C3%A9.csv"),
        ("SDCSE\r\nX: y.csv", "attachment; filename=\"SDCSE__X: y.csv\"; filename*=UTF-8''SDCSE%0D%0AX%3A%20y.csv"),
    ],
)
def test_the_name_is_quoted(name: str, header: str) -> None:
    assert derms_score.content_disposition(name) == header
