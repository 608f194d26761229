"""Which types, components and places a VEE group stands for, as rows that can be counted and listed alike."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count, Q, QuerySet

from vee.configuration_queries import ROLES, any_role
from vee.models import MeasuringComponent, MeasuringComponentType, ServicePoint, VeeGroup, VeeRule


def types_naming(group: VeeGroup) -> QuerySet[MeasuringComponentType]:
    """Give the types that name a group for one of their roles."""
    return MeasuringComponentType.objects.filter(any_role(group))


def components_naming(group: VeeGroup) -> QuerySet[MeasuringComponent]:
    """Give the components that name a group for one of their roles themselves."""
    return MeasuringComponent.objects.filter(any_role(group))


def components_passing(group: VeeGroup) -> QuerySet[MeasuringComponent]:
    """Give the components whose data passes a group in one of the roles: by themselves, or by a type they keep to."""
    condition = any_role(group)
    for role in ROLES:
        condition |= Q(**{f"{role}__isnull": True, f"type__{role}": group})
    return MeasuringComponent.objects.filter(condition)


def service_points_passing(group: VeeGroup) -> QuerySet[ServicePoint]:
    """Give the service points with a component of their own, or on a device of theirs, whose data passes a group."""
    passing = components_passing(group)
    return ServicePoint.objects.filter(
        Q(pk__in=passing.filter(service_point__isnull=False).values("service_point"))
        | Q(
            pk__in=passing.filter(service_point__isnull=True, device__service_point__isnull=False).values(
                "device__service_point"
            )
        )
    )


def groups_with_rules(names: Collection[str]) -> dict[str, int]:
    """Give for each of these rules in how many groups it stands."""
    rows = (
        VeeRule.objects.filter(rule__in=names).order_by().values("rule").annotate(groups=Count("group", distinct=True))
    )
    return dict(rows.values_list("rule", "groups"))
