"""Telling people of certificates that expire, through the error handler's mails (`integration.md` 6.7)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from foundation.kept_texts import kept
from integration.flows.contract import Fault
from integration.operations import errors
from outbound.models import Certificate
from outbound.operations import certificates
from outbound.retry import FaultType


def alert_expiring(*, at: dt.datetime) -> int:
    """Tell of every certificate that has come to 60, 30, 14, 7 days or 1 day before its end; give how many."""
    told = certificates.take_expiries(at=at)
    for expiry in told:
        errors.report(
            flow=None,
            source=_source(expiry.certificate.name),
            fault=Fault(type=FaultType.TECHNICAL, code=errors.CERTIFICATE_EXPIRY, reason=_reason(expiry)),
            identifiers={
                "Certificate": expiry.certificate.name,
                "Subject": expiry.certificate.subject,
                "Issuer": expiry.certificate.issuer,
                "Expires": f"{expiry.certificate.not_after:%Y-%m-%d %H:%M} UTC",
                "Used by": _used_by(expiry.certificate),
            },
            at_once=True,
            at=at,
        )
    return len(told)


def certificate_saved(*, certificate: Certificate, at: dt.datetime, **signal: Any) -> None:
    """End the alert about a certificate when one that is valid for long was uploaded in its place."""
    if certificate.not_after > at + dt.timedelta(days=certificates.TOLD_BEFORE_DAYS[0]):
        note = f"A certificate that is valid until {certificate.not_after:%Y-%m-%d} was uploaded."
        errors.resolve(source=_source(certificate.name), fault_code=errors.CERTIFICATE_EXPIRY, note=note, at=at)


def _source(name: str) -> str:
    return kept(f"Certificate {name}")


def _reason(expiry: certificates.Expiry) -> str:
    name, end = expiry.certificate.name, f"{expiry.certificate.not_after:%Y-%m-%d}"
    if expiry.days_left < 0:
        return kept(f"Certificate {name} expired on {end}")
    days = (
        "today"
        if expiry.days_left == 0
        else "tomorrow"
        if expiry.days_left == 1
        else kept(f"in {expiry.days_left} days")
    )
    return kept(f"Certificate {name} expires {days}, on {end}")


def _used_by(certificate: Certificate) -> str:
    users = [*certificate.trusted_by.all(), *certificate.shown_by.all()]
    return ", ".join(sorted({connection.name for connection in users}))
