"""
What went wrong with TLS, in words: they do not trust us, or we do not trust them.

A target that asks for a client certificate refuses a caller by an alert; with TLS 1.3 it comes after the handshake,
when the answer is read. Whichever it is, the target did nothing with what was sent.
"""

from __future__ import annotations

import ssl

from outbound.transports.base import IdentityMissing, IdentityRefused, TargetNotTrusted, TransportError
from outbound.transports.sockets import causes


_CERTIFICATE_REQUIRED = "CERTIFICATE_REQUIRED"
_ABOUT_THE_CALLER = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
        _CERTIFICATE_REQUIRED,
    }
)


def explain_tls_failure(error: BaseException) -> str | None:
    """Give what is wrong with a target's TLS in words, None when the error is not about TLS."""
    for found in causes(error):
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {getattr(found, 'verify_message', '') or found}"
        # A target that hangs up in the middle breaks off; that says nothing about trust.
        if isinstance(found, ssl.SSLError) and not isinstance(found, ssl.SSLEOFError):
            return f"the TLS handshake failed: {str(getattr(found, 'reason', '') or found).replace('_', ' ').lower()}"
    return None


def caller_refused(error: BaseException, *, target: str, shows_identity: bool) -> IdentityRefused | None:
    """
    Give the refusal of who calls that an error is, None when it is something else.

    :param shows_identity: whether the connection has an identity certificate.
    """
    for found in causes(error):
        # Such as TLSV13_ALERT_CERTIFICATE_REQUIRED.
        reason = str(getattr(found, "reason", "") or "") if isinstance(found, ssl.SSLError) else ""
        alert = reason.partition("ALERT_")[2]
        if alert not in _ABOUT_THE_CALLER:
            continue
        if alert == _CERTIFICATE_REQUIRED or not shows_identity:
            return IdentityMissing(f"{target} asks for a client certificate, and the connection has no identity.")
        return IdentityRefused(f"{target} does not accept the client certificate: {alert.replace('_', ' ').lower()}.")
    return None


def tls_refusal(error: BaseException, *, target: str, shows_identity: bool) -> TransportError | None:
    """Give what a failure of TLS is: of who calls, or of who is called; None when it is not about TLS."""
    refused = caller_refused(error, target=target, shows_identity=shows_identity)
    if refused is not None:
        return refused
    reason = explain_tls_failure(error)
    return TargetNotTrusted(f"{target} cannot be trusted: {reason}.") if reason else None
