"""
Every packaged integration with its code, names and addresses (`api.md` 5, `integration.md` 1.1).

Plain declarations. A flow without a module is known, shown, and not available in this version. A site adds flows of its
own with modules that TIELINE_FLOWS names (`docs/how-to/add-a-flow.md`); they are declared when the product starts.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


RESERVED_URIS = frozenset({"activate", "deactivate"})


_PATTERNS = ("SYNC", "ASYNC", "SCHEDULED")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_URI = re.compile(r"[A-Za-z0-9_-]*")
# What the runner asks of a flow (`integration.flows.contract.PackagedFlow`).
_ASKED = ("accept", "identifiers", "recall", "claim", "run")


class UnableToLoadFlow(Exception):
    """A module that TIELINE_FLOWS names cannot be used, and the text says why."""


class UnknownFlow(LookupError):
    """No packaged integration has this code or name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """
    What a flow is, apart from what a site sets.

    `identifier` is the guide's code verbatim (C-06); `uris` are the last segments that it is served at, where an
    empty one means the address ends with the version (both uris of C-27); `module` is where it is built. `connections`
    are those that it calls, as it is shipped. `site`: it is the site's own, and off until somebody activates it.
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
    connections: tuple[str, ...] = ()
    site: bool = False

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


PACKAGED: tuple[Declaration, ...] = (
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


DECLARATIONS: tuple[Declaration, ...] = PACKAGED
"""The packaged flows, and those of the site."""

_BY_CODE: dict[str, Declaration] = {}


def declare(declarations: Iterable[Declaration]) -> None:
    """Make these the flows that there are."""
    global DECLARATIONS
    DECLARATIONS = tuple(declarations)
    _BY_CODE.clear()
    _BY_CODE.update({fold(code): each for each in DECLARATIONS for code in (each.identifier, each.name)})


declare(PACKAGED)


def load(modules: Iterable[str]) -> None:
    """
    Declare the packaged flows and those of the site's modules, each of which has a DECLARATION and a FLOW.

    :raises UnableToLoadFlow: when a module cannot be used; the flows stay as they were.
    """
    declarations = list(PACKAGED)
    for name in modules:
        declaration = _read(name)
        for fault in _faults(declaration, declarations):
            raise UnableToLoadFlow(f"TIELINE_FLOWS names {name}: {fault}")
        declarations.append(declaration)
    declare(declarations)


def _read(name: str) -> Declaration:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        reason = f"it cannot be imported ({type(error).__name__}: {error}). Is its directory on PYTHONPATH?"
        raise UnableToLoadFlow(f"TIELINE_FLOWS names {name}: {reason}") from error
    declaration, flow = getattr(module, "DECLARATION", None), getattr(module, "FLOW", None)
    if not isinstance(declaration, Declaration):
        raise UnableToLoadFlow(f"TIELINE_FLOWS names {name}: it has no DECLARATION, a registry.Declaration.")
    missing = [asked for asked in _ASKED if not callable(getattr(flow, asked, None))]
    if missing:
        raise UnableToLoadFlow(f"TIELINE_FLOWS names {name}: its FLOW has no {', '.join(missing)}.")
    return dataclasses.replace(declaration, module=name, site=True)


def _faults(declaration: Declaration, others: Iterable[Declaration]) -> Iterator[str]:
    taken = {fold(code): each for each in others for code in (each.identifier, each.name)}
    for code in (declaration.identifier, declaration.name):
        if fold(code) in taken:
            yield f"{code} is a name of {taken[fold(code)].display_name} already."
    if not _NAME.fullmatch(declaration.name):
        yield f"the name {declaration.name!r} is small letters, digits and underscores, and begins with a letter."
    if not _IDENTIFIER.fullmatch(declaration.identifier):
        yield f"the identifier {declaration.identifier!r} is letters, digits, hyphens and underscores."
    if declaration.pattern not in _PATTERNS:
        yield f"the pattern is one of {', '.join(_PATTERNS)}, not {declaration.pattern!r}."
    if not declaration.uris:
        yield "it is served nowhere: name at least one of uris."
    for uri in declaration.uris:
        if uri in RESERVED_URIS or not _URI.fullmatch(uri):
            reserved = ", ".join(sorted(RESERVED_URIS))
            yield f"the uri {uri!r} is letters, digits, hyphens and underscores, and none of {reserved}."


def find(code: str) -> Declaration:
    """
    Give the flow with this code or short name.

    :raises UnknownFlow: when there is none.
    """
    try:
        return _BY_CODE[fold(code)]
    except KeyError:
        raise UnknownFlow(f"There is no flow {code}.") from None
