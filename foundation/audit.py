"""
The audit trail: entries that are only ever added, chained by digests so that a later change shows.

An entry is written in the transaction of what it tells of, without a lock, so that audited work does not queue up.
After the commit it is sealed: chained to the entry before it. A sweep seals what a crash between the two left. Each
seal goes to the log; whoever keeps the log elsewhere can hold the chain against it, and so notices even a chain that
was computed anew as a whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.utils import DatabaseError

from foundation.models import AuditEntry, AuditHead


logger = structlog.get_logger(__name__)

SYSTEM = "system"
SEALED_AT_ONCE = 500
"""Entries that one transaction seals."""

_START = "0" * 64
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """
    What `verify` found. `broken` says what is wrong with the first entry that is; empty when the chain is whole.

    `waiting` entries are not sealed yet.
    """

    entries: int
    digest: str
    waiting: int
    broken: str = ""


def note(
    *,
    component: str,
    action: str,
    at: dt.datetime,
    by: str = "",
    record: Any = "",
    name: str = "",
    reason: str = "",
    changes: Mapping[str, tuple[Any, Any]] | None = None,
) -> None:
    """
    Add an entry to the audit trail, in the open transaction.

    :param changes: field to (old, new); kept as texts, long ones cut. Secrets must not be among them.
    """
    AuditEntry.objects.create(
        at=at,
        by=by[:150] or SYSTEM,
        component=component,
        record=str(record)[:100],
        name=name[:300],
        action=action,
        reason=reason[:1000],
        changes={field: [_text(old), _text(new)] for field, (old, new) in (changes or {}).items()},
    )
    if not any(entry[1] is _seal_after_commit for entry in connection.run_on_commit):
        transaction.on_commit(_seal_after_commit)


def seal() -> int:
    """Chain all entries that are committed and not sealed yet, give how many; the chain is locked meanwhile."""
    sealed = 0
    while True:
        with transaction.atomic():
            head = _locked_head()
            waiting = list(AuditEntry.objects.filter(position=None).order_by("pk")[:SEALED_AT_ONCE])
            for entry in waiting:
                head.position += 1
                head.digest = digest_of(entry, position=head.position, before=head.digest)
                AuditEntry.objects.filter(pk=entry.pk).update(position=head.position, digest=head.digest)
            if waiting:
                head.save()
        sealed += len(waiting)
        if waiting:
            logger.info("audit_sealed", position=head.position, digest=head.digest)
        if len(waiting) < SEALED_AT_ONCE:
            return sealed


def verify(*, anchor: tuple[int, str] | None = None) -> Verification:
    """
    Follow the chain from its first entry and compute every digest anew.

    :param anchor: (position, digest) that was noted elsewhere, such as in the log.
    """
    position, digest = 0, _START
    anchored = anchor is None
    for entry in AuditEntry.objects.exclude(position=None).order_by("position").iterator(chunk_size=2000):
        wrong = ""
        if entry.position != position + 1:
            wrong = f"entry {position + 1} is missing (after it comes {entry.position})"
        elif entry.digest != digest_of(entry, position=position + 1, before=digest):
            wrong = f"entry {entry.position} (row {entry.pk}, {entry}) was changed"
        elif anchor is not None and entry.position == anchor[0]:
            anchored = entry.digest == anchor[1]
            wrong = "" if anchored else f"entry {entry.position} does not have the digest that was noted elsewhere"
        if wrong:
            return _found(position, digest, wrong)
        position, digest = position + 1, entry.digest
    head = AuditHead.objects.order_by("pk").first()
    if head is not None and head.position != position:
        return _found(position, digest, f"entries {position + 1} to {head.position} are missing at the end")
    if not anchored:
        return _found(position, digest, "the chain ends before the entry that was noted elsewhere")
    return _found(position, digest, "")


def digest_of(entry: AuditEntry, *, position: int, before: str) -> str:
    """Give the digest of an entry at its place: SHA-256 over the digest before it and its content in canonical form."""
    content = {
        "position": position,
        "at": entry.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "by": entry.by,
        "component": entry.component,
        "record": entry.record,
        "name": entry.name,
        "action": entry.action,
        "reason": entry.reason,
        "changes": entry.changes,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{canonical}".encode()).hexdigest()


def _found(position: int, digest: str, broken: str) -> Verification:
    waiting = AuditEntry.objects.filter(position=None).count()
    return Verification(entries=position, digest=digest, waiting=waiting, broken=broken)


def _locked_head() -> AuditHead:
    head = AuditHead.objects.select_for_update().order_by("pk").first()
    if head is None:
        AuditHead.objects.get_or_create(pk=1)
        head = AuditHead.objects.select_for_update().get(pk=1)
    return head


def _seal_after_commit() -> None:
    try:
        seal()
    except DatabaseError as error:
        # What was asked for is committed; the sweep seals its entries.
        logger.warning("audit_not_sealed", reason=str(error))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).replace("\x00", "")[:_LONGEST_TEXT]
