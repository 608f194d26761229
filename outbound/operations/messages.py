"""Queueing messages: stored in the caller's transaction, delivered by a worker (`house.md` D1, D4)."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import structlog
from django.db import IntegrityError, transaction

from foundation import correlation, tracing
from foundation.dispatch import after_commit, woken_for
from outbound import queries
from outbound.choices import MessageMethod, ProcessingMethod
from outbound.models import ExternalSystem, OutboundMessage, OutboundMessageType
from outbound.operations.message_rows import Message
from outbound.operations.message_targets import connection_name
from outbound.substitution import VariableMissing, substituted
from outbound.texts import storable


logger = structlog.get_logger(__name__)

DELIVER_TASK = "outbound.tasks.deliver_message"
DELIVER_DUE_TASK = "outbound.tasks.deliver_due"
# A wake-up call that is due later than this is left to the sweep.
LONGEST_COUNTDOWN_SECONDS = 60.0
_COUNTDOWN_MARGIN_SECONDS = 0.05
# So many messages of one transaction are woken for one by one.
_MOST_WOKEN = 8
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,200}")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\x20-\x7e]*)?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The queue and the connection say these themselves.
_RESERVED_HEADERS = frozenset({"authorization", "content-length", "content-type", "host", "idempotency-key"})
_MAX_KEY = 200
_MAX_PATH = 1000
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class UnableToQueueMessage(ValueError):
    """The message cannot be queued as asked; `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


class MessageIdReused(ValueError):
    """The message id was used before for another message; nothing was stored."""


def queue_message(
    *,
    message_type: str,
    external_system: str,
    payload: bytes | Mapping[str, Any],
    path: str = "",
    method: str = "",
    message_id: str = "",
    key: str = "",
    not_before: dt.datetime | None = None,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
    context: Mapping[str, Any] | None = None,
    at: dt.datetime,
) -> OutboundMessage:
    """
    Store a message in the caller's transaction and wake a worker once that is committed.

    Idempotent per `message_id`: the same message again gives the row that stands.

    :param path: below the connection's base address; `{name}` stands for a value of `context`. Empty: the path of
        the sender or type.
    :param message_id: stays the same over all tries and is their Idempotency-Key; empty: one is made.
    :param key: what messages of an ordered type stay in order by.
    :param not_before: no try earlier than this.
    :param headers: further headers; stored encrypted.
    :param context: plain JSON that stays with the message: values for variables, and what the caller wants back.
    :raises UnableToQueueMessage: with everything that is wrong.
    :raises MessageIdReused: when the id was used before for another message.
    """
    kind = OutboundMessageType.objects.filter(code=storable(message_type)).first()
    system = ExternalSystem.objects.filter(name=storable(external_system)).first()
    body = bytes(payload) if isinstance(payload, bytes | bytearray) else _ENCODER.encode(payload)
    facts = json.loads(json.dumps(dict(context or {}), default=str))
    errors = _misfits(message_type, kind, external_system, system, body=body, path=path, method=method, key=key)
    errors += _form_misfits(message_id, media_type, headers or {})
    message_id = message_id or str(uuid.uuid4())
    if kind is not None and not errors:
        errors = _path_misfits(path or kind.path, {**facts, "messageId": message_id, "key": key})
    if errors or kind is None or system is None:
        raise UnableToQueueMessage(errors)
    due_at = at if not_before is None else max(at, not_before)
    row = OutboundMessage(
        message_id=message_id,
        message_type=kind,
        external_system=system,
        key=key,
        method=method,
        path=path,
        media_type=media_type,
        headers=json.dumps(dict(headers)) if headers else "",
        context=facts,
        payload=body,
        payload_size=len(body),
        digest=_digest(kind.code, system.name, method, path, key, media_type, body),
        next_attempt_at=due_at,
        created_at=at,
        correlation_id=correlation.current()[: correlation.LENGTH],
        traceparent=tracing.parent(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return _queued_before(row)
    logger.info("message_queued", message=row.pk, type=kind.code, system=system.name)
    if system.processing_method == ProcessingMethod.REAL_TIME:
        wake(row, due_at=due_at, at=at)
    return row


def wake(message: Message, *, due_at: dt.datetime, at: dt.datetime) -> None:
    """Wake a worker for a message when it is due, once the open transaction is committed; far off: the sweep does."""
    wait = (due_at - at).total_seconds()
    if wait > LONGEST_COUNTDOWN_SECONDS:
        return
    # A margin, because a call that comes a moment too early is left alone until the next sweep.
    countdown = wait + _COUNTDOWN_MARGIN_SECONDS if wait > 0 else None
    wake_for(message, countdown=countdown)


def wake_for(message: Message, *, countdown: float | None = None) -> None:
    """Wake a worker of the zone that a message's connection lies in, once the open transaction is committed."""
    queue = queries.zone_queue([connection_name(message)])
    zone = queue.removeprefix(queries.ZONE_QUEUE_PREFIX) if queue else ""
    if countdown is None and woken_for(DELIVER_TASK, queue=queue) >= _MOST_WOKEN:
        # A transaction that queues many wakes for all of them together.
        wake_batch(zone=zone, once=True)
        return
    where: dict[str, Any] = {"zone": zone} if zone else {}
    after_commit(DELIVER_TASK, countdown=countdown, queue=queue, message_pk=message.pk, **where)


def wake_batch(*, zone: str = "", once: bool = False) -> None:
    """Wake a worker for a batch; the call is of no use any more when the next sweep has come."""
    queue = f"{queries.ZONE_QUEUE_PREFIX}{zone}" if zone else None
    after_commit(DELIVER_DUE_TASK, queue=queue, expires=60.0, once=once, zone=zone)


def _queued_before(row: OutboundMessage) -> OutboundMessage:
    found = (
        OutboundMessage.objects.select_related("message_type", "external_system")
        .filter(message_id=row.message_id)
        .first()
    )
    if found is None:
        raise MessageIdReused(f"The message id {row.message_id} was in use a moment ago.")
    if found.digest != row.digest:
        raise MessageIdReused(f"The message id {row.message_id} was used before for another message.")
    return found


def _digest(*parts: str | bytes) -> str:
    *words, body = parts
    content = body if isinstance(body, bytes) else body.encode()
    # What is no JSON counts by its bytes.
    with contextlib.suppress(ValueError, RecursionError):
        content = _CANONICAL.encode(json.loads(content, parse_float=Decimal))
    return hashlib.sha256(b"\0".join([*(str(word).encode() for word in words), content])).hexdigest()


def _misfits(
    type_code: str,
    kind: OutboundMessageType | None,
    system_name: str,
    system: ExternalSystem | None,
    *,
    body: bytes,
    path: str,
    method: str,
    key: str,
) -> list[dict[str, str]]:
    errors = []
    if kind is None:
        errors.append(_error("message_type", "unknown", f"There is no outbound message type {type_code[:60]}."))
    if system is None:
        errors.append(_error("external_system", "unknown", f"There is no external system {system_name[:60]}."))
    if method and method not in MessageMethod.values:
        errors.append(_error("method", "invalid", f"The method is one of {', '.join(MessageMethod.values)}."))
    if len(path) > _MAX_PATH or not path.isprintable() or "://" in path.partition("?")[0]:
        errors.append(
            _error("path", "invalid", f"The path is below the base address, in at most {_MAX_PATH} characters.")
        )
    if len(key) > _MAX_KEY or not key.isprintable():
        errors.append(_error("key", "invalid", f"The key is at most {_MAX_KEY} printable characters."))
    if len(body) > MAX_PAYLOAD_BYTES:
        errors.append(_error("payload", "too_large", f"The payload is larger than {MAX_PAYLOAD_BYTES} bytes."))
    return errors


def _form_misfits(message_id: str, media_type: str, headers: Mapping[str, str]) -> list[dict[str, str]]:
    errors = []
    if message_id and not _MESSAGE_ID.fullmatch(message_id):
        errors.append(
            _error("message_id", "invalid", "The message id is 1 to 200 visible ASCII characters without a space.")
        )
    if len(media_type) > 100 or not _MEDIA_TYPE.fullmatch(media_type):
        errors.append(_error("media_type", "invalid", "The media type looks like application/json."))
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not value.isprintable() or not value.isascii():
            errors.append(_error("headers", "invalid", f"The header {name[:60]!r} is not one that can be sent."))
        elif name.lower() in _RESERVED_HEADERS:
            errors.append(_error("headers", "reserved", f"The header {name} is set by the queue or the connection."))
    return errors


def _path_misfits(path: str, values: Mapping[str, object]) -> list[dict[str, str]]:
    try:
        substituted(path, values)
    except VariableMissing as error:
        return [_error("path", "variable_missing", str(error))]
    return []


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": f"/{field}", "code": code, "message": message}
