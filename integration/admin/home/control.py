"""Control on the home page: schedules, pauses, certificates, codes that nothing maps, the set-up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from integration import attention_queries, control_queries, health
from integration.admin.home.facts import Fact, Part, Watched
from integration.beat import LEASE_SECONDS
from outbound import attention_queries as outbound_attention


def watched(at: dt.datetime) -> list[Watched]:
    """Give what is counted."""
    late = at - attention_queries.LATE_AFTER
    soon = at + outbound_attention.EXPIRES_WITHIN
    return [
        Watched(
            key="late_schedules",
            label=_("Schedules late"),
            permission="integration.view_flowschedule",
            rows=attention_queries.late_schedules(before=late),
            view="integration_flowschedule_changelist",
            filters={"enabled__exact": "1", "next_due_at__lt": late.isoformat()},
        ),
        Watched(
            key="pauses",
            label=_("Pauses"),
            permission="integration.view_pause",
            rows=attention_queries.open_pauses(),
            view="integration_pause_changelist",
            filters={"resumed_at__isempty": "1"},
            tone="warn",
        ),
        Watched(
            key="certificates",
            label=_("Certificates that expire"),
            permission="outbound.view_certificate",
            rows=outbound_attention.expiring_certificates(before=soon),
            view="outbound_certificate_changelist",
            filters={"not_after__lt": soon.isoformat()},
            tone="warn",
            note=_("Within 30 days, or expired"),
        ),
        Watched(
            key="unmapped_codes",
            label=_("Codes without a translation"),
            permission="integration.view_unmappedcode",
            rows=attention_queries.unmapped_codes(),
            view="integration_unmappedcode_changelist",
            filters={"mapped_at__isempty": "1", "next": reverse("admin:index")},
            tone="warn",
        ),
    ]


def part(user: Any, facts: Mapping[str, Fact], *, at: dt.datetime) -> Part | None:
    """Make the part; None when the person sees nothing of it."""
    own = [facts[each.key] for each in watched(at) if each.key in facts]
    if not own:
        return None
    pauses = "pauses" in facts and bool(facts["pauses"].count)
    # Its heartbeat is what makes everything else on this page move.
    age = health.beat_age(at)
    return Part(
        key="control",
        title=_("Control"),
        facts=own,
        tables={
            "pauses": control_queries.with_flow_titles(control_queries.open_pauses())[:20] if pauses else [],
            "scheduler_is_silent": age is None or age > LEASE_SECONDS,
        },
    )
