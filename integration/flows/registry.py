"""
Every packaged integration with its code, names and addresses (`api.md` 5, `integration.md` 1.1).

Plain declarations. A flow without a module is known, shown, and not available in this version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


RESERVED_URIS = frozenset({"activate", "deactivate"})


class UnknownFlow(LookupError):
    """No packaged integration has this code or name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """
    What a flow is, apart from what a site sets.

    `identifier` is the guide's code verbatim (C-06); `uris` are the last segments that it is served at, where an
    empty one means the address ends with the version (both uris of C-27); `module` is where it is built.
    """

    name: str
    identifier: str
    display_name: str
    pattern: str
    direction: str
    uris: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    module: str | None = None
    idempotent: bool = False
    # A one-way flow that is worked on before its caller is answered; others are answered 202 and wait for a worker.
    inline: bool = False

    @property
    def deferred(self) -> bool:
        """Whether its caller is answered before the work is done."""
        return self.pattern == "ASYNC" and not self.inline

    @property
    def available(self) -> bool:
        """Whether this version can run it."""
        return self.module is not None

    def serves(self, uri: str) -> bool:
        """Whether the flow is served at this last segment, whatever its case."""
        return uri.lower() in {served.lower() for served in self.uris}


DECLARATIONS: tuple[Declaration, ...] = (
    Declaration(
        name="enrollment_request",
        identifier="OUTL-BA-DRMS_DACS_ENROLLRQ",
        display_name="OU DERMS DACS Enrollment Request",
        aliases=("Oracle Utilities NMS-DERMS DACS Enrollment Request",),
        pattern="SYNC",
        direction="DERMS → DACS",
        uris=("enroll-to-dacs",),
        module="integration.flows.enrollment_request",
        # DACS answers a transactionId that it has with message 10589, which counts as success (C-43).
        idempotent=True,
    ),
    Declaration(
        name="enrollment_sync",
        identifier="OUTL-BA-DACS_DRMS_ENROLL_SYNC",
        display_name="OU DACS NMS-DERMS Enrollment Sync",
        pattern="SYNC",
        direction="DACS → DERMS",
        uris=("enroll", ""),
        module="integration.flows.enrollment_sync",
        # DERMS knows a sync by its dacsMessageId, and the whole state of the subscription is in it.
        idempotent=True,
    ),
    Declaration(
        name="enroll_sync_ack",
        identifier="OUTL-BA-DRMS_DACS_SYNC_ACK",
        display_name="OU DERMS DACS Enroll Sync Ack",
        aliases=("Oracle Utilities NMS-DERMS DACS Enrollment Sync Ack",),
        pattern="ASYNC",
        direction="DERMS → DACS",
        uris=("sendEnrollAck",),
        module="integration.flows.enroll_sync_ack",
        # All that it does is to put the acknowledgement into the queue.
        inline=True,
    ),
    Declaration(
        name="device_status_check",
        identifier="OUTL-BA-DACS_DRMS_DEVICE_STATUS",
        display_name="OU DACS NMS-DERMS Device Status Check",
        aliases=("Oracle Utilities DACS NMS-DERMS Device Status",),
        pattern="SYNC",
        direction="DACS → DERMS",
        uris=("status-check", ""),
        module="integration.flows.device_status_check",
        # Asking how a device is changes nothing.
        idempotent=True,
    ),
    Declaration(
        name="device_status_ack",
        identifier="OUTL-BA-DRMS_DACS_DEV_STAT_ACK",
        display_name="OU DERMS DACS Device Status Ack",
        pattern="SYNC",
        direction="DERMS → DACS",
        uris=("status-check-ack-to-dacs",),
        module="integration.flows.device_status_ack",
        # DACS keeps one answer per communication.
        idempotent=True,
    ),
    Declaration(
        name="event_device_reservation",
        identifier="OUTL_BA_DRMS_DACS_EVT_DVCRESV",
        display_name="OU DERMS DACS Event Device Reserve",
        aliases=("Event Device Reservation", "Event Dvc Reserve"),
        pattern="ASYNC",
        direction="DERMS → DACS",
        uris=("event-reservation-to-dacs", "reserveDevice"),
        module="integration.flows.event_device_reservation",
    ),
    Declaration(
        name="pre_event_cancel",
        identifier="OUTL_BA_DRMS_DACS_PRE_EVENT_CANC",
        display_name="OU DERMS DACS Pre-Event Cancel",
        pattern="SYNC",
        direction="DERMS → DACS",
        uris=("event-cancellation-to-dacs", "preEventCancel"),
        module="integration.flows.pre_event_cancel",
        # The ledger knows which events DACS cancelled: it is not asked twice.
        idempotent=True,
    ),
    Declaration(
        name="device_score",
        identifier="OUTL-BA-DRMS_DACS_SEND_DVCSCORE",
        display_name="OU DACS DERMS Device Score FTP Transfer",
        aliases=("Send Device Score",),
        pattern="SCHEDULED",
        direction="DACS → DERMS",
        uris=("run",),
        module="integration.flows.device_score",
    ),
    Declaration(
        name="device_score_object_storage",
        identifier="OUTL-BA-DRMS_DACS_SEND_DVCSCOREC",
        display_name="OU DACS DERMS Device Score OS Transfer",
        aliases=("Send Device Score",),
        pattern="SCHEDULED",
        direction="DACS → DERMS",
        uris=("run",),
        module="integration.flows.device_score_object_storage",
    ),
    Declaration(
        name="event_outcome",
        identifier="OUTL-BA-DRMS_DACS_EVT_OUTC_TRNFR",
        display_name="OU DERMS DACS Event Outcome Process",
        aliases=("Event Outcome Transfer",),
        pattern="ASYNC",
        direction="DERMS → DACS",
        uris=("event-outcome-to-dacs", "eventOutcome"),
        module="integration.flows.event_outcome",
    ),
    Declaration(
        name="ouai_enrollment_ack",
        identifier="OUTL-BA-OUAI_DACS_ENROLL_ACK",
        display_name="OU OUAI DACS EnrollmentAck OS Process",
        pattern="SCHEDULED",
        direction="OUAI → DACS",
        uris=("run",),
        module="integration.flows.ouai_enrollment_ack",
    ),
    Declaration(
        name="error_handler",
        identifier="OUTL-BA-DACS_DRMS_ERROR",
        display_name="OU DACS NMS-DERMS Common Error Handler",
        aliases=("CommonErrorHandler",),
        pattern="ASYNC",
        direction="flows → people",
        uris=("receiveMessage",),
        module="integration.flows.error_handler",
        inline=True,
    ),
)


def fold(code: str) -> str:
    """Give the form in which codes are compared: hyphens as underscores, one case (C-06)."""
    return code.replace("-", "_").casefold()


_BY_CODE: Mapping[str, Declaration] = {
    fold(code): declaration for declaration in DECLARATIONS for code in (declaration.identifier, declaration.name)
}


def find(code: str) -> Declaration:
    """
    Give the flow with this code or short name.

    :raises UnknownFlow: when there is none.
    """
    try:
        return _BY_CODE[fold(code)]
    except KeyError:
        raise UnknownFlow(f"There is no flow {code}.") from None
