"""What is shipped for the DACS side where a site has none of its own: types, and the way to the hub."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from assets.models import ActivityType, CommunicationType, ServiceTaskType
from assets.operations import baseline_methods, score_calculations
from outbound.models import Connection, ExternalSystem, OutboundMessageType
from outbound.operations.configuration import apply_connections
from outbound.operations.message_configuration import apply_external_systems, apply_outbound_message_types


HUB = "HUB"
STATUS_CHECK_ACTIVITY = "CTRLDVC-STATUS-CHECK"
STATUS_CHECK_COMMUNICATION = "CTRLDVC-STATUS-CHECK"
ENROLL_TASK = "DA-ENROLLMENT"
UNENROLL_TASK = "DA-UNENROLLMENT"

_TYPES: tuple[tuple[type[Any], str, str, str], ...] = (
    (ActivityType, STATUS_CHECK_ACTIVITY, "Controllable Device Status Check", ""),
    (
        CommunicationType,
        STATUS_CHECK_COMMUNICATION,
        "Controllable Device: Device Status Check",
        "X1-CtrlDvcStatusCheckComm",
    ),
    (
        CommunicationType,
        "CTRLDVC-STATUS-CHECK-RESPONSE",
        "Controllable Device: Device Status Check Response",
        "X1-CtrlDvcStatusCheckResp",
    ),
    (ServiceTaskType, ENROLL_TASK, "Digital Asset Enrollment Request Task Type", "X1-DAEnroll"),
    (ServiceTaskType, UNENROLL_TASK, "Digital Asset Unenrollment Request Task Type", "X1-DAUnenrol"),
)
_CONNECTION = {
    "transport": "rest",
    "description": "Tieline's own flows, as a DACS calls them.",
    "base_url": "tieline:///ic/api/integration/v1/flows/oracleutilities",
    "username": "tieline",
}
# Paths of earlier versions, which nothing was sent to.
_OLD_PATHS = {"X1-CTRLDVCS": "/status-check", "X1-NMSDASMSG": "/enroll"}
MESSAGE_TYPES: dict[str, dict[str, Any]] = {
    "X1-CTRLDVCS": {
        "description": "Asks DERMS to check the status of a controllable device.",
        "path": "/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check",
        # The flow is switched off for a moment, or has the check in hand.
        "retry_statuses": [404, 409],
    },
    "X1-NMSDASMSG": {
        "description": "Synchronizes an enrollment with DERMS.",
        "path": "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll",
        "retry_statuses": [404, 409],
    },
}


def install_defaults(*, at: dt.datetime) -> list[str]:
    """Store what is shipped and missing; give its names."""
    made = []
    with transaction.atomic():
        for model, code, description, business_object in _TYPES:
            if not model._default_manager.filter(code=code).exists():
                row = model(code=code, description=description, business_object=business_object)
                row._history_date = at
                row.save()
                made.append(code)
        if not Connection.objects.filter(name=HUB).exists():
            apply_connections(section={HUB: _CONNECTION}, at=at)
            made.append(f"connection {HUB}")
        if not ExternalSystem.objects.filter(name=HUB).exists():
            description = "The hub that speaks to the DERMS, through the connection HUB."
            apply_external_systems(section={HUB: {"description": description}}, at=at)
            made.append(f"external system {HUB}")
        paths = dict(OutboundMessageType.objects.filter(code__in=MESSAGE_TYPES).values_list("code", "path"))
        missing = {
            code: values
            for code, values in MESSAGE_TYPES.items()
            if paths.get(code, _OLD_PATHS[code]) == _OLD_PATHS[code]
        }
        apply_outbound_message_types(section=missing, at=at)
        made += [f"message type {code}" for code in missing]
        made += [f"baseline method {code}" for code in baseline_methods.install_defaults(at=at)]
        score_calculations.install_default(at=at)
    return made
