"""Leases on things that only one process may do at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from foundation.models import BeatLease


def acquire(*, name: str, owner: str, at: datetime, seconds: float) -> bool:
    """
    Take or renew the lease for this owner until `at` + `seconds`; tell whether it is held now.

    One conditional update decides, so that of two that ask at once exactly one gets it. A lease that ends later than
    one can was taken by a clock that has been set back since: it is free.
    """
    impossible = Q(expires_at__gt=at + timedelta(seconds=2 * seconds))
    free = Q(owner=owner) | Q(owner="") | Q(expires_at__isnull=True) | Q(expires_at__lte=at) | impossible
    values = {"owner": owner, "renewed_at": at, "expires_at": at + timedelta(seconds=seconds)}
    if BeatLease.objects.filter(free, name=name).update(**values):
        return True
    _, created = BeatLease.objects.get_or_create(name=name, defaults=values)
    return created


def release(*, name: str, owner: str, at: datetime) -> bool:
    """Give the lease up, so that another need not wait until it expires; tell whether it was held."""
    return bool(BeatLease.objects.filter(name=name, owner=owner).update(owner="", expires_at=at))
