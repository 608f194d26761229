"""
The part of DERMS that sends: `drms_parameters` and `drms_outbound_messages`, with the rule by which it retries.

A message is NEW, then SENT (202), SUCCESS (a positive answer or acknowledgement) or FAIL. It is sent again while
`status = 'FAIL' and num_retries < MAX_RETRIES`, each time after twice the time, and `num_retries` counts these sends.
A person who resends sets both back.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests


MAX_WAIT_SECONDS = 15 * 60.0
_TIMEOUT_SECONDS = 300.0
_URL_OF_TYPE = {
    "ENROLL": "OIC_ENROLL_URL",
    "STATUS-ACK": "OIC_STATUS_ACK_URL",
    "RESERVATION": "OIC_RESERVE_DEVICE_URL",
    "CANCELLATION": "OIC_EVENT_CANCEL_URL",
    "OUTCOME": "OIC_EVENT_OUTCOME_DACS_URL",
}
_SECRET = "OIC_PASS"  # noqa: S105  the name of a parameter
_PARAMETERS = {*_URL_OF_TYPE.values(), "OIC_USER", _SECRET, "MAX_RETRIES"}


class UnableToQueue(Exception):
    """A message or parameter that the tables cannot hold; the text says why."""


@dataclass(slots=True, kw_only=True)
class OutboundRow:
    """One row of `drms_outbound_messages`."""

    message_id: str
    message_type: str
    payload: dict[str, Any]
    attachment: str = ""
    status: str = "NEW"
    num_retries: int = 0
    sends: int = 0
    last_error: str = ""
    due: float = 0.0
    in_hand: bool = False
    answers: list[int] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Give the row as the control API shows it."""
        return {
            "messageId": self.message_id,
            "messageType": self.message_type,
            "status": self.status,
            "num_retries": self.num_retries,
            "sends": self.sends,
            "last_error": self.last_error,
            "answers": list(self.answers),
        }


class OutboundTable:
    """The two tables and the thread that works on them; it starts with the first message."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._rows: dict[str, OutboundRow] = {}
        self._parameters: dict[str, Any] = {}
        self._retry_seconds = 30.0
        self.reset()

    def reset(self) -> None:
        """Forget all messages and parameters."""
        with self._condition:
            self._rows = {}
            self._parameters = {"MAX_RETRIES": 3}
            self._retry_seconds = 30.0

    def state(self) -> dict[str, Any]:
        """Give parameters, without the password, and messages."""
        with self._condition:
            shown = {name: value for name, value in self._parameters.items() if name != _SECRET}
            rows = [row.as_document() for row in self._rows.values()]
            return {"parameters": shown, "retrySeconds": self._retry_seconds, "outboundMessages": rows}

    def set_parameters(self, parameters: dict[str, Any]) -> None:
        """
        Set rows of `drms_parameters`.

        :raises UnableToQueue: when one is unknown or MAX_RETRIES is no number.
        """
        unknown = set(parameters) - _PARAMETERS
        if unknown:
            raise UnableToQueue(f"Unknown parameter: {', '.join(sorted(unknown))}.")
        retries = parameters.get("MAX_RETRIES", 0)
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise UnableToQueue("MAX_RETRIES is a whole number from 0.")
        with self._condition:
            self._parameters.update(parameters)
            self._condition.notify()

    def set_retry_seconds(self, seconds: Any) -> None:
        """
        Set the wait before the first retry; each further one is twice as long, at most 15 minutes.

        :raises UnableToQueue: when it is no number.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise UnableToQueue("retrySeconds is a number from 0.")
        with self._condition:
            self._retry_seconds = float(seconds)

    def send(self, message: dict[str, Any]) -> None:
        """
        Add a message, to be sent at once.

        :raises UnableToQueue: when its id is taken, or its type or payload makes no sense.
        """
        row = _row(message)
        with self._condition:
            if row.message_id in self._rows:
                raise UnableToQueue(f"Message {row.message_id} is there already: resend it.")
            self._rows[row.message_id] = row
            self._wake()

    def resend(self, message_id: str) -> None:
        """
        Set status and num_retries of a message back, so that it is sent again.

        :raises UnableToQueue: when there is none.
        """
        with self._condition:
            row = self._rows.get(message_id)
            if row is None:
                raise UnableToQueue(f"There is no message {message_id}.")
            row.status, row.num_retries, row.last_error, row.due = "NEW", 0, "", 0.0
            self._wake()

    def acknowledged(self, message_id: str, *, ack_type: str) -> None:
        """Take the acknowledgement of a message: a negative one makes it fail."""
        with self._condition:
            row = self._rows.get(message_id)
            if row is not None:
                self._settle(row, error="" if ack_type == "SUCCESS" else f"Acknowledged with {ack_type}")
                self._condition.notify()

    # The sender

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="drms-outbound", daemon=True)
            self._thread.start()
        self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                row = self._next()
                if row is None:
                    self._condition.wait(self._until_next())
                    continue
                if row.status == "FAIL":
                    row.num_retries += 1
                row.status, row.in_hand = "SENT", True
                row.sends += 1
                url = str(self._parameters.get(_URL_OF_TYPE[row.message_type], ""))
                user, password = (str(self._parameters.get(name, "")) for name in ("OIC_USER", _SECRET))
            status, error = _post(url, row, credentials=(user, password))
            with self._condition:
                row.in_hand = False
                row.answers.append(status)
                # An acknowledgement may have come before the answer to the message itself.
                if row.status == "SENT" and (error or status == 200):
                    self._settle(row, error=error)

    def _settle(self, row: OutboundRow, *, error: str) -> None:
        row.status, row.last_error = ("FAIL", error) if error else ("SUCCESS", "")
        row.due = time.monotonic() + min(self._retry_seconds * 2**row.num_retries, MAX_WAIT_SECONDS)

    def _waiting(self) -> list[OutboundRow]:
        most = int(self._parameters["MAX_RETRIES"])
        return [
            row
            for row in self._rows.values()
            if not row.in_hand and (row.status == "NEW" or (row.status == "FAIL" and row.num_retries < most))
        ]

    def _next(self) -> OutboundRow | None:
        now = time.monotonic()
        return next((row for row in self._waiting() if row.due <= now), None)

    def _until_next(self) -> float | None:
        due = [row.due for row in self._waiting()]
        return max(0.0, min(due) - time.monotonic()) if due else None


def _row(message: dict[str, Any]) -> OutboundRow:
    payload, attachment = message.get("payload"), message.get("attachment", "")
    message_type = str(message.get("messageType") or "")
    message_id = str(message.get("messageId") or (payload or {}).get("messageId") or "")
    if message_type not in _URL_OF_TYPE:
        raise UnableToQueue(f"messageType is one of {', '.join(sorted(_URL_OF_TYPE))}.")
    if not message_id or not isinstance(payload, dict) or not isinstance(attachment, str):
        raise UnableToQueue("A message has a messageId, a payload and, if it needs one, an attachment as text.")
    return OutboundRow(message_id=message_id, message_type=message_type, payload=payload, attachment=attachment)


def _post(url: str, row: OutboundRow, *, credentials: tuple[str, str]) -> tuple[int, str]:
    """Send one message; give the status (0 when there was none) and what was wrong."""
    if not url:
        return 0, f"drms_parameters has no {_URL_OF_TYPE[row.message_type]}"
    body: dict[str, Any] = {"json": row.payload}
    if row.attachment:
        name = str(row.payload.get("fileName") or f"{row.message_id}.csv")
        body = {
            "files": {
                "request": (None, json.dumps(row.payload), "application/json"),
                "file": (name, row.attachment.encode(), "text/csv"),
            }
        }
    try:
        with requests.Session() as session:
            session.trust_env = False
            if credentials[0]:
                session.auth = credentials
            answer = session.post(url, timeout=_TIMEOUT_SECONDS, **body)
            document = answer.json() if answer.content else {}
    except (requests.RequestException, ValueError) as error:
        return 0, str(error)[:500]
    if answer.status_code >= 300:
        return answer.status_code, f"HTTP {answer.status_code}: {answer.text[:300]}"
    ack = document.get("ackType", "SUCCESS") if isinstance(document, dict) else "FAILURE"
    return answer.status_code, "" if ack == "SUCCESS" else f"Answered with {ack}"
