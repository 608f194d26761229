"""Creating and changing what messages go by: external systems, senders with their context, message types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from foundation.crypto import UnableToDecrypt
from foundation.kept_texts import kept
from outbound.choices import URL_CONTEXT_TYPES, ContextType, MessageMethod
from outbound.models import ExternalSystem, MessageSender, OutboundMessageType, SenderContext
from outbound.operations.history import stamp_history
from outbound.transports.addresses import split_base_url
from outbound.transports.base import TargetNotAllowed


_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+: ?[\x20-\x7e]+")
_MOST_RETRY_DELAYS = 100
_LONGEST_DELAY = 86_400

ContextValues = Sequence[tuple[str, str]]


class UnableToSave(Exception):
    """It cannot be saved as asked; nothing was changed. `errors` name the fields."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


def save_external_system(*, system: ExternalSystem, by: Any = None) -> list[str]:
    """
    Create or change an external system; give the names of the fields that changed.

    :raises UnableToSave: with all that speaks against it.
    """
    return _save(system, misfits(system), by=by)


def save_message_type(*, kind: OutboundMessageType, by: Any = None) -> list[str]:
    """
    Create or change a message type; give the names of the fields that changed.

    :raises UnableToSave: with all that speaks against it.
    """
    return _save(kind, misfits(kind), by=by)


def save_sender(*, sender: MessageSender, context: ContextValues | None = None, by: Any = None) -> list[str]:
    """
    Create or change a message sender; give the names of what changed.

    :param context: all of its context values as (type, value), in order; None leaves them as they are.
    :raises UnableToSave: with all that speaks against it.
    """
    errors = misfits(sender) + (context_misfits(context) if context is not None else [])
    with transaction.atomic():
        held = _held_context(sender) if sender.pk and context is not None else None
        new_context = context is not None and held != sorted(context)
        changed = _save(sender, errors, by=by, reason="context values set" if new_context else None, force=new_context)
        if new_context and context is not None:
            sender.context.all().delete()
            for context_type, value in context:
                SenderContext.objects.create(sender=sender, context_type=context_type, value=value)
            changed.append("context")
    return changed


def misfits(row: ExternalSystem | MessageSender | OutboundMessageType) -> list[dict[str, str]]:
    """Give everything that speaks against saving a row as it stands: `{"pointer", "code", "message"}`."""
    errors: list[dict[str, str]] = []
    try:
        row.full_clean(validate_constraints=False)
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            errors += [_error(field, "invalid", message) for message in messages]
    if isinstance(row, OutboundMessageType):
        errors += _type_misfits(row)
    return errors


def context_misfits(context: ContextValues) -> list[dict[str, str]]:
    """Give everything that speaks against the context values of a sender."""
    errors: list[dict[str, str]] = []
    seen: dict[str, str] = {}
    for context_type, value in context:
        if context_type not in ContextType.values:
            errors.append(_error("context", "unknown", f"{context_type[:40]} is not a context type."))
            continue
        if context_type in seen:
            errors.append(_error("context", "duplicate", f"{context_type} stands once; only headers may repeat."))
        if context_type != ContextType.HTTP_HEADER:
            seen[context_type] = value
        errors += _value_misfits(ContextType(context_type), value)
    if ContextType.HTTP_LOGIN_PASSWORD in seen and ContextType.HTTP_LOGIN_USER not in seen:
        errors.append(_error("context", "required", "A login password wants a login user."))
    address = "".join(seen.get(part, "") for part in URL_CONTEXT_TYPES)
    if "://" in address:
        scheme, _, rest = address.partition("://")
        host = rest.partition("/")[0]
        try:
            split_base_url(f"{scheme}://{host}")
        except TargetNotAllowed as error:
            errors.append(_error("context", "invalid", str(error)))
        if "{" in host or "@" in host:
            errors.append(_error("context", "invalid", "The host of an address is fixed and names no user."))
    return errors


def _value_misfits(context_type: ContextType, value: str) -> list[dict[str, str]]:
    wrong = ""
    if not value or not value.isprintable() or len(value) > 4_000:
        wrong = kept("is a text of at most 4000 printable characters")
    elif context_type == ContextType.HTTP_HEADER and not _HEADER.fullmatch(value):
        wrong = kept("is written as Name: value")
    elif context_type == ContextType.HTTP_METHOD and value not in MessageMethod.values:
        wrong = kept(f"is one of {', '.join(MessageMethod.values)}")
    elif context_type == ContextType.HTTP_LOGIN_USER and ":" in value:
        wrong = kept("holds no colon")
    elif context_type == ContextType.HTTP_TIMEOUT and not _is_timeout(value):
        wrong = kept("is a number of seconds from 0.1 to 300")
    return [_error("context", "invalid", f"{context_type} {wrong}.")] if wrong else []


def _is_timeout(text: str) -> bool:
    try:
        return Decimal("0.1") <= Decimal(text) <= Decimal(300)
    except InvalidOperation:
        return False


def _type_misfits(kind: OutboundMessageType) -> list[dict[str, str]]:
    errors = []
    delays = kind.retry_delays
    if not isinstance(delays, list) or len(delays) > _MOST_RETRY_DELAYS or not all(map(_is_delay, delays)):
        errors.append(
            _error("retry_delays", "invalid", f"The delays are a list of seconds from 0 to {_LONGEST_DELAY}.")
        )
    for field, lowest, highest in (("duplicate_statuses", 400, 499), ("retry_statuses", 400, 499)):
        statuses = getattr(kind, field)
        if not isinstance(statuses, list) or not all(_is_count(each, lowest, highest) for each in statuses):
            errors.append(_error(field, "invalid", f"A list of HTTP statuses from {lowest} to {highest}."))
    if "://" in kind.path or not kind.path.isprintable():
        errors.append(_error("path", "invalid", "The path is below the base address of the connection."))
    return errors


def _is_delay(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_DELAY


def _is_count(value: Any, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _held_context(sender: MessageSender) -> list[tuple[str, str]] | None:
    try:
        return sorted(sender.context.values_list("context_type", "value"))
    except UnableToDecrypt:
        return None


def _save(
    row: Model, errors: list[dict[str, str]], *, by: Any, reason: str | None = None, force: bool = False
) -> list[str]:
    if errors:
        raise UnableToSave(errors)
    with transaction.atomic():
        before: Any = type(row)._default_manager.filter(pk=row.pk).first() if row.pk else None
        changed = _changed(before, row)
        if before is None or changed or force:
            stamp_history(row, by=by, reason=reason)
            row.save()
    return changed


def _changed(before: Model | None, after: Model) -> list[str]:
    fields = [field for field in after._meta.concrete_fields if not field.primary_key]
    if before is None:
        return [field.name for field in fields if getattr(after, field.attname) not in ("", None, [], {})]
    return [field.name for field in fields if getattr(before, field.attname) != getattr(after, field.attname)]


def context_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the context values of a document's plain keys `method`, `timeout`, `login_user`, `headers`, `urls`."""
    found: list[tuple[str, str]] = []
    for key, context_type in (
        ("method", ContextType.HTTP_METHOD),
        ("timeout", ContextType.HTTP_TIMEOUT),
        ("login_user", ContextType.HTTP_LOGIN_USER),
    ):
        if document.get(key) is not None:
            found.append((context_type, str(document[key])))
    found += [(ContextType.HTTP_HEADER, f"{name}: {value}") for name, value in document.get("headers", {}).items()]
    found += list(zip(URL_CONTEXT_TYPES, map(str, document.get("urls", [])), strict=False))
    return found


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/{field}", "code": code, "message": message}
