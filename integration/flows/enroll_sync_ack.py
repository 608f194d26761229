"""
Enroll Sync Ack: DERMS acknowledges a sync request by itself (`integration.md` 3.3, C-21).

The acknowledgement goes into the same queue, to the same service of DACS, as the one that Enrollment Sync queues: a
sync request has one of them, whoever is first.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from integration.flows import applied_overlays, enroll_ack_message
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Outcome, Reply
from integration.flows.enroll_ack_message import EnrollAck
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Run
from integration.operations import sync_acknowledgements
from lookups.queries import UnableToReadProperty, UnknownLookup
from outbound.operations.messages import MessageIdReused, UnableToQueueMessage
from outbound.retry import FaultType


class EnrollSyncAck:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> EnrollAck:
        """
        Check the acknowledgement.

        :raises MessageRefused: when it does not fit.
        """
        return enroll_ack_message.read(document)

    def identifiers(self, accepted: EnrollAck) -> list[tuple[str, str]]:
        """Give the sync request."""
        return [("syncRequestId", accepted.sync_request_id)]

    def recall(self, accepted: EnrollAck, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when this very acknowledgement came before.

        :raises MessageKeyReused: when the sync request was acknowledged with another body.
        """
        run_id = sync_acknowledgements.known(acknowledgement=accepted)
        if run_id is None:
            return None
        body = msgspec.json.encode(_accepted(str(run_id), accepted))
        return Reply(status=202, body=body, run_id=str(run_id), repeated=True)

    def claim(self, accepted: EnrollAck, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Note the acknowledgement for its sync request.

        :raises MessageKeyReused: when the sync request was acknowledged with another body.
        """
        sync_acknowledgements.claim(acknowledgement=accepted, run_id=run_id, at=at)

    def run(self, run: Run, accepted: EnrollAck) -> Outcome:
        """Do the work, step by step."""
        fault = None
        with run.step("Queue the acknowledgement") as step:
            at = run.clock()
            try:
                row, queued = sync_acknowledgements.queue_for_derms(acknowledgement=accepted, at=at)
            except (UnableToQueueMessage, MessageIdReused, UnableToReadProperty, UnknownLookup) as error:
                fault = Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))
                step.fail(fault)
            except OverlayFailed as error:
                fault = applied_overlays.fault_of(error)
                step.fail(fault)
            else:
                if queued:
                    run.overlay_of(sync_acknowledgements.MAPPING, at=at, step=step)
                step.note({"messageId": row.ack_message_id, "hasError": row.ack_has_error, "queued": queued})
                if not queued:
                    other = row.ack_has_error is not (accepted.code is not AckCode.SUCCESS)
                    said = "with the other outcome " if other else ""
                    step.warn(f"The sync request was acknowledged {said}before: it is not acknowledged again")
        return Outcome(
            document=_accepted(str(run.row.pk), accepted),
            status=202,
            ack_type="SUCCESS" if fault is None else "FAILURE",
            fault=fault,
            notify=fault is not None,
        )


def _accepted(run_id: str, accepted: EnrollAck) -> dict[str, str]:
    return {"instanceId": run_id, "messageId": accepted.sync_request_id, "ackType": "SUCCESS"}


FLOW = EnrollSyncAck()
