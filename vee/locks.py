"""Locks in one order, so that two writers never wait for each other in a circle: IMDs first, then their components."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from vee.models import InitialMeasurement, MeasuringComponent
from vee.storage import fetch_rows


def lock_imd(*, imd_id: int) -> InitialMeasurement:
    """
    Lock one IMD for the rest of the transaction and give it as it is now.

    :raises InitialMeasurement.DoesNotExist: when there is none.
    """
    imd: InitialMeasurement = InitialMeasurement.objects.select_for_update().get(pk=imd_id)
    return imd


def lock_components(*, component_ids: Iterable[int]) -> None:
    """
    Lock measuring components for the rest of the transaction, in the order of their ids.

    At most one IMD of a component is processed at a time (`vee.md` 2.8). The lock leaves references alone, so that
    intake goes on meanwhile.
    """
    ids = set(component_ids)
    if ids:
        fetch_rows(_in_order(ids).select_for_update(no_key=True).values_list("pk"))


def to_lock(*, component_ids: Iterable[int], free_only: bool) -> QuerySet[MeasuringComponent]:
    """
    Give measuring components that are locked as they are read, as `lock_components` does.

    `free_only` are those that nobody else has locked, without waiting for any.
    """
    return _in_order(set(component_ids)).select_for_update(no_key=True, skip_locked=free_only, of=("self",))


def _in_order(ids: set[int]) -> QuerySet[MeasuringComponent]:
    return MeasuringComponent.objects.filter(pk__any_of=ids).order_by("pk")
