"""Sync requests for tests: the way to the hub, and each step of a request's life."""

from __future__ import annotations

import datetime as dt
from typing import Any

from assets.models import ProgramSubscription, SyncRequest
from assets.operations import sync_answers, sync_batch
from assets.operations.sync_answers import Acknowledgement
from outbound.choices import MessageFault, MessageStatus
from outbound.models import ExternalSystem, OutboundMessage, OutboundMessageType
from outbound.operations.message_ends import settle
from tests.factories.assets import NOW, make_program, make_subscription, switch_on
from tests.factories.messages import make_system, make_type


ENROLL_PATH = "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll"
MINUTE = dt.timedelta(minutes=1)


def prepare() -> None:
    """Switch the DACS side on, with a queue that knows the way to the hub."""
    switch_on()
    if not OutboundMessageType.objects.filter(code="X1-NMSDASMSG").exists():
        make_type("X1-NMSDASMSG", path=ENROLL_PATH)
    OutboundMessageType.objects.filter(code="X1-NMSDASMSG").update(path=ENROLL_PATH)
    if not ExternalSystem.objects.filter(name="HUB").exists():
        make_system("HUB")


def subscribe(number: int = 1, **values: Any) -> ProgramSubscription:
    """Store an active subscription; what its making captured is left as it is."""
    program = values.pop("program", None) or make_program(f"PROGRAM-{number}")
    return make_subscription(number, program=program, **values)


def told(number: int = 1, **values: Any) -> ProgramSubscription:
    """Store an active subscription that the DERMS was told of as it stands."""
    subscription = subscribe(number, **values)
    run()
    acknowledge(deliver(latest(subscription)))
    return subscription


def run(at: dt.datetime = NOW) -> dict[str, int]:
    """Run F1-SYNRQ, give its counts."""
    done = sync_batch.run(at=at)
    return done.counts if done else {}


def latest(subscription: ProgramSubscription) -> SyncRequest:
    """Give the newest request of a subscription."""
    return SyncRequest.objects.filter(subscription=subscription).latest("pk")


def message_of(request: SyncRequest) -> OutboundMessage:
    """Give the message of a request's last try."""
    return OutboundMessage.objects.get(message_id=request.message_id)


def deliver(request: SyncRequest, *, at: dt.datetime = NOW) -> SyncRequest:
    """Let the hub take the message."""
    return _settle(request, MessageStatus.SUCCESS, at=at)


def fail_delivery(
    request: SyncRequest,
    *,
    status: MessageStatus = MessageStatus.FAIL,
    fault: str = MessageFault.REMOTE,
    tried: int = 1,
) -> SyncRequest:
    """Let the queue give up."""
    message = message_of(request)
    for number in range(1, tried + 1):
        message.attempts.create(number=number, outcome="FAILED", started_at=NOW)
    return _settle(request, status, fault_type=fault, last_error="HTTP 502 of the hub")


def acknowledge(request: SyncRequest, *, exceptions: tuple[str, ...] = (), at: dt.datetime = NOW) -> SyncRequest:
    """Take an acknowledgement."""
    key = request.sync_request_id
    document = {"syncRequestId": key, "hasError": bool(exceptions)}
    return sync_answers.acknowledge(
        acknowledgement=Acknowledgement(
            sync_request_id=key,
            exceptions=exceptions,
            external_ids=[{"entity": "DERMS-ENROLLMENT", "externalPk1": f"NMS1:{key}"}],
            document=document,
        ),
        by="tieline",
        at=at,
    )


def again(request: SyncRequest) -> SyncRequest:
    """Read a request afresh."""
    return SyncRequest.objects.get(pk=request.pk)


def _settle(request: SyncRequest, status: MessageStatus, at: dt.datetime = NOW, **facts: Any) -> SyncRequest:
    message = message_of(again(request))
    assert settle(message, token=None, status=status, at=at, **facts)
    # A test in a transaction commits nothing, so it tells the end itself; hearing it twice changes nothing.
    sync_answers.message_settled(message=OutboundMessage.objects.get(pk=message.pk), status_of_message=status, at=at)
    return again(request)
