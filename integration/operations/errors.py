"""
The common error handler (`integration.md` 3.10): one incident per cause, mailed at once and then in digests.

Technical and remote faults only: a business fault was returned to the caller already (2.5). The handler itself
never fails the flow that it is told about: trouble with mail is logged and shown at the incident.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from integration.flows.contract import Fault
from integration.models import Flow, FlowRun, Incident
from lookups.queries import config_property, recipients
from outbound.operations.mail import queue_mail
from outbound.queries import parameter
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

GATE = "notification.email.error.flag"
RECIPIENT = "to"
SENDER = "from"
DIGEST_PARAMETER = "ERROR_DIGEST_SECONDS"


class IncidentAlreadyClosed(Exception):
    """The incident is closed."""


def report(
    *,
    flow: Flow | None,
    source: str,
    fault: Fault,
    run: FlowRun | None = None,
    identifiers: Mapping[str, str] | None = None,
    at: dt.datetime,
) -> Incident | None:
    """
    Tell people of a fault: open or update its incident, and mail when it is time.

    :param source: the flow's code, or the name of an integration that is none of ours.
    :param identifiers: business identifiers of the message, for the mail; the run's own when not given.
    :returns: the incident; None for a business fault, or when not even the incident could be written.
    """
    if fault.type is FaultType.BUSINESS:
        return None
    try:
        with transaction.atomic():
            incident = _seen(flow=flow, source=source, fault=fault, run=run, at=at)
        with transaction.atomic():
            _mail_when_due(incident, fault=fault, identifiers=identifiers, at=at)
    except Exception as error:
        logger.exception("unable_to_report_fault", source=source, fault_code=fault.code)
        Incident.objects.filter(source=source, fault_code=fault.code[:60], closed_at__isnull=True).update(
            mail_trouble=f"{type(error).__name__}: {error}"[:500]
        )
        return Incident.objects.filter(source=source, fault_code=fault.code[:60], closed_at__isnull=True).first()
    return incident


def send_digests(*, at: dt.datetime) -> int:
    """Mail the count of every open incident that has faults nobody was told of, once its window has passed."""
    sent = 0
    for incident in Incident.objects.select_related("flow", "latest_run").filter(
        closed_at__isnull=True, occurrences__gt=F("mailed_count")
    ):
        fault = Fault(type=FaultType(incident.fault_type), code=incident.fault_code, reason=incident.fault_reason)
        before = incident.mailed_count
        try:
            with transaction.atomic():
                _mail_when_due(incident, fault=fault, identifiers=None, at=at)
        except Exception as error:
            logger.exception("unable_to_send_digest", incident=incident.pk)
            Incident.objects.filter(pk=incident.pk).update(mail_trouble=f"{type(error).__name__}: {error}"[:500])
        sent += incident.mailed_count > before
    return sent


def close(*, incident_id: int, by: str, note: str, at: dt.datetime) -> Incident:
    """
    Close an incident: the next fault of this kind opens a new one, with a mail thread of its own.

    :raises IncidentAlreadyClosed: when it is.
    """
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        if incident.closed_at is not None:
            raise IncidentAlreadyClosed(f"It was closed by {incident.closed_by} already.")
        incident.closed_at, incident.closed_by, incident.closing_note = at, by, note.strip()[:500]
        incident.save()
    return incident


def _seen(*, flow: Flow | None, source: str, fault: Fault, run: FlowRun | None, at: dt.datetime) -> Incident:
    reason = (fault.detail or fault.reason)[:1000]
    open_one = Incident.objects.select_for_update().filter(
        source=source, fault_code=fault.code[:60], closed_at__isnull=True
    )
    incident = open_one.first()
    if incident is None:
        try:
            with transaction.atomic():
                incident = Incident.objects.create(
                    flow=flow,
                    source=source,
                    fault_type=fault.type,
                    fault_code=fault.code[:60],
                    fault_reason=reason,
                    latest_run=run,
                    opened_at=at,
                    last_seen_at=at,
                )
        except IntegrityError:
            # Somebody else opened it in this moment.
            incident = open_one.get()
        else:
            incident.mail_thread = f"incident-{incident.pk}"
            incident.save(update_fields=["mail_thread"])
            return incident
    Incident.objects.filter(pk=incident.pk).update(
        occurrences=F("occurrences") + 1, last_seen_at=at, fault_reason=reason, latest_run=run or incident.latest_run
    )
    incident.refresh_from_db()
    return incident


def _mail_when_due(incident: Incident, *, fault: Fault, identifiers: Mapping[str, str] | None, at: dt.datetime) -> None:
    window = dt.timedelta(seconds=float(Decimal(parameter(DIGEST_PARAMETER))))
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    if locked.last_mail_at is not None and at - locked.last_mail_at < window:
        return
    untold = locked.occurrences - locked.mailed_count
    if untold < 1 or not config_property(GATE):
        return
    to = recipients(RECIPIENT)
    sender = recipients(SENDER)
    if not to or not sender:
        missing = RECIPIENT if not to else SENDER
        trouble = f"The recipient '{missing}' of the e-mail lookup is empty: nobody was told."
        Incident.objects.filter(pk=incident.pk).update(mail_trouble=trouble)
        logger.warning("fault_not_mailed", incident=incident.pk, reason=trouble)
        return
    first = locked.mailed_count == 0
    queue_mail(
        to=to,
        sender=sender[0],
        template="error" if first and untold == 1 else "error_digest",
        context=_context(locked, fault, identifiers, untold=untold),
        thread=locked.mail_thread,
        at=at,
    )
    locked.mailed_count, locked.last_mail_at, locked.mail_trouble = locked.occurrences, at, ""
    locked.save(update_fields=["mailed_count", "last_mail_at", "mail_trouble"])
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
