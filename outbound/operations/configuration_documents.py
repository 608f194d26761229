"""What is configured of outbound, in the shape in which a configuration document names it; secrets stay out of it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from foundation.configuration import exact, ordered
from outbound import parameters, queries
from outbound.choices import SECRET_CONTEXT_TYPES, URL_CONTEXT_TYPES, ContextType
from outbound.models import ExternalSystem, MessageSender, OutboundMessageType, Parameter, SenderContext


CONNECTION_KEYS = (
    *("description", "transport", "enabled", "target_release", "zone", "base_url", "host", "port", "directory"),
    *("namespace", "known_host_key", "username", "key_id", "connect_timeout", "read_timeout", "max_concurrency"),
    *("rate_limit_per_second", "ca_bundle", "trust_certificate", "identity_certificate", "options"),
)
SENDER_KEYS = ("description", "connection", "method", "timeout", "login_user", "urls")
SYSTEM_KEYS = ("description", "processing_method", "connection", "sender")
TYPE_KEYS = (
    *("description", "method", "path", "sender", "ordered", "max_retries", "retry_delays", "duplicate_statuses"),
    *("retry_statuses", "answer_kind"),
)


def connections_document() -> dict[str, Any]:
    """Give the connections by name."""
    rows = queries.connections_for_display().select_related("trust_certificate", "identity_certificate")
    rows = rows.defer("trust_certificate__private_key", "identity_certificate__private_key", "password", "private_key")
    return {
        row.name: {
            **{key: _plain(getattr(row, key)) for key in CONNECTION_KEYS},
            "trust_certificate": row.trust_certificate.name if row.trust_certificate else None,
            "identity_certificate": row.identity_certificate.name if row.identity_certificate else None,
            "options": ordered(row.options),
        }
        for row in sorted(rows, key=lambda row: row.name)
    }


def parameters_document() -> dict[str, Any]:
    """Give the parameters by name, each with its value and the site's words."""
    rows = Parameter.objects.filter(name__in=parameters.DECLARED)
    return {
        row.name: {"value": exact(Decimal(row.value)), "description": row.description}
        for row in sorted(rows, key=lambda row: row.name)
    }


def message_senders_document() -> dict[str, Any]:
    """Give the message senders by name, without headers and passwords."""
    rows = MessageSender.objects.select_related("connection").defer("connection__password", "connection__private_key")
    context: dict[int, dict[str, str]] = {}
    values = SenderContext.objects.exclude(context_type__in=SECRET_CONTEXT_TYPES)
    for sender_id, kind, value in values.values_list("sender_id", "context_type", "value"):
        context.setdefault(sender_id, {})[kind] = value
    return {row.name: _sender(row, context.get(row.pk, {})) for row in sorted(rows, key=lambda row: row.name)}


def external_systems_document() -> dict[str, Any]:
    """Give the external systems by name."""
    rows = ExternalSystem.objects.select_related("connection", "sender")
    return {
        row.name: {
            "description": row.description,
            "processing_method": row.processing_method,
            "connection": row.connection.name if row.connection else None,
            "sender": row.sender.name if row.sender else None,
        }
        for row in sorted(rows.defer("connection__password", "connection__private_key"), key=lambda row: row.name)
    }


def outbound_message_types_document() -> dict[str, Any]:
    """Give the message types by code."""
    rows = OutboundMessageType.objects.select_related("sender")
    return {
        row.code: {**{key: getattr(row, key) for key in TYPE_KEYS}, "sender": row.sender.name if row.sender else None}
        for row in sorted(rows, key=lambda row: row.code)
    }


def _sender(row: MessageSender, context: dict[str, str]) -> dict[str, Any]:
    return {
        "description": row.description,
        "connection": row.connection.name if row.connection else None,
        "method": context.get(ContextType.HTTP_METHOD),
        "timeout": _seconds(context.get(ContextType.HTTP_TIMEOUT)),
        "login_user": context.get(ContextType.HTTP_LOGIN_USER),
        "urls": [context[kind] for kind in URL_CONTEXT_TYPES if kind in context],
    }


def _seconds(text: str | None) -> Decimal | str | None:
    # A number where it reads back as what is stored, character by character.
    try:
        number = exact(Decimal(text)) if text is not None else None
    except InvalidOperation:
        return text
    return number if str(number) == text else text


def _plain(value: Any) -> Any:
    return exact(value) if isinstance(value, Decimal) else value
