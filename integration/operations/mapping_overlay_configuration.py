"""The section `mapping_overlays` of a configuration document: given and applied, by mapping."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from foundation.configuration import UnableToApplyConfiguration
from foundation.times import format_instant, parse_instant
from integration import mapping_queries
from integration.flows import base_mappings, message_fields
from integration.flows.base_mappings import UnknownMapping
from integration.flows.overlay_checks import FieldEdit
from integration.flows.overlays import WhenEmpty
from integration.models import MappingOverlay
from integration.operations import mapping_overlays


KEYS = ("note", "fields", "next")
FIELD_KEYS = ("target", "expression", "when_empty", "extra", "note")
NEXT_KEYS = ("effective_from", "note", "fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the section did to the overlay of one mapping: `outcome` is created, changed or unchanged."""

    name: str
    outcome: str
    notes: tuple[str, ...] = ()

    @property
    def created(self) -> bool:
        """Whether the mapping had no overlay before."""
        return self.outcome == "created"

    @property
    def changed(self) -> bool:
        """Whether it has another one now."""
        return self.outcome == "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A version as the document wants it, or as it stands."""

    fields: tuple[FieldEdit, ...]
    note: str
    effective_from: dt.datetime | None = None


def mapping_overlays_document(*, at: dt.datetime | None = None) -> dict[str, Any]:
    """Give the overlays that are in effect, and those that are to take effect, by mapping."""
    from django.utils import timezone

    now = at or timezone.now()
    found: dict[str, Any] = {}
    for name in sorted({*MappingOverlay.objects.values_list("mapping", flat=True)}):
        current, following = _stand(name, at=now)
        if current is None and following is None:
            continue
        found[name] = {
            "note": current.note if current else "",
            "fields": _documents(current.fields) if current else [],
            "next": None
            if following is None
            else {
                "effective_from": format_instant(following.effective_from) if following.effective_from else None,
                "note": following.note,
                "fields": _documents(following.fields),
            },
        }
    return found


def apply_mapping_overlays(*, section: Any, by: Any, at: dt.datetime) -> list[Applied]:
    """
    Put overlays in effect as the section says. What a record does not name stays; no `fields`, that is [], retires.

    A new version is made only where something differs. Drafts are left alone.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    if not isinstance(section, Mapping):
        raise UnableToApplyConfiguration(
            [_error("", "invalid", "mapping_overlays is a mapping of the names of mappings to their overlay.")]
        )
    applied: list[Applied] = []
    errors: list[dict[str, str]] = []
    with transaction.atomic():
        for name, record in section.items():
            try:
                with transaction.atomic():
                    applied.append(_apply(str(name), record, by=by, at=at))
            except UnableToApplyConfiguration as error:
                errors += error.errors
        if errors:
            raise UnableToApplyConfiguration(errors)
    return applied


def _apply(name: str, record: Any, *, by: Any, at: dt.datetime) -> Applied:
    try:
        base_mappings.find(name)
    except UnknownMapping as error:
        raise UnableToApplyConfiguration([_error(f"/{name}", "unknown", str(error))]) from None
    _only(record, KEYS, f"/{name}")
    current, following = _stand(name, at=at)
    wanted, wanted_next = current, following
    if "fields" in record or "note" in record:
        fields = _fields(record["fields"], f"/{name}/fields") if "fields" in record else current and current.fields
        note = _text(record, "note", f"/{name}", default=current.note if current else "")
        wanted = _Wanted(fields=tuple(fields), note=note) if fields else None
    if "next" in record:
        wanted_next = _next(record["next"], f"/{name}/next")
        if wanted_next is not None and wanted_next.effective_from is not None and wanted_next.effective_from <= at:
            # Its day has come by the time that the document is applied.
            wanted, wanted_next = _Wanted(fields=wanted_next.fields, note=wanted_next.note), None
    if (wanted, wanted_next) == (current, following):
        return Applied(name=name, outcome="unchanged")
    _put(name, current, wanted, wanted_next, by=by, at=at)
    return Applied(name=name, outcome="created" if current is None and following is None else "changed")


def _put(
    name: str,
    current: _Wanted | None,
    wanted: _Wanted | None,
    wanted_next: _Wanted | None,
    *,
    by: Any,
    at: dt.datetime,
) -> None:
    reason = "as the configuration document says"
    for row in reversed(mapping_queries.not_ended(name, at=at)):
        if row.effective_from is not None and row.effective_from > at:
            mapping_overlays.retire(overlay_id=row.pk, by=by, reason=reason, at=at)
    place = f"/{name}"
    try:
        if wanted is not None and wanted != current:
            mapping_overlays.put_in_effect(mapping=name, fields=wanted.fields, note=wanted.note, by=by, at=at)
        elif wanted is None and current is not None:
            active = mapping_queries.active(name, at=at)
            if active is not None:
                mapping_overlays.retire(overlay_id=active.pk, by=by, reason=reason, at=at)
        if wanted_next is not None:
            place = f"/{name}/next"
            mapping_overlays.put_in_effect(
                mapping=name,
                fields=wanted_next.fields,
                note=wanted_next.note,
                effective_from=wanted_next.effective_from,
                by=by,
                at=at,
            )
    except mapping_overlays.UnableToSaveOverlay as error:
        raise UnableToApplyConfiguration(
            [{**found, "pointer": f"{place}{found['pointer']}"} for found in error.errors]
        ) from None


def _stand(name: str, *, at: dt.datetime) -> tuple[_Wanted | None, _Wanted | None]:
    current = following = None
    for row in mapping_queries.not_ended(name, at=at):
        found = tuple(mapping_overlays.edit_of(field) for field in row.fields.all())
        if row.effective_from is not None and row.effective_from > at:
            following = _Wanted(fields=found, note=row.note, effective_from=row.effective_from)
        else:
            current = _Wanted(fields=found, note=row.note)
    return current, following


def _documents(fields: Sequence[FieldEdit]) -> list[dict[str, Any]]:
    return [{key: _plain(getattr(each, key)) for key in FIELD_KEYS} for each in fields]


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) else str(value)


def _fields(given: Any, place: str) -> tuple[FieldEdit, ...]:
    if not isinstance(given, list):
        raise UnableToApplyConfiguration([_error(place, "invalid", "fields is a list.")])
    found = []
    for index, each in enumerate(given):
        here = f"{place}/{index}"
        _only(each, FIELD_KEYS, here)
        extra = each.get("extra", False)
        if not isinstance(extra, bool):
            raise UnableToApplyConfiguration([_error(f"{here}/extra", "invalid", "extra is true or false.")])
        found.append(
            FieldEdit(
                target=_text(each, "target", here),
                expression=_text(each, "expression", here),
                when_empty=_text(each, "when_empty", here, default=WhenEmpty.KEEP.value),
                extra=extra,
                note=_text(each, "note", here, default=""),
            )
        )
    return tuple(found)


def _next(given: Any, place: str) -> _Wanted | None:
    if given is None:
        return None
    _only(given, NEXT_KEYS, place)
    start = given.get("effective_from")
    if isinstance(start, dt.datetime) and start.tzinfo is not None:
        moment = start
    elif isinstance(start, str) and message_fields.is_instant(start):
        moment = parse_instant(start)
    else:
        text = "effective_from is an instant with Z or an offset, such as 2027-01-01T00:00:00Z."
        raise UnableToApplyConfiguration([_error(f"{place}/effective_from", "invalid", text)])
    return _Wanted(
        fields=_fields(given.get("fields"), f"{place}/fields"),
        note=_text(given, "note", place, default=""),
        effective_from=moment.astimezone(dt.UTC),
    )


def _only(record: Any, keys: Sequence[str], place: str) -> None:
    if not isinstance(record, Mapping):
        raise UnableToApplyConfiguration([_error(place, "invalid", f"a mapping of {', '.join(keys)} is expected.")])
    unknown = [str(key) for key in record if key not in keys]
    if unknown:
        text = f"unknown; known are {', '.join(keys)}"
        raise UnableToApplyConfiguration([_error(f"{place}/{key}", "unknown", text) for key in unknown])


def _text(record: Mapping[str, Any], key: str, place: str, *, default: str | None = None) -> str:
    value = record.get(key, default)
    if not isinstance(value, str):
        text = f"{key} is required" if value is None and default is None else f"{key} is a text"
        raise UnableToApplyConfiguration([_error(f"{place}/{key}", "invalid", f"{text}.")])
    return value


def _error(pointer: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": message}
