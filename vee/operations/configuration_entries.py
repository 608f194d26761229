"""The entries of a configuration document that concern VEE, as `api.md` 1 shapes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from vee.codes import ComponentKind, Role, Severity


Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
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


class GroupEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One VEE group; rules that are named replace the whole list."""

    code: Code
    description: Description | msgspec.UnsetType = msgspec.UNSET
    rules: list[RuleEntry] | msgspec.UnsetType = msgspec.UNSET


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
    vee_groups: dict[Role, Code | None] | msgspec.UnsetType = msgspec.UNSET
