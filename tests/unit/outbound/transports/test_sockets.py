from __future__ import annotations

import ssl

import pytest

from outbound.transports import sockets
from outbound.transports.base import ConnectionNotUsable
from outbound.transports.sockets import Deadline


class TestDeadline:
    def test_gives_what_is_left_until_nothing_is(self) -> None:
        now = [100.0]
        limit = Deadline.after(5, clock=lambda: now[0])
        now[0] = 103.0
        assert limit.remaining() == 2.0
        now[0] = 105.0
        with pytest.raises(TimeoutError, match="deadline"):
            limit.remaining()


class TestTlsContext:
    def test_verifies_names_and_certificates_and_speaks_nothing_older_than_1_2(self) -> None:
        context = sockets.tls_context("")
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is True
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert len(context.get_ca_certs()) > 50

    @pytest.mark.parametrize("text", ["no certificate", "-----BEGIN CERTIFICATE-----\nxxx\n-----END CERTIFICATE-----"])
    def test_a_bundle_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ConnectionNotUsable, match="cannot be read as PEM"):
            sockets.tls_context(text)
