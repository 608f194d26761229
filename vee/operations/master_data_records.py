"""The lines of a master data document: one typed shape per kind (`api.md` 3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from vee import choices, codes


Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
GroupCode = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Groups = dict[codes.Role, GroupCode | None]
# What a line leaves out stays as it is; on creation it gets its default.
Unset = UnsetType


class Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every kind has."""

    # What a line may leave out when its record exists already, but not when it is created.
    NEEDED: ClassVar[tuple[str, ...]] = ()


class ServicePoint(Line, tag="service_point"):
    """A place where service is delivered; `time_zone` is an IANA name."""

    NEEDED = ("time_zone",)
    id: Identifier
    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | Unset = UNSET
    holiday_calendar: Annotated[str, msgspec.Meta(max_length=40)] | Unset | None = UNSET
    characteristics: dict[str, Any] | Unset = UNSET


class Device(Line, tag="device"):
    """A meter at a service point."""

    id: Identifier
    service_point: Identifier | Unset | None = UNSET
    incoming_data_shift: choices.IncomingDataShift | Unset = UNSET
    characteristics: dict[str, Any] | Unset = UNSET


class MeasuringComponentType(Line, tag="measuring_component_type"):
    """What components of a kind have in common; `vee_groups` by role."""

    NEEDED = ("component_kind", "uom")
    id: Identifier
    description: Text | Unset = UNSET
    component_kind: codes.ComponentKind | Unset = UNSET
    seconds_per_interval: Annotated[int, msgspec.Meta(ge=1, le=86400)] | Unset | None = UNSET
    uom: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | Unset = UNSET
    scale: Annotated[int, msgspec.Meta(ge=0, le=9)] | Unset = UNSET
    allow_negative: bool | Unset = UNSET
    dials: Annotated[int, msgspec.Meta(ge=1, le=15)] | Unset | None = UNSET
    rollover_threshold: Decimal | Unset = UNSET
    subtractive: bool | Unset = UNSET
    sync_consumption: bool | Unset = UNSET
    skip_identical: bool | Unset = UNSET
    check_too_few_intervals: bool | Unset = UNSET
    check_too_many_intervals: bool | Unset = UNSET
    fill_missing_intervals: bool | Unset = UNSET
    snap_to_boundaries: bool | Unset = UNSET
    direct_processing: bool | Unset = UNSET
    # A quantity, as a JSON number or decimal string.
    high_quality_tolerance: Any = UNSET
    estimate_gaps_after_hours: Annotated[int, msgspec.Meta(ge=0, le=876_000)] | Unset | None = UNSET
    gap_action: choices.GapAction | Unset = UNSET
    vee_groups: Groups | Unset = UNSET


class MeasuringComponent(Line, tag="measuring_component"):
    """A channel or register; `vee_groups` override those of its type, role by role."""

    NEEDED = ("type",)
    id: Identifier
    type: Identifier | Unset = UNSET
    device: Identifier | Unset | None = UNSET
    service_point: Identifier | Unset | None = UNSET
    # A JSON number or decimal string; read exactly when it is applied.
    multiplier: Any = UNSET
    consumption_reference: Identifier | Unset | None = UNSET
    characteristics: dict[str, Any] | Unset = UNSET
    vee_groups: Groups | Unset = UNSET


class UsageSubscription(Line, tag="usage_subscription"):
    """A recipient's claim to the usage of a service point."""

    NEEDED = ("service_point", "recipient")
    id: Identifier
    service_point: Identifier | Unset = UNSET
    recipient: Identifier | Unset = UNSET
    defer_until_complete: bool | Unset = UNSET
    send_automatically: bool | Unset = UNSET


class UsageTransaction(Line, tag="usage_transaction"):
    """Usage of a subscription for `[start, end)`."""

    NEEDED = ("usage_subscription", "start", "end")
    id: Identifier
    usage_subscription: Identifier | Unset = UNSET
    start: str | Unset = UNSET
    end: str | Unset = UNSET
    status: choices.UsageTransactionStatus | Unset = UNSET
    # When it is calculated by itself; null: when it is asked for.
    calculate_after: str | Unset | None = UNSET


class Outage(Line, tag="outage"):
    """A period without supply at a service point, known by its start; `end` is null while it lasts."""

    service_point: Identifier
    start: str
    end: str | Unset | None = UNSET


class InstallEvent(Line, tag="install_event"):
    """A device at a service point, known by the device and `installed_at`; `removed_at` is null while it lasts."""

    NEEDED = ("service_point",)
    device: Identifier
    installed_at: str
    service_point: Identifier | Unset = UNSET
    removed_at: str | Unset | None = UNSET
    multiplier: Any = UNSET


class OffPeriod(Line, tag="off_period"):
    """A period in which an installed device was disconnected, known by its start; `end` is null while it lasts."""

    device: Identifier
    start: str
    end: str | Unset | None = UNSET


AnyLine = (
    ServicePoint
    | Device
    | MeasuringComponentType
    | MeasuringComponent
    | InstallEvent
    | OffPeriod
    | UsageSubscription
    | UsageTransaction
    | Outage
)
KINDS: dict[str, type[Line]] = {
    "service_point": ServicePoint,
    "device": Device,
    "measuring_component_type": MeasuringComponentType,
    "measuring_component": MeasuringComponent,
    "install_event": InstallEvent,
    "off_period": OffPeriod,
    "usage_subscription": UsageSubscription,
    "usage_transaction": UsageTransaction,
    "outage": Outage,
}
MAX_MULTIPLIER = Decimal(10) ** 9
MAX_CHARACTERISTIC_NAME = 60
MAX_CHARACTERISTIC_VALUE = 100
