"""
Enrollment Request: DERMS sends a collection, DACS gets each record, DERMS gets the answers in order.

The guide's processing details, step by step (`integration.md` 3.1): check the records; translate each; send each to
DACS's Program Enrollment; answer with the acknowledgement of all. A record that fails does not stop the others; a
target that is down does (C-19).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from integration.flows import enrollment_payload
from integration.flows.contract import Outcome, Reply
from integration.flows.enrollment_collection import Collection
from integration.flows.enrollment_payload import CheckedRecord
from integration.flows.run import Run
from integration.operations import enrollments
from integration.queries import answered_for_good


class EnrollmentRequest:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> list[CheckedRecord]:
        """
        Check the collection.

        :raises MessageRefused: when it is none, is empty, or holds no valid record.
        """
        return enrollment_payload.check_collection(document)

    def identifiers(self, accepted: Sequence[CheckedRecord]) -> list[tuple[str, str]]:
        """Give the messageIds in order."""
        return [("messageId", record.message_id) for record in accepted if record.message_id]

    def recall(self, accepted: Sequence[CheckedRecord], *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when every record of this very message is settled.

        :raises MessageKeyReused: when a messageId came with another body.
        :raises MessageInProgress: when one of them is being worked on.
        """
        known = enrollments.known_records(flow_id=flow_id, records=accepted, at=at)
        settled = (enrollments.is_settled(known.get(record.message_id)) for record in accepted if record.valid)
        return answered_for_good(flow_id=flow_id, digest=digest) if all(settled) else None

    def claim(
        self, accepted: Sequence[CheckedRecord], *, run_id: Any, flow_id: int, again: bool, at: dt.datetime
    ) -> None:
        """
        Take the messageIds for this run.

        :raises MessageKeyReused: when a messageId came with another body.
        :raises MessageInProgress: when another run holds one of them.
        """
        enrollments.claim_records(flow_id=flow_id, run_id=run_id, records=accepted, again=again, at=at)

    def run(self, run: Run, accepted: Sequence[CheckedRecord]) -> Outcome:
        """Do the work, step by step."""
        collection = Collection(run, accepted)
        with run.step("Check the records") as step:
            to_send = collection.check(step)
        with run.step("Translate to DACS") as step:
            mapped = collection.translate(step, to_send)
        if mapped:
            with run.step("Send to DACS") as step:
                collection.send(step, mapped)
        with run.step("Answer DERMS") as step:
            return collection.acknowledge(step)


FLOW = EnrollmentRequest()
