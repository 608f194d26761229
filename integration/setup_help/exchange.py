"""Connections and routing: every target that something calls is defined, tested, and found by what calls it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from integration import control_queries
from integration.flows.derms_calls import ROUTING, SITE
from integration.models import Flow
from integration.setup_help.step import State, Step, done_if
from lookups.models import Lookup
from lookups.queries import UnknownColumn, UnknownLookup, table
from lookups.usage import uses
from outbound import queries as outbound_queries
from outbound.choices import AVAILABLE_TRANSPORTS, IN_PROCESS_PREFIX
from outbound.models import Connection, ExternalSystem
from vee.models import UsageSubscription


_CONNECTIONS = "outbound.view_connection"
_SYSTEMS = "outbound.view_externalsystem"


def connections() -> Iterator[Step]:
    """Give a step for each connection that is enabled, and for each that an active flow calls and that is missing."""
    defined = {each.name: each for each in outbound_queries.connections_for_display()}
    used_by: dict[str, list[str]] = {}
    for flow in Flow.objects.filter(active=True).order_by("display_name"):
        for name in control_queries.connections_of(flow):
            used_by.setdefault(name, []).append(flow.display_name)
    for name, flows in sorted(used_by.items()):
        if name not in defined or not defined[name].enabled:
            yield _missing(name, flows, defined.get(name))
    for name, connection in sorted(defined.items()):
        if connection.enabled:
            yield _tested(name, connection)


def _missing(name: str, flows: list[str], disabled: Connection | None) -> Step:
    why = _("Active flows call it: %(flows)s.") % {"flows": ", ".join(flows)}
    if disabled is not None:
        why = f"{_('It is switched off.')} {why}"
    return Step(
        key=f"connection.missing.{name}",
        title=_("Connection %(name)s is there") % {"name": name},
        state=State.TO_DO,
        why=why,
        permission=_CONNECTIONS,
        view="admin:outbound_connection_add" if disabled is None else "admin:outbound_connection_change",
        arguments=() if disabled is None else (disabled.pk,),
        filters={"name": name} if disabled is None else {},
        fix=_("Define the connection") if disabled is None else _("Open the connection"),
    )


def _tested(name: str, connection: Connection) -> Step:
    health = getattr(connection, "health", None)
    result: Mapping[str, Any] | None = getattr(health, "last_test_result", None)
    heard: dt.datetime | None = getattr(health, "last_success_at", None)
    if connection.transport not in AVAILABLE_TRANSPORTS:
        state, why = State.UNKNOWN, _("This version cannot use its transport, and so cannot test it.")
    elif connection.base_url.startswith(IN_PROCESS_PREFIX):
        state, why = State.DONE, _("It leads to this product itself.")
    elif health is None or result is None or health.last_tested_at is None:
        state, why = State.TO_DO, _("Nobody has tested it.")
        if heard is not None:
            state, why = State.DONE, _("Never tested, but the target answered at %(at)s UTC.") % {"at": _time(heard)}
    else:
        words = {"at": _time(health.last_tested_at), "by": health.last_tested_by, "said": result.get("summary", "")}
        state = done_if(result.get("ok"))
        why = _("Tested at %(at)s UTC by %(by)s: %(said)s") % words
    return Step(
        key=f"connection.tested.{name}",
        title=_("Connection %(name)s is tested") % {"name": name},
        state=state,
        why=why,
        permission=_CONNECTIONS,
        view="admin:outbound_connection_change",
        arguments=(connection.pk,),
        fix=_("Test it"),
    )


def routing() -> Iterator[Step]:
    """Give the steps of routing: the site of each division, and the way to each external system."""
    yield from _sites()
    names = set(Connection.objects.filter(enabled=True).values_list("name", flat=True))
    systems = ExternalSystem.objects.select_related("connection", "sender__connection").order_by("name")
    for system in systems:
        own = system.connection or (system.sender.connection if system.sender else None)
        enabled = own.enabled if own is not None else system.name in names
        yield Step(
            key=f"routing.system.{system.name}",
            title=_("Messages to %(name)s find their way") % {"name": system.name},
            state=done_if(enabled),
            why=_("They go through the connection %(name)s.") % {"name": own.name if own else system.name}
            if enabled
            else _("It has no sender and no connection that is enabled, and no connection has its name."),
            permission=_SYSTEMS,
            view="admin:outbound_externalsystem_change",
            arguments=(system.pk,),
            fix=_("Choose its sender or connection"),
        )
    known = {system.name for system in systems}
    for recipient in UsageSubscription.objects.order_by("recipient").values_list("recipient", flat=True).distinct():
        if recipient not in known:
            yield Step(
                key=f"routing.usage.{recipient}",
                title=_("Usage for %(name)s finds its way") % {"name": recipient},
                state=State.TO_DO,
                why=_("Usage subscriptions name it, and no external system has this name."),
                permission=_SYSTEMS,
                view="admin:outbound_externalsystem_add",
                filters={"name": recipient},
                fix=_("Define the external system"),
            )


def _sites() -> Iterator[Step]:
    readers = [use.used_by for use in uses(names=[ROUTING])]
    lookup = Lookup.objects.filter(name=ROUTING).first()
    try:
        held = table(name=ROUTING)
        site = held.column(SITE).name
        sites = sum(bool(row.get(site)) for row in held.rows)
        why = _("%(rows)s of %(all)s divisions have a site.") % {"rows": sites, "all": len(held.rows)}
        state = done_if(held.rows and sites == len(held.rows))
        if not held.rows:
            why = _("The lookup is empty.")
    except (UnknownLookup, UnknownColumn) as error:
        state, why = State.TO_DO, str(error)
    yield Step(
        key="routing.sites",
        title=_("Every division has a site of the DERMS"),
        state=state,
        why=f"{why} {_('Read by: %(flows)s.') % {'flows': ', '.join(readers)}}",
        permission="lookups.view_lookup",
        view="admin:lookups_lookup_change" if lookup else "admin:lookups_lookup_add",
        arguments=(lookup.pk,) if lookup else (),
        fix=_("Open the routing"),
    )


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M}"
