"""
The section `background_tasks` of a configuration document: what the scheduler runs by itself, and when.

A task runs every so often or at the times of a cron expression. Tasks by the sun or at one moment are kept out of the
document: a moment is not configuration, and Tieline ships none by the sun.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zoneinfo
from typing import Annotated, Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from foundation.configuration import Done, Section, UnableToApplyConfiguration, ordered, outcome_of
from foundation.configuration_entries import read_named_entries


TASK_KEYS = ("task", "description", "enabled", "every", "cron", "time_zone", "options")
_CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_EVERY = re.compile(r"([1-9][0-9]{0,8}) (days|hours|minutes|seconds|microseconds)")
_Text = Annotated[str, msgspec.Meta(max_length=200)]
_Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]


class OptionsEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What else Celery may be told of a task; named, it replaces all of it."""

    args: list[Any] = msgspec.field(default_factory=list)
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    queue: _Text | None = None
    exchange: _Text | None = None
    routing_key: _Text | None = None
    headers: dict[str, Any] = msgspec.field(default_factory=dict)
    priority: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    expires: _Moment | None = None
    expire_seconds: _Count | None = None
    one_off: bool = False
    start_time: _Moment | None = None


class TaskEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One task by its name; what is not named stays."""

    task: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    every: str | msgspec.UnsetType = msgspec.UNSET
    cron: str | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | msgspec.UnsetType = msgspec.UNSET
    options: OptionsEntry | msgspec.UnsetType = msgspec.UNSET


def apply_background_tasks(*, section: Any, by: Any, at: dt.datetime) -> list[Done]:
    """
    Set the background tasks that the section names.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/Flows: sweep/every`.
    """
    del by, at  # Celery's tables keep no history; the sections share one signature
    entries = read_named_entries(section, TaskEntry)
    done, errors = [], []
    with transaction.atomic():
        for name, entry in entries.items():
            try:
                done.append(_save(name, entry))
            except _Misfit as misfit:
                errors.append({"pointer": f"/{name}{misfit.place}", "code": "invalid", "message": str(misfit)})
        if errors:
            raise UnableToApplyConfiguration(errors)
    return done


def background_tasks_document() -> dict[str, Any]:
    """Give the background tasks by name."""
    rows = PeriodicTask.objects.select_related("interval", "crontab").filter(solar=None, clocked=None)
    return {row.name: _document(row) for row in sorted(rows, key=lambda row: row.name)}


class _Misfit(Exception):
    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.place = place


def _document(row: PeriodicTask) -> dict[str, Any]:
    times: dict[str, Any] = {}
    if row.interval is not None:
        times = {"every": f"{row.interval.every} {row.interval.period}"}
    elif row.crontab is not None:
        times = {"cron": _expression(row.crontab), "time_zone": str(row.crontab.timezone)}
    return {
        "task": row.task,
        "description": row.description,
        "enabled": row.enabled,
        **times,
        "options": ordered(msgspec.to_builtins(_options(row))),
    }


def _options(row: PeriodicTask) -> OptionsEntry:
    return OptionsEntry(
        args=_json(row.args, []),
        kwargs=_json(row.kwargs, {}),
        queue=row.queue or None,
        exchange=row.exchange or None,
        routing_key=row.routing_key or None,
        headers=_json(row.headers, {}),
        priority=row.priority,
        expires=row.expires,
        expire_seconds=row.expire_seconds,
        one_off=row.one_off,
        start_time=row.start_time,
    )


def _json(text: str | None, empty: Any) -> Any:
    return json.loads(text) if text else empty


def _save(name: str, entry: TaskEntry) -> Done:
    row = PeriodicTask.objects.select_related("interval", "crontab").filter(name=name).first()
    created = row is None
    if row is None:
        row = PeriodicTask(name=name)
        if entry.task is msgspec.UNSET:
            raise _Misfit("A new task names what it runs.", place="/task")
    before = None if created else _document(row)
    for key in ("task", "description", "enabled"):
        value = getattr(entry, key)
        if value is not msgspec.UNSET:
            setattr(row, key, value)
    _set_times(row, entry)
    if entry.options is not msgspec.UNSET:
        _set_options(row, entry.options)
    if before is not None and _document(row) == before:
        return Done(name=name, outcome=outcome_of(created=False, changed=False))
    try:
        row.full_clean(validate_unique=False)
        row.save()
    except ValidationError as error:
        raise _Misfit(" ".join(error.messages)) from None
    return Done(name=name, outcome=outcome_of(created=created, changed=True))


def _set_times(row: PeriodicTask, entry: TaskEntry) -> None:
    if entry.every is not msgspec.UNSET and entry.cron is not msgspec.UNSET:
        raise _Misfit("Either every so often, or a cron expression.", place="/every")
    if entry.every is not msgspec.UNSET:
        found = _EVERY.fullmatch(entry.every)
        if found is None:
            raise _Misfit("every is written as a number and a unit, such as 15 seconds.", place="/every")
        times = {"every": int(found[1]), "period": found[2]}
        row.interval = IntervalSchedule.objects.filter(**times).order_by("pk").first() or (
            IntervalSchedule.objects.create(**times)
        )
        row.crontab = row.solar = row.clocked = None
    elif entry.cron is not msgspec.UNSET or entry.time_zone is not msgspec.UNSET:
        row.crontab = _crontab(row, entry)
        row.interval = row.solar = row.clocked = None


def _crontab(row: PeriodicTask, entry: TaskEntry) -> CrontabSchedule:
    there = row.crontab
    if entry.cron is msgspec.UNSET and there is None:
        raise _Misfit("A time zone goes with a cron expression.", place="/time_zone")
    expression = _expression(there) if entry.cron is msgspec.UNSET and there is not None else str(entry.cron)
    zone = entry.time_zone
    if zone is msgspec.UNSET:
        zone = str(there.timezone) if there is not None else "UTC"
    if zone not in zoneinfo.available_timezones():
        raise _Misfit(f"There is no time zone {zone}.", place="/time_zone")
    if there is not None and (_expression(there), str(there.timezone)) == (expression, zone):
        return there
    fields = expression.split()
    if len(fields) != len(_CRON_FIELDS):
        raise _Misfit("A cron expression has five fields, such as 30 2 * * *.", place="/cron")
    times = dict(zip(_CRON_FIELDS, fields, strict=True))
    wanted = CrontabSchedule(**times, timezone=zone)
    try:
        wanted.full_clean(validate_unique=False)
    except ValidationError as error:
        raise _Misfit(" ".join(error.messages), place="/cron") from None
    found = CrontabSchedule.objects.filter(**times, timezone=zone).order_by("pk").first()
    if found is None:
        wanted.save()
    return found or wanted


def _expression(crontab: CrontabSchedule) -> str:
    return " ".join("".join(str(getattr(crontab, field)).split()) for field in _CRON_FIELDS)


def _set_options(row: PeriodicTask, options: OptionsEntry) -> None:
    for name in ("queue", "exchange", "routing_key", "priority", "expires", "expire_seconds", "one_off", "start_time"):
        setattr(row, name, getattr(options, name))
    for name in ("args", "kwargs", "headers"):
        setattr(row, name, json.dumps(getattr(options, name)))


BACKGROUND_TASKS = Section(
    name="background_tasks",
    holds="what the scheduler runs by itself, and when",
    document=background_tasks_document,
    apply=apply_background_tasks,
    covers=(
        "django_celery_beat.PeriodicTask",
        "django_celery_beat.IntervalSchedule",
        "django_celery_beat.CrontabSchedule",
    ),
    keys=TASK_KEYS,
    left_out={
        "PeriodicTask.solar": "Tieline ships no task by the sun",
        "PeriodicTask.clocked": "one moment is not configuration",
        **{
            f"PeriodicTask.{field}": "the scheduler keeps it"
            for field in ("last_run_at", "total_run_count", "date_changed")
        },
    },
)
