"""The mails of incidents: the first at once, then digests, more urgent ones, and the notice of recovery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import structlog
from django.conf import settings
from django.db.models import F
from django.urls import reverse

from integration.flows.contract import Fault
from integration.models import FlowRun, Incident
from lookups.names import OUAI_EMAIL_ID
from lookups.queries import EMAIL_ID, config_property, recipients
from outbound.operations.mail import queue_mail
from outbound.queries import parameter


logger = structlog.get_logger(__name__)

GATE = "notification.email.error.flag"
RECIPIENT = "to"
SENDER = "from"
DIGEST_PARAMETER = "ERROR_DIGEST_SECONDS"
ESCALATION_PARAMETER = "ERROR_ESCALATE_AFTER"
CHECKS_OVERDUE = "checks_overdue"
CERTIFICATE_EXPIRY = "certificate_expiry"
# Who hears of the flows that have a table of recipients of their own.
_TABLES = {"OUTL-BA-OUAI_DACS_ENROLL_ACK": OUAI_EMAIL_ID}
# What is no failed run has words of its own; each mail of it is whole.
_TEMPLATES = {CHECKS_OVERDUE: "overdue_checks", CERTIFICATE_EXPIRY: "certificate_expiry"}


def mail_recovery(incident: Incident, *, run: FlowRun | None, at: dt.datetime) -> None:
    """Queue the notice that a cause is no more, when people were told of it."""
    in_window = incident.last_mail_at is not None and at - incident.last_mail_at < window()
    told = incident.mailed_count > 0 and (incident.mailed_count == incident.occurrences or not in_window)
    people = _people(incident) if told and config_property(GATE) else None
    if people is None:
        return
    to, sender = people
    facts = {
        "Fault": f"{incident.fault_type} {incident.fault_code}",
        "First": f"{incident.opened_at:%Y-%m-%d %H:%M:%S} UTC",
        "Last": f"{incident.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
        "In all": f"{incident.occurrences} time{'' if incident.occurrences == 1 else 's'}",
        "Code": incident.source,
        "Run": str(run.pk) if run else "",
    }
    queue_mail(
        to=to,
        sender=sender,
        template="recovered",
        context={
            "integration": incident.flow.display_name if incident.flow else incident.source,
            "fault_reason": incident.fault_reason,
            "note": incident.closing_note,
            "facts": {name: value for name, value in facts.items() if value},
            "run_address": _address("admin:integration_flowrun_change", run.pk) if run else "",
            "incident_address": _address("admin:integration_incident_change", incident.pk),
        },
        thread=incident.mail_thread,
        at=at,
    )
    Incident.objects.filter(pk=incident.pk).update(last_mail_at=at, mailed_count=F("occurrences"), mail_trouble="")


def window() -> dt.timedelta:
    """Give the time in which one cause is mailed at most once."""
    return dt.timedelta(seconds=float(Decimal(parameter(DIGEST_PARAMETER))))


def _people(incident: Incident) -> tuple[list[str], str] | None:
    # A table of its own counts as far as it is filled in (C-01).
    table = _TABLES.get(incident.source, EMAIL_ID)
    to = recipients(RECIPIENT, table=table) or recipients(RECIPIENT)
    sender = recipients(SENDER, table=table) or recipients(SENDER)
    if to and sender:
        return list(to), sender[0]
    missing = RECIPIENT if not to else SENDER
    trouble = f"The recipient '{missing}' of the e-mail lookup is empty: nobody was told."
    Incident.objects.filter(pk=incident.pk).update(mail_trouble=trouble)
    logger.warning("fault_not_mailed", incident=incident.pk, reason=trouble)
    return None


def mail_when_due(
    incident: Incident,
    *,
    fault: Fault,
    identifiers: Mapping[str, str] | None,
    at_once: bool = False,
    at: dt.datetime,
) -> None:
    """Queue the first mail of an incident at once and later ones when their window has passed."""
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    if not at_once and locked.last_mail_at is not None and at - locked.last_mail_at < window():
        return
    untold = locked.occurrences - locked.mailed_count
    if untold < 1 or not config_property(GATE):
        return
    people = _people(locked)
    if people is None:
        return
    to, sender = people
    first = locked.mailed_count == 0
    threshold = int(parameter(ESCALATION_PARAMETER))
    reached = locked.occurrences // threshold if threshold else 0
    escalated = reached > locked.escalations
    queue_mail(
        to=to,
        sender=sender,
        template=_TEMPLATES.get(fault.code) or ("error" if first and untold == 1 else "error_digest"),
        context=_context(locked, fault, identifiers, untold=untold) | {"escalated": escalated},
        thread=locked.mail_thread,
        at=at,
    )
    locked.mailed_count, locked.last_mail_at, locked.mail_trouble = locked.occurrences, at, ""
    locked.escalations = max(reached, locked.escalations)
    locked.save(update_fields=["mailed_count", "last_mail_at", "mail_trouble", "escalations"])
    incident.mailed_count, incident.last_mail_at = locked.mailed_count, at


def _context(
    incident: Incident, fault: Fault, identifiers: Mapping[str, str] | None, *, untold: int
) -> dict[str, object]:
    run = incident.latest_run
    if identifiers is None:
        identifiers = {"messageId": run.identifiers_shown} if run and run.identifiers_shown else {}
    facts = {
        "Fault": f"{fault.type} {fault.code}",
        "Detail": fault.detail if fault.detail != fault.reason else "",
        "Latest": f"{incident.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
        "Since": f"{incident.opened_at:%Y-%m-%d %H:%M:%S} UTC" if incident.occurrences > 1 else "",
        "In all": f"{incident.occurrences} times" if incident.occurrences > 1 else "",
        "Code": incident.source,
        **identifiers,
        "Run": str(run.pk) if run else "",
    }
    return {
        "integration": incident.flow.display_name if incident.flow else incident.source,
        "fault_type": str(fault.type),
        "fault_code": fault.code,
        "fault_reason": fault.reason,
        "facts": {name: value for name, value in facts.items() if value},
        "run_address": _address("admin:integration_flowrun_change", run.pk) if run else "",
        "incident_address": _address("admin:integration_incident_change", incident.pk),
        "untold": untold,
    }


def _address(view: str, key: object) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse(view, args=[key])}"
