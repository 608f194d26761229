"""What every address of the service shares: the switch, who may call, and how DACS words a refusal."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from assets import queries
from assets.refusals import NOT_VALID
from foundation.api.problems import Problem


CATEGORY = 11104
"""The message category of DACS's program messages (`integration.md` 3.3)."""


class Refusal(Exception):
    """The service refuses a request; `number` is that of the server message (`integration.md` 2.4)."""

    def __init__(self, detail: str, *, number: int, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(detail)
        self.number = number
        self.status = status


SWITCHED_OFF = 11300


class ServiceView(APIView):
    """One address of the service. A subclass has `handle(request, **path)` and gives the answer's document."""

    rights = {"GET": ["assets.use_service"], "POST": ["assets.use_service"], "PATCH": ["assets.use_service"]}

    def answer(self, request: Request, **path: Any) -> HttpResponse:
        """Give the document of `handle`, or the refusal as DACS words it."""
        if not queries.is_on():
            return problem(
                request,
                Refusal(
                    f"The DACS side is switched off (property {queries.SWITCH}).",
                    number=SWITCHED_OFF,
                    status=HTTPStatus.SERVICE_UNAVAILABLE,
                ),
            )
        try:
            return JsonResponse(self.handle(request, **path), json_dumps_params={"ensure_ascii": False})
        except Refusal as refusal:
            return problem(request, refusal)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """
        Do what the address is for.

        :raises Refusal: when it cannot be done.
        """
        raise NotImplementedError


class HealthCheck(ServiceView):
    """F1-HealthCheckREST (`integration.md` 3.12)."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Say whether the service may be used."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """Say that it may be used: what is not well has been refused before this."""
        return {"overallHealthCheckStatus": "OK"}


def read_document(request: Request) -> Any:
    """
    Give a request's body.

    :raises Refusal: when it is no JSON, or holds what cannot be stored.
    """
    try:
        return request.data
    except Problem as error:
        raise Refusal(str(error.detail), number=NOT_VALID, status=error.status_code) from None


def problem(request: HttpRequest | Request, refusal: Refusal) -> HttpResponse:
    """Give a `problemDetailDocument` with the server message that names category and number."""
    at = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {
        "problemDetailDocument": {
            "title": HTTPStatus(refusal.status).phrase,
            "httpStatus": int(refusal.status),
            "detail": str(refusal),
            "problemType": f"/message/{CATEGORY}/{refusal.number}",
            "problemInstance": f"{request.path}#{at},TIELINE,{CATEGORY},{refusal.number},{request.method}",
            "serverMessage": {
                "category": CATEGORY,
                "number": refusal.number,
                "text": str(refusal),
                "callSequence": "",
                "programName": "",
            },
        }
    }
    return JsonResponse(document, status=refusal.status, content_type="application/problem+json")
