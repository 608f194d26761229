"""How usage subscriptions, usage transactions and outages are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from vee import models
from vee.operations import master_data_records as records
from vee.operations.master_data_keeper import Keeper, LineRefused, by_identifier, instant, named, refer, unknown


class UsageSubscriptions(Keeper):
    """Claims to the usage of service points."""

    model = models.UsageSubscription
    history = False

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))

    def values(self, line: records.UsageSubscription, row: models.UsageSubscription) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "service_point", line.service_point, self.points, "service point")
        if line.recipient is not UNSET:
            found["recipient"] = line.recipient
        return found


class UsageTransactions(Keeper):
    """Usage for half-open periods."""

    model = models.UsageTransaction
    history = False
    guarded = ("start", "end")

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.subscriptions = by_identifier(models.UsageSubscription, named(lines, "usage_subscription"))

    def values(self, line: records.UsageTransaction, row: models.UsageTransaction) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "usage_subscription", line.usage_subscription, self.subscriptions, "usage subscription")
        if line.start is not UNSET:
            found["start"] = instant(line.start, "/start")
        if line.end is not UNSET:
            found["end"] = instant(line.end, "/end")
        if line.status is not UNSET:
            found["status"] = line.status.value
        return found

    def check(self, row: models.UsageTransaction, after: dict[str, Any], *, created: bool) -> None:
        if after["end"] <= after["start"]:
            raise LineRefused("/end", "invalid_period", "the end does not lie after the start")


class Outages(Keeper):
    """Known by service point and start."""

    model = models.Outage
    history = False
    guarded = ("end",)

    def load(self, lines: Sequence[Any]) -> None:
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))
        stored = models.Outage.objects.filter(service_point__in=self.points.values()).select_related("service_point")
        self.rows = {(row.service_point.identifier, row.start): row for row in stored}

    def key(self, line: Any) -> Any:
        return line.service_point, instant(line.start, "/start")

    def new(self, line: records.Outage) -> models.Outage:
        point = self.points.get(line.service_point)
        if point is None:
            raise unknown("service_point", "service point", line.service_point)
        return models.Outage(service_point=point, start=instant(line.start, "/start"))

    def values(self, line: records.Outage, row: models.Outage) -> dict[str, Any]:
        if line.end is UNSET:
            return {}
        return {"end": None if line.end is None else instant(line.end, "/end")}

    def check(self, row: models.Outage, after: dict[str, Any], *, created: bool) -> None:
        if after["end"] is not None and after["end"] <= row.start:
            raise LineRefused("/end", "invalid_period", "the end does not lie after the start")
