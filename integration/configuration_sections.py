"""The sections of the configuration document, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Mapping

from assets.operations.configuration_sections import (
    ACTIVITY_TYPES,
    BASELINE_METHODS,
    COMMUNICATION_TYPES,
    DEVICE_SPECIFICATIONS,
    HEAD_END_SYSTEMS,
    PROGRAMS,
    SCORE_CALCULATIONS,
    SERVICE_TASK_TYPES,
)
from foundation.configuration import Section
from integration.operations.configuration_flows import FLOW_SCHEDULES, FLOWS
from integration.operations.configuration_mappings import MAPPING_OVERLAYS
from integration.operations.configuration_reports import REPORT_SCHEDULES
from integration.operations.configuration_roles import ROLES
from integration.operations.configuration_tasks import BACKGROUND_TASKS
from lookups.operations.configuration_sections import LOOKUPS
from outbound.operations.configuration_sections import (
    CERTIFICATES,
    CONNECTIONS,
    EXTERNAL_SYSTEMS,
    MESSAGE_SENDERS,
    OUTBOUND_MESSAGE_TYPES,
    PARAMETERS,
)
from vee.operations.configuration_declared import (
    COLUMN_PROFILES,
    EXCEPTION_TYPES,
    FACTORS,
    HOLIDAYS,
    MEASURING_COMPONENT_TYPES,
    RETRY_POLICIES,
    TODO_TYPES,
    VEE_GROUPS,
)


SECTIONS: tuple[Section, ...] = (
    ROLES,
    CERTIFICATES,
    CONNECTIONS,
    PARAMETERS,
    MESSAGE_SENDERS,
    EXTERNAL_SYSTEMS,
    OUTBOUND_MESSAGE_TYPES,
    LOOKUPS,
    FLOWS,
    FLOW_SCHEDULES,
    MAPPING_OVERLAYS,
    BACKGROUND_TASKS,
    TODO_TYPES,
    EXCEPTION_TYPES,
    RETRY_POLICIES,
    HOLIDAYS,
    VEE_GROUPS,
    FACTORS,
    MEASURING_COMPONENT_TYPES,
    COLUMN_PROFILES,
    ACTIVITY_TYPES,
    COMMUNICATION_TYPES,
    SERVICE_TASK_TYPES,
    DEVICE_SPECIFICATIONS,
    HEAD_END_SYSTEMS,
    SCORE_CALCULATIONS,
    BASELINE_METHODS,
    PROGRAMS,
    REPORT_SCHEDULES,
)
"""All sections; one stands behind those whose records it refers to by name."""

_MASTER_DATA = "master data: it comes with POST /api/v1/master-data/ and with readings"
_CUSTOMERS = "customers and their devices: they come with enrollments"
_WORK = "work on messages and readings, and evidence of it"

NOT_COVERED: Mapping[str, str] = {
    "auth.User": "accounts belong to one installation, and hold passwords",
    "authtoken.TokenProxy": "a token is a secret of one account",
    "integration.Pause": "a pause is an operator's, for a while; it is evidence of this installation",
    "django_celery_beat.SolarSchedule": "Tieline ships no task by the sun",
    "django_celery_beat.ClockedSchedule": "one moment is not configuration",
    "outbound.OutboundMessage": _WORK,
    "vee.InitialMeasurement": _WORK,
    "vee.ReadingFile": _WORK,
    "vee.RuleTrial": "a trial of rules that are not in force; promoted, they are in vee_groups",
    "vee.UsageTransaction": _WORK,
    "vee.ServicePoint": _MASTER_DATA,
    "vee.Device": _MASTER_DATA,
    "vee.MeasuringComponent": _MASTER_DATA,
    "vee.Outage": _MASTER_DATA,
    "vee.InstallEvent": _MASTER_DATA,
    "vee.OffPeriod": _MASTER_DATA,
    "vee.UsageSubscription": _MASTER_DATA,
    "assets.Contact": _CUSTOMERS,
    "assets.DeviceLocation": _CUSTOMERS,
    "assets.ControllableDevice": _CUSTOMERS,
    "assets.ProgramSubscription": _CUSTOMERS,
    "assets.SubscriptionDevice": _CUSTOMERS,
    "assets.AssetToDo": _WORK,
}
"""Models that can be edited in the admin and are no configuration, by label, and why."""
