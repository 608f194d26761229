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
from typing import Any

from django.db import transaction

from foundation.configuration import UnableToApplyConfiguration
from outbound import parameters, queries
from outbound.choices import AVAILABLE_TRANSPORTS
from outbound.models import Connection, Parameter
from outbound.models.connections import SECRETS
from outbound.operations.connection_keys import Misfit, take
from outbound.operations.connections import UnableToSaveConnection, save_connection
from outbound.operations.parameters import set_parameter


_DESCRIPTION_LENGTH = 200
_TOLD = {**{name: name.replace("_", " ") for name in SECRETS}, "context": "context values"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a section does to one record: `outcome` is created, changed or unchanged."""

    kind: str
    name: str
    outcome: str
    fields: tuple[str, ...] = ()
    note: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What no field of the document tells: a secret that was set, and the note."""
        secrets = tuple(f"{words} set" for name, words in _TOLD.items() if name in self.fields)
        return (*secrets, *((self.note,) if self.note else ()))

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
        description = None
        if isinstance(value, Mapping):
            unknown = sorted(set(value) - {"value", "description"}, key=str)
            if unknown:
                message = f"{unknown[0]} is not a known key; known are value, description."
                return None, [_error(f"{name}/{unknown[0]}", "unknown_key", message)]
            if "value" not in value:
                return None, [_error(f"{name}/value", "required", f"{name} needs a value.")]
            value, description = value["value"], value.get("description")
            if description is not None and (not isinstance(description, str) or len(description) > _DESCRIPTION_LENGTH):
                message = f"A description is a text of at most {_DESCRIPTION_LENGTH} characters."
                return None, [_error(f"{name}/description", "invalid", message)]
        try:
            changed = set_parameter(name=name, value=value, description=description, by=by)
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
            take(connection, secrets, str(key), value, environ)
        except Misfit as misfit:
            errors.append(_error(f"{name}/{key}", misfit.code, str(misfit)))
    if errors:
        return None, errors
    try:
        changed = save_connection(connection=connection, secrets=secrets, by=by, at=at)
    except UnableToSaveConnection as refusal:
        return None, [{**error, "pointer": f"/{name}{error['pointer']}"} for error in refusal.errors]
    outcome = _outcome(existed, bool(changed))
    return Change(kind="connection", name=name, outcome=outcome, fields=tuple(changed), note=_note(connection)), []


def _note(connection: Connection) -> str:
    if connection.transport not in AVAILABLE_TRANSPORTS:
        return f"transport {connection.transport} is not available in this version: stored, not usable"
    stored = queries.connections_for_display().get(pk=connection.pk)
    password, private_key = (getattr(stored, name) for name in ("password_set", "private_key_set"))
    if stored.key_id and not private_key:
        return "no private key is stored: enter it on the connection's page, or name private_key_env"
    if stored.username and not password and not private_key:
        return "no password is stored: enter it on the connection's page, or name password_env"
    return ""


def _outcome(existed: bool, changed: bool) -> str:
    if not existed:
        return "created"
    return "changed" if changed else "unchanged"


def _error(place: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/{place}", "code": code, "message": message}
