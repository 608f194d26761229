"""F1-SyncRequest: the acknowledgement of a sync request, and where one stands (`integration.md` 3.3, 8.3)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from assets import refusals, sync_queries
from assets.models import SyncRequest
from assets.operations import sync_answers
from assets.operations.sync_answers import Acknowledgement
from assets.service.views import Refusal, ServiceView
from foundation.api.decoding import DoesNotFit, convert
from foundation.api.problems import Problem
from foundation.times import format_instant


_Text254 = Annotated[str, msgspec.Meta(max_length=254)]
_Text2000 = Annotated[str, msgspec.Meta(max_length=2000)]
_Key = Annotated[str, msgspec.Meta(max_length=60)]
_UNSAID = "The DERMS refused it without saying why"


class _Parameter(msgspec.Struct):
    messageParameterValue: _Text2000 | None = None  # noqa: N815


class _Exception(msgspec.Struct):
    messageCategory: int | str | None = None  # noqa: N815
    messageNumber: int | str | None = None  # noqa: N815
    comments: _Text254 | None = None
    messageParameters: list[_Parameter] | None = None  # noqa: N815

    def text(self) -> str:
        """Give what it says: its comments, or else its parameters, with the number of the message."""
        parameters = [one.messageParameterValue for one in self.messageParameters or [] if one.messageParameterValue]
        said = self.comments or ", ".join(parameters) or _UNSAID
        return f"{said} ({self.messageCategory}/{self.messageNumber})" if self.messageNumber else said


class _ExternalId(msgspec.Struct):
    entity: _Key
    externalPk1: _Key | None = None  # noqa: N815
    externalPk2: _Key | None = None  # noqa: N815
    externalPk3: _Key | None = None  # noqa: N815
    externalPk4: _Key | None = None  # noqa: N815
    externalPk5: _Key | None = None  # noqa: N815


class _Update(msgspec.Struct):
    """F1-UpdateSyncRequest; members that are not known here are let pass."""

    syncRequestId: str | None = None  # noqa: N815
    hasError: bool = False  # noqa: N815
    exceptionInfo: list[_Exception] | None = None  # noqa: N815
    externalIds: list[_ExternalId] | None = None  # noqa: N815


class SyncRequestService(ServiceView):
    """`…/common/sync/syncRequest/{syncRequestId}`."""

    @extend_schema(exclude=True)
    def get(self, request: Request, sync_request_id: str) -> HttpResponse:
        """Tell where a sync request stands."""
        return self.answer(request, sync_request_id=sync_request_id)

    @extend_schema(exclude=True)
    def patch(self, request: Request, sync_request_id: str) -> HttpResponse:
        """Take the acknowledgement of a sync request."""
        return self.answer(request, sync_request_id=sync_request_id)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """Give the sync request as it stands, after the acknowledgement when one came."""
        key = path["sync_request_id"]
        try:
            if request.method != "PATCH":
                return _document(sync_queries.sync_request(sync_request_id=key))
            row = sync_answers.acknowledge(
                acknowledgement=_acknowledgement(request, key), by=request.user.get_username(), at=timezone.now()
            )
        except sync_queries.UnknownSyncRequest as error:
            raise Refusal(str(error), number=refusals.NOT_KNOWN, status=HTTPStatus.NOT_FOUND) from None
        except sync_answers.NotAwaited as error:
            raise Refusal(
                str(error), number=refusals.ALREADY_EXISTS if error.repeated else refusals.WRONG_STATE
            ) from None
        return _document(row)


def _acknowledgement(request: Request, sync_request_id: str) -> Acknowledgement:
    try:
        body = request.data
        update = convert(body, _Update)
    except Problem as error:
        raise Refusal(str(error.detail), number=refusals.NOT_VALID, status=error.status_code) from None
    except DoesNotFit as error:
        raise Refusal(f"{error.pointer or '/'}: {error}", number=refusals.NOT_VALID) from None
    if update.syncRequestId not in (None, sync_request_id):
        text = f"/syncRequestId: {update.syncRequestId[:60]!a} is not the request that is addressed"
        raise Refusal(text, number=refusals.NOT_VALID)
    exceptions = [one.text() for one in update.exceptionInfo or []]
    return Acknowledgement(
        sync_request_id=sync_request_id,
        exceptions=exceptions or ([_UNSAID] if update.hasError else []),
        external_ids=[
            {name: value for name, value in msgspec.structs.asdict(one).items() if value is not None}
            for one in update.externalIds or []
        ],
        document=dict(body),
    )


def _document(row: SyncRequest) -> dict[str, Any]:
    return {
        "syncRequestId": row.sync_request_id,
        "status": str(row.status),
        "businessObject": "X1-NMSDigitalAssetCustSync",
        "maintenanceObject": "D1-US",
        "primaryKeyValue1": row.subscription.usage_subscription.identifier,
        "creationDateTime": format_instant(row.created_at),
        "externalIds": row.external_ids,
        "message": row.fault_text,
    }
