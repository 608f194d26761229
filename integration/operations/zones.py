"""Workers beside peers: whether a connection zone has somebody who takes its queue (`integration.md` 6.7)."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from foundation.dispatch import after_commit
from integration.models import ZoneHeartbeat
from outbound.queries import ZONE_QUEUE_PREFIX, connections_by_zone


BEAT_TASK = "integration.tasks.zone_heartbeat"
BEAT_SECONDS = 30.0


def ask_zones(*, at: dt.datetime) -> int:
    """Ask the workers of every zone whether they are there; give how many zones there are."""
    zones = connections_by_zone()
    for zone in zones:
        # A question that nobody took in time is replaced by the next one.
        after_commit(BEAT_TASK, queue=f"{ZONE_QUEUE_PREFIX}{zone}", expires=BEAT_SECONDS, zone=zone)
    ZoneHeartbeat.objects.filter(~Q(zone__in=zones), beat_at__lte=at - dt.timedelta(days=1)).delete()
    return len(zones)


def record_heartbeat(*, zone: str, worker: str, at: dt.datetime) -> None:
    """Note that a worker of a zone is there."""
    ZoneHeartbeat.objects.update_or_create(zone=zone, defaults={"beat_at": at, "worker": worker[:200]})
