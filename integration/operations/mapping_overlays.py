"""
Mapping overlays: drafted, activated on a date, retired (`integration.md` 7).

A version is changed while it is a draft. From its activation on it stays as it is: what runs were mapped with can
always be read. Of one mapping at most one version is in effect at any moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from integration import mapping_queries
from integration.choices import OverlayState
from integration.flows import applied_overlays, base_mappings, overlay_checks, overlay_expressions
from integration.flows.contract import Finding
from integration.flows.overlay_checks import FieldEdit
from integration.flows.overlays import WhenEmpty
from integration.models import MappingOverlay, MappingOverlayField
from integration.operations import mapping_trials
from lookups.queries import UnknownColumn, UnknownLookup, table


logger = structlog.get_logger(__name__)

SYSTEM = "system"
_NOTE_LENGTH, _FIELD_NOTE_LENGTH = 500, 200


class UnableToSaveOverlay(Exception):
    """The overlay was refused and nothing was saved; `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, errors: Sequence[Finding]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = [error.as_error() for error in errors]


class UnableToActOnOverlay(Exception):
    """The overlay is not in a state in which this can be done; the text says what to do instead."""


class UnknownOverlay(LookupError):
    """There is no overlay of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A draft as it was saved, with what its author should know."""

    overlay: MappingOverlay
    cautions: tuple[Finding, ...]


def new_draft(*, mapping: str, by: Any, at: dt.datetime) -> MappingOverlay:
    """
    Make the draft of the next version, with the fields of the latest one that has not ended; or give the one there is.

    :raises UnknownMapping: when there is no such base mapping.
    """
    base_mappings.find(mapping)
    with transaction.atomic():
        draft = MappingOverlay.objects.filter(mapping=mapping, effective_from__isnull=True).first()
        if draft is not None:
            return draft
        latest = next(reversed(mapping_queries.not_ended(mapping, at=at)), None)
        draft = _made(mapping, note=latest.note if latest else "", by=by, at=at)
        if latest is not None:
            _write_fields(draft, [edit_of(field) for field in latest.fields.all()])
    return draft


def save_draft(*, overlay_id: int, fields: Sequence[FieldEdit], note: str, by: Any, at: dt.datetime) -> Saved:
    """
    Replace the fields of a draft.

    :raises UnableToSaveOverlay: with a pointer to everything that is wrong; nothing is saved then.
    :raises UnableToActOnOverlay: when it is no draft any more.
    """
    with transaction.atomic():
        draft = _locked(overlay_id)
        if not draft.is_draft:
            raise UnableToActOnOverlay(f"{draft} was activated: it stays as it is. Make a new version.")
        cautions = check(mapping=draft.mapping, fields=fields, note=note)
        draft.note = note.strip()
        _write_fields(draft, fields)
        _saved(draft, by=by, reason=_words(fields), at=at)
    return Saved(overlay=draft, cautions=cautions)


def check(*, mapping: str, fields: Sequence[FieldEdit], note: str = "") -> tuple[Finding, ...]:
    """
    Check what an overlay is to hold; give what its author should know.

    :raises UnableToSaveOverlay: with a pointer to everything that is wrong.
    """
    base = base_mappings.find(mapping)
    errors = []
    if len(note) > _NOTE_LENGTH:
        errors.append(Finding(pointer="/note", code="max_length", message=f"At most {_NOTE_LENGTH} characters."))
    for index, each in enumerate(fields):
        if len(each.note) > _FIELD_NOTE_LENGTH:
            text = f"At most {_FIELD_NOTE_LENGTH} characters."
            errors.append(Finding(pointer=f"/fields/{index}/note", code="max_length", message=text))
    errors += _lookup_errors(fields)
    found = overlay_checks.check(
        base,
        fields,
        example_base=mapping_trials.example(base).base,
        lookup=applied_overlays.translator(lambda name: table(name=name)),
    )
    errors += found.errors
    if errors:
        raise UnableToSaveOverlay(errors)
    return found.cautions


def activate(*, overlay_id: int, effective_from: dt.datetime | None = None, by: Any, at: dt.datetime) -> MappingOverlay:
    """
    Let messages be mapped with a draft from a moment on; the version before ends there.

    :param effective_from: from when; at once when it is not given.
    :raises UnableToActOnOverlay: when it is no draft, or the date does not do.
    :raises UnableToSaveOverlay: when it does not fit the base mapping any more.
    """
    start = effective_from or at
    if start < at:
        raise UnableToActOnOverlay("The date has passed: runs since then show what they were mapped with.")
    with transaction.atomic():
        row = _locked(overlay_id)
        if not row.is_draft:
            raise UnableToActOnOverlay(f"{row} was activated before.")
        fields = [edit_of(field) for field in row.fields.all()]
        if not fields:
            raise UnableToActOnOverlay("It has no field yet: enter one, or retire the version that is active.")
        check(mapping=row.mapping, fields=fields)
        _take_effect(row, start, by=by, at=at)
    return row


def put_in_effect(
    *,
    mapping: str,
    fields: Sequence[FieldEdit],
    note: str,
    effective_from: dt.datetime | None = None,
    by: Any,
    at: dt.datetime,
) -> MappingOverlay:
    """
    Make a version and activate it in one; a draft that somebody is working on stays as it is.

    :raises UnableToSaveOverlay: with a pointer to everything that is wrong.
    :raises UnableToActOnOverlay: when another version is to take effect later.
    """
    with transaction.atomic():
        _lock(mapping)
        check(mapping=mapping, fields=fields, note=note)
        row = _next(mapping, note=note.strip(), by=by, at=at)
        _take_effect(row, max(effective_from or at, at), by=by, at=at)
        _write_fields(row, fields)
    return row


def retire(*, overlay_id: int, by: Any, reason: str, at: dt.datetime) -> MappingOverlay:
    """
    End a version: messages are mapped as packaged from now on. One that is to take effect later is withdrawn.

    What a withdrawn version would have ended goes on.

    :raises UnableToActOnOverlay: when it is a draft, or has ended.
    """
    with transaction.atomic():
        row = _locked(overlay_id)
        state = row.state_at(at)
        if state not in (OverlayState.ACTIVE, OverlayState.SCHEDULED) or row.effective_from is None:
            raise UnableToActOnOverlay(f"{row} is not active.")
        if state == OverlayState.SCHEDULED:
            for other in mapping_queries.not_ended(row.mapping, at=at):
                if other.effective_to == row.effective_from and other.pk != row.pk:
                    other.effective_to, other.retired_at, other.retired_by = None, None, ""
                    _saved(other, by=by, reason=f"version {row.version} was withdrawn", at=at)
        elif row.effective_to is not None:
            raise UnableToActOnOverlay(
                f"A later version follows on {row.effective_to:%Y-%m-%d %H:%M} UTC. Withdraw that one first."
            )
        row.effective_to, row.retired_at, row.retired_by = max(at, row.effective_from), at, _name(by)
        _saved(row, by=by, reason=reason.strip() or "retired", at=at)
    logger.info("mapping_overlay_retired", mapping=row.mapping, version=row.version, by=_name(by))
    return row


def discard_draft(*, overlay_id: int, by: Any, at: dt.datetime) -> None:
    """
    Delete a draft; its number is used again.

    :raises UnableToActOnOverlay: when it is no draft any more.
    """
    with transaction.atomic():
        row = _locked(overlay_id)
        if not row.is_draft:
            raise UnableToActOnOverlay(f"{row} was activated: it is evidence, and stays.")
        row._history_user = by  # type: ignore[attr-defined]
        row._history_date = at  # type: ignore[attr-defined]
        row.delete()


def edit_of(field: MappingOverlayField) -> FieldEdit:
    """Give a stored field as it can be saved again."""
    return FieldEdit(
        target=field.target,
        expression=field.expression,
        when_empty=field.when_empty,
        extra=field.extra,
        note=field.note,
    )


def _take_effect(row: MappingOverlay, start: dt.datetime, *, by: Any, at: dt.datetime) -> None:
    before = mapping_queries.not_ended(row.mapping, at=at)
    later = next((other for other in before if other.effective_from is not None and other.effective_from > at), None)
    if later is not None:
        raise UnableToActOnOverlay(
            f"Version {later.version} is to take effect on {later.effective_from:%Y-%m-%d %H:%M} UTC. "
            "Withdraw it first."
        )
    for other in before:
        other.effective_to, other.retired_at, other.retired_by = start, at, _name(by)
        _saved(other, by=by, reason=f"version {row.version} follows from {start:%Y-%m-%d %H:%M} UTC", at=at)
    row.effective_from, row.activated_at, row.activated_by = start, at, _name(by)
    _saved(row, by=by, reason=f"activated from {start:%Y-%m-%d %H:%M} UTC", at=at)
    logger.info("mapping_overlay_activated", mapping=row.mapping, version=row.version, by=_name(by))


def _next(mapping: str, *, note: str, by: Any, at: dt.datetime) -> MappingOverlay:
    last = MappingOverlay.objects.filter(mapping=mapping).order_by("-version").first()
    return MappingOverlay(
        mapping=mapping, version=last.version + 1 if last else 1, note=note, created_at=at, created_by=_name(by)
    )


def _made(mapping: str, *, note: str, by: Any, at: dt.datetime) -> MappingOverlay:
    draft = _next(mapping, note=note, by=by, at=at)
    try:
        with transaction.atomic():
            _saved(draft, by=by, reason="drafted", at=at)
    except IntegrityError:
        # Somebody made it in this moment.
        return MappingOverlay.objects.get(mapping=mapping, effective_from__isnull=True)
    return draft


def _locked(overlay_id: int) -> MappingOverlay:
    row = MappingOverlay.objects.select_for_update().filter(pk=overlay_id).first()
    if row is None:
        raise UnknownOverlay(f"There is no mapping overlay {overlay_id}.")
    _lock(row.mapping)
    return row


def _lock(mapping: str) -> None:
    # Whoever changes dates of one mapping goes one after the other.
    list(MappingOverlay.objects.select_for_update().filter(mapping=mapping).order_by("pk"))


def _write_fields(overlay: MappingOverlay, fields: Sequence[FieldEdit]) -> None:
    overlay.fields.all().delete()
    MappingOverlayField.objects.bulk_create(
        [
            MappingOverlayField(
                overlay=overlay,
                position=position,
                target=each.target,
                expression=each.expression,
                when_empty=WhenEmpty(each.when_empty),
                # What the target is known to have is no extra field.
                extra=each.extra and base_mappings.find(overlay.mapping).known(each.target) is None,
                note=each.note,
            )
            for position, each in enumerate(fields, start=1)
        ]
    )


def _lookup_errors(fields: Sequence[FieldEdit]) -> list[Finding]:
    found = []
    for index, each in enumerate(fields):
        try:
            lookups = overlay_expressions.compiled(each.expression).lookups
        except overlay_expressions.UnusableExpression:
            continue
        for name, source, target in lookups:
            try:
                held = table(name=name)
                held.column(source)
                held.column(target)
            except (UnknownLookup, UnknownColumn) as error:
                found.append(Finding(pointer=f"/fields/{index}/expression", code="unknown", message=str(error)))
    return found


def _saved(row: MappingOverlay, *, by: Any, reason: str, at: dt.datetime) -> None:
    row._history_user = by  # type: ignore[attr-defined]
    row._history_date = at  # type: ignore[attr-defined]
    row._change_reason = reason[:100]  # type: ignore[attr-defined]
    row.save()


def _words(fields: Sequence[FieldEdit]) -> str:
    return ", ".join(each.target for each in fields) or "no field"


def _name(by: Any) -> str:
    return by.get_username() if by is not None else SYSTEM
