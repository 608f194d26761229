"""X1-ProgramEventParticipation: reservations, cancellations and outcomes of events (`integration.md` 3.6 to 3.8)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from assets import refusals
from assets.choices import EventCategory, ParticipationOutcome
from assets.operations import participations
from assets.service.views import Refusal, ServiceView
from foundation.api.decoding import DoesNotFit, convert


MOST_ROWS = 2_000
"""What a hub puts into a segment at most (`integration.md` 3.6)."""

Event = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Nic = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
HeadEnd = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Text = Annotated[str, msgspec.Meta(max_length=100)]
Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Body = TypeVar("Body")


class ReservedDevice(msgspec.Struct, rename="camel"):
    """One row of `deviceList`; a time that is left out is the event's."""

    nic_id: Nic
    head_end_system: HeadEnd
    reservation_start_date_time: Instant | None = None
    reservation_end_date_time: Instant | None = None


class ReserveBody(msgspec.Struct, rename="camel"):
    """The body of `reserveDevice`."""

    event_external_identifier: Event
    event_type: EventCategory
    event_start_date_time: Instant
    event_end_date_time: Instant
    device_list: Annotated[list[ReservedDevice], msgspec.Meta(min_length=1, max_length=MOST_ROWS)]


class CancelBody(msgspec.Struct, rename="camel"):
    """The body of `preEventCancellation`."""

    event_external_identifier: Event
    cancel_message: Text | None = None


class PostedOutcome(msgspec.Struct, rename="camel"):
    """One row of `postOutcomeList`; from 24C on it names its event."""

    nic_id: Nic
    head_end_system: HeadEnd
    outcome: ParticipationOutcome
    event_external_identifier: Event | None = None
    participation_start_date_time: Instant | None = None
    participation_end_date_time: Instant | None = None
    error_message: Text | None = None


class OutcomeBody(msgspec.Struct, rename="camel"):
    """The body of `postEventOutcome`; a 23A caller names the event here."""

    post_outcome_list: Annotated[list[PostedOutcome], msgspec.Meta(min_length=1, max_length=MOST_ROWS)]
    event_external_identifier: Event | None = None


class ReserveDevice(ServiceView):
    """Reserve the devices of one segment, all or none."""

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Take the segment."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """
        Reserve the devices.

        :raises Refusal: when the body is not valid, a device is not enrolled, or the event is canceled.
        """
        body = _read(request, ReserveBody)
        if body.event_end_date_time <= body.event_start_date_time:
            raise Refusal("eventEndDateTime is not after eventStartDateTime.", number=refusals.EVENT_NOT_VALID)
        for index, row in enumerate(body.device_list):
            starts_at = row.reservation_start_date_time or body.event_start_date_time
            if (row.reservation_end_date_time or body.event_end_date_time) <= starts_at:
                raise Refusal(f"deviceList[{index}] does not end after its start.", number=refusals.EVENT_NOT_VALID)
        try:
            reserved = participations.reserve(
                event=body.event_external_identifier,
                category=body.event_type,
                starts_at=body.event_start_date_time,
                ends_at=body.event_end_date_time,
                reservations=[
                    participations.Reservation(
                        device=(row.head_end_system, row.nic_id),
                        starts_at=row.reservation_start_date_time,
                        ends_at=row.reservation_end_date_time,
                    )
                    for row in body.device_list
                ],
                at=timezone.now(),
            )
        except participations.DeviceNotEnrolled as error:
            raise Refusal(str(error), number=refusals.DEVICE_NOT_ENROLLED) from error
        except participations.EventCanceled as error:
            raise Refusal(str(error), number=refusals.EVENT_CANCELED) from error
        return {"eventExternalIdentifier": body.event_external_identifier, "reserved": reserved}


class PreEventCancellation(ServiceView):
    """Cancel an event before its start."""

    numbers: ClassVar[dict[type[Exception], int]] = {
        participations.EventUnknown: refusals.EVENT_NOT_KNOWN,
        participations.EventStarted: refusals.EVENT_STARTED,
    }

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Take the cancellation."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """
        Cancel the event with all its reservations; once more changes nothing.

        :raises Refusal: when the body is not valid, the event is not known, or has started.
        """
        body = _read(request, CancelBody)
        try:
            participations.cancel(
                event=body.event_external_identifier, message=body.cancel_message or "", at=timezone.now()
            )
        except participations.UnableToCancel as error:
            raise Refusal(str(error), number=self.numbers[type(error)]) from error
        return {"eventExternalIdentifier": body.event_external_identifier, "status": "CANCELED"}


class PostEventOutcome(ServiceView):
    """Take outcomes; what is wrong with a device becomes a To Do instead of a fault."""

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Take the outcomes."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """
        Keep the outcomes.

        :raises Refusal: when the body is not valid; the event is named at the root or in each item, never in both.
        """
        body = _read(request, OutcomeBody)
        root = body.event_external_identifier
        for index, row in enumerate(body.post_outcome_list):
            if (row.event_external_identifier is None) == (root is None):
                raise Refusal(
                    f"eventExternalIdentifier is not valid: postOutcomeList[{index}] has none of its own, or the root"
                    " has one too.",
                    number=refusals.EVENT_NOT_VALID,
                )
            first, last = row.participation_start_date_time, row.participation_end_date_time
            if first is not None and last is not None and last < first:
                raise Refusal(f"postOutcomeList[{index}] ends before its start.", number=refusals.EVENT_NOT_VALID)
        participations.report(
            outcomes=[
                participations.Outcome(
                    event=row.event_external_identifier or root or "",
                    device=(row.head_end_system, row.nic_id),
                    outcome=row.outcome,
                    participated_from=row.participation_start_date_time,
                    participated_to=row.participation_end_date_time,
                    message=row.error_message or "",
                )
                for row in body.post_outcome_list
            ],
            at=timezone.now(),
        )
        where = {} if root is None else {"eventExternalIdentifier": root}
        return {**where, "posted": len(body.post_outcome_list)}


def _read(request: Request, kind: type[Body]) -> Body:
    """
    Give the body of a request.

    :raises Refusal: naming the first member that does not fit.
    """
    try:
        return convert(request.data, kind)
    except DoesNotFit as error:
        raise Refusal(f"{error.pointer or '/'}: {error}", number=refusals.EVENT_NOT_VALID) from error
