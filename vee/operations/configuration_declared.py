"""The sections of the configuration document that VEE has."""

from __future__ import annotations

from foundation.configuration import Section
from vee.operations import (
    column_profiles,
    configuration,
    configuration_documents,
    configuration_factors,
    configuration_work,
)


TODO_TYPES = Section(
    name="todo_types",
    holds="kinds of work, and the roles that do it",
    document=configuration_documents.todo_types_document,
    apply=configuration_work.apply_todo_types,
    covers=("vee.ToDoType",),
    keys=configuration_documents.TODO_TYPE_KEYS,
)
EXCEPTION_TYPES = Section(
    name="exception_types",
    holds="types of VEE exceptions, and who works on them",
    document=configuration_documents.exception_types_document,
    apply=configuration_work.apply_exception_types,
    covers=("vee.VeeExceptionType",),
    keys=configuration_documents.EXCEPTION_TYPE_KEYS,
)
RETRY_POLICIES = Section(
    name="retry_policies",
    holds="when initial measurements in exception run again, by kind",
    document=configuration_documents.retry_policies_document,
    apply=configuration_work.apply_retry_policies,
    covers=("vee.VeeRetryPolicy",),
    keys=configuration_documents.RETRY_POLICY_KEYS,
)
HOLIDAYS = Section(
    name="holidays",
    holds="days of holiday calendars",
    document=configuration_documents.holidays_document,
    apply=configuration_factors.apply_holidays,
    covers=("vee.Holiday",),
    keys=("date", "name"),
    identified_by={"": ("date",)},
)
VEE_GROUPS = Section(
    name="vee_groups",
    holds="VEE groups and their rules",
    document=configuration_documents.groups_document,
    apply=configuration.apply_groups,
    covers=("vee.VeeGroup", "vee.VeeRule"),
    keys=configuration_documents.GROUP_KEYS,
    record_key="code",
    identified_by={"rules": ("sequence", "start_date")},
)
FACTORS = Section(
    name="factors",
    holds="what characteristics lead to",
    document=configuration_documents.factors_document,
    apply=configuration_factors.apply_factors,
    covers=("vee.Factor", "vee.FactorValue"),
    keys=configuration_documents.FACTOR_KEYS,
    record_key="code",
    identified_by={"values": ("value", "start_date")},
)
MEASURING_COMPONENT_TYPES = Section(
    name="measuring_component_types",
    holds="what measuring components of a kind have in common",
    document=configuration_documents.component_types_document,
    apply=configuration.apply_component_types,
    covers=("vee.MeasuringComponentType", "vee.ValueDerivation"),
    keys=configuration_documents.TYPE_KEYS,
    record_key="id",
    identified_by={"derivations": ("name",)},
)
COLUMN_PROFILES = Section(
    name="column_profiles",
    holds="layouts of a site's own reading files",
    document=column_profiles.column_profiles_document,
    apply=column_profiles.apply_column_profiles,
    covers=("vee.ColumnProfile",),
    keys=("code", "description", *column_profiles.LAYOUT_FIELDS),
    record_key="code",
)
