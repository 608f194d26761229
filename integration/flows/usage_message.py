"""How usage, and its correction, is told to a recipient: documents in the style of the product's own API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from vee.usage_totals import without_trailing_zeros


def usage_document(message: Any) -> Mapping[str, Any]:
    """Give the document of a `vee.operations.usage_sending.UsageMessage` that tells usage."""
    row = message.transaction
    return {
        **_heading(row),
        "version": message.version,
        "calculated_at": _time(row.calculated_at),
        "totals": _totals(message.totals),
    }


def correction_document(message: Any) -> Mapping[str, Any]:
    """
    Give the document that tells of a Subsequent Correction.

    `old_totals` are those of the version that was sent (null when the usage was sent by another system), `new_totals`
    those at the time of the change. The recipient asks for new usage: this document is word of it, not the usage.
    """
    correction = message.correction
    return {
        **_heading(message.transaction),
        "corrected_at": _time(correction.at),
        "first_changed": _time(correction.first_changed),
        "last_changed": _time(correction.last_changed),
        "imds": list(correction.imd_ids),
        "old_version": correction.old_version or None,
        "old_totals": _totals(message.old_totals) if correction.old_version else None,
        "new_totals": _totals(message.totals),
    }


def _heading(row: Any) -> dict[str, Any]:
    subscription = row.usage_subscription
    return {
        "usage_transaction": row.identifier,
        "usage_subscription": subscription.identifier,
        "service_point": subscription.service_point.identifier,
        "recipient": subscription.recipient,
        "start": _time(row.start),
        "end": _time(row.end),
    }


def _totals(totals: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "measuring_component": one.measuring_component.identifier,
            "component_kind": str(one.component_kind),
            "uom": one.uom,
            "total": None if one.total is None else without_trailing_zeros(one.total),
            "expected": one.expected,
            "missing": one.missing,
            "estimated": one.estimated,
            "user_edited": one.user_edited,
            "conditions": one.conditions,
        }
        for one in totals
    ]


def _time(at: dt.datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
