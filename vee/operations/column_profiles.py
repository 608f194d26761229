"""Column profiles as the API, a configuration document and reading files write and read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction

from foundation.api.decoding import DoesNotFit, convert
from foundation.configuration import exact, ordered
from vee.models import ColumnProfile
from vee.operations.configuration import Applied, UnableToApplyConfiguration
from vee.readers.column_layout import ColumnLayout, faults


CREATED, CHANGED, UNCHANGED = "CREATED", "CHANGED", "UNCHANGED"
LAYOUT_FIELDS = ColumnLayout.__struct_fields__
_SECTION = "column_profiles"


class UnableToSaveProfile(ValueError):
    """A profile makes no sense; `errors` have pointer, code and message."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = [dict(error) for error in errors]
        super().__init__("; ".join(f"{error['pointer']}: {error['message']}" for error in self.errors))


def layout_of(profile: ColumnProfile) -> ColumnLayout:
    """Give the layout that a profile's fields say."""
    return msgspec.convert({name: getattr(profile, name) for name in LAYOUT_FIELDS}, ColumnLayout)


def layout_snapshot(*, code: str) -> dict[str, Any]:
    """
    Give a profile's layout as JSON keeps it, to be stored with a file that is read by it.

    :raises ColumnProfile.DoesNotExist: when there is no such profile.
    """
    snapshot: dict[str, Any] = msgspec.to_builtins(layout_of(ColumnProfile.objects.get(code=code)))
    return snapshot


def layout_of_snapshot(snapshot: Mapping[str, Any]) -> ColumnLayout:
    """Give the layout that was stored with a file."""
    return msgspec.convert(dict(snapshot), ColumnLayout)


def save_profile(*, code: str, fields: Mapping[str, Any], by: Any, at: dt.datetime) -> tuple[ColumnProfile, str]:
    """
    Create or change one profile, and say which; what `fields` does not name stays, or has its default when it is new.

    :raises UnableToSaveProfile: when a field is unknown, or the layout makes no sense.
    """
    with transaction.atomic():
        return _save(code, fields, by=by, at=at)


def apply_column_profiles(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply the profiles of a configuration document: all of them, or none when one is refused.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/0/date_format`.
    """
    if not isinstance(section, Sequence) or isinstance(section, str):
        raise UnableToApplyConfiguration([{"pointer": "", "code": "invalid", "message": "This is given as a list."}])
    applied: list[Applied] = []
    errors: list[dict[str, str]] = []
    seen: set[str] = set()
    with transaction.atomic():
        for index, entry in enumerate(section):
            try:
                code = _code_of(entry, seen)
                _, what = _save(code, {key: entry[key] for key in entry if key != "code"}, by=by, at=at)
            except UnableToSaveProfile as refused:
                errors += [{**error, "pointer": f"/{index}{error['pointer']}"} for error in refused.errors]
                continue
            applied.append(Applied(_SECTION, code, what))
        if errors:
            raise UnableToApplyConfiguration(errors)
        transaction.set_rollback(dry_run)
    return applied


def column_profiles_document() -> list[dict[str, Any]]:
    """Give all profiles as a configuration document names them, with all of their fields."""
    profiles = sorted(ColumnProfile.objects.all(), key=lambda profile: profile.code)
    return [
        {
            "code": profile.code,
            "description": profile.description,
            **{name: _plain(value) for name, value in msgspec.structs.asdict(layout_of(profile)).items()},
        }
        for profile in profiles
    ]


def _plain(value: Any) -> Any:
    return exact(value) if isinstance(value, Decimal) else ordered(msgspec.to_builtins(value))


def _code_of(entry: Any, seen: set[str]) -> str:
    if not isinstance(entry, Mapping):
        raise UnableToSaveProfile([{"pointer": "", "code": "invalid", "message": "A profile is a mapping."}])
    code = entry.get("code")
    if not isinstance(code, str) or not code:
        raise UnableToSaveProfile([{"pointer": "/code", "code": "required", "message": "code is required"}])
    if code in seen:
        raise UnableToSaveProfile([{"pointer": "/code", "code": "repeated", "message": f"{code} stands twice."}])
    seen.add(code)
    return code


def _save(code: str, fields: Mapping[str, Any], *, by: Any, at: dt.datetime) -> tuple[ColumnProfile, str]:
    found = ColumnProfile.objects.filter(code=code).first()
    profile = found or ColumnProfile(code=code)
    description = fields.get("description", profile.description)
    if not isinstance(description, str):
        raise UnableToSaveProfile([{"pointer": "/description", "code": "invalid", "message": "a text is expected"}])
    given = {name: value for name, value in fields.items() if name != "description"}
    before = {name: getattr(profile, name) for name in LAYOUT_FIELDS}
    try:
        layout = convert({**before, **given}, ColumnLayout)
    except DoesNotFit as error:
        raise UnableToSaveProfile([error.as_error()]) from None
    errors = [{"pointer": f"/{name}", "code": "invalid", "message": text} for name, text in faults(layout)]
    if errors:
        raise UnableToSaveProfile(errors)
    unchanged = found is not None and layout == layout_of(profile) and description == profile.description
    if unchanged:
        return profile, UNCHANGED
    for name in LAYOUT_FIELDS:
        setattr(profile, name, getattr(layout, name))
    profile.description = description
    try:
        profile.full_clean(validate_unique=False)
    except ValidationError as error:
        raise UnableToSaveProfile(
            [
                {"pointer": f"/{name}", "code": "invalid", "message": " ".join(messages)}
                for name, messages in error.message_dict.items()
            ]
        ) from None
    _write(profile, by=by, at=at)
    return profile, CHANGED if found is not None else CREATED


def _write(row: Any, *, by: Any, at: dt.datetime) -> None:
    row._history_user = by
    row._history_date = at
    row.save()
