"""One record of a batch: its typed shape, and what must hold before it may be stored (`api.md` 4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import numpy as np

from foundation.times import parse_instant
from vee import codes
from vee.codes import NO_VALUE
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed, without_float_noise
from vee.operations import pre_vee
from vee.operations.imd_store import DEFAULT_SCALE, NewImd
from vee.operations.known_components import KnownComponent
from vee.readers.base import RowRefused
from vee.readers.numbers import read_number


MAX_INTERVALS = 100_000
SECONDS_PER_DAY = 86_400
LOWEST_CONDITION, HIGHEST_CONDITION = 100_000, 699_999
MAX_MULTIPLIER = Decimal(10) ** 9
READING_SCALE = 9

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class ImdRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    Readings of one component for `(start, end]`: interval `values`, or one scalar `reading`.

    An estimation of a register may come without either: a rule gives it a consumption.
    Quantities are JSON numbers or decimal strings, hence `Any`: they are read exactly by `prepare`.
    """

    measuring_component: Identifier
    end: str
    start: str | None = None
    seconds_per_interval: Annotated[int, msgspec.Meta(ge=1, le=SECONDS_PER_DAY)] | None = None
    uom: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    kind: codes.ImdKind = codes.ImdKind.INITIAL_LOAD
    multiplier: Any = None
    external_id: Annotated[str, msgspec.Meta(max_length=120)] | None = None
    values: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_INTERVALS)] | None = None
    conditions: list[int | None] | None = None
    reading: Any = None


class RecordRefused(ValueError):
    """A record breaks the contract; `errors` are entries of a problem document."""

    def __init__(self, pointer: str, code: str, message: str) -> None:
        super().__init__(message)
        self.errors = [{"pointer": pointer, "code": code, "message": message}]


def prepare(record: ImdRecord, *, component: KnownComponent | None) -> NewImd:
    """
    Check a record against its component and make it fit to be stored; without a component it goes to ERROR.

    :raises RecordRefused: at the first thing that does not hold.
    """
    for pointer, text in (
        ("/measuring_component", record.measuring_component),
        ("/uom", record.uom),
        ("/external_id", record.external_id),
    ):
        if text is not None and not text.isprintable():
            raise RecordRefused(pointer, "invalid_character", "control characters are not allowed")
    scale = component.type.scale if component is not None else DEFAULT_SCALE
    new = NewImd(
        component_identifier=record.measuring_component,
        component_id=component.pk if component is not None else None,
        start=_instant(record.end if record.start is None else record.start, "/start"),
        end=_instant(record.end, "/end"),
        kind=record.kind.value,
        uom=record.uom or "",
        scale=scale,
        multiplier=_multiplier(record.multiplier),
        external_id=record.external_id or "",
        error="" if component is not None else f"The measuring component {record.measuring_component} is unknown.",
    )
    if record.reading is not None or _is_estimation_of_register(record, component):
        _fill_scalar(new, record, component)
    else:
        _fill_intervals(new, record, component)
    return new


def _is_estimation_of_register(record: ImdRecord, component: KnownComponent | None) -> bool:
    return (
        record.kind == codes.ImdKind.ESTIMATION
        and record.values is None
        and component is not None
        and component.type.component_kind == codes.ComponentKind.SCALAR
    )


def _fill_scalar(new: NewImd, record: ImdRecord, component: KnownComponent | None) -> None:
    for name in ("values", "seconds_per_interval"):
        if getattr(record, name) is not None:
            raise RecordRefused(f"/{name}", "not_allowed", f"a record with a reading has no {name}")
    if component is not None and component.type.component_kind != codes.ComponentKind.SCALAR:
        raise RecordRefused("/reading", "kind_mismatch", f"{component.identifier} has intervals, not readings")
    if new.start > new.end:
        raise RecordRefused("/end", "invalid_period", "the end lies before the start")
    if record.reading is not None:
        new.reading = _reading(record.reading, new.scale)
    elif new.start == new.end:
        raise RecordRefused("/start", "required", "an estimation without a reading needs the start of its period")
    if record.conditions is not None:
        if len(record.conditions) != 1:
            raise RecordRefused("/conditions", "length", "a reading has one condition")
        default = codes.Condition.MISSING if new.reading is None else codes.Condition.REGULAR
        new.conditions = _stored_conditions([_condition(record.conditions[0], 0, default=default)])


def _reading(value: Any, scale: int) -> Decimal:
    reading = _quantity(value, "/reading")
    try:
        to_fixed(reading, scale)
    except UnableToKeepExactly as error:
        raise RecordRefused("/reading", "not_exact", str(error)) from None
    return reading


def _fill_intervals(new: NewImd, record: ImdRecord, component: KnownComponent | None) -> None:
    if record.values is None:
        raise RecordRefused("/values", "required", "either values or a reading is required")
    if record.start is None:
        raise RecordRefused("/start", "required", "start is required")
    if record.seconds_per_interval is None:
        raise RecordRefused("/seconds_per_interval", "required", "seconds_per_interval is required with values")
    if SECONDS_PER_DAY % record.seconds_per_interval:
        raise RecordRefused("/seconds_per_interval", "invalid", "the interval does not divide a day")
    if component is not None and component.type.component_kind == codes.ComponentKind.SCALAR:
        raise RecordRefused("/values", "kind_mismatch", f"{component.identifier} has readings, not intervals")
    new.seconds_per_interval = record.seconds_per_interval
    if new.end <= new.start:
        raise RecordRefused("/end", "invalid_period", "the end does not lie after the start")
    try:
        adjusted = pre_vee.adjust(
            start=new.start,
            end=new.end,
            count=len(record.values),
            seconds_per_interval=record.seconds_per_interval,
            kind=component.type if component is not None else None,
            standard_offset=0 if component is None else component.standard_offset,
        )
    except pre_vee.CountDoesNotFit as error:
        raise RecordRefused("/values", "interval_count", str(error)) from None
    new.start, new.end = adjusted.start, adjusted.end
    new.values = np.array(
        [_count(value, new.scale, index) for index, value in enumerate(record.values)], dtype=np.int64
    )
    new.conditions = _conditions(record)
    if adjusted.missing:
        new.values, new.conditions = pre_vee.missing_behind(new.values, new.conditions, adjusted.missing)


def _conditions(record: ImdRecord) -> np.ndarray | None:
    values = record.values or []
    given = record.conditions if record.conditions is not None else [None] * len(values)
    if len(given) != len(values):
        raise RecordRefused("/conditions", "length", f"{len(given)} conditions do not fit {len(values)} values")
    regular, missing = codes.Condition.REGULAR, codes.Condition.MISSING
    return _stored_conditions(
        [
            _condition(code, index, default=missing if value is None else regular)
            for index, (code, value) in enumerate(zip(given, values, strict=True))
        ]
    )


def _stored_conditions(conditions: list[int]) -> np.ndarray | None:
    if all(code == codes.Condition.REGULAR for code in conditions):
        return None
    return np.array(conditions, dtype=np.int32)


def _condition(code: int | None, index: int, *, default: codes.Condition) -> int:
    if code is None:
        return int(default)
    if not LOWEST_CONDITION <= code <= HIGHEST_CONDITION:
        raise RecordRefused(
            f"/conditions/{index}",
            "out_of_range",
            f"a condition lies between {LOWEST_CONDITION} and {HIGHEST_CONDITION}",
        )
    return code


def _count(value: Any, scale: int, index: int) -> int:
    if value is None:
        return NO_VALUE
    pointer = f"/values/{index}"
    quantity = _quantity(value, pointer)
    try:
        return to_fixed(quantity, scale)
    except UnableToKeepExactly as error:
        # Many senders compute in binary floats; the noise in their last digits is not energy.
        meant = without_float_noise(quantity) if isinstance(value, Decimal) else quantity
        if meant == quantity:
            raise RecordRefused(pointer, "not_exact", str(error)) from None
    try:
        return to_fixed(meant, scale)
    except UnableToKeepExactly as error:
        raise RecordRefused(pointer, "not_exact", str(error)) from None


def _quantity(value: Any, pointer: str) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str):
        try:
            return read_number(value)
        except RowRefused as refused:
            raise RecordRefused(pointer, refused.code, refused.message) from None
    raise RecordRefused(pointer, "not_a_number", "a number, a decimal string or null is expected")


def _multiplier(value: Any) -> Decimal | None:
    if value is None:
        return None
    multiplier = _quantity(value, "/multiplier")
    try:
        to_fixed(multiplier, 6)
    except UnableToKeepExactly as error:
        raise RecordRefused("/multiplier", "not_exact", str(error)) from None
    if not 0 < multiplier < MAX_MULTIPLIER:
        raise RecordRefused("/multiplier", "out_of_range", f"a multiplier lies between 0 and {MAX_MULTIPLIER}")
    return multiplier


def _instant(text: str, pointer: str) -> dt.datetime:
    try:
        instant = parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise RecordRefused(pointer, "invalid_time", str(error)) from None
    if not 1971 <= instant.year <= 2200:
        raise RecordRefused(pointer, "invalid_time", f"{text!r} is not from 1971 to 2200")
    if instant.microsecond:
        raise RecordRefused(pointer, "invalid_time", f"{text!r} has fractions of a second")
    return instant
