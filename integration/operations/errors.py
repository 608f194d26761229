"""
The common error handler (`integration.md` 3.10): one incident per cause, mailed at once and then in digests.

A digest that finds the threshold passed is told more urgently, and once the flow succeeds again the incident is closed
and people hear of that too, all in one thread. A fault that comes back soon reopens its incident, so that a target
that comes and goes is no storm of mails. Technical and remote faults only: a business fault was returned to the caller
already (2.5). The handler itself never fails the flow that it is told about: trouble with mail is logged and shown at
the incident.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from integration.choices import RunState
from integration.flows.contract import Fault
from integration.models import Flow, FlowRun, Incident
from integration.operations import error_mails
from integration.operations.error_mails import CERTIFICATE_EXPIRY, CHECKS_OVERDUE
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

__all__ = [
    "CERTIFICATE_EXPIRY",
    "CHECKS_OVERDUE",
    "IncidentAlreadyClosed",
    "close",
    "recovered",
    "report",
    "resolve",
    "send_digests",
]

_SYSTEM = "system"


class IncidentAlreadyClosed(Exception):
    """The incident is closed."""


def report(
    *,
    flow: Flow | None,
    source: str,
    fault: Fault,
    run: FlowRun | None = None,
    identifiers: Mapping[str, str] | None = None,
    at_once: bool = False,
    business_too: bool = False,
    at: dt.datetime,
) -> Incident | None:
    """
    Tell people of a fault: open or update its incident, and mail when it is time.

    :param source: the flow's code, or the name of an integration that is none of ours.
    :param identifiers: business identifiers of the message, for the mail; the run's own when not given.
    :param at_once: mail now, also when the window of the last mail has not passed.
    :param business_too: tell of a business fault too, because its caller was answered before it was known.
    :returns: the incident; None for a business fault, or when not even the incident could be written.
    """
    if fault.type is FaultType.BUSINESS and not business_too:
        return None
    try:
        with transaction.atomic():
            incident = _seen(flow=flow, source=source, fault=fault, run=run, at=at)
        with transaction.atomic():
            error_mails.mail_when_due(incident, fault=fault, identifiers=identifiers, at_once=at_once, at=at)
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
                error_mails.mail_when_due(incident, fault=fault, identifiers=None, at=at)
        except Exception as error:
            logger.exception("unable_to_send_digest", incident=incident.pk)
            Incident.objects.filter(pk=incident.pk).update(mail_trouble=f"{type(error).__name__}: {error}"[:500])
        sent += incident.mailed_count > before
    return sent


def recovered(*, run: FlowRun, at: dt.datetime) -> int:
    """
    Close the incidents of a flow that has succeeded again, and tell it in their threads; give how many.

    Only a run that was taken to work after the latest fault proves it. Trouble with it is logged and never raised.
    """
    open_ones = Incident.objects.filter(
        source=run.flow.identifier, closed_at__isnull=True, latest_run__isnull=False
    ).exclude(latest_run=run, last_seen_at__gte=at)
    if not open_ones.exists():
        return 0
    taken = run.transitions.filter(to_state=RunState.IN_PROGRESS).order_by("-pk").values_list("at", flat=True).first()
    closed = 0
    for incident in open_ones.filter(last_seen_at__lte=taken or run.started_at):
        closed += _recover(incident.pk, note=f"Run {run.pk} succeeded.", run=run, at=at)
    return closed


def resolve(*, source: str, fault_code: str, note: str, at: dt.datetime) -> int:
    """Close the open incident of a cause that is no more, and tell it in its thread; give how many were open."""
    found = Incident.objects.filter(source=source, fault_code=fault_code[:60], closed_at__isnull=True)
    return sum(_recover(pk, note=note, run=None, at=at) for pk in list(found.values_list("pk", flat=True)))


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
    incident = open_one.first() or _reopened(source=source, fault=fault, at=at)
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


def _reopened(*, source: str, fault: Fault, at: dt.datetime) -> Incident | None:
    # It seemed over, and came back before the next mail would have gone: the same incident goes on.
    incident = (
        Incident.objects.select_for_update()
        .filter(source=source, fault_code=fault.code[:60], recovered=True, last_mail_at__gt=at - error_mails.window())
        .order_by("-pk")
        .first()
    )
    if incident is not None:
        incident.closed_at, incident.closed_by, incident.closing_note, incident.recovered = None, "", "", False
        incident.save(update_fields=["closed_at", "closed_by", "closing_note", "recovered"])
    return incident


def _recover(incident_id: int, *, note: str, run: FlowRun | None, at: dt.datetime) -> int:
    try:
        with transaction.atomic():
            locked = Incident.objects.select_for_update(of=("self",)).select_related("flow").get(pk=incident_id)
            if locked.closed_at is not None:
                return 0
            locked.closed_at, locked.closed_by, locked.closing_note = at, _SYSTEM, note[:500]
            locked.recovered = True
            locked.save(update_fields=["closed_at", "closed_by", "closing_note", "recovered"])
        with transaction.atomic():
            error_mails.mail_recovery(locked, run=run, at=at)
    except Exception as error:
        # A notice that cannot be queued must not undo the success that it speaks of.
        logger.exception("unable_to_tell_recovery", incident=incident_id)
        Incident.objects.filter(pk=incident_id).update(mail_trouble=f"{type(error).__name__}: {error}"[:500])
    return 1
