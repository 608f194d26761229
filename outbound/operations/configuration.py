"""
The sections `connections` and `parameters` of a configuration document (`api.md` 1).

A document names only what it sets; what it does not name stays. Secrets are named by environment variable (`*_env`)
or file (`*_file`). A section is refused as a whole, with everything that is wrong in it.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import transaction

from outbound import parameters
from outbound.choices import AVAILABLE_TRANSPORTS, Transport
from outbound.models import Connection, Parameter
from outbound.operations.connections import UnableToSaveConnection, save_connection
from outbound.operations.parameters import set_parameter


_TEXTS = (
    "description",
    "transport",
    "base_url",
    "host",
    "username",
    "key_id",
    "namespace",
    "known_host_key",
    "directory",
    "ca_bundle",
    "target_release",
    "zone",
)
_NUMBERS = ("connect_timeout", "read_timeout", "rate_limit_per_second")
_COUNTS = ("port", "max_concurrency")
_SECRETS = ("password", "private_key")
_SOURCES = ("password_env", "password_file", "private_key_env", "private_key_file", "ca_bundle_file")
KNOWN_KEYS = frozenset((*_TEXTS, *_NUMBERS, *_COUNTS, *_SOURCES, "options", "enabled"))
_MAX_FILE_BYTES = 64 * 1024


class UnableToApplyConfiguration(Exception):
    """The section was refused and nothing of it was applied; `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['message']}" for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a section does to one record: `outcome` is created, changed or unchanged."""

    kind: str
    name: str
    outcome: str
    fields: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        fields = f" ({', '.join(self.fields)})" if self.fields and self.outcome == "changed" else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.kind} {self.name}: {self.outcome}{fields}{note}"


def apply_connections(
    *,
    section: Mapping[str, Any],
    by: Any = None,
    at: dt.datetime,
    dry_run: bool = False,
    environ: Mapping[str, str] | None = None,
) -> list[Change]:
    """
    Create and change connections as the section says; give one Change per connection named.

    A transport that this version does not speak is stored, and its Change says so.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """

    def apply_one(name: str, values: Any) -> tuple[Change | None, list[dict[str, str]]]:
        return _apply_connection(name, values, by=by, at=at, environ=os.environ if environ is None else environ)

    return _apply(section, "connections", apply_one, dry_run)


def apply_parameters(
    *, section: Mapping[str, Any], by: Any = None, at: dt.datetime, dry_run: bool = False
) -> list[Change]:
    """
    Set parameters as the section says; give one Change per parameter named. Seconds may be decimal.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    del at  # the history stamps its rows itself; the sections share one signature

    def apply_one(name: str, value: Any) -> tuple[Change | None, list[dict[str, str]]]:
        existed = Parameter.objects.filter(name=name).exists()
        try:
            changed = set_parameter(name=name, value=value, by=by)
        except parameters.UnknownParameter as error:
            return None, [_error(name, "unknown", str(error))]
        except parameters.UnableToReadParameter as error:
            return None, [_error(name, "invalid", str(error))]
        return Change(kind="parameter", name=name, outcome=_outcome(existed, changed)), []

    return _apply(section, "parameters", apply_one, dry_run)


def install_defaults(*, at: dt.datetime) -> list[Change]:
    """Store what is shipped and missing: parameters, external systems, message types; what a site has set stays."""
    from outbound.operations.message_configuration import install_message_defaults

    existing = set(Parameter.objects.values_list("name", flat=True))
    section = {name: each.default for name, each in parameters.DECLARED.items() if name not in existing}
    return [*apply_parameters(section=section, at=at), *install_message_defaults(at=at)]


def _apply(
    section: Any,
    what: str,
    apply_one: Callable[[str, Any], tuple[Change | None, list[dict[str, str]]]],
    dry_run: bool,
) -> list[Change]:
    if not isinstance(section, Mapping):
        raise UnableToApplyConfiguration(
            [{"pointer": "", "code": "invalid", "message": f"{what} is a mapping of names to values."}]
        )
    changes: list[Change] = []
    errors: list[dict[str, str]] = []
    with transaction.atomic():
        for name, values in section.items():
            change, found = apply_one(str(name), values)
            errors += found
            if change is not None:
                changes.append(change)
        if errors:
            raise UnableToApplyConfiguration(errors)
        if dry_run:
            transaction.set_rollback(True)
    return changes


def _apply_connection(
    name: str, values: Any, *, by: Any, at: dt.datetime, environ: Mapping[str, str]
) -> tuple[Change | None, list[dict[str, str]]]:
    if not isinstance(values, Mapping):
        return None, [_error(name, "invalid", f"{name} is a mapping of settings.")]
    connection = Connection.objects.filter(name=name).first()
    existed = connection is not None
    connection = connection or Connection(name=name)
    errors: list[dict[str, str]] = []
    secrets: dict[str, str] = {}
    for key, value in values.items():
        try:
            _take(connection, secrets, str(key), value, environ)
        except _Misfit as misfit:
            errors.append(_error(f"{name}/{key}", misfit.code, str(misfit)))
    if errors:
        return None, errors
    try:
        changed = save_connection(connection=connection, secrets=secrets, by=by, at=at)
    except UnableToSaveConnection as refusal:
        return None, [{**error, "pointer": f"/{name}{error['pointer']}"} for error in refusal.errors]
    note = ""
    if connection.transport not in AVAILABLE_TRANSPORTS:
        note = f"transport {connection.transport} is not available in this version: stored, not usable"
    outcome = _outcome(existed, bool(changed))
    return Change(kind="connection", name=name, outcome=outcome, fields=tuple(changed), note=note), []


class _Misfit(Exception):
    def __init__(self, message: str, *, code: str = "invalid") -> None:
        super().__init__(message)
        self.code = code


def _take(connection: Connection, secrets: dict[str, str], key: str, value: Any, environ: Mapping[str, str]) -> None:
    if key in _SECRETS:
        raise _Misfit(
            f"A secret is never written in a document: name its variable with {key}_env or its file with {key}_file.",
            code="secret_in_document",
        )
    if key not in KNOWN_KEYS:
        raise _Misfit(f"{key} is not a known key; known are {', '.join(sorted(KNOWN_KEYS))}.", code="unknown_key")
    if key in _SOURCES:
        target, _, kind = key.rpartition("_")
        text = _from_environment(key, value, environ) if kind == "env" else _from_file(key, value)
        if target in _SECRETS:
            secrets[target] = text
        else:
            setattr(connection, target, text)
    elif key == "options":
        if not isinstance(value, Mapping):
            raise _Misfit("options is a mapping of names to values.")
        connection.options = dict(value)
    elif key == "enabled":
        if not isinstance(value, bool):
            raise _Misfit("enabled is true or false.")
        connection.enabled = value
    elif key in _NUMBERS:
        setattr(connection, key, _number(connection, key, value))
    elif key in _COUNTS:
        setattr(connection, key, _count(key, value))
    else:
        setattr(connection, key, _text(key, value))


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Misfit(f"{key} is a text; put it between quotes.")
    if key == "transport" and value not in Transport.values:
        raise _Misfit(f"transport is one of {', '.join(Transport.values)}, not {value[:40]}.")
    return value


def _number(connection: Connection, key: str, value: Any) -> Decimal | None:
    field = Connection._meta.get_field(key)
    if value is None and field.null:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _Misfit(f"{key} is a number.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _Misfit(f"{key} is a number, not {str(value)[:40]!r}.") from None
    if not number.is_finite():
        raise _Misfit(f"{key} is a finite number.")
    return number


def _count(key: str, value: Any) -> int | None:
    if value is None and key == "port":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Misfit(f"{key} is a whole number.")
    return value


def _from_environment(key: str, value: Any, environ: Mapping[str, str]) -> str:
    if not isinstance(value, str) or not value:
        raise _Misfit(f"{key} names an environment variable.")
    found = environ.get(value, "")
    if not found:
        raise _Misfit(f"The environment variable {value} that {key} names is not set.", code="missing_variable")
    return found


def _from_file(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _Misfit(f"{key} names a file.")
    try:
        with Path(value).open("rb") as stream:
            raw = stream.read(_MAX_FILE_BYTES + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        raise _Misfit(
            f"The file {value} that {key} names cannot be read: {error.strerror}.", code="missing_file"
        ) from None
    except UnicodeDecodeError:
        raise _Misfit(f"The file {value} that {key} names is no text.") from None
    if len(raw) > _MAX_FILE_BYTES:
        raise _Misfit(f"The file {value} that {key} names is larger than {_MAX_FILE_BYTES} bytes.")
    # The line break at a file's end belongs to the editor; a key file keeps the one that PEM wants.
    text = text.strip("\r\n")
    if not text:
        raise _Misfit(f"The file {value} that {key} names is empty.", code="missing_file")
    return text if key == "password_file" else text + "\n"


def _outcome(existed: bool, changed: bool) -> str:
    if not existed:
        return "created"
    return "changed" if changed else "unchanged"


def _error(place: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/{place}", "code": code, "message": message}
