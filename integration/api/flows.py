"""Where peers call flows: at the guide's addresses and at the short ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation import correlation
from foundation.api.problems import (
    CONTENT_TYPE,
    FileRejected,
    IdempotencyKeyReused,
    InvalidBody,
    Problem,
    RequestInProgress,
    Unavailable,
)
from integration.api import documents, problems, uploads
from integration.choices import Pattern
from integration.flows import registry
from integration.flows.contract import (
    ConfigurationMissing,
    FileMissing,
    FileRefused,
    MessageInProgress,
    MessageKeyReused,
    MessageRefused,
)
from integration.operations import messages, scheduled_runs
from integration.operations.flows import FlowNotAvailable


# A target that is down is asked again by its breaker after about this time.
_RETRY_AFTER_SECONDS = "30"


class FlowCall(APIView):
    """A message for a flow."""

    rights = {"POST": ["integration.call_flow"]}
    identifier = ""
    uri = ""

    def call(self, request: Request, identifier: str, uri: str) -> HttpResponse:
        """Hand the message over and give the flow's answer as it is."""
        with uploads.body_of(request) as body:
            return self._handled(request, identifier, uri, body)

    def _handled(self, request: Request, identifier: str, uri: str, body: uploads.Body) -> HttpResponse:
        with _refusals():
            reply = messages.handle_message(
                identifier=identifier,
                uri=uri,
                document=body.document,
                raw=body.raw,
                attachment=body.attachment,
                media_type=request.content_type or "application/json",
                account=request.user,
                correlation_id=correlation.current(),
                clock=timezone.now,
            )
        kind = CONTENT_TYPE if reply.status >= 400 else "application/json"
        response = HttpResponse(reply.body, status=reply.status, content_type=kind)
        if reply.status == 503:
            response["Retry-After"] = _RETRY_AFTER_SECONDS
        response["X-Flow-Run"] = reply.run_id
        if reply.location:
            response["Location"] = reply.location
        if reply.repeated:
            response["Idempotency-Replayed"] = "true"
        return response


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Answer what an operation refuses with its problem document."""
    try:
        yield
    except messages.FlowUnknown as error:
        raise problems.FlowNotFound(str(error)) from None
    except FlowNotAvailable as error:
        raise problems.FlowNotAvailable(str(error)) from None
    except messages.FlowNotActive as error:
        raise problems.FlowNotActive(str(error)) from None
    except messages.FlowPaused as error:
        raise problems.FlowPaused(str(error), headers={"Retry-After": "60"}) from None
    except MessageRefused as error:
        raise InvalidBody(str(error), **problems.business(error.findings, error.message_id)) from None
    except (FileMissing, FileRefused) as error:
        raise _file_problem(error) from None
    except ConfigurationMissing as error:
        raise Unavailable(str(error), headers={"Retry-After": _RETRY_AFTER_SECONDS}) from None
    except MessageKeyReused as error:
        raise IdempotencyKeyReused(str(error), **problems.business(error.findings, error.message_id)) from None
    except (MessageInProgress, scheduled_runs.RunInProgress) as error:
        raise RequestInProgress(str(error)) from None


def _file_problem(error: FileMissing | FileRefused) -> Problem:
    if isinstance(error, FileMissing):
        return problems.MediaTypeRefused(str(error))
    extra = {"faultType": "BUSINESS", "messageId": error.message_id}
    return FileRejected(str(error), errors=error.errors, extra=extra)


class AnyFlow(FlowCall):
    """Every address of the two trees that is not written out: short names, folded codes, flows of later versions."""

    @extend_schema(exclude=True)
    def post(self, request: Request, identifier: str, uri: str = "", family: str = "") -> HttpResponse:
        """Hand the message over."""
        if _runs_by_hand(identifier, uri):
            return _start(request, identifier)
        return self.call(request, identifier, uri)


class ScheduledRun(FlowCall):
    """A scheduled flow, run by hand."""

    def call(self, request: Request, identifier: str, uri: str) -> HttpResponse:
        """Start a run and say which it is; a worker takes it."""
        return _start(request, identifier)

    @extend_schema(
        tags=["flows"],
        summary="Run now",
        description=(
            "Starts a run of a scheduled flow; a worker takes it. `Location` names the run. At most one run of a "
            "flow is in progress at a time."
        ),
        request=None,
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Stored; a worker takes it"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("A run of the flow is in progress"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Start a run."""
        return self.call(request, self.identifier, self.uri)


def _start(request: Request, identifier: str) -> HttpResponse:
    with _refusals():
        run = scheduled_runs.start_scheduled(
            identifier=identifier,
            by=request.user,
            by_hand=True,
            message=request.data,
            at=timezone.now(),
        )
    response = JsonResponse({"instanceId": str(run.pk), "ackType": "SUCCESS"}, status=202)
    response["Location"] = reverse("flow-run", args=[run.pk])
    response["X-Flow-Run"] = str(run.pk)
    return response


def _runs_by_hand(identifier: str, uri: str) -> bool:
    try:
        declaration = registry.find(identifier)
    except registry.UnknownFlow:
        return False
    return declaration.pattern == Pattern.SCHEDULED and declaration.serves(uri)


class EnrollmentRequest(FlowCall):
    """Enrollment Request, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Enrollment Request",
        description=(
            "A collection of enrollments for DACS. Each record gets its answer in the order of the request; "
            "`ackType` is the worst of them. The same messageId with the same body gets the original answer."
        ),
        request={"application/json": documents.ENROLLMENT_COLLECTION},
        responses={
            200: OpenApiResponse(response=documents.MESSAGE_ACKNOWLEDGEMENT, description="Processed"),
            400: documents.problem("Malformed, empty, or without one valid record"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("A messageId with another body, or one that is being worked on"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Enroll."""
        return self.call(request, self.identifier, self.uri)


class EventDeviceReservation(FlowCall):
    """Event Device Reservation, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Event Device Reservation",
        description=(
            "An event with a CSV file of devices to reserve, as the parts `request` and `file` of multipart/form-data "
            "(multipart/mixed is taken too). Request and file are checked to the end and stored before the answer; "
            "what became of them comes once, as an acknowledgement to DERMS."
        ),
        request={"multipart/form-data": documents.EVENT_DEVICE_RESERVATION},
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Stored"),
            400: documents.problem("Malformed, a part is missing, or the request is not valid"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("The same messageId with another request or file"),
            413: documents.problem("The file is larger than the limit"),
            415: documents.problem("Not multipart, or a part of another kind"),
            422: documents.problem("The file is refused, or not one row of it is valid"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Reserve."""
        return self.call(request, self.identifier, self.uri)


class EventOutcome(FlowCall):
    """Event Outcome, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Event Outcome",
        description=(
            "A CSV file of what became of each device in its events, with its request, as the parts `request` and "
            "`file` of multipart/form-data (multipart/mixed is taken too). One file may hold several events. Both are "
            "checked to the end and stored before the answer; what became of them comes once, as an acknowledgement "
            "to DERMS."
        ),
        request={"multipart/form-data": documents.EVENT_OUTCOME},
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Stored"),
            400: documents.problem("Malformed, a part is missing, or the request is not valid"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("The same messageId with another request or file"),
            413: documents.problem("The file is larger than the limit"),
            415: documents.problem("Not multipart, or a part of another kind"),
            422: documents.problem("The file is refused, or not one row of it is valid"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Tell outcomes."""
        return self.call(request, self.identifier, self.uri)


class PreEventCancel(FlowCall):
    """Pre-Event Cancel, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Pre-Event Cancel",
        description=(
            "Cancels an event before it starts, with all its reservations. The answer is the acknowledgement: its one "
            "entry has the eventId as `id`. An event that is cancelled already gives SUCCESS."
        ),
        request={"application/json": documents.PRE_EVENT_CANCEL},
        responses={
            200: OpenApiResponse(response=documents.MESSAGE_ACKNOWLEDGEMENT, description="Processed"),
            400: documents.problem("Malformed"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("A messageId with another body, or an event that is being cancelled"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Cancel."""
        return self.call(request, self.identifier, self.uri)


_UPSTREAM = {
    400: documents.problem("Malformed, without a way to its division, or refused by the target"),
    404: documents.problem("The flow is not active"),
    409: documents.problem("The id with another body, or one that is being worked on"),
    502: documents.problem("The target could not process it, or answered nonsense"),
    503: documents.problem("The target cannot be reached"),
    504: documents.problem("The target did not answer in time"),
}


class EnrollmentSync(FlowCall):
    """Enrollment Sync, DACS to DERMS."""

    @extend_schema(
        tags=["flows"],
        summary="Enrollment Sync",
        description=(
            "An enrollment, unenrollment or device replacement for DERMS. The acknowledgement goes to DACS later, also "
            "when DERMS refuses the data. The same syncRequestId with the same body gets the original answer."
        ),
        request={"application/json": documents.ENROLLMENT_SYNC},
        responses={
            200: OpenApiResponse(response=documents.EXTERNAL_ID, description="DERMS has it, or refused its data"),
            **_UPSTREAM,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Synchronize."""
        return self.call(request, self.identifier, self.uri)


class EnrollSyncAck(FlowCall):
    """Enroll Sync Ack, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Enroll Sync Ack",
        description="DERMS acknowledges a sync request by itself. A sync request has one acknowledgement.",
        request={"application/json": documents.ENROLL_ACK},
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Queued"),
            400: documents.problem("Malformed"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("The sync request was acknowledged with another body"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Acknowledge."""
        return self.call(request, self.identifier, self.uri)


class DeviceStatusCheck(FlowCall):
    """Device Status Check, DACS to DERMS."""

    @extend_schema(
        tags=["flows"],
        summary="Device Status Check",
        description=(
            "Asks DERMS how a device is. The answer comes later, through Device Status Ack; a check that has none "
            "after `deviceStatusCheck.ackTimeout` is overdue."
        ),
        request={"application/json": documents.STATUS_CHECK},
        responses={200: OpenApiResponse(response=documents.EXTERNAL_ID, description="DERMS has it"), **_UPSTREAM},
    )
    def post(self, request: Request) -> HttpResponse:
        """Ask."""
        return self.call(request, self.identifier, self.uri)


class DeviceStatusAck(FlowCall):
    """Device Status Ack, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Device Status Ack",
        description=(
            "DERMS answers a status check. SUCCESS and FAILURE are both answers; `ackType` says whether DACS has it."
        ),
        request={"application/json": documents.STATUS_ANSWER},
        responses={
            200: OpenApiResponse(response=documents.STATUS_ACKNOWLEDGEMENT, description="Processed"),
            400: documents.problem("Malformed"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("The check was answered with another body, or is being answered"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer."""
        return self.call(request, self.identifier, self.uri)


class SiteFlow(FlowCall):
    """A flow of the site's own."""

    @extend_schema(
        tags=["flows"],
        summary="Flow of the site",
        description="A flow that a module of the site declares (TIELINE_FLOWS); its own pages say what it takes.",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, description="Processed"),
            202: OpenApiResponse(OpenApiTypes.OBJECT, description="Stored; a worker goes on with it"),
            **_UPSTREAM,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Hand the message over."""
        if _runs_by_hand(self.identifier, self.uri):
            return _start(request, self.identifier)
        return self.call(request, self.identifier, self.uri)


class ReceiveMessage(FlowCall):
    """Common Error Handler."""

    @extend_schema(
        tags=["flows"],
        summary="Common Error Handler",
        description="An integration reports a fault. People are told at once, then in digests; one thread per cause.",
        request={"application/json": documents.ERROR_MESSAGE},
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Stored"),
            400: documents.problem("Malformed"),
            404: documents.problem("The flow is not active"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Report."""
        return self.call(request, self.identifier, self.uri)


CALLS: dict[str, Any] = {
    "device_status_ack": DeviceStatusAck,
    "device_status_check": DeviceStatusCheck,
    "enroll_sync_ack": EnrollSyncAck,
    "enrollment_sync": EnrollmentSync,
    "enrollment_request": EnrollmentRequest,
    "device_score": ScheduledRun,
    "device_score_object_storage": ScheduledRun,
    "error_handler": ReceiveMessage,
    "event_device_reservation": EventDeviceReservation,
    "event_outcome": EventOutcome,
    "ouai_enrollment_ack": ScheduledRun,
    "pre_event_cancel": PreEventCancel,
}
