"""How usage subscriptions, usage transactions and outages are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from foundation.kept_texts import kept
from vee import choices, models
from vee.events import SYSTEM, MasterData
from vee.operations import master_data_records as records
from vee.operations import usage_lifecycle
from vee.operations.master_data_keeper import PART, Keeper, LineRefused, by_identifier, instant, named, refer, unknown


_SOURCE = "master data"
_REASON = "As the master data say."
# What another system says of usage that Tieline has not touched yet.
_TAKEN_OVER = {step for step in usage_lifecycle.LEGAL if step[0] == choices.UsageTransactionStatus.PENDING}


class UsageSubscriptions(Keeper):
    """Claims to the usage of service points."""

    model = models.UsageSubscription
    history = False
    told_as = MasterData.USAGE_SUBSCRIPTION
    guarded = ("service_point_id",)

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))

    def values(self, line: records.UsageSubscription, row: models.UsageSubscription) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "service_point", line.service_point, self.points, "service point")
        for name in ("recipient", "defer_until_complete", "send_automatically"):
            if getattr(line, name) is not UNSET:
                found[name] = getattr(line, name)
        return found

    def check(self, row: models.UsageSubscription, after: dict[str, Any], *, created: bool) -> None:
        if not created and after["service_point_id"] != row.service_point_id and row.transactions.exists():
            message = "the subscription has usage transactions: its service point is fixed"
            raise LineRefused("/service_point", "immutable", message)


class UsageTransactions(Keeper):
    """
    Usage for half-open periods.

    A status is taken over with a new transaction, or while it is PENDING; from then on Tieline keeps it, and the
    subscription and period that its figures are of.
    """

    model = models.UsageTransaction
    history = False
    guarded = ("usage_subscription_id", "start", "end")

    def load(self, lines: Sequence[Any]) -> None:
        wanted = sorted({self.key(line) for line in lines})
        for begin in range(0, len(wanted), PART):
            rows = models.UsageTransaction.objects.filter(identifier__in=wanted[begin : begin + PART])
            self.rows.update((row.identifier, row) for row in rows.order_by("pk").select_for_update())
        self.subscriptions = by_identifier(models.UsageSubscription, named(lines, "usage_subscription"))
        self.moves: list[tuple[models.UsageTransaction, str]] = []

    def new(self, line: records.UsageTransaction) -> models.UsageTransaction:
        status = choices.UsageTransactionStatus.PENDING if line.status is UNSET else line.status
        return models.UsageTransaction(identifier=line.id, status=status)

    def values(self, line: records.UsageTransaction, row: models.UsageTransaction) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "usage_subscription", line.usage_subscription, self.subscriptions, kept("usage subscription"))
        if line.start is not UNSET:
            found["start"] = instant(line.start, "/start")
        if line.end is not UNSET:
            found["end"] = instant(line.end, "/end")
        if line.calculate_after is not UNSET:
            after = line.calculate_after
            found["calculate_after"] = None if after is None else instant(after, "/calculate_after")
        return found

    def apply(self, line: Any) -> tuple[bool, bool]:
        row = self.rows.get(line.id)
        target = None if row is None or line.status is UNSET or line.status == row.status else str(line.status)
        if row is not None and target is not None and (row.status, target) not in _TAKEN_OVER:
            message = f"the status is {row.status}, and from there Tieline keeps it itself"
            raise LineRefused("/status", "immutable", message)
        created, changed = super().apply(line)
        if row is not None and target is not None:
            self.moves.append((row, target))
        return created, changed or target is not None

    def check(self, row: models.UsageTransaction, after: dict[str, Any], *, created: bool) -> None:
        if after["end"] <= after["start"]:
            raise LineRefused("/end", "invalid_period", "the end does not lie after the start")
        for name in () if created or row.status == choices.UsageTransactionStatus.PENDING else self.guarded:
            if after[name] != getattr(row, name):
                message = f"the usage is {row.status}: its subscription and period are fixed"
                raise LineRefused(f"/{name.removesuffix('_id')}", "immutable", message)

    def save(self, *, by: str = SYSTEM) -> None:
        super().save(by=by)
        usage_lifecycle.note_created(transactions=self.created, at=self.at, by=_SOURCE, reason=_REASON)
        for row, target in self.moves:
            usage_lifecycle.move(transaction=row, to=target, at=self.at, by=_SOURCE, reason=_REASON)


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
