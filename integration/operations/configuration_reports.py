"""The section `report_schedules` of a configuration document: which reports are mailed when, and to whom."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from django.db import transaction

from foundation.configuration import Done, Section, UnableToApplyConfiguration, ordered, outcome_of
from foundation.configuration_entries import read_named_entries
from integration.choices import ReportFormat, ReportFrequency
from integration.models import ReportSchedule
from integration.operations import report_schedules


REASON = "configuration document"
KEYS = (
    *("report", "parameters", "recipients", "file_format", "frequency", "weekday", "day_of_month", "local_time"),
    *("time_zone", "active"),
)


class ReportScheduleEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One schedule by its name; what is not named stays, or is as a new schedule has it."""

    report: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    recipients: Annotated[str, msgspec.Meta(max_length=1000)] | msgspec.UnsetType = msgspec.UNSET
    file_format: ReportFormat | msgspec.UnsetType = msgspec.UNSET
    frequency: ReportFrequency | msgspec.UnsetType = msgspec.UNSET
    weekday: Annotated[int, msgspec.Meta(ge=1, le=7)] | msgspec.UnsetType = msgspec.UNSET
    day_of_month: Annotated[int, msgspec.Meta(ge=1, le=31)] | msgspec.UnsetType = msgspec.UNSET
    local_time: Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | msgspec.UnsetType = msgspec.UNSET
    time_zone: Annotated[str, msgspec.Meta(max_length=60)] | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


def apply_report_schedules(*, section: Any, by: Any, at: dt.datetime) -> list[Done]:
    """
    Set the schedules that the section names.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/Weekly completeness/report`.
    """
    entries = read_named_entries(section, ReportScheduleEntry)
    done, errors = [], []
    with transaction.atomic():
        for name, entry in entries.items():
            try:
                done.append(_save(name, entry, by=by, at=at))
            except report_schedules.UnableToSaveReportSchedule as error:
                place = f"/{error.field}" if error.field else ""
                errors.append({"pointer": f"/{name}{place}", "code": "invalid", "message": str(error)})
        if errors:
            raise UnableToApplyConfiguration(errors)
    return done


def report_schedules_document() -> dict[str, Any]:
    """Give the schedules by name."""
    return {
        row.name: {
            **{key: getattr(row, key) for key in KEYS},
            "parameters": ordered(row.parameters),
            "local_time": f"{row.local_time:%H:%M}",
        }
        for row in ReportSchedule.objects.order_by("name")
    }


def _save(name: str, entry: ReportScheduleEntry, *, by: Any, at: dt.datetime) -> Done:
    found = ReportSchedule.objects.filter(name=name).first()
    row = found or ReportSchedule(name=name)
    given = {key: value for key in KEYS if (value := getattr(entry, key)) is not msgspec.UNSET}
    if "local_time" in given:
        given["local_time"] = dt.time.fromisoformat(given["local_time"])
    if found is None and "local_time" not in given:
        raise report_schedules.UnableToSaveReportSchedule("A new schedule needs a time.", field="local_time")
    if found is not None and all(getattr(row, key) == value for key, value in given.items()):
        return Done(name=name, outcome=outcome_of(created=False, changed=False))
    for key, value in given.items():
        setattr(row, key, str(value) if key in ("file_format", "frequency") else value)
    vars(row).update(_history_user=by, _change_reason=REASON)
    report_schedules.save_schedule(schedule=row, at=at)
    return Done(name=name, outcome=outcome_of(created=found is None, changed=True))


REPORT_SCHEDULES = Section(
    name="report_schedules",
    holds="which reports are mailed by themselves, when and to whom",
    document=report_schedules_document,
    apply=apply_report_schedules,
    covers=("integration.ReportSchedule",),
    keys=KEYS,
    left_out={
        "ReportSchedule.next_due_at": "counted from now when a schedule is saved",
        "ReportSchedule.last_sent_at": "evidence",
        "ReportSchedule.last_problem": "evidence",
    },
)
