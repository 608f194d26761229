"""
Enrollment Sync: DACS tells of a subscription, DERMS takes it or refuses it, DACS is acknowledged later.

The guide's processing details, step by step (`integration.md` 3.2): route by division; translate; call DERMS; store
its answer and queue the acknowledgement, in one transaction; give DACS its `externalId`. A refusal by DERMS is an
answer too, acknowledged as an error; a fault is told to DACS and to people, and nothing is acknowledged (C-20).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from integration.flows import dacs_messages, derms_calls, enrollment_sync_mapping, fault_answers
from integration.flows.contract import Outcome, Reply
from integration.flows.dacs_messages import SyncMessage
from integration.flows.derms_answers import DermsAnswer
from integration.flows.derms_calls import Site, Target
from integration.flows.enrollment_sync_mapping import DEVICE_LOCATION_STATUS
from integration.flows.fault_answers import Stopped
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import enrollment_syncs, sync_acknowledgements
from lookups.queries import UnableToReadProperty, UnknownColumn, UnknownLookup
from lookups.usage import register_use
from outbound.operations.messages import MessageIdReused, UnableToQueueMessage


NAME = "Enrollment Sync"
MAPPING = "enrollment_sync"
# Below the base address of the connection DERMS, which ends in /nms-drms/rest/v1.
ENROLL_PATH = "/enroll"
_LOCATION_COLUMNS = ("DACS_LOCATION_STATUS", "DRMS_LOCATION_STATUS")

derms_calls.uses_routing(NAME)
register_use(table=DEVICE_LOCATION_STATUS, used_by=NAME, columns=_LOCATION_COLUMNS)


class EnrollmentSync:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> SyncMessage:
        """
        Check the message.

        :raises MessageRefused: when it does not fit.
        """
        return dacs_messages.check_sync(document)

    def identifiers(self, accepted: SyncMessage) -> list[tuple[str, str]]:
        """Give the sync request and the subscription that it is about."""
        return [
            ("syncRequestId", accepted.sync_request_id),
            ("subscriptionId", accepted.subscription["subscriptionId"]),
        ]

    def recall(self, accepted: SyncMessage, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when this very sync request has one.

        :raises MessageKeyReused: when its id came with another body.
        :raises MessageInProgress: when it is being worked on.
        """
        row = enrollment_syncs.answered(message=accepted, at=at)
        if row is None:
            return None
        body = msgspec.json.encode(answer_to_dacs(accepted.sync_request_id))
        return Reply(status=200, body=body, run_id=str(row.run_id or ""), repeated=True)

    def claim(self, accepted: SyncMessage, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the sync request for this run.

        :raises MessageKeyReused: when its id came with another body.
        :raises MessageInProgress: when another run holds it.
        """
        enrollment_syncs.claim(message=accepted, run_id=run_id, again=again, at=at)

    def run(self, run: Run, accepted: SyncMessage) -> Outcome:
        """Do the work, step by step."""
        result = self._sync(run, accepted, started=time.monotonic())
        if isinstance(result, Stopped):
            enrollment_syncs.release(run=run.row, text=result.fault.reason, at=run.clock())
            return fault_answers.stopped(result, run_id=str(run.row.pk), message_id=accepted.sync_request_id)
        return Outcome(document=answer_to_dacs(accepted.sync_request_id), ack_type=str(result.code))

    def _sync(self, run: Run, message: SyncMessage, *, started: float) -> DermsAnswer | Stopped:
        with run.step("Route by division") as step:
            site = derms_calls.route(run, step, division=message.division, pointer="/sendDetails/locationInfo/division")
        if isinstance(site, Stopped):
            return site
        with run.step("Translate to DERMS") as step:
            document = _translated(run, step, message, site)
        if isinstance(document, Stopped):
            return document
        with run.step("Send to DERMS") as step:
            target = derms_calls.target(step)
            if isinstance(target, Stopped):
                return target
            answer = derms_calls.send(
                step,
                target=target,
                path=ENROLL_PATH,
                document=document,
                key=enrollment_syncs.delivery_key(message=message),
                started=started,
            )
        if isinstance(answer, Stopped):
            return answer
        with run.step("Schedule the acknowledgement") as step:
            return _settled(run, step, message, answer, site, target)


def answer_to_dacs(message_id: str) -> dict[str, Any]:
    """Give what DACS gets: its own id, as the one by which DERMS knows the request."""
    return {"responseDetails": {"externalId": message_id}}


def _translated(run: Run, step: Step, message: SyncMessage, site: Site) -> Mapping[str, Any] | Stopped:
    source, wanted = _LOCATION_COLUMNS
    try:
        statuses = run.table(DEVICE_LOCATION_STATUS)
        document, unknown = enrollment_sync_mapping.map_sync(
            message.details,
            connection_id=site.connection_id,
            location_status=lambda status: (
                statuses.translate(source=source, value=status, target=wanted, strict=False).result
            ),
        )
        overlaid = run.overlay(MAPPING, message=message.details, base=document, step=step)
    except (UnknownLookup, UnknownColumn) as error:
        stop = fault_answers.configuration(error)
        step.fail(stop.fault)
        return stop
    except OverlayFailed as error:
        stop = fault_answers.overlay_failed(error)
        step.fail(stop.fault)
        return stop
    step.count(devices=len(document["locationInfo"].get("controllableDevices") or []))
    if unknown:
        step.warn(f"Not in the lookup {statuses.name}, passed on as they are: {', '.join(unknown)}")
    return overlaid


def _settled(
    run: Run, step: Step, message: SyncMessage, answer: DermsAnswer, site: Site, target: Target
) -> DermsAnswer | Stopped:
    at = run.clock()
    try:
        row = enrollment_syncs.settle(
            run=run.row,
            message=message,
            code=answer.code,
            text=answer.text,
            drms_instance=site.instance,
            derms_acknowledges=target.acknowledges_syncs,
            at=at,
        )
    except (UnableToQueueMessage, MessageIdReused, UnableToReadProperty, UnknownLookup) as error:
        stop = fault_answers.configuration(error)
        step.fail(stop.fault)
        return stop
    except OverlayFailed as error:
        stop = fault_answers.overlay_failed(error)
        step.fail(stop.fault)
        return stop
    if row is None:
        step.warn("DERMS had taken this sync request before: it is not acknowledged again")
    elif not row.ack_message_id:
        step.warn("Nothing was queued: DERMS acknowledges it by itself")
    else:
        run.overlay_of(sync_acknowledgements.MAPPING, at=at, step=step)
        due = f"{row.ack_due_at:%Y-%m-%d %H:%M:%S} UTC" if row.ack_due_at else ""
        step.note({"messageId": row.ack_message_id, "hasError": row.ack_has_error, "notBefore": due})
    return answer


FLOW = EnrollmentSync()
