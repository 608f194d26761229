"""
The sections `message_senders`, `external_systems` and `outbound_message_types` of a configuration document.

A document names only what it sets; what it does not name stays. Logins and secret headers are named by environment
variable, never written in it. A section is refused as a whole, with everything that is wrong in it.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from foundation.configuration import UnableToApplyConfiguration
from outbound import queries
from outbound.models import ExternalSystem, MessageSender, OutboundMessageType
from outbound.operations import message_setup
from outbound.operations.configuration import Change
from outbound.operations.sender_keys import CONTEXT_KEYS, Misfit, context_after


SYSTEM_KEYS = frozenset({"description", "processing_method", "connection", "sender"})
TYPE_KEYS = frozenset(
    {
        *("description", "method", "path", "sender", "ordered", "max_retries", "retry_delays"),
        *("duplicate_statuses", "retry_statuses", "answer_kind"),
    }
)
SENDER_KEYS = CONTEXT_KEYS | {"description", "connection"}

SHIPPED_SYSTEMS: dict[str, dict[str, Any]] = {
    "DACS": {"description": "The asset and enrollment system, through the connection DACS."},
    "DERMS": {"description": "The system that manages the distributed resources, through the connection DERMS."},
}
SHIPPED_TYPES: dict[str, dict[str, Any]] = {
    "SYNC-ACK": {
        "description": "Acknowledges a synchronization request of DACS (F1-SyncRequest).",
        "method": "PATCH",
        "path": "/rest/apis/common/sync/syncRequest/{syncRequestId}",
        "max_retries": 4,
        "retry_delays": [5, 15, 60, 300],
        "duplicate_statuses": [400],
        "retry_statuses": [404, 409],
    },
    "RESERVATION-ACK": {
        "description": "Tells DERMS how the reservation of an event's devices went.",
        "path": "/event-reservation-ack",
        "ordered": True,
    },
    "OUTCOME-ACK": {
        "description": "Tells DERMS how the transfer of event outcomes went.",
        "path": "/event-outcome-ack",
        "ordered": True,
    },
    "USAGE-TRANSACTION": {
        "description": "Usage of a service point for a period, to its recipient.",
        "path": "/usage-transactions",
        "ordered": True,
    },
    "USAGE-CORRECTION": {
        "description": "Tells the recipient of usage that it changed after it was sent.",
        "path": "/usage-corrections",
        "ordered": True,
    },
    "X1-NMSDASMSG": {
        "description": "Synchronizes an enrollment with DERMS.",
        "path": "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll",
        # The flow is switched off for a moment, or has the message in hand.
        "retry_statuses": [404, 409],
    },
    "X1-CTRLDVCS": {
        "description": "Asks DERMS to check the status of a controllable device.",
        "path": "/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check",
        "retry_statuses": [404, 409],
    },
}


def apply_external_systems(
    *, section: Mapping[str, Any], by: Any = None, at: dt.datetime, dry_run: bool = False
) -> list[Change]:
    """
    Create and change external systems as the section says; give one Change per system named.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    del at  # the history stamps its rows itself; the sections share one signature

    def apply_one(name: str, values: Mapping[str, Any]) -> Change:
        row = ExternalSystem.objects.filter(name=name).first()
        existed, row = row is not None, row or ExternalSystem(name=name)
        _take(row, values, SYSTEM_KEYS)
        return _change("external system", name, existed, message_setup.save_external_system(system=row, by=by))

    return _apply(section, "external_systems", apply_one, dry_run=dry_run)


def apply_outbound_message_types(
    *, section: Mapping[str, Any], by: Any = None, at: dt.datetime, dry_run: bool = False
) -> list[Change]:
    """
    Create and change message types as the section says; give one Change per type named.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    del at

    def apply_one(code: str, values: Mapping[str, Any]) -> Change:
        row = OutboundMessageType.objects.filter(code=code).first()
        existed, row = row is not None, row or OutboundMessageType(code=code)
        _take(row, values, TYPE_KEYS)
        return _change("outbound message type", code, existed, message_setup.save_message_type(kind=row, by=by))

    return _apply(section, "outbound_message_types", apply_one, dry_run=dry_run)


def apply_message_senders(
    *,
    section: Mapping[str, Any],
    by: Any = None,
    at: dt.datetime,
    dry_run: bool = False,
    environ: Mapping[str, str] | None = None,
) -> list[Change]:
    """
    Create and change message senders as the section says; give one Change per sender named.

    A key of its context replaces what it names: `urls` all parts of the address, `headers` and `headers_env` together
    all headers. What no key names stays, so that a document without secrets takes none away.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    del at
    environment = os.environ if environ is None else environ

    def apply_one(name: str, values: Mapping[str, Any]) -> Change:
        row = MessageSender.objects.filter(name=name).first()
        existed, row = row is not None, row or MessageSender(name=name)
        context = context_after(row, values, environment)
        _take(row, values, SENDER_KEYS)
        changed = message_setup.save_sender(sender=row, context=context, by=by)
        return _change("message sender", name, existed, changed)

    return _apply(section, "message_senders", apply_one, dry_run=dry_run)


def install_message_defaults(*, at: dt.datetime) -> list[Change]:
    """Store the shipped external systems and message types that are missing; what a site has set stays."""
    systems = set(ExternalSystem.objects.values_list("name", flat=True))
    codes = set(OutboundMessageType.objects.values_list("code", flat=True))
    return [
        *apply_external_systems(
            section={name: each for name, each in SHIPPED_SYSTEMS.items() if name not in systems}, at=at
        ),
        *apply_outbound_message_types(
            section={code: each for code, each in SHIPPED_TYPES.items() if code not in codes}, at=at
        ),
    ]


def _apply(
    section: Any, what: str, apply_one: Callable[[str, Mapping[str, Any]], Change], *, dry_run: bool
) -> list[Change]:
    if not isinstance(section, Mapping):
        raise UnableToApplyConfiguration([_error("", "invalid", f"{what} is a mapping of names to settings.")])
    changes: list[Change] = []
    errors: list[dict[str, str]] = []
    with transaction.atomic():
        for name, values in section.items():
            if not isinstance(values, Mapping):
                errors.append(_error(f"/{name}", "invalid", f"{name} is a mapping of settings."))
                continue
            try:
                changes.append(apply_one(str(name), values))
            except (Misfit, message_setup.UnableToSave) as refusal:
                errors += [{**error, "pointer": f"/{name}{error['pointer']}"} for error in refusal.errors]
        if errors:
            raise UnableToApplyConfiguration(errors)
        if dry_run:
            transaction.set_rollback(True)
    return changes


def _take(row: Any, values: Mapping[str, Any], known: frozenset[str]) -> None:
    errors = []
    # `method` is a context value of a sender, and a field of a type.
    context_keys = CONTEXT_KEYS if isinstance(row, MessageSender) else frozenset()
    for key, value in values.items():
        if key not in known:
            message = f"{key} is not a known key; known are {', '.join(sorted(known))}."
            errors.append(_error(f"/{key}", "unknown_key", message))
        elif key == "connection":
            errors += _take_reference(row, key, value, _connection)
        elif key == "sender":
            errors += _take_reference(row, key, value, _sender)
        elif key not in context_keys:
            setattr(row, key, "" if value is None and key == "description" else value)
    if errors:
        raise Misfit(errors)


def _take_reference(row: Any, key: str, value: Any, find: Callable[[str], Any]) -> list[dict[str, str]]:
    found = find(str(value)) if value else None
    if value and found is None:
        return [_error(f"/{key}", "unknown", f"There is no {key} named {str(value)[:60]}.")]
    setattr(row, key, found)
    return []


def _connection(name: str) -> Any:
    try:
        return queries.connection(name)
    except queries.UnknownConnection:
        return None


def _sender(name: str) -> MessageSender | None:
    return MessageSender.objects.filter(name=name).first()


def _change(kind: str, name: str, existed: bool, changed: list[str]) -> Change:
    outcome = "created" if not existed else "changed" if changed else "unchanged"
    return Change(kind=kind, name=name, outcome=outcome, fields=tuple(changed))


def _error(pointer: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": message}
