"""What is read of usage: the components of a service point, their totals, transactions in detail, and what is due."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from vee import storage
from vee.choices import UsageTransactionStatus as Status
from vee.codes import ComponentKind
from vee.models import (
    InitialMeasurement,
    MeasuringComponent,
    RegisterMeasurement,
    UsageCorrection,
    UsageTransaction,
    UsageTransactionTotal,
    UsageTransactionTransition,
)
from vee.usage_totals import (
    ComponentFacts,
    ComponentTotal,
    RegisterRead,
    expected_intervals,
    no_measurement,
    total_of_intervals,
    total_of_reads,
)


# A component lies at the service point that it names, else at that of its device.
POINT = Coalesce("service_point", "device__service_point")
_RECALCULABLE = (Status.CALCULATION_DEFERRED, Status.CALCULATED, Status.ISSUE_DETECTED)


class UnableToAddUp(ValueError):
    """The measurements of a component cannot be added up; the message says why."""


def components_of(*, service_point_id: int) -> list[ComponentFacts]:
    """Give the measuring components of a service point, by identifier."""
    rows = (
        MeasuringComponent.objects.annotate(
            point=POINT,
            offset=Coalesce(
                "service_point__standard_offset_seconds", "device__service_point__standard_offset_seconds", 0
            ),
        )
        .filter(point=service_point_id)
        .select_related("type")
        .order_by("identifier")
    )
    return [
        ComponentFacts(
            id=row.pk,
            identifier=row.identifier,
            kind=row.type.component_kind,
            uom=row.type.uom,
            allow_negative=row.type.allow_negative,
            seconds_per_interval=row.type.seconds_per_interval,
            standard_offset=row.offset,
        )
        for row in rows
    ]


def totals(*, components: Sequence[ComponentFacts], start: dt.datetime, end: dt.datetime) -> list[ComponentTotal]:
    """
    Add up the final measurements with `start < end label ≤ end` of each component; at most three queries.

    :raises UnableToAddUp: when a component's measurements do not fit each other.
    """
    registers = [one.id for one in components if one.kind == ComponentKind.SCALAR]
    intervals = [one.id for one in components if one.kind != ComponentKind.SCALAR]
    try:
        series = storage.read_range(component_ids=intervals, start=start, end=end) if intervals else {}
    except ValueError as error:
        raise UnableToAddUp(str(error)) from None
    reads, begins = _reads(registers, start, end) if registers else ({}, set())
    found = []
    for one in components:
        if one.kind == ComponentKind.SCALAR:
            found.append(total_of_reads(component=one, reads=reads.get(one.id, ()), begins=one.id in begins))
            continue
        expected = expected_intervals(
            # A label is a whole second, so that the floor of both ends counts the same labels.
            start=int(start.timestamp() // 1),
            end=int(end.timestamp() // 1),
            seconds_per_interval=one.seconds_per_interval or 1,
            standard_offset=one.standard_offset,
        )
        part = series.get(one.id)
        if part is None:
            found.append(no_measurement(component=one, expected=expected))
            continue
        found.append(
            total_of_intervals(
                component=one,
                expected=expected,
                values=part.values,
                conditions=part.conditions,
                edited=part.edited,
                scale=part.scale,
            )
        )
    return found


def _reads(
    component_ids: Sequence[int], start: dt.datetime, end: dt.datetime
) -> tuple[dict[int, list[RegisterRead]], set[int]]:
    """Give the reads of registers in a period, and the registers that have none before it."""
    reads: dict[int, list[RegisterRead]] = defaultdict(list)
    rows = RegisterMeasurement.objects.filter(measuring_component__in=component_ids, read_at__lte=end)
    for row in rows.filter(read_at__gt=start).order_by("measuring_component", "read_at"):
        reads[row.measuring_component_id].append(RegisterRead(row.consumption, row.condition, row.user_edited))
    before = rows.filter(read_at__lte=start).values_list("measuring_component_id", flat=True).distinct()
    return reads, set(component_ids) - set(before)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UsageDetail:
    """A usage transaction with everything that hangs on it; `new_totals` are those of its correction."""

    transaction: UsageTransaction
    totals: list[UsageTransactionTotal]
    new_totals: list[UsageTransactionTotal]
    transitions: list[UsageTransactionTransition]
    correction: UsageCorrection | None
    imds: list[InitialMeasurement]


def transactions() -> QuerySet[UsageTransaction]:
    """Give usage transactions with their subscription and service point."""
    return UsageTransaction.objects.select_related("usage_subscription__service_point")


def usage_detail(*, transaction: UsageTransaction) -> UsageDetail:
    """Read what hangs on a usage transaction; at most four queries."""
    correction = UsageCorrection.objects.filter(transaction=transaction).first()
    new_version = correction.new_version if correction is not None else 0
    rows = totals_of(transaction_id=transaction.pk, versions=(transaction.version, new_version))
    imd_ids = correction.imd_ids if correction is not None else []
    return UsageDetail(
        transaction=transaction,
        totals=[row for row in rows if row.version == transaction.version],
        new_totals=[row for row in rows if correction is not None and row.version == new_version],
        transitions=list(UsageTransactionTransition.objects.filter(transaction=transaction).order_by("pk")),
        correction=correction,
        imds=list(InitialMeasurement.objects.filter(pk__in=imd_ids).order_by("pk")) if imd_ids else [],
    )


def corrections_by(*, imd: InitialMeasurement) -> list[UsageCorrection]:
    """Give the corrections of sent usage that an IMD brought about, oldest first, with their transactions."""
    # One database in use cannot look into a JSON list: the figures of the component leave few rows to look through.
    near = (
        UsageCorrection.objects.filter(
            transaction__totals__measuring_component=imd.measuring_component_id,
            transaction__totals__version=F("new_version"),
            transaction__start__lte=imd.end,
            transaction__end__gte=imd.start,
        )
        .select_related("transaction__usage_subscription")
        .order_by("at", "pk")
    )
    return [correction for correction in near if imd.pk in correction.imd_ids]


def totals_of(*, transaction_id: int, versions: Sequence[int]) -> list[UsageTransactionTotal]:
    """Give the totals of some versions of a calculation, by version and component."""
    return list(
        UsageTransactionTotal.objects.filter(transaction=transaction_id, version__in=versions)
        .select_related("measuring_component")
        .order_by("version", "measuring_component__identifier")
    )


def due_calculations(*, at: dt.datetime, before: dt.datetime | None = None, limit: int = 1_000) -> list[int]:
    """
    Give the transactions that are to be calculated by themselves: stale ones, and those whose time has come.

    Also PENDING ones whose time has not come: they are to be deferred. With `before`, only stale since before it.
    """
    stale = Q(status__in=_RECALCULABLE, stale_since__lte=before or at)
    timed = Q(status=Status.CALCULATION_DEFERRED, calculate_after__lte=at) | Q(
        status=Status.PENDING, calculate_after__isnull=False
    )
    found = UsageTransaction.objects.filter(stale | timed).order_by("pk")
    return list(found.values_list("pk", flat=True)[:limit])


def waiting_sendings(*, before: dt.datetime, limit: int = 500) -> list[int]:
    """Give the calculated transactions whose sending was asked for before an instant and has not begun."""
    found = UsageTransaction.objects.filter(
        status=Status.CALCULATED, send_requested_at__lte=before, stale_since__isnull=True
    )
    return list(found.order_by("send_requested_at").values_list("pk", flat=True)[:limit])


def waiting_corrections(*, before: dt.datetime, tried_before: dt.datetime, limit: int = 500) -> list[int]:
    """Give the corrections that nobody was told of, made and tried before these instants; the longest untried first."""
    found = UsageCorrection.objects.filter(queued_at__isnull=True, at__lte=before).filter(
        Q(tried_at__isnull=True) | Q(tried_at__lte=tried_before)
    )
    return list(found.order_by(F("tried_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit])
