"""Messages for the outbound queue, sent by callers that insist until each is accepted."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults.world import World


PATH = "/api/v1/outbound-messages/"
ACK_AT_DERMS = "event-reservation-ack"
_CALLERS = 4
INSIST_SECONDS = 1_200.0
_PAUSE_SECONDS = 0.25
_TIMEOUT_SECONDS = 15.0


@dataclass
class MessageLoad:
    """
    `number` messages, spread over `seconds`; each caller repeats a message until it has been accepted.

    `accepted` says when; `refused` are answers that no caller should have got: neither 2xx nor 5xx.
    """

    world: World
    prefix: str
    number: int
    seconds: float
    accepted: dict[str, dt.datetime] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unavailable: int = 0

    def __post_init__(self) -> None:
        self.ids = [f"{self.prefix}-{index:06d}" for index in range(self.number)]
        self._threads: list[threading.Thread] = []
        self._next = iter(range(self.number))
        self._lock = threading.Lock()
        self._gave_up = threading.Event()

    def start(self) -> None:
        self.began = time.monotonic()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(_CALLERS)]
        for thread in self._threads:
            thread.start()

    def join(self, *, seconds: float) -> None:
        """Wait until everything is accepted; callers give up after some seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self._gave_up.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS + 1)

    def _call(self) -> None:
        client = self.world.product.client()
        while not self._gave_up.is_set():
            with self._lock:
                index = next(self._next, None)
            if index is None:
                return
            wait = self.began + self.seconds * index / self.number - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self._insist(client, self.ids[index])

    def _insist(self, client: Any, message_id: str) -> None:
        document = body(message_id)
        while not self._gave_up.is_set():
            try:
                answer = client.post(PATH, json=document, timeout=_TIMEOUT_SECONDS)
            except requests.RequestException:
                self.unavailable += 1
            else:
                if answer.status_code in (201, 202):
                    self.accepted[message_id] = dt.datetime.now(tz=dt.UTC)
                    return
                if answer.status_code < 500:
                    self.refused.append(f"{message_id}: {answer.status_code} {answer.text[:200]}")
                    return
                self.unavailable += 1
            time.sleep(_PAUSE_SECONDS)


def insist(call: Callable[[], requests.Response], *, accepted: tuple[int, ...]) -> requests.Response:
    """Call until the answer is one of those statuses, as a caller does whom a broken line or a 5xx does not impress."""
    deadline = time.monotonic() + INSIST_SECONDS
    while True:
        try:
            answer = call()
        except requests.RequestException as error:
            seen = str(error)
        else:
            if answer.status_code in accepted:
                return answer
            seen = f"{answer.status_code} {answer.text[:500]}"
            assert answer.status_code >= 500 or answer.status_code == 409, seen
        assert time.monotonic() < deadline, seen
        time.sleep(_PAUSE_SECONDS)


def body(message_id: str) -> dict[str, Any]:
    payload = {"messageId": message_id, "drmsInstanceId": "NMS1", "eventId": "EVT-1", "ackType": "SUCCESS"}
    return {"message_type": "RESERVATION-ACK", "external_system": "DERMS", "message_id": message_id, "payload": payload}
