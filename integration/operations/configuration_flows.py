"""The sections `flows` and `flow_schedules` of a configuration document: what a site may change of a packaged flow."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction

from foundation.configuration import Done, Section, UnableToApplyConfiguration, ordered, outcome_of
from foundation.configuration_entries import read_named_entries
from integration.choices import MissedPolicy, OverlapPolicy, TracingLevel
from integration.flows import registry
from integration.models import Flow, FlowSchedule
from integration.operations import drain, flow_schedules
from integration.operations.flows import FlowNotAvailable, flow_of


REASON = "configuration document"
FLOW_KEYS = (
    *("active", "tracing_level", "payload_retention_days", "debug_payload_hours", "run_retention_days"),
    *("max_runtime_seconds", "connections_used"),
)
SCHEDULE_KEYS = ("enabled", "every_seconds", "cron", "time_zone", "overlap", "missed", "parameters")
_SETTINGS = tuple(key for key in FLOW_KEYS if key not in ("active", "connections_used"))
_SMALL = msgspec.Meta(ge=0, le=32_767)
_LARGE = msgspec.Meta(ge=0, le=2_147_483_647)


class FlowEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One flow by its short name; what is not named stays."""

    active: bool | msgspec.UnsetType = msgspec.UNSET
    tracing_level: TracingLevel | msgspec.UnsetType = msgspec.UNSET
    payload_retention_days: Annotated[int, _SMALL] | msgspec.UnsetType = msgspec.UNSET
    debug_payload_hours: Annotated[int, _SMALL] | msgspec.UnsetType = msgspec.UNSET
    run_retention_days: Annotated[int, _SMALL] | msgspec.UnsetType | None = msgspec.UNSET
    max_runtime_seconds: Annotated[int, _LARGE] | msgspec.UnsetType | None = msgspec.UNSET
    connections_used: list[Annotated[str, msgspec.Meta(min_length=1, max_length=60)]] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class ScheduleEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """When a scheduled flow runs; what is not named stays."""

    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    every_seconds: Annotated[int, msgspec.Meta(ge=5, le=2_147_483_647)] | msgspec.UnsetType | None = msgspec.UNSET
    cron: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    time_zone: Annotated[str, msgspec.Meta(max_length=60)] | msgspec.UnsetType = msgspec.UNSET
    overlap: OverlapPolicy | msgspec.UnsetType = msgspec.UNSET
    missed: MissedPolicy | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


def apply_flows(*, section: Any, by: Any, at: dt.datetime) -> list[Done]:
    """
    Set what the section names of flows; one that is switched off finishes what is at work and keeps the rest.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/device_score/active`.
    """
    entries = read_named_entries(section, FlowEntry)
    return _all_or_nothing(entries, lambda name, entry: _save_flow(name, entry, by=by, at=at))


def apply_flow_schedules(*, section: Any, by: Any, at: dt.datetime) -> list[Done]:
    """
    Set the schedules that the section names, by the short name of their flow.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/device_score/cron`.
    """
    entries = read_named_entries(section, ScheduleEntry)
    return _all_or_nothing(entries, lambda name, entry: _save_schedule(name, entry, by=by, at=at))


def flows_document() -> dict[str, Any]:
    """Give the flows that are declared, by short name."""
    rows = Flow.objects.filter(name__in=_declared())
    return {
        row.name: {**{key: getattr(row, key) for key in FLOW_KEYS}, "connections_used": _names(row.connections_used)}
        for row in sorted(rows, key=lambda row: row.name)
    }


def flow_schedules_document() -> dict[str, Any]:
    """Give the schedules by the short name of their flow."""
    rows = FlowSchedule.objects.select_related("flow").filter(flow__name__in=_declared())
    return {
        row.flow.name: {**{key: getattr(row, key) for key in SCHEDULE_KEYS}, "parameters": ordered(row.parameters)}
        for row in sorted(rows, key=lambda row: row.flow.name)
    }


class _Misfit(Exception):
    def __init__(self, message: str, *, place: str = "", code: str = "invalid") -> None:
        super().__init__(message)
        self.place = place
        self.code = code


def _all_or_nothing(entries: dict[str, Any], save: Any) -> list[Done]:
    done, errors = [], []
    with transaction.atomic():
        for name, entry in entries.items():
            try:
                done.append(save(name, entry))
            except _Misfit as misfit:
                errors.append({"pointer": f"/{name}{misfit.place}", "code": misfit.code, "message": str(misfit)})
        if errors:
            raise UnableToApplyConfiguration(errors)
    return done


def _declaration(name: str) -> registry.Declaration:
    try:
        return registry.find(name)
    except registry.UnknownFlow:
        message = f"There is no flow {name}. A flow of the site's own needs its module in TIELINE_FLOWS."
        raise _Misfit(message, code="unknown_flow") from None


def _declared() -> set[str]:
    # A flow whose module the site took away leaves a row that nothing can be applied to.
    return {declaration.name for declaration in registry.DECLARATIONS}


def _save_flow(name: str, entry: FlowEntry, *, by: Any, at: dt.datetime) -> Done:
    declaration = _declaration(name)
    created = not Flow.objects.filter(identifier=declaration.identifier).exists()
    row = flow_of(declaration)
    given = {key: value for key in _SETTINGS if (value := getattr(entry, key)) is not msgspec.UNSET}
    if entry.connections_used is not msgspec.UNSET and entry.connections_used != _names(row.connections_used):
        given["connections_used"] = ", ".join(entry.connections_used)
    changed = any(getattr(row, key) != value for key, value in given.items())
    if changed:
        for key, value in given.items():
            setattr(row, key, str(value) if key == "tracing_level" else value)
        try:
            row.clean_fields(exclude=[field.name for field in Flow._meta.fields if field.name not in given])
        except ValidationError as error:
            field, messages = next(iter(error.message_dict.items()))
            raise _Misfit(" ".join(messages), place=f"/{field}") from None
        vars(row).update(_history_user=by, _change_reason=REASON)
        row.save()
    if entry.active is not msgspec.UNSET and entry.active != row.active:
        switch = drain.activate if entry.active else drain.deactivate
        try:
            switch(identifier=row.identifier, by=_who(by), reason=REASON, at=at)
        except FlowNotAvailable as error:
            raise _Misfit(str(error), place="/active", code="not_available") from None
        changed = True
    return Done(name=row.name, outcome=outcome_of(created=created, changed=changed))


def _save_schedule(name: str, entry: ScheduleEntry, *, by: Any, at: dt.datetime) -> Done:
    flow = flow_of(_declaration(name))
    found = FlowSchedule.objects.select_related("flow").filter(flow=flow).first()
    row = found or FlowSchedule(flow=flow)
    given = {key: value for key in SCHEDULE_KEYS if (value := getattr(entry, key)) is not msgspec.UNSET}
    if found is not None and all(getattr(row, key) == value for key, value in given.items()):
        return Done(name=flow.name, outcome=outcome_of(created=False, changed=False))
    for key, value in given.items():
        setattr(row, key, str(value) if key in ("overlap", "missed") else value)
    vars(row).update(_history_user=by, _change_reason=REASON)
    try:
        flow_schedules.save_schedule(schedule=row, at=at)
    except flow_schedules.UnableToSaveSchedule as error:
        raise _Misfit(str(error)) from None
    return Done(name=flow.name, outcome=outcome_of(created=found is None, changed=True))


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _who(by: Any) -> str:
    return by.get_username() if by is not None else "configuration"


FLOWS = Section(
    name="flows",
    holds="what a site sets of flows: activation, tracing, retention, connections",
    document=flows_document,
    apply=apply_flows,
    covers=("integration.Flow",),
    keys=FLOW_KEYS,
    rights=("integration.change_flow", "integration.activate_flow"),
    left_out={
        f"Flow.{field}": "the flow's declaration says it"
        for field in ("identifier", "display_name", "aliases", "pattern", "direction", "idempotent")
    },
)
FLOW_SCHEDULES = Section(
    name="flow_schedules",
    holds="when scheduled flows run by themselves",
    document=flow_schedules_document,
    apply=apply_flow_schedules,
    covers=("integration.FlowSchedule",),
    keys=SCHEDULE_KEYS,
    left_out={"FlowSchedule.next_due_at": "counted from now when a schedule is saved"},
)
