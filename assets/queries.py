"""What others read of the DACS side."""

from __future__ import annotations

from django.db.models import Prefetch

from assets.choices import EnrollmentKind
from assets.models import DeviceSetup, Enrollment
from lookups.queries import UnknownLookup, config_property


SWITCH = "dacsSide.enabled"


def is_on() -> bool:
    """Whether this site uses the DACS side; off: its service refuses, its batches do nothing."""
    try:
        return bool(config_property(SWITCH))
    except UnknownLookup:
        # Nothing is installed yet.
        return False


def enrollment(*, identifier: str, kind: EnrollmentKind | None = None) -> Enrollment | None:
    """Give an enrollment with all that its document tells; None when there is none of this id (and kind)."""
    setups = DeviceSetup.objects.select_related(
        "device__device", "device__head_end_system", "communication", "replaces__device"
    ).order_by("sequence")
    rows = Enrollment.objects.select_related(
        "subscription__contact",
        "subscription__program",
        "subscription__usage_subscription",
        "subscription__location__service_point",
    ).prefetch_related(Prefetch("device_setups", queryset=setups))
    wanted = rows.filter(identifier=identifier) if "\x00" not in identifier else rows.none()
    return (wanted.filter(kind=kind) if kind is not None else wanted).first()
