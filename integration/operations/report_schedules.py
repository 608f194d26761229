"""
Mailing reports on schedule: each due time is decided once, whatever becomes of it.

The delivery, the mail and the next due time are one transaction under the schedule's lock, and a delivery is unique by
schedule and time: two schedulers that ask at once mail once. Of several times that passed while nothing could run, the
latest stands for all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.http import urlencode

from integration.choices import ReportOutcome
from integration.due_times import UnableToReadSchedule, read_zone
from integration.models import ReportDelivery, ReportSchedule
from integration.reports import catalogue, files, parameters, texts
from integration.reports.contract import Answer, Asked, Report
from integration.reports.due_times import next_due
from integration.reports.periods import Period
from lookups.queries import EMAIL_ID, UnableToReadRecipients, UnknownLookup, UnknownRecipient, recipients
from outbound.operations.mail import Attachment, UnableToQueueMail, queue_mail


logger = structlog.get_logger(__name__)

SENDER = "from"
_SHOWN_ROWS = 15
_LOOKUP_PROBLEMS = (UnknownLookup, UnknownRecipient, UnableToReadRecipients)


class UnableToSaveReportSchedule(Exception):
    """The schedule cannot be saved as asked; `field` says where."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnableToSendReport(Exception):
    """The report cannot be mailed, and the text says why."""


def check_schedule(*, schedule: ReportSchedule, at: dt.datetime) -> dt.datetime:
    """
    Check a schedule, and give when it would be due next.

    :raises UnableToSaveReportSchedule: when its report, parameters, recipients or time zone cannot be read.
    """
    try:
        report = catalogue.find(schedule.report)
    except catalogue.UnknownReport as error:
        raise UnableToSaveReportSchedule(str(error), field="report") from None
    try:
        zone = read_zone(schedule.time_zone)
    except UnableToReadSchedule as error:
        raise UnableToSaveReportSchedule(str(error), field="time_zone") from None
    if not isinstance(schedule.parameters, dict):
        raise UnableToSaveReportSchedule("The parameters are an object of names and values.", field="parameters")
    if schedule.parameters.get("period") == Period.CUSTOM:
        raise UnableToSaveReportSchedule(
            "A scheduled report needs a period that moves, such as LAST_WEEK.", field="parameters"
        )
    try:
        parameters.read(report, schedule.parameters, zone=zone, at=at)
    except parameters.UnableToReadParameters as error:
        raise UnableToSaveReportSchedule(str(error), field="parameters") from None
    if not _parts(schedule.recipients):
        raise UnableToSaveReportSchedule("Name somebody who gets it.", field="recipients")
    return _next(schedule, after=at)


def save_schedule(*, schedule: ReportSchedule, at: dt.datetime) -> ReportSchedule:
    """
    Save a schedule after checking it; what is due next is counted from now.

    :raises UnableToSaveReportSchedule: when something of it cannot be read.
    """
    following = check_schedule(schedule=schedule, at=at)
    schedule.next_due_at = following if schedule.active else None
    try:
        schedule.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise UnableToSaveReportSchedule(" ".join(messages), field="" if field == "__all__" else field) from None
    schedule.save()
    return schedule


def send_due(*, at: dt.datetime) -> int:
    """Decide every time that has come; give how many mails were queued."""
    due = ReportSchedule.objects.filter(active=True, next_due_at__lte=at).order_by("next_due_at", "pk")
    return sum(_decide(schedule_id, at) for schedule_id in list(due.values_list("pk", flat=True)))


def send_now(*, schedule_id: int, by: Any, at: dt.datetime) -> ReportDelivery:
    """
    Mail a report by hand, as it would be mailed now; when it is due next stays as it is.

    :raises UnableToSendReport: when it cannot be made or queued.
    """
    with transaction.atomic():
        schedule = ReportSchedule.objects.select_for_update(of=("self",)).get(pk=schedule_id)
        delivery = _deliver(schedule, due_at=at, at=at, requested_by=by.get_username())
        ReportSchedule.objects.filter(pk=schedule.pk).update(last_sent_at=at, last_problem="")
    return delivery


def _decide(schedule_id: int, at: dt.datetime) -> int:
    try:
        with transaction.atomic():
            schedule = ReportSchedule.objects.select_for_update(of=("self",)).get(pk=schedule_id)
            due_at = schedule.next_due_at
            if not schedule.active or due_at is None or due_at > at:
                return 0
            while (following := _next(schedule, after=due_at)) <= at:
                due_at = following
            problem = ""
            try:
                with transaction.atomic():
                    _deliver(schedule, due_at=due_at, at=at)
            except UnableToSendReport as error:
                problem = str(error)
            except IntegrityError:
                raise
            except Exception as error:
                # One report that cannot be made holds up no other; whoever looks after it finds why.
                logger.exception("report_failed", schedule=schedule.name)
                problem = f"It could not be made: {type(error).__name__}."
            if problem:
                logger.warning("report_not_mailed", schedule=schedule.name, problem=problem)
                ReportDelivery.objects.create(
                    schedule=schedule, due_at=due_at, decided_at=at, outcome=ReportOutcome.FAILED, note=problem[:500]
                )
            changes: dict[str, Any] = {"last_problem": problem[:500], "next_due_at": following}
            ReportSchedule.objects.filter(pk=schedule.pk).update(**changes, **({} if problem else {"last_sent_at": at}))
            return int(not problem)
    except IntegrityError:
        # The other scheduler decided this time.
        return 0


def _deliver(
    schedule: ReportSchedule, *, due_at: dt.datetime, at: dt.datetime, requested_by: str = ""
) -> ReportDelivery:
    try:
        report = catalogue.find(schedule.report)
        if not report.offered():
            raise UnableToSendReport("The site does not use what the report speaks of.")
        zone = read_zone(schedule.time_zone)
        asked = parameters.read(report, schedule.parameters, zone=zone, at=due_at)
        answer = report.answer(asked)
        mail = queue_mail(
            to=addresses_of(schedule.recipients),
            sender=(recipients(SENDER) or [""])[0],
            template="report",
            context=_context(schedule, report, asked, answer),
            attachments=[
                Attachment(
                    name=files.file_name(report, asked, schedule.file_format),
                    media_type=files.MEDIA_TYPES[schedule.file_format].partition(";")[0],
                    content=files.content(answer, asked, schedule.file_format),
                )
            ],
            at=at,
        )
    except (
        catalogue.UnknownReport,
        parameters.UnableToReadParameters,
        UnableToReadSchedule,
        UnableToQueueMail,
        *_LOOKUP_PROBLEMS,
    ) as error:
        raise UnableToSendReport(str(error)) from None
    logger.info("report_mailed", schedule=schedule.name, report=report.name, rows=len(answer.rows))
    return ReportDelivery.objects.create(
        schedule=schedule,
        due_at=due_at,
        decided_at=at,
        outcome=ReportOutcome.QUEUED,
        mail=mail,
        rows=len(answer.rows),
        requested_by=requested_by,
    )


def addresses_of(text: str) -> list[str]:
    """
    Give the mail addresses that a schedule's recipients stand for.

    :raises UnknownRecipient: when a name is no recipient of the lookup.
    :raises UnableToReadRecipients: when a recipient of the lookup holds something that is no address.
    """
    found: list[str] = []
    for part in _parts(text):
        found += [part] if "@" in part else recipients(part, table=EMAIL_ID)
    return found


def _parts(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip())]


def _context(schedule: ReportSchedule, report: Report, asked: Asked, answer: Answer) -> dict[str, Any]:
    given = {
        **{name: value for name, value in schedule.parameters.items() if name not in ("period", "since", "until")},
        "period": Period.CUSTOM.value,
        "since": asked.first.isoformat(),
        "until": asked.last.isoformat(),
    }
    address = f"{reverse('admin:integration_report', args=[report.name])}?{urlencode(given)}"
    return {
        "schedule": schedule.name,
        "title": str(report.title),
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "zone": schedule.time_zone,
        "headings": [files.heading(column) for column in answer.columns],
        "rows": [_shown(row, answer, asked.zone) for row in answer.rows[:_SHOWN_ROWS]],
        "totals": _shown(answer.totals, answer, asked.zone) if answer.totals and answer.rows else None,
        "row_count": len(answer.rows),
        "address": f"{settings.PUBLIC_URL.rstrip('/')}{address}",
    }


def _shown(row: Any, answer: Answer, zone: ZoneInfo) -> Sequence[str]:
    return [
        texts.shown(row[column.key], column.kind, zone=zone) if column.key in row else "" for column in answer.columns
    ]


def _next(schedule: ReportSchedule, *, after: dt.datetime) -> dt.datetime:
    return next_due(
        frequency=schedule.frequency,
        weekday=schedule.weekday,
        day_of_month=schedule.day_of_month,
        local_time=schedule.local_time,
        zone=read_zone(schedule.time_zone),
        after=after,
    )
