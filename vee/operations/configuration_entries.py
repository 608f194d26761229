"""The entries of a configuration document that concern VEE, as `api.md` 1 shapes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from vee.choices import GapAction
from vee.codes import ComponentKind, DerivationMethod, Role, Severity


MAX_CODE = 40
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CODE)]
Sequence_ = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]
Description = Annotated[str, msgspec.Meta(max_length=200)]


class RuleEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule of a group as a document names it."""

    sequence: Sequence_
    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    description: Description = ""
    severity: Severity = Severity.ISSUE
    exception_type: Code | None = None
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    eligibility: list[dict[str, Any]] = msgspec.field(default_factory=list)


class GroupEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One VEE group; rules that are named replace the whole list."""

    code: Code
    description: Description | msgspec.UnsetType = msgspec.UNSET
    rules: list[RuleEntry] | msgspec.UnsetType = msgspec.UNSET


class DerivationEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One value that is derived from the measurements of a type."""

    name: Code
    method: DerivationMethod
    uom: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    sequence: Annotated[int, msgspec.Meta(ge=0, le=32_767)] = 10
    scale: Annotated[int, msgspec.Meta(ge=0, le=12)] = 6
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


class TypeEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One measuring component type; what is not named stays, or has its default when the type is new."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    description: Description | msgspec.UnsetType = msgspec.UNSET
    component_kind: ComponentKind | msgspec.UnsetType = msgspec.UNSET
    seconds_per_interval: Annotated[int, msgspec.Meta(gt=0)] | msgspec.UnsetType | None = msgspec.UNSET
    uom: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | msgspec.UnsetType = msgspec.UNSET
    scale: Annotated[int, msgspec.Meta(ge=0, le=9)] | msgspec.UnsetType = msgspec.UNSET
    allow_negative: bool | msgspec.UnsetType = msgspec.UNSET
    dials: Annotated[int, msgspec.Meta(gt=0, le=15)] | msgspec.UnsetType | None = msgspec.UNSET
    rollover_threshold: Decimal | msgspec.UnsetType = msgspec.UNSET
    subtractive: bool | msgspec.UnsetType = msgspec.UNSET
    sync_consumption: bool | msgspec.UnsetType = msgspec.UNSET
    skip_identical: bool | msgspec.UnsetType = msgspec.UNSET
    check_too_few_intervals: bool | msgspec.UnsetType = msgspec.UNSET
    check_too_many_intervals: bool | msgspec.UnsetType = msgspec.UNSET
    fill_missing_intervals: bool | msgspec.UnsetType = msgspec.UNSET
    snap_to_boundaries: bool | msgspec.UnsetType = msgspec.UNSET
    direct_processing: bool | msgspec.UnsetType = msgspec.UNSET
    high_quality_tolerance: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    estimate_gaps_after_hours: Annotated[int, msgspec.Meta(ge=0, le=876_000)] | msgspec.UnsetType | None = msgspec.UNSET
    gap_action: GapAction | msgspec.UnsetType = msgspec.UNSET
    derivations: list[DerivationEntry] | msgspec.UnsetType = msgspec.UNSET
    vee_groups: dict[Role, Code | None] | msgspec.UnsetType = msgspec.UNSET


class FactorValueEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one value of a factor's characteristic leads to."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    vee_group: Code | None = None
    measuring_component: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | None = None


class FactorEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One factor; values that are named replace the whole list."""

    code: Code
    characteristic: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    description: Description | msgspec.UnsetType = msgspec.UNSET
    values: list[FactorValueEntry] | msgspec.UnsetType = msgspec.UNSET


class HolidayEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One day of a calendar."""

    date: dt.date
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ToDoTypeEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One kind of work, known by its code; what is not named stays."""

    description: Description | msgspec.UnsetType = msgspec.UNSET
    role: Annotated[str, msgspec.Meta(max_length=150)] | msgspec.UnsetType | None = msgspec.UNSET


class ExceptionTypeEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One exception type, known by its code; what is not named stays."""

    description: Description | msgspec.UnsetType = msgspec.UNSET
    todo_type: Code | msgspec.UnsetType | None = msgspec.UNSET
    todo_role: Annotated[str, msgspec.Meta(max_length=150)] | msgspec.UnsetType | None = msgspec.UNSET
    create_todo: bool | msgspec.UnsetType = msgspec.UNSET
    retry_when_related_completes: bool | msgspec.UnsetType = msgspec.UNSET


class RetryPolicyEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The criteria of automatic retry of one kind of IMD; what is not named stays."""

    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    retryable_exception_types: list[Code] | msgspec.UnsetType = msgspec.UNSET
    frequency_hours: Annotated[int, msgspec.Meta(ge=1, le=87_600)] | msgspec.UnsetType = msgspec.UNSET
    max_attempts: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | msgspec.UnsetType = msgspec.UNSET
    max_age_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] | msgspec.UnsetType = msgspec.UNSET
