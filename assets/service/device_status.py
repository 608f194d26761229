"""X1-CtrlDvcStatusCheckResp: the answer to a device status check (`integration.md` 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from assets import refusals
from assets.operations import status_checks
from assets.refusals import BusinessRefusal
from assets.service.views import Refusal, ServiceView, read_document


_LONGEST = 30
_RESULTS = (status_checks.SUCCESS, status_checks.FAILURE)


class DeviceStatusResponse(ServiceView):
    """`…/controllableDeviceStatus/response`."""

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Take the answer."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """Give the status that the communication has now, and its id."""
        identifier, result = _read(read_document(request))
        try:
            communication = status_checks.answer(
                identifier=identifier, result=result, by=request.user.get_username(), at=timezone.now()
            )
        except BusinessRefusal as refusal:
            unknown = refusal.number == refusals.NOT_KNOWN
            status = HTTPStatus.NOT_FOUND if unknown else HTTPStatus.BAD_REQUEST
            raise Refusal(str(refusal), number=refusal.number, status=status) from None
        return {"boStatus": communication.status, "communicationId": communication.identifier}


def _read(document: Any) -> tuple[str, str]:
    detail = document.get("responseDetail") if isinstance(document, Mapping) else None
    if not isinstance(detail, Mapping):
        raise Refusal("responseDetail is required.", number=refusals.NOT_VALID)
    # The REST reference says transactionID, the mapping guide transactionId (`integration.md` 3.5).
    identifier = detail.get("transactionID") or detail.get("transactionId")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= _LONGEST:
        raise Refusal(f"transactionID is required and has at most {_LONGEST} characters.", number=refusals.NOT_VALID)
    result = detail.get("result")
    status = result.get("status") if isinstance(result, Mapping) else None
    if status not in _RESULTS:
        raise Refusal(f"result.status is one of {', '.join(_RESULTS)}.", number=refusals.NOT_VALID)
    return identifier, str(status)
