"""What is shipped for the DACS side where a site has none of its own: types, and the way to the hub."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from assets.models import ActivityType, CommunicationType, ServiceTaskType
from assets.operations import baseline_methods, score_calculations
from outbound.models import Connection, ExternalSystem
from outbound.operations.configuration import apply_connections
from outbound.operations.message_configuration import apply_external_systems


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
        made += [f"baseline method {code}" for code in baseline_methods.install_defaults(at=at)]
        score_calculations.install_default(at=at)
    return made
