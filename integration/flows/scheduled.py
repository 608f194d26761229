"""What scheduled flows share: the little message that starts one, and how a run tells that it is not set up."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.dispatch import after_commit
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Finding, MessageRefused, Outcome, Reply
from integration.flows.file_queue import Source
from integration.flows.run import Run
from lookups.queries import UnableToReadProperty, UnknownLookup
from outbound.queries import UnknownConnection
from outbound.retry import FaultType


RUN_TASK = "integration.tasks.run_scheduled_flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Why it runs. A person who waits for it gets new files in the same run, not in one a little later."""

    by_hand: bool = False


class ScheduledFlow:
    """What is alike in all scheduled flows; see `integration.flows.contract.PackagedFlow`."""

    name = ""

    def source(self) -> Source:
        """Give where the flow's files lie."""
        raise NotImplementedError

    def run(self, run: Run, accepted: Call) -> Outcome:
        """Do the work, step by step."""
        raise NotImplementedError

    def accept(self, document: Any) -> Call:
        """
        Read the message that starts a run: nothing, or an object that says `byHand`.

        :raises MessageRefused: when it is anything else.
        """
        if document in (None, "", {}):
            return Call()
        if not isinstance(document, Mapping):
            raise MessageRefused("The message that starts a run is an object, or nothing.")
        findings = [
            Finding(pointer=f"/{name}", code="unknown", message="This is not known here.")
            for name in document
            if name != "byHand"
        ]
        if not isinstance(document.get("byHand", False), bool):
            findings.append(Finding(pointer="/byHand", code="type", message="It is true or false."))
        if findings:
            raise MessageRefused("The message that starts a run may say byHand and nothing else.", findings=findings)
        return Call(by_hand=document.get("byHand", False))

    def identifiers(self, accepted: Call) -> Sequence[tuple[str, str]]:
        """Give none: a run is known by its time."""
        return []

    def recall(self, accepted: Call, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """Give none: each start is a run of its own."""
        return None

    def claim(self, accepted: Call, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """Take nothing: files are claimed one by one, when it is their turn."""


class Configured:
    """Whether a run is set up; `failure` is its end when it is not."""

    failure: Outcome | None = None


@contextlib.contextmanager
def configured(run: Run) -> Iterator[Configured]:
    """Read what a run needs; what is missing becomes the run's technical fault, in a step of its own."""
    state = Configured()
    try:
        yield state
    except (UnknownConnection, UnknownLookup, UnableToReadProperty) as error:
        fault = Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))
        with run.step("Read the configuration") as step:
            step.fail(fault)
        state.failure = stopped(run, fault)


def stopped(run: Run, fault: Fault) -> Outcome:
    """Give the end of a run that could do nothing; people hear of it."""
    document = {"instanceId": str(run.row.pk), "ackType": str(AckCode.FAILURE)}
    return Outcome(document=document, ack_type=str(AckCode.FAILURE), fault=fault, notify=True)


def somebody_waits(run: Run, call: Call) -> bool:
    """Whether a person started the run and waits for its end."""
    return call.by_hand or run.row.requested_by_id is not None


def look_again(flow: str, *, seconds: float) -> None:
    """Have the flow run once more when new files have had their time; no worker waits for them."""
    after_commit(RUN_TASK, countdown=seconds + 1.0, identifier=flow)
