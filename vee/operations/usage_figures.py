"""The figures of a usage transaction: worked out from final measurements, and stored as a version of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vee import usage_queries
from vee.codes import UsageIssue
from vee.models import UsageTransaction, UsageTransactionTotal
from vee.usage_totals import ComponentTotal, issues_of


CALCULATE_TASK = "vee.tasks.calculate_usage"
_FIGURES = ("total", "expected", "missing", "estimated", "user_edited", "negative", "conditions")


def figures(*, transaction: UsageTransaction) -> tuple[list[ComponentTotal], list[dict[str, str]]]:
    """Give the totals of a transaction's period as the measurements stand, and what is wrong with them."""
    components = usage_queries.components_of(service_point_id=transaction.usage_subscription.service_point_id)
    try:
        totals = usage_queries.totals(components=components, start=transaction.start, end=transaction.end)
    except usage_queries.UnableToAddUp as error:
        return [], [{"code": UsageIssue.UNREADABLE.value, "component": "", "message": str(error)}]
    return totals, issues_of(totals)


def store(*, transaction: UsageTransaction, totals: Sequence[ComponentTotal], version: int) -> None:
    """Store totals as a version of a transaction."""
    UsageTransactionTotal.objects.bulk_create(
        UsageTransactionTotal(
            transaction=transaction,
            version=version,
            measuring_component_id=one.component.id,
            component_kind=one.component.kind,
            uom=one.component.uom,
            **{name: getattr(one, name) for name in _FIGURES},
        )
        for one in totals
    )


def are_current(*, transaction: UsageTransaction, totals: Sequence[ComponentTotal]) -> bool:
    """Whether totals are those of the version that counts; false when nothing was calculated yet."""
    if not transaction.version:
        return False
    stored = {
        one.measuring_component_id: _facts(one)
        for one in usage_queries.totals_of(transaction_id=transaction.pk, versions=[transaction.version])
    }
    return stored == {one.component.id: _facts(one) for one in totals}


def _facts(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in _FIGURES)
