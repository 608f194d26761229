"""How DACS refuses: a `problemDetailDocument` with the server message that names category and number."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest, iso


CATEGORY = 11104
_BASE = "https://dacs.example"


def problem(
    request: PeerRequest, *, detail: str, number: int, text: str = "", status: int = 400, program: str = ""
) -> PeerAnswer:
    """Refuse a request as DACS does."""
    path = request.path.partition("?")[0]
    document: dict[str, Any] = {
        "problemDetailDocument": {
            "title": HTTPStatus(status).phrase,
            "httpStatus": status,
            "detail": detail,
            "problemType": f"{_BASE}/message/{CATEGORY}/{number}",
            "problemInstance": f"{_BASE}{path}#{iso(request.received_at)},SANDBOX,{CATEGORY},{number},{request.method}",
            "serverMessage": {
                "category": CATEGORY,
                "number": number,
                "text": text or detail,
                "callSequence": "",
                "programName": program,
            },
        }
    }
    return PeerAnswer(status=status, document=document, content_type="application/problem+json")
