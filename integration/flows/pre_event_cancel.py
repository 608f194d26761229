"""
Pre-Event Cancel: DERMS cancels an event before it starts, DACS cancels its reservations (`integration.md` 3.7).

The reply carries the acknowledgement, because DERMS offers no address for one (C-23). What may cross it on the way:

* the reservation file is being processed: its remaining segments are skipped, those on their way are waited for, and
  then DACS is called once;
* the event was never reserved, or has started: DACS refuses (or its start is known here), ERROR, never tried again;
* the event is cancelled already: SUCCESS without a second call;
* DACS cannot be reached or answers nonsense: FAILURE, an e-mail, and the same message may come again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from foundation.times import format_instant
from integration.choices import RunKind
from integration.flows import acknowledgements, applied_overlays, cancel_mapping, dacs_enrollment, dacs_participation
from integration.flows.acknowledgements import AckCode
from integration.flows.cancel_mapping import CancelRequest
from integration.flows.contract import Fault, Outcome, Reply
from integration.flows.dacs_participation import ParticipationAnswer
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import cancellations, held_events
from integration.queries import answered_for_good
from outbound import queries as outbound_queries
from outbound.retry import FaultType
from outbound.transports import rest
from outbound.transports.base import TransportError


CONNECTION = "DACS"
MAPPING = "pre_event_cancel"
# DERMS waits 300 s at most: so long may segments that are on their way take before the cancellation gives up.
WAIT_FOR_SEGMENTS_SECONDS = 200.0
POLL_SECONDS = 0.2


class PreEventCancel:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> CancelRequest:
        """
        Check the request.

        :raises MessageRefused: when it does not fit.
        """
        return cancel_mapping.check_request(document)

    def identifiers(self, accepted: CancelRequest) -> list[tuple[str, str]]:
        """Give the messageId, the event and the DRMS instance."""
        return [
            ("messageId", accepted.message_id),
            ("eventId", accepted.event_id),
            ("drmsInstanceId", accepted.drms_instance_id),
        ]

    def recall(self, accepted: CancelRequest, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when this very message is settled.

        :raises MessageKeyReused: when its key came with another body.
        :raises MessageInProgress: when it, or another cancellation of its event, is being worked on.
        """
        row = cancellations.known(request=accepted, at=at)
        return answered_for_good(flow_id=flow_id, digest=digest) if cancellations.is_settled(row) else None

    def claim(self, accepted: CancelRequest, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the message for this run, and hold its event.

        :raises MessageKeyReused: when its key came with another body.
        :raises MessageInProgress: when it, or another cancellation of its event, is being worked on.
        """
        cancellations.claim(request=accepted, run_id=run_id, again=again, at=at)

    def run(self, run: Run, accepted: CancelRequest) -> Outcome:
        """Do the work, step by step."""
        try:
            return _Cancelling(run, accepted).work()
        finally:
            cancellations.release(run_id=run.row.pk, at=run.clock())


class _Cancelling:
    """One cancellation on its way to its answer."""

    def __init__(self, run: Run, request: CancelRequest, *, wait: Callable[[float], None] = time.sleep) -> None:
        self._run = run
        self._request = request
        self._wait = wait
        self._code = AckCode.FAILURE
        self._value = ""
        self._fault: Fault | None = None

    def work(self) -> Outcome:
        with self._run.step("Check the event") as step:
            open_still = self._check(step)
        if open_still:
            with self._run.step("Stop the reservation") as step:
                open_still = self._stop_reservation(step)
        if open_still:
            with self._run.step("Send to DACS") as step:
                self._send(step)
        with self._run.step("Answer DERMS") as step:
            return self._acknowledge(step)

    def _check(self, step: Step) -> bool:
        """Answer what needs no call; give whether one is needed."""
        request = self._request
        if request.cut:
            step.note(
                {
                    "code": "cut",
                    "text": f"DACS gets the first {cancel_mapping.MAX_CANCEL_MESSAGE} characters of: {request.text}",
                }
            )
        earlier = cancellations.cancelled_by(drms_instance_id=request.drms_instance_id, event_id=request.event_id)
        if earlier is not None:
            self._code, self._value = AckCode.SUCCESS, f"Event {request.event_id} is cancelled already"
            step.note({"code": "already_cancelled", "text": f"by run {earlier.run_id}, messageId {earlier.message_id}"})
            return False
        own = cancellations.of_message(request=request)
        if cancellations.is_settled(own) and own is not None and self._run.row.kind != RunKind.REPLAY:
            self._code, self._value = AckCode(own.state), own.answer_value
            step.note({"code": "answered_before", "text": f"by run {own.run_id}"})
            return False
        start = held_events.known_start(drms_instance_id=request.drms_instance_id, event_id=request.event_id)
        if start is not None and start <= self._run.clock():
            self._code = AckCode.ERROR
            self._value = f"Event {request.event_id} started at {format_instant(start)}: too late to cancel it"
            step.warn(self._value)
            return False
        return True

    def _stop_reservation(self, step: Step) -> bool:
        """Skip what has not started, wait for what has; give whether all of it is at rest."""
        request = self._request
        waited_until = time.monotonic() + WAIT_FOR_SEGMENTS_SECONDS
        skipped = held_events.stop_reservations(
            drms_instance_id=request.drms_instance_id,
            event_id=request.event_id,
            fault=cancellations.why_held(event_id=request.event_id, message_id=request.message_id),
            at=self._run.clock(),
        )
        while True:
            running = held_events.running_segments(
                drms_instance_id=request.drms_instance_id, event_id=request.event_id, at=self._run.clock()
            )
            if not running:
                step.count(skipped_segments=skipped)
                return True
            if not self._run.heartbeat():
                reason = self._run.ended_because
                break
            if time.monotonic() >= waited_until:
                reason = f"{running} reservation segments of event {request.event_id} are still on their way"
                break
            self._wait(POLL_SECONDS)
        self._fail(Fault(type=FaultType.TECHNICAL, code="reservation_running", reason=reason), step)
        step.count(skipped_segments=skipped, running_segments=running)
        return False

    def _send(self, step: Step) -> None:
        try:
            connection = outbound_queries.connection(CONNECTION)
            client = rest.client(connection)
        except outbound_queries.UnknownConnection as error:
            self._fail(Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error)), step)
            return
        except TransportError as error:
            self._fail(dacs_enrollment.fault_of(error), step)
            return
        if not self._run.heartbeat():
            self._fail(Fault(type=FaultType.TECHNICAL, code="ended", reason=self._run.ended_because), step)
            return
        try:
            document = self._run.overlay(
                MAPPING, message=self._request.message, base=cancel_mapping.map_request(self._request), step=step
            )
        except OverlayFailed as error:
            self._fail(applied_overlays.fault_of(error), step)
            return
        answer = dacs_participation.call(
            client=client,
            service_path=dacs_participation.base_path(connection.options),
            operation=dacs_participation.CANCEL,
            document=document,
            idempotency_key=f"{self._request.drms_instance_id}/{self._request.message_id}",
        )
        self._record(answer, step)

    def _record(self, answer: ParticipationAnswer, step: Step) -> None:
        step.exchange(
            request=answer.request,
            response=answer.response,
            label=self._request.event_id,
            succeeded=answer.succeeded,
            media_type=answer.media_type,
        )
        self._code = answer.code
        self._value = answer.value or f"Event {self._request.event_id} cancelled"
        step.count(status=answer.status)
        if answer.fault is not None:
            self._fail(answer.fault, step)
        elif not answer.succeeded:
            step.warn(answer.value)

    def _fail(self, fault: Fault, step: Step) -> None:
        self._code, self._value, self._fault = AckCode.FAILURE, fault.reason, fault
        step.fail(fault)

    def _acknowledge(self, step: Step) -> Outcome:
        at = self._run.clock()
        cancellations.settle(run_id=self._run.row.pk, code=self._code, value=self._value, at=at)
        if self._code is AckCode.SUCCESS:
            held_events.mark_cancelled(
                drms_instance_id=self._request.drms_instance_id, event_id=self._request.event_id, at=at
            )
        entry = acknowledgements.response(
            code=self._code,
            answer_id=self._request.event_id,
            value=self._value,
            message_id=self._request.message_id,
            dacs_message_id="",
            at=at,
        )
        step.count(**{str(self._code): 1})
        return Outcome(
            document=acknowledgements.message_acknowledgement(responses=[entry], at=at),
            ack_type=self._code,
            counts={str(self._code): 1},
            fault=self._fault,
            notify=self._fault is not None,
        )


FLOW = PreEventCancel()
