"""Creating and changing connections, with every check that a save makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from foundation.crypto import UnableToDecrypt
from foundation.dispatch import after_commit
from outbound import options
from outbound.choices import TRANSPORTS_WITH_BASE_URL, TRANSPORTS_WITH_HOST, BreakerState, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection, ConnectionHealth
from outbound.models.connections import SECRETS
from outbound.operations.history import stamp_history
from outbound.queries import UnknownConnection
from outbound.transports import in_process
from outbound.transports.addresses import check_host, resolve, split_base_url
from outbound.transports.base import ConnectionNotUsable, TargetNotAllowed, TransportError
from outbound.transports.sockets import tls_context


MAIL_CONNECTION = "MAIL"
_RESOLVE_SECONDS = 2.0
# What, when changed, may have cured a refusal or a dead target: the breaker starts afresh.
_REACH = (
    *("transport", "base_url", "host", "port", "username", "password", "private_key", "key_id"),
    *("ca_bundle", "trust_certificate", "identity_certificate"),
)


class UnableToSaveConnection(Exception):
    """The connection cannot be saved as asked; nothing was changed. `errors` name the fields."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


def misfits(connection: Connection) -> list[dict[str, str]]:
    """
    Give everything that speaks against saving a connection as it stands: `{"pointer", "code", "message"}`.

    A host name that does not resolve right now is no obstacle; one that resolves to an address that may not be called
    is. Every call checks again.
    """
    errors: list[dict[str, str]] = []
    try:
        connection.full_clean(exclude=SECRETS, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            errors += [_error(field, "invalid", message) for message in messages]
    errors += _missing(connection)
    errors += [
        _error(f"options/{name}" if name else "options", "invalid", message)
        for name, message in options.misfits(connection.transport, connection.options)
    ]
    if connection.ca_bundle:
        try:
            tls_context(connection.ca_bundle)
        except TransportError as error:
            errors.append(_error("ca_bundle", "invalid", str(error)))
    if any(character in connection.username for character in ":\r\n\0"):
        errors.append(_error("username", "invalid", "A user name holds no colon and no line break."))
    if not errors:
        errors += _address_misfits(connection)
    return errors


def save_connection(
    *, connection: Connection, secrets: Mapping[str, str] | None = None, by: Any = None, at: dt.datetime
) -> list[str]:
    """
    Create a connection, or change one to what the instance says, and give the names of the fields that changed.

    :param secrets: `password` and `private_key` to set; what is not named, or is empty, stays.
    :raises UnableToSaveConnection: with all that speaks against it; nothing is changed then.
    """
    given = {name: value for name, value in (secrets or {}).items() if value}
    with transaction.atomic():
        # Secrets are not read: one that no key can decrypt must not stand in the way of entering it anew.
        before = Connection.objects.defer(*SECRETS).filter(pk=connection.pk).first() if connection.pk else None
        errors = misfits(connection)
        if Connection.objects.filter(name=connection.name).exclude(pk=connection.pk).exists():
            errors.append(_error("name", "duplicate", f"A connection named {connection.name} exists already."))
        if errors:
            raise UnableToSaveConnection(errors)
        changed = _changed(before, connection)
        new_secrets = [name for name, value in given.items() if before is None or not _holds(before, name, value)]
        changed += new_secrets
        if before is not None and not changed:
            return []
        for name in new_secrets:
            setattr(connection, name, given[name])
        reason = f"{' and '.join(new_secrets)} set".replace("_", " ") if new_secrets else None
        stamp_history(connection, by=by, reason=reason)
        if before is None:
            connection.save()
        else:
            connection.save(update_fields=[*changed, "updated_at"])
        _refresh_health(connection, before, changed, at)
    return changed


def delete_connection(*, connection: Connection, by: Any = None) -> None:
    """Delete a connection; its history stays."""
    with transaction.atomic():
        stamp_history(connection, by=by)
        connection.delete()


def hold_connection(*, name: str) -> None:
    """
    Let what is queued for a connection wait, without using a retry; calls at work go on.

    :raises UnknownConnection: when there is none of this name.
    """
    if not Connection.objects.filter(name=name).update(held=True):
        raise UnknownConnection(name)


def release_connection(*, name: str) -> None:
    """Let what is queued for a connection go again; one that was deleted meanwhile holds nothing."""
    Connection.objects.filter(name=name).update(held=False)


def close_breakers(*, connection_ids: Sequence[int]) -> None:
    """Let connections start afresh: what was wrong with their target, or refused by it, may be cured."""
    ConnectionHealth.objects.filter(connection_id__in=connection_ids).exclude(
        state=BreakerState.CLOSED, consecutive_failures=0
    ).update(
        state=BreakerState.CLOSED,
        consecutive_failures=0,
        opened_at=None,
        credentials_refused=False,
        probe_token=None,
        probe_until=None,
    )


def _changed(before: Connection | None, after: Connection) -> list[str]:
    skipped = {"id", "held", "created_at", "updated_at", *SECRETS}
    names = [field.name for field in Connection._meta.concrete_fields if field.name not in skipped]
    if before is None:
        return [name for name in names if getattr(after, name) not in ("", None, {})]
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _holds(connection: Connection, name: str, value: str) -> bool:
    try:
        return bool(Connection.objects.values_list(name, flat=True).get(pk=connection.pk) == value)
    except UnableToDecrypt:
        return False


def _refresh_health(connection: Connection, before: Connection | None, changed: list[str], at: dt.datetime) -> None:
    if before is None:
        ConnectionHealth.objects.get_or_create(connection=connection)
    elif set(changed) & set(_REACH):
        close_breakers(connection_ids=[connection.pk])
    if connection.name == MAIL_CONNECTION:
        from outbound.operations.mail import release_held

        release_held(at=at)
        after_commit("outbound.tasks.sweep")


def _missing(connection: Connection) -> list[dict[str, str]]:
    errors: list[dict[str, str]] = []
    if connection.transport in TRANSPORTS_WITH_BASE_URL and not connection.base_url:
        errors.append(_error("base_url", "required", f"A {connection.transport} connection needs a base address."))
    if connection.transport in TRANSPORTS_WITH_HOST and not connection.host:
        errors.append(_error("host", "required", f"A {connection.transport} connection needs a host."))
    if connection.transport == Transport.SFTP and not connection.known_host_key:
        errors.append(
            _error(
                "known_host_key", "required", "An sftp connection needs the server's host key: none is trusted unseen."
            )
        )
    return errors


def _address_misfits(connection: Connection) -> list[dict[str, str]]:
    field = "base_url" if connection.base_url and connection.transport in TRANSPORTS_WITH_BASE_URL else "host"
    try:
        if field == "base_url":
            scheme, host, port = split_base_url(connection.base_url)
            if scheme == in_process.SCHEME:
                return _account_misfits(connection)
        else:
            host, port = connection.host, connection.port or 0
        check_host(host)
        addresses = resolve(host, port, timeout=_RESOLVE_SECONDS)
        deployment_guard().check_all(addresses)
    except TargetNotAllowed as error:
        return [_error(field, "not_allowed", str(error))]
    except TransportError:
        # The name does not resolve from here, now: the peer may not exist yet.
        return []
    return []


def _account_misfits(connection: Connection) -> list[dict[str, str]]:
    try:
        in_process.account_of(connection=connection.name, username=connection.username)
    except ConnectionNotUsable as error:
        return [_error("username", "not_allowed", str(error))]
    return []


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/{field}", "code": code, "message": message}
