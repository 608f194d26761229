"""Enrolled devices with a past in events, made inside the database: a million of them take minutes, not hours."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, models

from assets.models import (
    Contact,
    ControllableDevice,
    DeviceLocation,
    DeviceSpecification,
    HeadEndSystem,
    Participation,
    Program,
    ProgramEvent,
    ProgramSubscription,
    SubscriptionDevice,
)
from vee.models import Device, ServicePoint, UsageSubscription


AT = dt.datetime(2023, 6, 15, 18, 0, tzinfo=dt.UTC)
EVENTS = 60
DAYS_BETWEEN = 6
SPECIFICATIONS = ("0.7", "1.4", "2.8", "3.5", "7.2")


def make(*, devices: int, history: int) -> None:
    """Make so many devices in active subscriptions, each with so many parts in events of the last year."""
    program = Program.objects.create(code="BENCH", time_zone="America/Los_Angeles")
    head_end = HeadEndSystem.objects.create(name="ECOBEE")
    contact = Contact.objects.create(cis_person_id="BENCH")
    first = min(
        DeviceSpecification.objects.create(code=f"SPEC-{kw}", device_type="SMART-THERMOSTAT", rated_kw=kw).pk
        for kw in SPECIFICATIONS
    )
    begun = AT - dt.timedelta(days=900)
    _insert(ServicePoint, devices, identifier=_text("'SP-'"), time_zone="America/Los_Angeles")
    _insert(DeviceLocation, devices, key="service_point_id", identifier=_text("'L'"), division="CA",
            cis_service_point_id=_text("'C'"))  # fmt: skip
    _insert(Device, devices, identifier=_text("'7712'"), service_point_id=_number("n"))
    _insert(ControllableDevice, devices, key="device_id", head_end_system_id=head_end.pk, nic_id=_text("'41'"),
            specification_id=_number(f"{first} + n % {len(SPECIFICATIONS)}"),
            reach=_number("CASE WHEN n % 20 = 0 THEN 'OFFLINE' WHEN n % 20 = 1 THEN 'UNKNOWN' ELSE 'ONLINE' END"),
            reach_checked_at=AT - dt.timedelta(hours=3))  # fmt: skip
    _insert(UsageSubscription, devices, identifier=_text("'9012'"), service_point_id=_number("n"), recipient="DACS")
    _insert(ProgramSubscription, devices, key="usage_subscription_id", program_id=program.pk, contact_id=contact.pk,
            location_id=_number("n"), status="ACTIVE", starts_at=begun, created_at=begun)  # fmt: skip
    _insert(SubscriptionDevice, devices, subscription_id=_number("n"), device_id=_number("n"), added_at=begun)
    _make_history(devices=devices, history=history)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _make_history(*, devices: int, history: int) -> None:
    events = ProgramEvent.objects.bulk_create(
        ProgramEvent(
            external_identifier=f"EVT-{number}", category="X1EC", created_at=AT, changed_at=AT,
            starts_at=AT - dt.timedelta(days=DAYS_BETWEEN * number + 1),
            ends_at=AT - dt.timedelta(days=DAYS_BETWEEN * number + 1) + dt.timedelta(hours=2),
        )
        for number in range(EVENTS)
    )  # fmt: skip
    for number, event in enumerate(events):
        # Event by event, as they come: what belongs to one device lies far apart. Three of ten do not go well.
        _insert(
            Participation, devices, where=f"(n * 7 + {number}) % {EVENTS} < {history}", plain=True,
            event_id=event.pk, device_id=_number("n"), subscription_id=_number("n"), reserved_from=event.starts_at,
            reserved_to=event.ends_at, status="REPORTED", changed_at=AT, participated_from=event.starts_at,
            outcome=_number(f"CASE (n + {number}) % 10 WHEN 0 THEN 'D1IO' WHEN 1 THEN 'D1ND' WHEN 2 THEN 'D1CN' "
                            "ELSE 'D1SP' END"),
        )  # fmt: skip


class _Sql(str):
    """An expression of `n`, the number of the row."""

    __slots__ = ()


def _number(expression: str) -> _Sql:
    return _Sql(expression)


def _text(prefix: str) -> _Sql:
    return _Sql(f"{prefix} || CAST(100000000 + n AS varchar(9))")


def _insert(
    model: type[models.Model], count: int, *, key: str = "id", where: str = "", plain: bool = False, **values: Any
) -> None:
    """Insert rows 1 to `count`; what is not named has its default. `plain`: the database numbers the rows."""
    given = {**_defaults(model), **values, **({} if plain else {key: _number("n")})}
    if plain:
        given.pop(key, None)
    fields = {field.column: field for field in model._meta.concrete_fields}
    columns, expressions, parameters = [], [], []
    for name, value in given.items():
        columns.append(f'"{name}"')
        expressions.append(str(value) if isinstance(value, _Sql) else "%s")
        if not isinstance(value, _Sql):
            parameters.append(fields[name].get_db_prep_save(value, connection))
    numbers = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %s)"
    if connection.vendor == "postgresql":
        numbers = "WITH g(n) AS (SELECT generate_series(1, %s))"
    selected = ", ".join(expressions).replace(" % ", " %% ")
    sql = (
        f'{numbers} INSERT INTO "{model._meta.db_table}" ({", ".join(columns)}) '
        f"SELECT {selected} FROM g {('WHERE ' + where.replace(' % ', ' %% ')) if where else ''}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, *parameters])


def _defaults(model: type[models.Model]) -> dict[str, Any]:
    found = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.is_relation:
            continue
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            found[field.column] = AT
        elif field.has_default():
            found[field.column] = field.get_default()
        elif not field.null and field.empty_strings_allowed:
            found[field.column] = ""
    return found
