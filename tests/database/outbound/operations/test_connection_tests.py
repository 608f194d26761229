from __future__ import annotations

from typing import Any

import pytest
import trustme
from django.contrib.auth import get_user_model

from outbound import queries
from outbound.choices import BreakerState
from outbound.models import ConnectionHealth
from outbound.operations.connection_tests import ConnectionTest, test_connection
from tests.database.outbound import servers
from tests.database.outbound.conftest import server_context
from tests.database.outbound.mailboxes import mailbox
from tests.database.outbound.servers import Peer, answer
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("transports.sockets", "operations.connections", "operations.connection_tests"):
        monkeypatch.setattr(f"outbound.{module}.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])


def _test(**values: Any) -> ConnectionTest:
    make_connection("DACS", **values)
    return test_connection(name="DACS", by=None, at=NOW)


class TestTestConnection:
    def test_a_good_target_is_described_step_by_step_and_recorded(self, peer: Peer) -> None:
        ada = get_user_model().objects.create_user("ada")
        make_connection("DACS", base_url=f"{peer.url}/rest", options={"health_path": "health"})
        outcome = test_connection(name="DACS", by=ada, at=NOW)

        assert (outcome.ok, outcome.advice) == (True, "")
        assert outcome.summary.startswith("127.0.0.1 answers: HTTP 200 in ")
        assert [(step.name, step.ok) for step in outcome.steps] == [
            ("Address", True),
            ("Connection", True),
            ("TLS", True),
            ("GET health", True),
        ]
        assert outcome.steps[0].seen == "127.0.0.1 is 127.0.0.1"
        assert outcome.steps[2].seen == "none: this is plain http, credentials travel in clear"
        assert [seen.path for seen in peer.seen] == ["/rest/health"]
        health = ConnectionHealth.objects.get()
        assert (health.last_tested_at, health.last_tested_by) == (NOW, "ada")
        assert health.last_test_result == outcome.as_document()

    def test_tls_is_described(self, secure_peer: Peer, authority_pem: str) -> None:
        outcome = _test(base_url=f"https://localhost:{secure_peer.port}", ca_bundle=authority_pem)
        assert outcome.ok is True
        assert outcome.steps[2].seen == "TLSv1.3, certificate valid until 3000-01-01"

    def test_an_unknown_authority_says_what_to_do(self, secure_peer: Peer) -> None:
        outcome = _test(base_url=f"https://localhost:{secure_peer.port}")
        assert outcome.ok is False
        assert "certificate is refused: unable to get local issuer certificate" in outcome.summary
        assert "CA bundle" in outcome.advice
        assert secure_peer.seen == []

    def test_nobody_listening_says_what_to_do(self) -> None:
        outcome = _test(base_url="http://127.0.0.1:9")
        assert (outcome.ok, outcome.summary) == (False, "127.0.0.1:9 cannot be reached: Connection refused.")
        assert outcome.advice == "Check host name and port, and that the target runs."

    def test_a_base_address_that_serves_nothing_itself_is_well(self, peer: Peer) -> None:
        peer.behave = answer(404)
        outcome = _test(base_url=peer.url)
        assert outcome.ok is True
        assert "health_path" in outcome.summary

    @pytest.mark.parametrize(
        ("status", "options", "advice"),
        [
            (401, {}, "Check user name and password"),
            (403, {}, "Check user name and password"),
            (404, {"health_path": "health"}, "Check base address and health path."),
            (500, {}, "The target has a problem of its own"),
        ],
    )
    def test_a_bad_status_says_what_to_do(self, peer: Peer, status: int, options: dict[str, str], advice: str) -> None:
        peer.behave = answer(status)
        outcome = _test(base_url=peer.url, options=options)
        assert outcome.ok is False
        assert f"HTTP {status}" in outcome.summary
        assert outcome.advice.startswith(advice)

    def test_a_redirect_names_where_it_points(self, peer: Peer) -> None:
        peer.behave = answer(301, b"", Location="https://elsewhere.example.org/login?next=1")
        outcome = _test(base_url=peer.url)
        assert outcome.ok is False
        assert "a redirect to elsewhere.example.org" in outcome.summary
        assert "redirect points" in outcome.advice

    def test_a_target_that_may_not_be_called_says_who_can_allow_it(self, peer: Peer, settings: Any) -> None:
        make_connection("DACS", base_url=peer.url)
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        outcome = test_connection(name="DACS", by=None, at=NOW)
        assert outcome.ok is False
        assert "OUTBOUND_ALLOWED_NETWORKS" in outcome.advice
        assert peer.connections == 0

    @pytest.mark.parametrize(
        ("values", "summary"),
        [
            ({"enabled": False}, "Connection DACS is switched off."),
            (
                {"transport": "ftp", "host": "127.0.0.1"},
                "Connection DACS names no user to log in.",
            ),
        ],
    )
    def test_a_connection_that_cannot_be_used_says_why(self, values: dict[str, Any], summary: str) -> None:
        outcome = _test(**values)
        assert (outcome.ok, outcome.summary) == (False, summary)
        assert outcome.advice == "Change the connection as the message says."

    def test_a_good_test_closes_an_open_breaker(self, peer: Peer) -> None:
        make_connection("DACS", base_url=peer.url)
        ConnectionHealth.objects.update(state=BreakerState.OPEN, opened_at=NOW, consecutive_failures=5)
        assert test_connection(name="DACS", by=None, at=NOW).ok is True
        health = ConnectionHealth.objects.get()
        assert (health.state, health.consecutive_failures) == (BreakerState.CLOSED, 0)

    def test_a_secret_that_no_key_reads_says_what_to_do_and_sends_nothing(self, peer: Peer, settings: Any) -> None:
        make_connection("DACS", base_url=peer.url, username="u", password="p")
        settings.FIELD_ENCRYPTION_KEYS = ["1Yq6dIYW-2wKQRlQxaFfWiEY8EHUX9qAyuQFtnMhqMQ="]
        outcome = test_connection(name="DACS", by=None, at=NOW)
        assert (outcome.ok, peer.seen) == (False, [])
        assert "FIELD_ENCRYPTION_KEYS" in outcome.advice

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(queries.UnknownConnection, match="no connection named NOBODY"):
            test_connection(name="NOBODY", by=None, at=NOW)


class TestEmail:
    def test_a_good_server_is_greeted_and_gets_no_mail(self) -> None:
        with mailbox() as box:
            outcome = _test(transport="email", host="127.0.0.1", port=box.port)
            assert outcome.ok is True
            assert f"127.0.0.1:{box.port} takes mail: not encrypted, no login" in outcome.summary
            assert box.arrived == []

    def test_encryption_and_login_are_described(self, authority: trustme.CA, authority_pem: str) -> None:
        context = server_context(authority.issue_cert("localhost"))
        with mailbox(tls=context, login=(b"u", b"p")) as box:
            outcome = _test(
                transport="email", host="localhost", port=box.port, username="u", password="p", ca_bundle=authority_pem
            )
        assert "encrypted with TLSv1.3, logged in" in outcome.summary

    def test_a_wrong_password_says_what_to_do(self) -> None:
        with mailbox(login=(b"u", b"right")) as box:
            outcome = _test(
                transport="email",
                host="127.0.0.1",
                port=box.port,
                username="u",
                password="wrong",
                options={"starttls": "never"},
            )
        assert (outcome.ok, outcome.advice) == (False, "Check user name and password.")

    def test_a_server_that_is_no_mail_server_says_so(self) -> None:
        with servers.serving() as peer:
            outcome = _test(transport="email", host="127.0.0.1", port=peer.port, read_timeout="0.3")
        assert (outcome.ok, "did not answer" in outcome.summary) == (False, True)
