"""Meter data for tests: master data, groups and IMDs with as little said as possible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import factory
import numpy as np
from django.contrib.auth.models import Permission, User
from factory.django import DjangoModelFactory

from vee import models
from vee.codes import NO_VALUE, Condition


AT = dt.datetime(2024, 3, 5, 12, tzinfo=dt.UTC)
DAY = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


class ServicePointFactory(DjangoModelFactory):
    class Meta:
        model = models.ServicePoint

    identifier = factory.Sequence(lambda number: f"SP-{number}")
    time_zone = "UTC"


class DeviceFactory(DjangoModelFactory):
    class Meta:
        model = models.Device

    identifier = factory.Sequence(lambda number: f"DEV-{number}")


class MeasuringComponentTypeFactory(DjangoModelFactory):
    class Meta:
        model = models.MeasuringComponentType

    identifier = factory.Sequence(lambda number: f"TYPE-{number}")
    component_kind = "INTERVAL"
    seconds_per_interval = 900
    uom = "KWH"


class MeasuringComponentFactory(DjangoModelFactory):
    class Meta:
        model = models.MeasuringComponent

    identifier = factory.Sequence(lambda number: f"MC-{number}")
    type = factory.SubFactory(MeasuringComponentTypeFactory)
    service_point = factory.SubFactory(ServicePointFactory)


def register_type(**values: Any) -> models.MeasuringComponentType:
    return MeasuringComponentTypeFactory(
        **{"component_kind": "SCALAR", "seconds_per_interval": None, "scale": 3, **values}
    )


def vee_group(code: str, *rules: dict[str, Any]) -> models.VeeGroup:
    """Make a group; each rule says at least `rule`, and its sequence is its place times ten."""
    group = models.VeeGroup.objects.create(code=code)
    for place, rule in enumerate(rules, start=1):
        exception_type = rule.get("exception_type")
        if exception_type:
            models.VeeExceptionType.objects.get_or_create(code=exception_type)
        models.VeeRule.objects.create(
            group=group,
            **{
                "sequence": place * 10,
                "severity": "ISSUE",
                **{key: value for key, value in rule.items() if key != "exception_type"},
                "exception_type_id": exception_type,
            },
        )
    return group


def interval_imd(
    component: models.MeasuringComponent | str,
    values: Sequence[str | None],
    *,
    start: dt.datetime = DAY,
    conditions: Sequence[int] | None = None,
    seconds: int = 900,
    scale: int = 6,
    uom: str = "KWH",
    multiplier: Decimal | None = None,
    **fields: Any,
) -> models.InitialMeasurement:
    """Make a PENDING interval IMD; None is an interval without a value, which is Missing."""
    known = isinstance(component, models.MeasuringComponent)
    imd = models.InitialMeasurement.objects.create(
        **{
            "measuring_component": component if known else None,
            "component_identifier": component.identifier if known else component,
            "start": start,
            "end": start + dt.timedelta(seconds=seconds * len(values)),
            "seconds_per_interval": seconds,
            "created_at": AT,
            "state_changed_at": AT,
            **fields,
        }
    )
    counts = [NO_VALUE if value is None else int(Decimal(value).scaleb(scale)) for value in values]
    if conditions is None and None in values:
        conditions = [Condition.MISSING if value is None else Condition.REGULAR for value in values]
    models.ImdPayload.objects.create(
        imd=imd,
        uom=uom,
        multiplier=multiplier,
        scale=scale,
        values=np.array(counts, dtype=np.int64),
        conditions=None if conditions is None else np.array(conditions, dtype=np.int32),
    )
    return imd


def register_imd(
    component: models.MeasuringComponent, reading: str | None, *, at: dt.datetime, **fields: Any
) -> models.InitialMeasurement:
    """Make a PENDING register IMD; None is an estimation that has no reading yet."""
    imd = models.InitialMeasurement.objects.create(
        **{
            "measuring_component": component,
            "component_identifier": component.identifier,
            "start": at - dt.timedelta(days=1),
            "end": at,
            "created_at": AT,
            "state_changed_at": AT,
            **fields,
        }
    )
    models.ImdPayload.objects.create(imd=imd, uom="KWH", scale=3, reading=None if reading is None else Decimal(reading))
    return imd


def person(name: str = "ann", *rights: str) -> User:
    """Make an account with these rights (`app.codename`)."""
    user = User.objects.create_user(name)
    for right in rights:
        label, _, codename = right.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return User.objects.get(pk=user.pk)


def release(imd: models.InitialMeasurement) -> None:
    """Perform VEE on manual data, which waits for a person to do that."""
    from vee.operations import actions

    by, _ = User.objects.get_or_create(username="releaser", is_superuser=True)
    actions.perform_vee(imd_id=imd.pk, by=by, reason="released", at=AT)


def analyst(name: str = "ann") -> User:
    """Make an account that may do everything with IMDs."""
    return person(name, "vee.perform_vee", "vee.discard_imd", "vee.force_complete_imd", "vee.edit_imd")
