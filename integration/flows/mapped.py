"""
The smallest flow: one message, one mapping, one target. A site's own flows begin here (`docs/how-to/add-a-flow.md`).

A subclass says which members a message has, which of them tells messages apart, what becomes of a message, and where
that is sent. Everything else is the same as in any flow: the message is stored before the target is called, the same
message gets the same answer, steps and exchanges are kept, faults are reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from integration.flows import fault_answers, peer_calls
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Finding, MessageRefused, Outcome, Reply
from integration.flows.fault_answers import Stopped
from integration.flows.peer_calls import Call
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import message_keys
from lookups.queries import Found, UnknownColumn, UnknownLookup
from outbound import queries as outbound_queries
from outbound.retry import FaultType, classify_status
from outbound.transports import rest
from outbound.transports.base import TransportError


_LONGEST_KEY = 120
_Result = TypeVar("_Result")


class UnableToMap(Exception):
    """The message cannot be mapped; `stop` says why, and what its caller gets."""

    def __init__(self, stop: Stopped) -> None:
        super().__init__(stop.fault.reason)
        self.stop = stop


class MappedFlow:
    """A flow of one mapping and one target; see `integration.flows.contract.PackagedFlow`."""

    target = ""
    """The name of the connection that is called."""

    path = ""
    """Below the base address of the connection."""

    method = "POST"
    key = "messageId"
    """The member that tells messages apart; the same one with another body is refused."""

    required: tuple[str, ...] = ()
    """Members that a message has, as texts, besides the key."""

    def mapped(self, run: Run, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Give what is sent to the target.

        :raises UnableToMap: when the message has no counterpart there.
        """
        raise NotImplementedError

    def answer(self, message: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Give what the caller gets when the target has taken it."""
        return {self.key: message[self.key], "ackType": str(AckCode.SUCCESS)}

    def accept(self, document: Any) -> Mapping[str, Any]:
        """
        Check the message.

        :raises MessageRefused: when a member is missing, or is no text.
        """
        if not isinstance(document, Mapping):
            raise MessageRefused("The message is an object.")
        findings = [
            Finding(pointer=f"/{name}", code="required", message=f"{name} is a text that is not empty.")
            for name in (self.key, *self.required)
            if not isinstance(document.get(name), str) or not document[name].strip()
        ]
        if not findings and len(document[self.key]) > _LONGEST_KEY:
            message = f"{self.key} has at most {_LONGEST_KEY} characters."
            findings = [Finding(pointer=f"/{self.key}", code="too_long", message=message)]
        if findings:
            raise MessageRefused("The message is not complete.", findings=findings)
        return document

    def identifiers(self, accepted: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Give the key, by which the run is found."""
        return [(self.key, accepted[self.key])]

    def recall(self, accepted: Mapping[str, Any], *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when the target has this very message.

        :raises MessageKeyReused: when its key came with another body.
        :raises MessageInProgress: when it is being worked on.
        """
        return message_keys.answered(flow_id=flow_id, name=self.key, value=accepted[self.key], digest=digest, at=at)

    def claim(self, accepted: Mapping[str, Any], *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the key for this run; a person's replay or resubmission takes it whatever came before.

        :raises MessageKeyReused: when its key came with another body.
        :raises MessageInProgress: when another run holds it.
        """
        if not again:
            message_keys.claim(flow_id=flow_id, name=self.key, value=accepted[self.key], run_id=run_id, at=at)

    def run(self, run: Run, accepted: Mapping[str, Any]) -> Outcome:
        """Map the message and send it, each in a step of its own."""
        with run.step("Map the message") as step:
            document = _kept(step, lambda: self.mapped(run, accepted))
        if isinstance(document, Stopped):
            return self._stopped(run, accepted, document)
        with run.step(f"Send to {self.target}") as step:
            call = _kept(step, lambda: self._send(step, document, key=accepted[self.key]))
        if isinstance(call, Stopped):
            return self._stopped(run, accepted, call)
        return Outcome(document=self.answer(accepted, call), ack_type=str(AckCode.SUCCESS))

    def translate(self, run: Run, *, table: str, source: str, value: str, target: str, pointer: str) -> str:
        """
        Translate a value of the message with a lookup, held still for the whole run.

        :raises UnableToMap: when the lookup does not have it: a business fault that names the table and the value.
        """
        try:
            found = run.table(table).translate(source=source, value=value, target=target, strict=False)
        except (UnknownLookup, UnknownColumn) as error:
            raise UnableToMap(fault_answers.configuration(error)) from None
        if found.found is not Found.FOUND or not found.result:
            raise UnableToMap(fault_answers.not_in_lookup(table=table, name=source, value=value, pointer=pointer))
        return found.result

    def _stopped(self, run: Run, accepted: Mapping[str, Any], stop: Stopped) -> Outcome:
        return fault_answers.stopped(stop, run_id=str(run.row.pk), message_id=accepted[self.key])

    def _send(self, step: Step, document: Mapping[str, Any], *, key: str) -> Call:
        try:
            client = rest.client(outbound_queries.connection(self.target))
        except outbound_queries.UnknownConnection as error:
            raise UnableToMap(fault_answers.configuration(error)) from None
        except TransportError as error:
            fault, status = peer_calls.fault_of(error, peer=self.target)
            raise UnableToMap(Stopped(fault=fault, status=status)) from None
        call = peer_calls.call(
            client=client, peer=self.target, method=self.method, path=self.path, document=document, idempotency_key=key
        )
        stop = self._stop_of(call)
        step.exchange(
            request=call.request, response=call.response, label=key, succeeded=stop is None, media_type=call.media_type
        )
        if stop is not None:
            raise UnableToMap(stop)
        return call

    def _stop_of(self, call: Call) -> Stopped | None:
        if call.fault is not None:
            return Stopped(fault=call.fault, status=call.caller_status)
        if HTTPStatus.OK <= call.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        reason = peer_calls.status_text(call.status, peer=self.target)
        if classify_status(call.status) is FaultType.BUSINESS:
            fault = Fault(type=FaultType.BUSINESS, code=str(call.status), reason=reason)
            return Stopped(fault=fault, status=HTTPStatus.BAD_REQUEST, refused=True)
        fault = Fault(type=FaultType.REMOTE, code=str(call.status), reason=reason)
        return Stopped(fault=fault, status=HTTPStatus.BAD_GATEWAY)


def _kept(step: Step, work: Callable[[], _Result]) -> _Result | Stopped:
    # The step tells why it failed; the run goes on to answer its caller.
    try:
        return work()
    except UnableToMap as error:
        step.fail(error.stop.fault)
        return error.stop
