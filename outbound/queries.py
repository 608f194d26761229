"""What others read of connections, parameters and mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from outbound.choices import IN_PROCESS_PREFIX, BreakerState, MailStatus
from outbound.models import Connection, Mail, Parameter
from outbound.models.connections import SECRETS
from outbound.parameters import DECLARED, declaration
from outbound.texts import storable


STALE_AFTER = dt.timedelta(hours=24)
ZONE_QUEUE_PREFIX = "zone."


class UnknownConnection(LookupError):
    """No connection of this name exists."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no connection named {name}.")
        self.name = name


class UnknownMail(LookupError):
    """No mail of this id exists."""


def connection(name: str) -> Connection:
    """
    Give a connection by its name.

    :raises UnknownConnection: when there is none.
    """
    found = (
        Connection.objects.select_related("health", "trust_certificate", "identity_certificate")
        .filter(name=storable(name))
        .first()
    )
    if found is None:
        raise UnknownConnection(name)
    return found


def connections_for_display(*, search: str = "") -> QuerySet[Connection]:
    """
    Give connections with their health, by name, and whether each secret is set; the secrets themselves stay unread.

    :param search: part of the name or description.
    """
    found = (
        Connection.objects.select_related("health")
        .defer(*SECRETS)
        .annotate(
            password_set=ExpressionWrapper(~Q(password=""), output_field=BooleanField()),
            private_key_set=ExpressionWrapper(~Q(private_key=""), output_field=BooleanField()),
        )
        .order_by("name")
    )
    if search:
        wanted = storable(search)
        found = found.filter(Q(name__icontains=wanted) | Q(description__icontains=wanted))
    return found


def connection_names() -> list[str]:
    """Give the names of all connections, in order."""
    return list(Connection.objects.order_by("name").values_list("name", flat=True))


def parameter(name: str) -> Decimal | int:
    """
    Give a parameter's value: an int for a count, a Decimal for seconds; the declared default when it is not set.

    :raises UnknownParameter: when no such parameter is declared.
    """
    declared = declaration(name)
    stored = Parameter.objects.filter(name=name).values_list("value", flat=True).first()
    return declared.parse(declared.default if stored is None else stored)


def parameters(*, search: str = "") -> QuerySet[Parameter]:
    """
    Give the stored parameters that are declared, by name.

    :param search: part of the name or description.
    """
    found = Parameter.objects.filter(name__in=DECLARED).order_by("name")
    if search:
        wanted = storable(search)
        found = found.filter(Q(name__icontains=wanted) | Q(description__icontains=wanted))
    return found


def connections_to_look_at(*, at: dt.datetime, after: dt.timedelta = STALE_AFTER) -> QuerySet[Connection]:
    """Give the enabled connections that need a look, by name: not reachable, never heard of, or silent for `after`."""
    unheard = Q(health__isnull=True) | Q(health__last_success_at__isnull=True)
    in_trouble = Q(health__isnull=False) & ~Q(health__state=BreakerState.CLOSED)
    return (
        Connection.objects.filter(enabled=True)
        .exclude(base_url__startswith=IN_PROCESS_PREFIX)
        .filter(in_trouble | unheard | Q(health__last_success_at__lt=at - after))
        .order_by("name")
    )


def due_mails(*, at: dt.datetime, limit: int) -> list[int]:
    """Give the ids of pending mails whose time has come and which no worker holds, oldest first."""
    return list(
        Mail.objects.filter(status=MailStatus.PENDING, next_attempt_at__lte=at, lease_token__isnull=True)
        .order_by("next_attempt_at", "id")
        .values_list("id", flat=True)[:limit]
    )


def mails_for_display() -> QuerySet[Mail]:
    """Give all mails with the number of their attempts (`tries`)."""
    return Mail.objects.annotate(tries=Count("attempts"))


def mail_html(*, mail_id: int) -> str:
    """
    Give the HTML of a mail.

    :raises UnknownMail: when there is none of this id.
    """
    html = Mail.objects.filter(pk=mail_id).values_list("html", flat=True).first()
    if html is None:
        raise UnknownMail(f"There is no mail {mail_id}.")
    return html


def mail_counts() -> dict[str, int]:
    """Give how many mails wait and how many failed, for the dashboard."""
    return {status: Mail.objects.filter(status=status).count() for status in (MailStatus.PENDING, MailStatus.FAIL)}


def zone_queue(names: Iterable[str]) -> str | None:
    """
    Give the task queue of work that calls these connections: that of the zone that one of them lies in.

    None when none of them lies in a zone: any worker takes it.
    """
    zone = (
        Connection.objects.filter(name__in=list(names))
        .exclude(zone="")
        .order_by("name")
        .values_list("zone", flat=True)
        .first()
    )
    return f"{ZONE_QUEUE_PREFIX}{zone}" if zone else None


def connections_by_zone() -> dict[str, list[str]]:
    """Give the names of the connections that lie in a zone, by zone."""
    zones: dict[str, list[str]] = {}
    for zone, name in Connection.objects.exclude(zone="").order_by("name").values_list("zone", "name"):
        zones.setdefault(zone, []).append(name)
    return zones


def breaker_states() -> list[tuple[str, str]]:
    """Give the names of enabled connections with the states of their breakers; one never used is closed."""
    rows = Connection.objects.filter(enabled=True).order_by("name").values_list("name", "health__state")
    return [(name, state or BreakerState.CLOSED) for name, state in rows]
