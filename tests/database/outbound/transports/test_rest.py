from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import structlog
from django.test import override_settings

from outbound.choices import BreakerState
from outbound.models import Connection, ConnectionHealth
from outbound.transports import rest
from outbound.transports.base import (
    AnswerTooLarge,
    ConnectionBusy,
    ConnectionNotUsable,
    TargetBroke,
    TargetNotAllowed,
    TargetRedirected,
    TargetTimedOut,
    TargetUnreachable,
    TransportError,
)
from tests.database.outbound import servers
from tests.database.outbound.servers import Peer, answer
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db


def _client(peer: Peer, **values: Any) -> rest.RestClient:
    values.setdefault("base_url", f"{peer.url}/rest/")
    values.setdefault("read_timeout", Decimal(5))
    return rest.client(make_connection("DACS", **values))


class TestRequest:
    @pytest.mark.parametrize(
        ("key", "sent"),
        [
            ("NMS1/DRMS-CAN-1", "NMS1/DRMS-CAN-1"),
            ("装置-7", "%E8%A3%85%E7%BD%AE-7"),
            ("ü", "%C3%BC"),
            ("%C3%BC", "%25C3%25BC"),
            ("a\r\nX-Extra: 1", "a%0D%0AX-Extra:%201"),
            (" a ", "%20a%20"),
            ("\x7f", "%7F"),
        ],
    )
    def test_a_key_in_any_script_goes_as_a_header_and_stays_itself(self, peer: Peer, key: str, sent: str) -> None:
        peer.behave = answer(200)

        _client(peer).request("POST", "/x", body=b"{}", idempotency_key=key)

        (seen,) = peer.seen
        assert seen.headers["Idempotency-Key"] == sent
        assert "X-Extra" not in seen.headers

    def test_sends_the_body_and_the_headers_and_gives_the_answer(self, peer: Peer) -> None:
        peer.behave = answer(201, b'{"price": 0.10}', X_Answer="yes")
        client = _client(peer, username="OICUSER", password="se:cret")

        with structlog.contextvars.bound_contextvars(correlation_id="corr-7"):
            got = client.request(
                "POST",
                "/enrollments?x=1",
                json={"kwh": Decimal("1.250"), "name": "Ü"},
                headers={"X-Extra": "1"},
                idempotency_key="key-1",
            )

        assert (got.status, got.json(), got.headers["x-answer"]) == (201, {"price": Decimal("0.10")}, "yes")
        assert got.elapsed_seconds > 0
        (seen,) = peer.seen
        assert (seen.method, seen.path) == ("POST", "/rest/enrollments?x=1")
        assert seen.body == '{"kwh":1.250,"name":"Ü"}'.encode()
        assert seen.headers["Content-Type"] == "application/json"
        assert seen.headers["Idempotency-Key"] == "key-1"
        assert seen.headers["X-Correlation-Id"] == "corr-7"
        assert seen.headers["X-Extra"] == "1"
        assert seen.headers["Authorization"] == "Basic " + base64.b64encode(b"OICUSER:se:cret").decode()
        assert seen.headers["User-Agent"] == "Tieline"

    def test_an_empty_path_is_the_base_address(self, peer: Peer) -> None:
        _client(peer, base_url=f"{peer.url}/nms-drms/rest/v1").request("GET", "")
        assert [seen.path for seen in peer.seen] == ["/nms-drms/rest/v1"]

    @pytest.mark.parametrize("path", ["//evil.example/x", "@evil.example", "http://evil.example/", "\\\\evil.example"])
    def test_no_path_leads_to_another_host(self, peer: Peer, path: str) -> None:
        assert _client(peer).request("GET", path).status == 200
        assert len(peer.seen) == 1

    def test_without_a_user_name_no_credentials_are_sent(self, peer: Peer) -> None:
        _client(peer).request("GET", "x")
        assert "Authorization" not in peer.seen[0].headers

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429, 500, 503])
    def test_an_error_status_is_an_answer(self, peer: Peer, status: int) -> None:
        peer.behave = answer(status, b'{"why": "so"}')
        got = _client(peer).request("GET", "x")
        assert (got.status, got.json()) == (status, {"why": "so"})

    def test_sockets_are_kept_between_calls(self, peer: Peer) -> None:
        client = _client(peer)
        for _ in range(5):
            client.request("GET", "x")
        assert (len(peer.seen), peer.connections) == (5, 1)

    def test_proxies_and_credentials_of_the_environment_are_ignored(
        self, peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        netrc.chmod(0o600)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("NETRC", str(netrc))
        assert _client(peer).request("GET", "x").status == 200
        assert "Authorization" not in peer.seen[0].headers

    def test_cookies_are_not_kept(self, peer: Peer) -> None:
        peer.behave = answer(200, b"", Set_Cookie="session=1; Path=/")
        client = _client(peer)
        client.request("GET", "x")
        client.request("GET", "x")
        assert "Cookie" not in peer.seen[1].headers

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_a_failure_that_names_the_host(self, peer: Peer, status: int) -> None:
        with servers.serving() as other:
            peer.behave = answer(status, b"", Location=f"http://localhost:{other.port}/stolen")
            client = _client(peer, username="u", password="p")
            with pytest.raises(TargetRedirected, match=f"HTTP {status}, a redirect to localhost") as caught:
                client.request("GET", "x")
            assert other.seen == []
        assert len(peer.seen) == 1
        assert (caught.value.permanent, caught.value.sent) == (True, True)

    @pytest.mark.parametrize("behave", [servers.cut_body, servers.cut_chunked_body], ids=["length", "chunked"])
    def test_a_cut_body_is_no_answer(self, peer: Peer, behave: Callable[[Any], None]) -> None:
        peer.behave = behave
        with pytest.raises(TargetBroke) as caught:
            _client(peer).request("GET", "x")
        assert (caught.value.sent, caught.value.permanent) == (None, False)

    @pytest.mark.parametrize("behave", [servers.reset, servers.not_http], ids=["reset", "not http"])
    def test_a_target_that_breaks_off_is_a_broken_one(self, peer: Peer, behave: Callable[[Any], None]) -> None:
        peer.behave = behave
        with pytest.raises(TargetBroke, match="broke off") as caught:
            _client(peer).request("POST", "x", json={})
        assert caught.value.sent is None
        assert len(peer.seen) == 1, "nothing is sent twice by the client itself"

    @pytest.mark.parametrize(
        "behave", [servers.never, servers.drip_body, servers.drip_headers], ids=["silent", "slow body", "slow headers"]
    )
    def test_the_deadline_holds_whatever_the_target_does(self, peer: Peer, behave: Callable[[Any], None]) -> None:
        peer.behave = behave
        client = _client(peer)
        started = time.monotonic()
        with pytest.raises(TargetTimedOut, match="deadline") as caught:
            client.request("GET", "x", timeout=0.4)
        assert 0.3 < time.monotonic() - started < 15
        assert caught.value.sent is None

    def test_the_connection_s_read_timeout_is_the_default_deadline(self, peer: Peer) -> None:
        peer.behave = servers.drip_body
        client = _client(peer, read_timeout=Decimal("0.3"))
        with pytest.raises(TargetTimedOut):
            client.request("GET", "x")

    @pytest.mark.parametrize("behave", [servers.huge, servers.gzip_bomb], ids=["endless", "inflating"])
    def test_a_body_over_the_cap_is_not_read_to_its_end(self, peer: Peer, behave: Callable[[Any], None]) -> None:
        peer.behave = behave
        with pytest.raises(AnswerTooLarge, match="over the limit of 1048576 bytes") as caught:
            _client(peer).request("GET", "x")
        assert caught.value.sent is True

    def test_a_declared_length_over_the_cap_is_refused_at_once(self, peer: Peer) -> None:
        peer.behave = answer(200, b"x" * 1_048_577)
        with pytest.raises(AnswerTooLarge, match="declares 1048577 bytes"):
            _client(peer).request("GET", "x")

    def test_a_body_at_the_cap_is_read(self, peer: Peer) -> None:
        peer.behave = answer(200, b"x" * 1_048_576)
        assert len(_client(peer).request("GET", "x").body) == 1_048_576

    def test_nobody_listening_is_unreachable_and_nothing_was_sent(self) -> None:
        client = rest.client(make_connection(base_url="http://127.0.0.1:9"))
        with pytest.raises(TargetUnreachable, match=r"127\.0\.0\.1:9 cannot be reached: Connection refused") as caught:
            client.request("GET", "x")
        assert caught.value.sent is False

    def test_an_unknown_name_is_unreachable(self) -> None:
        client = rest.client(make_connection(base_url="http://nowhere.invalid"))
        with pytest.raises(TargetUnreachable, match=r"nowhere\.invalid does not resolve") as caught:
            client.request("GET", "x")
        assert caught.value.sent is False

    def test_no_place_before_the_deadline_is_busy_and_not_a_failure_of_the_target(self, peer: Peer) -> None:
        client = _client(peer, rate_limit_per_second=Decimal("0.01"))
        client.request("GET", "x")
        with pytest.raises(ConnectionBusy, match="rate limit"):
            client.request("GET", "x", timeout=0.2)
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    def test_a_header_that_holds_a_line_break_is_refused(self, peer: Peer) -> None:
        with pytest.raises(ValueError, match="header"):
            _client(peer).request("GET", "x", headers={"X-Bad": "a\r\nX-Injected: 1"})
        assert peer.seen == []

    @pytest.mark.parametrize(("method", "given"), [("TRACE", {}), ("GET", {"json": {}, "body": b""})])
    def test_what_makes_no_sense_is_refused(self, peer: Peer, method: str, given: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"method|exclude"):
            _client(peer).request(method, "x", **given)
        assert peer.seen == []


class TestGuardOnConnect:
    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    def test_a_loopback_target_is_refused_even_when_it_is_stored(self, peer: Peer) -> None:
        connection = Connection.objects.create(name="DACS", base_url=peer.url)
        with pytest.raises(TargetNotAllowed, match=r"loopback address.*OUTBOUND_ALLOWED_NETWORKS"):
            rest.client(connection).request("GET", "x")
        assert (peer.seen, peer.connections) == ([], 0)

    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    def test_a_name_that_changes_after_it_was_saved_is_refused(
        self, peer: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = ["8.8.8.8"]
        monkeypatch.setattr("outbound.operations.connections.resolve", lambda *_args, **_kwargs: found)
        connection = make_connection(base_url=f"http://rebind.example:{peer.port}")
        monkeypatch.setattr("outbound.transports.sockets.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])
        with pytest.raises(TargetNotAllowed):
            rest.client(connection).request("GET", "x")
        assert peer.connections == 0

    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    def test_the_socket_itself_is_asked_who_it_reached(self, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
        # As if the check of the name had been fooled.
        monkeypatch.setattr("outbound.transports.addresses.Guard.check_all", lambda *_args: None)
        connection = Connection.objects.create(name="DACS", base_url=peer.url)
        with pytest.raises(TargetNotAllowed):
            rest.client(connection).request("GET", "x")
        assert peer.seen == []

    def test_only_the_checked_address_is_connected_to(self, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("outbound.transports.sockets.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])
        client = rest.client(make_connection(base_url=f"http://peer.invalid:{peer.port}"))
        assert client.request("GET", "x").status == 200
        assert peer.seen[0].headers["Host"] == f"peer.invalid:{peer.port}"


class TestClient:
    def test_is_pooled_per_connection(self, peer: Peer) -> None:
        connection = make_connection(base_url=peer.url)
        assert rest.client(connection) is rest.client(Connection.objects.get(pk=connection.pk))

    def test_a_changed_connection_gets_a_new_client(self, peer: Peer) -> None:
        connection = make_connection(base_url=peer.url, username="u", password="old")
        rest.client(connection).request("GET", "x")
        Connection.objects.filter(pk=connection.pk).update(username="other")
        rest.client(Connection.objects.get(pk=connection.pk)).request("GET", "x")
        sent = [base64.b64decode(seen.headers["Authorization"].removeprefix("Basic ")) for seen in peer.seen]
        assert sent == [b"u:old", b"other:old"]

    def test_a_child_process_shares_no_socket_with_its_parent(self, peer: Peer) -> None:
        connection = make_connection(base_url=peer.url)
        inherited = rest.client(connection)
        child = os.fork()
        if child == 0:
            os._exit(0 if rest.client(connection) is not inherited else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert rest.client(connection) is inherited

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"enabled": False}, "switched off"),
            (
                {"transport": "sftp", "host": "127.0.0.1", "known_host_key": "ssh-ed25519 A"},
                "uses sftp, not rest",
            ),
            ({"transport": "ftp", "host": "127.0.0.1"}, "uses ftp, not rest"),
            (
                {"transport": "object_storage", "base_url": "http://127.0.0.1:1"},
                "uses object_storage, not rest",
            ),
            ({"transport": "email", "host": "127.0.0.1"}, "uses email, not rest"),
        ],
    )
    def test_refuses_a_connection_that_it_cannot_use(self, values: dict[str, Any], message: str) -> None:
        with pytest.raises(ConnectionNotUsable, match=message):
            rest.client(make_connection(**values))

    def test_shows_no_secret(self, peer: Peer) -> None:
        client = rest.client(make_connection(base_url=peer.url, username="u", password="canary-1"))
        assert repr(client) == "<RestClient DACS>"


class TestHealth:
    def test_a_success_is_stamped_at_most_every_thirty_seconds(
        self, peer: Peer, django_assert_num_queries: Any
    ) -> None:
        client = _client(peer)
        client.request("GET", "x")
        assert ConnectionHealth.objects.get().last_success_at is not None
        with django_assert_num_queries(0):
            client.request("GET", "x")

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_server_error_counts_against_the_connection(self, peer: Peer, status: int) -> None:
        peer.behave = answer(status)
        _client(peer).request("GET", "x")
        health = ConnectionHealth.objects.get()
        assert (health.consecutive_failures, health.last_error) == (1, f"HTTP {status}")

    @pytest.mark.parametrize("status", [400, 404, 422, 429])
    def test_a_business_answer_is_a_success_of_the_connection(self, peer: Peer, status: int) -> None:
        client = _client(peer)
        ConnectionHealth.objects.update(consecutive_failures=4)
        peer.behave = answer(status)
        client.request("GET", "x")
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_pause_the_connection_at_once(self, peer: Peer, status: int) -> None:
        peer.behave = answer(status)
        client = _client(peer, username="u", password="p")
        assert client.request("GET", "x").status == status
        with pytest.raises(TransportError, match="refused its credentials"):
            client.request("GET", "x")
        health = ConnectionHealth.objects.get()
        assert (health.state, health.credentials_refused, len(peer.seen)) == (BreakerState.OPEN, True, 1)

    def test_a_technical_fault_says_nothing_about_the_target(self, peer: Peer) -> None:
        peer.behave = answer(302, b"", Location="http://elsewhere.example/")
        with pytest.raises(TargetRedirected):
            _client(peer).request("GET", "x")
        assert ConnectionHealth.objects.get().consecutive_failures == 0
