"""The exchange on the home page: runs, the queue, acknowledgements, connections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.counting import Counted
from integration import attention_queries, control_queries
from integration.admin.home import trends
from integration.admin.home.facts import Fact, Part, Watched, rows_address
from integration.admin.home.trends import Series
from integration.attention_queries import RunWork
from integration.choices import CheckState, RunState, SyncAckState
from outbound import attention_queries as outbound_attention
from outbound import queries as outbound_queries
from outbound.choices import IN_PROCESS_PREFIX, BreakerState, MailStatus


_RUNS = "integration_flowrun_changelist"
_MESSAGES = "outbound_outboundmessage_changelist"
_SYNCS = "integration_enrollmentsync_changelist"
MOST_CONNECTIONS = 20
"""A site that has more sees those that need a look."""


def watched(at: dt.datetime) -> list[Watched]:
    """Give what is counted."""
    late = at - attention_queries.ACK_LATE_AFTER
    expected = at - attention_queries.ACK_EXPECTED_WITHIN
    return [
        Watched(
            key="dead_letters",
            label=_("Messages failed for good"),
            permission="outbound.view_outboundmessage",
            rows=outbound_attention.dead_letters(),
            view=_MESSAGES,
            filters={"waits": "dead"},
        ),
        Watched(
            key="held_messages",
            label=_("Messages held back"),
            permission="outbound.view_outboundmessage",
            rows=outbound_attention.held_messages(),
            view=_MESSAGES,
            filters={"waits": "held"},
            tone="warn",
        ),
        Watched(
            key="waiting_messages",
            label=_("Messages in the queue"),
            permission="outbound.view_outboundmessage",
            rows=outbound_attention.waiting_messages(),
            view=_MESSAGES,
            filters={"waits": "open"},
            tone="info",
        ),
        Watched(
            key="failed_mails",
            label=_("E-mails not sent"),
            permission="outbound.view_mail",
            rows=outbound_attention.failed_mails(),
            view="outbound_mail_changelist",
            filters={"status__exact": MailStatus.FAIL.value},
            tone="warn",
        ),
        Watched(
            key="incidents",
            label=_("Open incidents"),
            permission="integration.view_incident",
            rows=attention_queries.open_incidents(),
            view="integration_incident_changelist",
            filters={"closed_at__isempty": "1"},
        ),
        Watched(
            key="overdue_checks",
            label=_("Status checks overdue"),
            permission="integration.view_devicestatuscheck",
            rows=attention_queries.overdue_checks(),
            view="integration_devicestatuscheck_changelist",
            filters={"state__exact": CheckState.OVERDUE.value},
            tone="warn",
        ),
        Watched(
            key="late_acknowledgements",
            label=_("Acknowledgements overdue"),
            permission="integration.view_enrollmentsync",
            rows=attention_queries.late_acknowledgements(before=late),
            view=_SYNCS,
            filters={"ack_state__exact": SyncAckState.WAITING.value, "ack_due_at__lt": late.isoformat()},
            note=_("Due over an hour ago"),
        ),
        Watched(
            key="undelivered_acknowledgements",
            label=_("Acknowledgements not delivered"),
            permission="integration.view_enrollmentsync",
            rows=attention_queries.undelivered_acknowledgements(),
            view=_SYNCS,
            filters={"ack_state__exact": SyncAckState.FAILED.value},
        ),
        Watched(
            key="missing_acknowledgements",
            label=_("Not acknowledged by DERMS"),
            permission="integration.view_enrollmentsync",
            rows=attention_queries.missing_acknowledgements(before=expected),
            view=_SYNCS,
            filters={"ack_state__exact": SyncAckState.EXPECTED.value, "answered_at__lt": expected.isoformat()},
            tone="warn",
            note=_("For over a day"),
        ),
        Watched(
            key="stale_connections",
            label=_("Connections to look at"),
            permission="outbound.view_connection",
            rows=outbound_queries.connections_to_look_at(at=at),
            view="outbound_connection_changelist",
            filters={"attention": "stale"},
            tone="warn",
            note=_("Not reachable, or silent for a day"),
        ),
    ]


def part(user: Any, facts: Mapping[str, Fact], *, since: dt.datetime, at: dt.datetime) -> Part | None:
    """Make the part; None when the person sees nothing of it."""
    own = [facts[each.key] for each in watched(at) if each.key in facts]
    sees_runs = user.has_perm("integration.view_flowrun")
    sees_connections = user.has_perm("outbound.view_connection")
    if not (own or sees_runs):
        return None
    tables: dict[str, Any] = {"runs": None, "connections": None, "zones": None, "since": since}
    run_facts: list[Fact] = []
    charts = []
    if sees_runs:
        work = attention_queries.run_work(since=since)
        run_facts = _run_facts(work, since)
        tables["runs"], tables["partly"] = _by_flow(work, since), work.partly
    if user.has_perm("integration.view_flowstatistics"):
        charts.append(
            trends.trend(
                key="runs",
                title=_("Runs by outcome, a day"),
                series=[
                    Series(key=RunState.SUCCEEDED, label=_("Succeeded"), tone="good"),
                    Series(key=RunState.FAILED, label=_("Failed"), tone="bad"),
                    Series(key=RunState.ABORTED, label=_("Aborted"), tone="neutral"),
                ],
                number_of=trends.by_day(attention_queries.runs_by_day(since=trends.first_day(at))),
                at=at,
            )
        )
    if sees_connections:
        connections = list(outbound_queries.connections_for_display())
        tables["connections"], tables["more"] = _connections(connections, at)
        by_zone: dict[str, list[str]] = {}
        for each in connections:
            if each.zone:
                by_zone.setdefault(each.zone, []).append(each.name)
        tables["zones"] = control_queries.zones(at=at, by_zone=by_zone) if by_zone else None
        tables["may_add"] = user.has_perm("outbound.add_connection")
    return Part(key="exchange", title=_("Exchange"), facts=[*run_facts, *own], tables=tables, charts=charts)


def _failed_address(since: dt.datetime | None = None, **filters: Any) -> str:
    chosen = {"state__exact": RunState.FAILED.value, **filters}
    if since is not None:
        chosen["finished_at__gt"] = since.isoformat()
    return rows_address(_RUNS, **chosen)


def _run_facts(work: RunWork, since: dt.datetime) -> list[Fact]:
    return [
        Fact(
            key="new_failures",
            label=_("Runs failed since your last look"),
            count=work.new,
            address=_failed_address(since),
        ),
        Fact(
            key="failed_runs",
            label=_("Failed runs"),
            count=work.failed,
            address=_failed_address(),
            tone="warn",
            note=_("Neither resubmitted nor discarded"),
        ),
        Fact(
            key="waiting_runs",
            label=_("Runs that wait"),
            count=work.waiting,
            address=rows_address(_RUNS, state__exact=RunState.RECEIVED.value),
            tone="info",
        ),
        Fact(
            key="runs_at_work",
            label=_("Runs at work"),
            count=work.at_work,
            address=rows_address(_RUNS, state__exact=RunState.IN_PROGRESS.value),
            tone="info",
        ),
    ]


def _by_flow(work: RunWork, since: dt.datetime) -> list[dict[str, Any]]:
    return [
        {
            "flow": each.flow.display_name,
            "cells": [
                {
                    "count": Counted(each.new),
                    "address": _failed_address(since, flow__id__exact=each.flow.pk),
                    "bad": True,
                },
                {"count": Counted(each.failed), "address": _failed_address(flow__id__exact=each.flow.pk)},
                {
                    "count": Counted(each.waiting),
                    "address": rows_address(_RUNS, state__exact="RECEIVED", flow__id__exact=each.flow.pk),
                },
                {
                    "count": Counted(each.at_work),
                    "address": rows_address(_RUNS, state__exact="IN_PROGRESS", flow__id__exact=each.flow.pk),
                },
            ],
        }
        for each in work.flows
    ]


def _connections(connections: list[Any], at: dt.datetime) -> tuple[list[dict[str, Any]], int]:
    rows = []
    for connection in connections:
        health = getattr(connection, "health", None)
        in_process = connection.base_url.startswith(IN_PROCESS_PREFIX)
        heard = getattr(health, "last_success_at", None)
        if not connection.enabled:
            state, badge = _("Disabled"), "neutral"
        elif health is not None and health.state != BreakerState.CLOSED and not in_process:
            state, badge = _("Not reachable: calls are held"), "bad"
        elif heard is None and not in_process:
            state, badge = _("Never heard from"), "warn"
        elif heard is not None and heard < at - outbound_queries.STALE_AFTER and not in_process:
            state, badge = _("Stale"), "warn"
        else:
            state, badge = _("Good"), "good"
        rows.append(
            {
                "name": connection.name,
                "state": state,
                "badge": badge,
                "last_success_at": heard,
                "last_error": getattr(health, "last_error", ""),
                "address": reverse("admin:outbound_connection_change", args=[connection.pk]),
            }
        )
    if len(rows) <= MOST_CONNECTIONS:
        return rows, 0
    shown = [row for row in rows if row["badge"] in ("bad", "warn")][:MOST_CONNECTIONS]
    return shown, len(rows) - len(shown)
