from __future__ import annotations

import ssl

import pytest

from outbound.transports import tls_failures
from outbound.transports.base import IdentityMissing, IdentityRefused, TargetNotTrusted


def alert(reason: str) -> OSError:
    """An alert of the target, inside the errors that libraries put around it."""
    inner = ssl.SSLError(1, reason)
    inner.reason = reason
    return OSError("aborted", inner)


class TestExplainTlsFailure:
    def test_finds_the_reason_inside_other_errors(self) -> None:
        inner = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
        outer = OSError("aborted", inner)

        assert "TLS handshake failed" in (tls_failures.explain_tls_failure(outer) or "")

    def test_says_nothing_of_other_errors(self) -> None:
        assert tls_failures.explain_tls_failure(OSError("no route")) is None

    def test_says_nothing_of_a_target_that_hangs_up(self) -> None:
        assert tls_failures.explain_tls_failure(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")) is None


class TestTlsRefusal:
    @pytest.mark.parametrize(
        ("reason", "shows_identity", "kind", "words"),
        [
            ("TLSV13_ALERT_CERTIFICATE_REQUIRED", False, IdentityMissing, "asks for a client certificate"),
            ("TLSV13_ALERT_CERTIFICATE_REQUIRED", True, IdentityMissing, "asks for a client certificate"),
            ("SSLV3_ALERT_BAD_CERTIFICATE", False, IdentityMissing, "asks for a client certificate"),
            ("TLSV1_ALERT_UNKNOWN_CA", True, IdentityRefused, "does not accept the client certificate: unknown ca"),
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED", True, IdentityRefused, "client certificate: certificate expired"),
            ("SSLV3_ALERT_HANDSHAKE_FAILURE", True, TargetNotTrusted, "cannot be trusted: the TLS handshake failed"),
        ],
    )
    def test_tells_who_refused_whom(self, reason: str, shows_identity: bool, kind: type, words: str) -> None:
        refused = tls_failures.tls_refusal(alert(reason), target="dacs:443", shows_identity=shows_identity)

        assert type(refused) is kind
        assert str(refused).startswith("dacs:443 ")
        assert words in str(refused)
        assert refused.sent is False

    def test_is_none_of_other_errors(self) -> None:
        assert tls_failures.tls_refusal(OSError("no route"), target="dacs:443", shows_identity=True) is None
