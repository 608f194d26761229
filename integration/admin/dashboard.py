"""The first page: what ran, what waits for whom, which connections need a look. Each number links to its rows."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integration import control_queries, queries
from integration.choices import RunState
from outbound import message_queries
from outbound import queries as outbound_queries
from outbound.choices import BreakerState, MessageStatus
from vee import queries as vee_queries
from vee.admin.workbench import STATE_BADGES
from vee.choices import ImdState


WINDOW = dt.timedelta(hours=24)


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the dashboard's tables to the index page; a table that the person may not see is None."""
    now = timezone.now()
    user = request.user
    context["dashboard"] = {
        "todos": _todos() if user.has_perm("vee.view_todo") else None,
        "run_states": [{"value": state.value, "label": state.label} for state in RunState],
        "runs": _runs(now - WINDOW) if user.has_perm("integration.view_flowrun") else None,
        "pauses": control_queries.open_pauses() if user.has_perm("integration.view_flow") else None,
        "queue": _queue() if user.has_perm("outbound.view_outboundmessage") else None,
        "zones": control_queries.zones(at=now) if user.has_perm("outbound.view_connection") else None,
        "connections": _connections(now) if user.has_perm("outbound.view_connection") else None,
        "imds": _imds() if user.has_perm("vee.view_initialmeasurement") else None,
    }
    return context


def _rows_address(view: str, **parameters: Any) -> str:
    return f"{reverse(f'admin:{view}')}?{urlencode(parameters)}"


def _todos() -> list[dict[str, Any]]:
    group_ids = dict(Group.objects.values_list("name", "pk"))
    rows = []
    for work in vee_queries.open_work_by_role():
        chosen = {"role__id__exact": group_ids[work.role]} if work.role in group_ids else {"role__isnull": "True"}
        rows.append(
            {
                "role": work.role or _("No role"),
                "open": work.open,
                "being_worked_on": work.being_worked_on,
                "oldest": work.oldest,
                "address": _rows_address("vee_todo_changelist", **chosen),
            }
        )
    return rows


def _runs(since: dt.datetime) -> list[dict[str, Any]]:
    counts: dict[str, dict[str, int]] = {}
    for row in queries.run_counts(since=since):
        counts.setdefault(row["flow__display_name"], {})[row["state"]] = row["runs"]
    return [
        {
            "flow": name,
            "cells": [
                {
                    "count": states.get(state.value, 0),
                    "bad": state == RunState.FAILED,
                    "address": _rows_address("integration_flowrun_changelist", state__exact=state.value),
                }
                for state in RunState
            ],
        }
        for name, states in counts.items()
    ]


def _connections(now: dt.datetime) -> list[dict[str, Any]]:
    stale = {health.pk for health in outbound_queries.stale_connections(at=now)}
    rows = []
    for connection in outbound_queries.connections_for_display():
        health = getattr(connection, "health", None)
        if not connection.enabled:
            state, badge = _("Disabled"), "neutral"
        elif health is not None and health.state != BreakerState.CLOSED:
            state, badge = _("Not reachable: calls are held"), "bad"
        elif health is None or health.last_success_at is None:
            state, badge = _("Never heard from"), "warn"
        elif connection.pk in stale:
            state, badge = _("Stale"), "warn"
        else:
            state, badge = _("Good"), "good"
        rows.append(
            {
                "name": connection.name,
                "state": state,
                "badge": badge,
                "last_success_at": getattr(health, "last_success_at", None),
                "last_error": getattr(health, "last_error", ""),
                "address": reverse("admin:outbound_connection_change", args=[connection.pk]),
            }
        )
    return rows


def _queue() -> list[dict[str, Any]]:
    counts = message_queries.message_counts()
    address = reverse("admin:outbound_outboundmessage_changelist")
    return [
        {"label": _("Waiting"), "count": counts["waiting"], "badge": "info", "address": address},
        {"label": _("Held back"), "count": counts["held"], "badge": "warn", "address": address},
        {
            "label": _("Failed for good"),
            "count": counts["failed"],
            "badge": "bad",
            "address": _rows_address("outbound_outboundmessage_changelist", status__exact=MessageStatus.FAIL),
        },
    ]


def _imds() -> list[dict[str, Any]]:
    labels = dict(ImdState.choices)
    return [
        {
            "label": labels[state],
            "count": count,
            "badge": STATE_BADGES[state],
            "address": _rows_address("vee_initialmeasurement_changelist", state__exact=state),
        }
        for state, count in vee_queries.open_imd_counts().items()
    ]
