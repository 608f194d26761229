"""
The sections of a configuration document that the DACS side has: programs and what is around them, by code.

A document names only what it sets; what it does not name stays. A section is refused as a whole, with everything that
is wrong in it.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.db import models as db

from assets import models
from assets.choices import ProcessingRole
from assets.operations.configuration_records import Errors, Kind, apply_kind, document_of, error, save, take
from outbound.models import ExternalSystem, OutboundMessageType
from outbound.operations.configuration import Change


KINDS_KEYS = ("description", "business_object")
PROGRAM_KEYS = (
    *("identifier", "description", "subscription_type", "open_for_enrollment", "starts_on", "ends_on", "time_zone"),
    *("cycle", "event_limit", "event_limit_per_year", "reference_kw", "needs_status_check", "usage_recipient"),
    *("score_calculation", "baseline_method"),
)
SPECIFICATION_KEYS = ("description", "device_type", "rated_kw")
HEAD_END_KEYS = ("description", "external_system", "processing_methods")
METHOD_KEYS = ("communication_type", "message_type")


def _zone(program: Any) -> Mapping[str, str]:
    if program.time_zone in zoneinfo.available_timezones():
        return {}
    return {"time_zone": f"{program.time_zone[:60]} is not an IANA time zone."}


PROGRAMS = Kind(
    section="programs",
    model=models.Program,
    what="program",
    key="code",
    fields=PROGRAM_KEYS,
    refers={
        "score_calculation": (models.ScoreCalculation, "code"),
        "baseline_method": (models.BaselineMethod, "code"),
    },
    check=_zone,
)
SPECIFICATIONS = Kind(
    section="device_specifications",
    model=models.DeviceSpecification,
    what="device specification",
    key="code",
    fields=SPECIFICATION_KEYS,
)
HEAD_ENDS = Kind(
    section="head_end_systems",
    model=models.HeadEndSystem,
    what="head-end system",
    key="name",
    fields=("description", "external_system"),
    refers={"external_system": (ExternalSystem, "name")},
)
ACTIVITY_TYPES, COMMUNICATION_TYPES, SERVICE_TASK_TYPES = (
    Kind(section=section, model=model, what=what, key="code", fields=KINDS_KEYS)
    for section, model, what in (
        ("activity_types", models.ActivityType, "activity type"),
        ("communication_types", models.CommunicationType, "communication type"),
        ("service_task_types", models.ServiceTaskType, "service task type"),
    )
)
_METHODS: Mapping[str, tuple[type[db.Model], str]] = {
    "communication_type": (models.CommunicationType, "code"),
    "message_type": (OutboundMessageType, "code"),
}


def apply_records(kind: Kind, *, section: Any, by: Any = None, at: dt.datetime, dry_run: bool = False) -> list[Change]:
    """
    Create and change records of a kind by their key.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    return apply_kind(kind, section, by=by, at=at, dry_run=dry_run)


def apply_head_end_systems(*, section: Any, by: Any = None, at: dt.datetime, dry_run: bool = False) -> list[Change]:
    """
    Create and change head-end systems by name, with their processing methods by role; a role given as null is removed.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """

    def methods(row: Any, given: Mapping[str, Any], errors: Errors) -> list[str]:
        return _processing_methods(row, given["processing_methods"], errors, by=by, at=at)

    return apply_kind(HEAD_ENDS, section, by=by, at=at, dry_run=dry_run, more={"processing_methods": methods})


def head_end_systems_document() -> dict[str, dict[str, Any]]:
    """Give all head-end systems with their processing methods."""
    document = document_of(HEAD_ENDS)
    for entry in document.values():
        entry["processing_methods"] = {}
    rows = models.ProcessingMethod.objects.select_related("head_end_system", "communication_type", "message_type")
    for row in rows.order_by("role"):
        document[row.head_end_system.name]["processing_methods"][row.role] = {
            "communication_type": row.communication_type.code,
            "message_type": row.message_type.code,
        }
    return document


def _processing_methods(row: Any, given: Any, errors: Errors, *, by: Any, at: dt.datetime) -> list[str]:
    if not isinstance(given, Mapping):
        errors.append(error("/processing_methods", "invalid", "This is given as roles with their values."))
        return []
    changed = []
    for role, values in given.items():
        pointer = f"/processing_methods/{role}"
        if role not in ProcessingRole.values:
            errors.append(error(pointer, "unknown", f"The roles are {', '.join(ProcessingRole.values)}."))
            continue
        method = models.ProcessingMethod.objects.filter(head_end_system=row, role=role).first()
        if values is None:
            if method is not None:
                method.delete()
                changed.append(f"processing_methods/{role}")
            continue
        found: Errors = []
        new = method is None
        method = method or models.ProcessingMethod(head_end_system=row, role=role)
        if isinstance(values, Mapping):
            differs = take(models.ProcessingMethod, METHOD_KEYS, _METHODS, method, values, found)
        else:
            found.append(error("", "invalid", "A processing method is a mapping of fields to values."))
            differs = []
        if not found and (differs or new):
            save(method, found, by=by, at=at)
            changed.append(f"processing_methods/{role}")
        errors += [{**each, "pointer": pointer + each["pointer"]} for each in found]
    return changed
