"""Usage for tests: a service point with a meter, a subscription of CIS, and transactions over its days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from tests.factories import vee as make
from vee import models
from vee.operations import processing, usage


DAY_END = make.DAY + dt.timedelta(days=1)
RIGHTS = ("vee.calculate_usage", "vee.send_usage", "vee.discard_usage")


def subscription(component: models.MeasuringComponent, **fields: Any) -> models.UsageSubscription:
    """A claim of CIS to the usage of a component's service point."""
    number = models.UsageSubscription.objects.count() + 1
    values = {"identifier": f"US-{number}", "service_point": component.service_point, "recipient": "CIS", **fields}
    return models.UsageSubscription.objects.create(**values)


def transaction(of: models.UsageSubscription, **fields: Any) -> models.UsageTransaction:
    """Usage of the day that IMDs of the factories begin with, unless told otherwise."""
    number = models.UsageTransaction.objects.count() + 1
    values = {"identifier": f"UT-{number}", "usage_subscription": of, "start": make.DAY, "end": DAY_END, **fields}
    return models.UsageTransaction.objects.create(**values)


def clerk(name: str = "cleo") -> User:
    """An account that may do everything with usage."""
    return User.objects.filter(username=name).first() or make.person(name, *RIGHTS)


def calculated(row: models.UsageTransaction, *, at: dt.datetime = make.AT) -> models.UsageTransaction:
    """Calculate as a person does, and give the row as it is then."""
    usage.calculate(transaction_id=row.pk, by=clerk(), reason="month end", at=at)
    return again(row)


def again(row: models.UsageTransaction) -> models.UsageTransaction:
    """The row as the database has it."""
    return models.UsageTransaction.objects.get(pk=row.pk)


def measured(
    component: models.MeasuringComponent, values: Sequence[str | None], *, at: dt.datetime = make.AT, **fields: Any
) -> models.InitialMeasurement:
    """Take readings in and run VEE on them."""
    imd = make.interval_imd(component, values, **fields)
    processing.process_due(at=at)
    return models.InitialMeasurement.objects.get(pk=imd.pk)
