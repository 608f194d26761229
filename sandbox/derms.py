"""
DERMS: takes enrollments, status checks, acknowledgements and score files, and answers each with a MsgAck.

An enrollment without `contactInfo.cisPersonId` is refused with 200 and ackType ERROR, as DERMS does.

It also sends: `POST /_control/state` with `parameters` (rows of drms_parameters), `retrySeconds`, `send` (messages)
and `resend` (message ids); `sandbox/outbound_table.py` has the rule by which it retries. With `answerStatusChecks` it
answers each status check by itself, with a message STATUS-ACK.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest, UnableToReadJson, iso
from sandbox.outbound_table import OutboundTable, UnableToQueue
from sandbox.service import Action, Service, UnableToChangeState


_FILE_NAME = re.compile(r'filename="?([^";]+)"?')
_MAX_MESSAGES = 5_000


def message_ack(
    request: PeerRequest, *, code: str = "SUCCESS", value: str = "", dacs_message_id: str = "", message_id: str = ""
) -> dict[str, Any]:
    """Build a MsgAck of one response (`ackType`, `whenISO`, `responses`)."""
    when = iso(request.received_at)
    response = {"id": "1", "value": value, "responseCode": code, "responseTimeISO": when}
    if dacs_message_id:
        response["dacsMessageId"] = dacs_message_id
    if message_id:
        response["messageId"] = message_id
    return {"ackType": code, "whenISO": when, "responses": [response]}


class Derms(Service):
    """The grid-edge system, with the device head ends behind it."""

    name = "derms"
    title = "Sandbox: DERMS"

    def __init__(self) -> None:
        super().__init__()
        self.enrollments: dict[str, dict[str, Any]] = {}
        self.status_checks: list[str] = []
        self.reservation_acks: list[dict[str, Any]] = []
        self.outcome_acks: list[dict[str, Any]] = []
        self.score_files: dict[str, int] = {}
        self.outbound = OutboundTable()
        self.answer_with = ""

    def actions(self) -> Iterable[tuple[str, str, Action]]:
        """The operations of DERMS that the integration calls."""
        return (
            ("POST", "/enroll", self.enroll),
            ("POST", "/status-check", self.status_check),
            ("POST", "/event-reservation-ack", self.reservation_ack),
            ("POST", "/event-outcome-ack", self.outcome_ack),
            ("POST", "/device-score", self.device_score),
        )

    def answer(self, request: PeerRequest) -> PeerAnswer:
        """Answer, refusing a body that cannot be read with 400."""
        try:
            return super().answer(request)
        except UnableToReadJson as error:
            return _refused(request, str(error))

    def enroll(self, request: PeerRequest) -> PeerAnswer:
        """Take an enrollment, unenrollment or device replacement."""
        document = request.json_object()
        message = str(document.get("dacsMessageId") or "")
        if not message or not isinstance(document.get("subscriptionInfo"), dict):
            return _refused(request, "dacsMessageId and subscriptionInfo are required.")
        if not (document.get("contactInfo") or {}).get("cisPersonId"):
            return PeerAnswer(
                status=200,
                document=message_ack(request, code="ERROR", value="null CIS_PERSON_ID", dacs_message_id=message),
            )
        subscription = document["subscriptionInfo"]
        self.enrollments[message] = {
            "subscriptionId": subscription.get("subscriptionId"),
            "status": subscription.get("status"),
            "connectionId": ((document.get("connectivityProperties") or {}).get("plugin") or {}).get("connectionId"),
        }
        return PeerAnswer(status=200, document=message_ack(request, value="Enrolled", dacs_message_id=message))

    def status_check(self, request: PeerRequest) -> PeerAnswer:
        """Take a device status check; its outcome comes later, by a call of its own."""
        document = request.json_object()
        message = str(document.get("dacsMessageId") or "")
        if not message or not isinstance(document.get("deviceInfo"), dict):
            return _refused(request, "dacsMessageId and deviceInfo are required.")
        self._keep(self.status_checks, message)
        if self.answer_with:
            self._answer_check(message)
        return PeerAnswer(status=200, document=message_ack(request, value="Accepted", dacs_message_id=message))

    def reservation_ack(self, request: PeerRequest) -> PeerAnswer:
        """Take the one acknowledgement of a reservation file."""
        return self._take_ack(request, self.reservation_acks)

    def outcome_ack(self, request: PeerRequest) -> PeerAnswer:
        """Take the one acknowledgement of an outcome file."""
        return self._take_ack(request, self.outcome_acks)

    def device_score(self, request: PeerRequest) -> PeerAnswer:
        """Take a score file as bytes; the same file twice is refused with 409."""
        found = _FILE_NAME.search(request.headers.get("content-disposition", ""))
        if found is None or not request.body:
            return _refused(request, "The file or its name is missing.")
        name = found.group(1)
        if name in self.score_files:
            ack = message_ack(request, code="ERROR", value=f"{name} was loaded before")
            return PeerAnswer(status=409, document=ack)
        self.score_files[name] = len(request.body)
        ack = message_ack(request, value=name, message_id=request.headers.get("x-message-id", ""))
        return PeerAnswer(status=200, document=ack)

    def state(self) -> dict[str, Any]:
        """Everything that DERMS knows."""
        with self.lock:
            return {
                "replayed": self.replayed,
                "enrollments": dict(self.enrollments),
                "statusChecks": list(self.status_checks),
                "reservationAcks": list(self.reservation_acks),
                "outcomeAcks": list(self.outcome_acks),
                "scoreFiles": dict(self.score_files),
                "answerStatusChecks": self.answer_with,
                **self.outbound.state(),
            }

    def change(self, document: dict[str, Any]) -> None:
        """
        Set parameters, send messages, resend messages.

        Fields: `parameters` (an object), `retrySeconds`, `send` (messages), `resend` (message ids), and
        `answerStatusChecks` (SUCCESS, FAILURE or empty: somebody else does).
        """
        unknown = set(document) - {"parameters", "retrySeconds", "send", "resend", "answerStatusChecks"}
        if unknown:
            raise UnableToChangeState(f"Unknown: {', '.join(sorted(unknown))}.")
        answer = document.get("answerStatusChecks", self.answer_with)
        if answer not in ("SUCCESS", "FAILURE", ""):
            raise UnableToChangeState("answerStatusChecks is SUCCESS, FAILURE or empty.")
        self.answer_with = answer
        try:
            if "retrySeconds" in document:
                self.outbound.set_retry_seconds(document["retrySeconds"])
            self.outbound.set_parameters(document.get("parameters") or {})
            for message in document.get("send") or []:
                self.outbound.send(message)
            for message_id in document.get("resend") or []:
                self.outbound.resend(str(message_id))
        except UnableToQueue as error:
            raise UnableToChangeState(str(error)) from error

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            super().reset()
            self.enrollments.clear()
            self.status_checks.clear()
            self.reservation_acks.clear()
            self.outcome_acks.clear()
            self.score_files.clear()
            self.outbound.reset()
            self.answer_with = ""

    def _answer_check(self, message: str) -> None:
        payload = {"dacsMessageId": message, "responseCode": self.answer_with}
        ack = {"messageId": f"STATUS-ACK-{message}", "messageType": "STATUS-ACK", "payload": payload}
        # A check that comes again is answered already.
        with contextlib.suppress(UnableToQueue):
            self.outbound.send(ack)

    def _take_ack(self, request: PeerRequest, kept: list[dict[str, Any]]) -> PeerAnswer:
        document = request.json_object()
        message = str(document.get("messageId") or "")
        if not message or document.get("ackType") not in ("SUCCESS", "ERROR", "FAILURE"):
            return _refused(request, "messageId and ackType are required.")
        self._keep(kept, document)
        self.outbound.acknowledged(message, ack_type=document["ackType"])
        return PeerAnswer(status=200, document=message_ack(request, value="Accepted", message_id=message))

    def _keep(self, kept: list[Any], entry: Any) -> None:
        kept.append(entry)
        del kept[:-_MAX_MESSAGES]


def _refused(request: PeerRequest, why: str) -> PeerAnswer:
    return PeerAnswer(status=400, document=message_ack(request, code="ERROR", value=why))
