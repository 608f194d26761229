"""Sends an event through its whole life: enroll, sync, acknowledge, check, reserve, cancel or outcome, score."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from integration.demo import event_files
from integration.demo.client import DoorClosed, Doors, SandboxDacs, SandboxDerms, SandboxDrop
from integration.demo.enrollments import Enrollment


SYNC = "/api/v1/flows/OUTL-BA-DACS_DRMS_ENROLL_SYNC/enroll"
STATUS_CHECK = "/api/v1/flows/OUTL-BA-DACS_DRMS_DEVICE_STATUS/status-check"
STATUS_ACK = "/api/v1/flows/OUTL-BA-DRMS_DACS_DEV_STAT_ACK/status-check-ack-to-dacs"
RESERVE = "/api/v1/flows/OUTL_BA_DRMS_DACS_EVT_DVCRESV/event-reservation-to-dacs"
CANCEL = "/api/v1/flows/OUTL_BA_DRMS_DACS_PRE_EVENT_CANC/event-cancellation-to-dacs"
SCORE = "/api/v1/flows/OUTL-BA-DRMS_DACS_SEND_DVCSCORE/run"
OUTCOME = "/api/v1/flows/OUTL-BA-DRMS_DACS_EVT_OUTC_TRNFR/event-outcome-to-dacs"

DEVICES = 600
_WAIT_SECONDS = 45.0
_OUTCOMES = ("0", "0", "0", "3", "4")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeStep:
    """One step of the event's life: what should have come of it, what came, and how long that took."""

    step: str
    way: str
    expected: str
    seen: str
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether what came is what should have come."""
        return self.seen == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    step: str
    way: str
    expected: str
    act: Callable[[], str]


class EventLife:
    """An event's life through one product. Both peers have to be the sandbox's: real devices are not for a demo."""

    def __init__(
        self,
        *,
        doors: Doors,
        dacs: SandboxDacs,
        derms: SandboxDerms,
        drop: SandboxDrop | None,
        run: str,
        at: datetime,
        enrollment: Enrollment,
    ) -> None:
        self._doors = doors
        self._dacs = dacs
        self._derms = derms
        self._drop = drop
        self._run = run
        self._at = at
        self._enrollment = enrollment
        starts_at = at.replace(microsecond=0) + timedelta(days=1)
        self._event, self._cancelled = (
            event_files.DemoEvent(name=f"{run}-EVT-{number}", starts_at=starts_at, devices=event_files.devices(DEVICES))
            for number in (1, 2)
        )

    def live(self) -> Iterator[LifeStep]:
        """Go through the steps in order, giving each when it is done."""
        for step in self._steps():
            started = time.monotonic()
            try:
                seen = step.act()
            except DoorClosed as error:
                seen = str(error)[:200]
            yield LifeStep(
                step=step.step,
                way=step.way,
                expected=step.expected,
                seen=seen,
                seconds=time.monotonic() - started,
            )

    def _steps(self) -> Iterator[_Step]:
        reserved = f"SUCCESS, {DEVICES} devices"
        yield _Step(step="enroll", way="DERMS → DACS", expected="SUCCESS", act=self._enroll)
        yield _Step(step="sync", way="DACS → DERMS", expected="externalId answered", act=self._sync)
        yield _Step(step="sync acknowledged, later", way="→ DACS", expected="SYNCHRONIZED", act=self._sync_ack)
        yield _Step(step="device status check", way="DACS → DERMS", expected="externalId answered", act=self._check)
        yield _Step(step="device status", way="DERMS → DACS", expected="SUCCESS", act=self._check_ack)
        yield _Step(
            step="reserve event 1", way="DERMS → DACS", expected=reserved, act=lambda: self._reserve(self._event)
        )
        yield _Step(
            step="reserve event 2", way="DERMS → DACS", expected=reserved, act=lambda: self._reserve(self._cancelled)
        )
        yield _Step(step="cancel event 2", way="DERMS → DACS", expected="SUCCESS, CANCELED", act=self._cancel)
        yield _Step(step="outcome of event 1", way="DERMS → DACS", expected=reserved, act=self._outcome)
        if self._drop is not None:
            drop = self._drop
            yield _Step(
                step="device scores, by SFTP",
                way="DACS → DERMS",
                expected="loaded and renamed",
                act=lambda: self._score(drop),
            )

    # The steps

    def _enroll(self) -> str:
        return str(self._doors.enroll([self._enrollment.record])["ackType"])

    def _sync(self) -> str:
        key = self._key("15")
        self._dacs.change(syncRequests=[key])
        return self._external_id(SYNC, event_files.sync(key=key, run=self._run), key)

    def _sync_ack(self) -> str:
        def look() -> str:
            state = str(self._dacs.state()["syncRequests"][self._key("15")]["state"])
            return "" if state == "AWAITINGACK" else state

        return _wait(look)

    def _check(self) -> str:
        key = self._key("85")
        self._dacs.change(statusChecks=[key])
        return self._external_id(STATUS_CHECK, event_files.status_check(key=key), key)

    def _check_ack(self) -> str:
        key = self._key("85")
        ack = self._doors.send(STATUS_ACK, {"dacsMessageId": key, "responseCode": "SUCCESS"})
        known = self._dacs.state()["statusChecks"].get(key)
        return str(ack["ackType"]) if known == "SUCCESS" else f"DACS has {known!r}"

    def _reserve(self, event: event_files.DemoEvent) -> str:
        message = f"{self._run}-RSV-{event.name[-1]}"
        self._doors.send_file(RESERVE, event.reservation(message_id=message), event.reservation_rows())
        ack = self._acknowledged("reservationAcks", message)
        return f"{ack['ackType']}, {ack['successCount']} devices"

    def _cancel(self) -> str:
        ack = self._doors.send(CANCEL, self._cancelled.cancellation(message_id=f"{self._run}-CAN-2"))
        return f"{ack['ackType']}, {self._dacs.state()['events'][self._cancelled.name]['state']}"

    def _outcome(self) -> str:
        message = f"{self._run}-OUT-1"
        document = event_files.outcome(message_id=message, rows=DEVICES)
        self._doors.send_file(OUTCOME, document, self._event.outcome_rows(codes=_OUTCOMES))
        ack = self._acknowledged("outcomeAcks", message)
        return f"{ack['ackType']}, {ack['successCount']} devices"

    def _score(self, drop: SandboxDrop) -> str:
        name = f"SDCSE_{self._run}_00.csv"
        drop.put(name, event_files.score_file(count=DEVICES, at=self._at))
        self._doors.start(SCORE)

        def look() -> str:
            loaded = name in self._derms.state()["scoreFiles"]
            return "loaded and renamed" if loaded and f"Sent-{name}" in drop.names() else ""

        return _wait(look)

    # What they share

    def _key(self, prefix: str) -> str:
        """Give a key of 14 digits as DACS makes them."""
        return f"{prefix}{int(self._at.timestamp() * 100) % 10**12:012d}"

    def _external_id(self, path: str, document: dict[str, Any], key: str) -> str:
        answer = self._doors.send(path, document)
        found = answer.get("responseDetails", {}).get("externalId")
        return "externalId answered" if found == key else f"answered {answer}"

    def _acknowledged(self, kind: str, message_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            acks = self._derms.state()[kind]
            return next((ack for ack in acks if ack["messageId"] == message_id), {})

        return _wait(look)


def _wait(look: Callable[[], _Found]) -> _Found:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DoorClosed(f"nothing came within {_WAIT_SECONDS:.0f} s")
        time.sleep(0.2)
