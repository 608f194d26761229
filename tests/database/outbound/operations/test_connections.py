from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from outbound.choices import BreakerState
from outbound.models import Connection, ConnectionHealth
from outbound.operations.connections import UnableToSaveConnection, delete_connection, save_connection
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db


class TestSaveConnection:
    def test_creates_it_with_its_health_and_its_history(self) -> None:
        user = get_user_model().objects.create_user("ada")
        connection = Connection(name="DACS", base_url="http://127.0.0.1:9001", username="OICUSER")
        changed = save_connection(connection=connection, secrets={"password": "s3cret"}, by=user, at=NOW)

        stored = Connection.objects.get()
        assert set(changed) >= {"name", "base_url", "username", "password"}
        assert (stored.password, stored.read_timeout, stored.connect_timeout) == ("s3cret", Decimal(60), Decimal(3))
        assert stored.health.state == BreakerState.CLOSED
        entry = stored.history.get()
        assert (entry.history_user, entry.history_change_reason, entry.history_type) == (user, "password set", "+")

    def test_an_empty_secret_keeps_the_stored_one(self) -> None:
        connection = make_connection(password="s3cret")
        connection.description = "changed"
        assert save_connection(connection=connection, secrets={"password": ""}, at=NOW) == ["description"]
        assert Connection.objects.get().password == "s3cret"

    def test_what_changes_nothing_leaves_no_history(self) -> None:
        connection = make_connection(password="s3cret")
        assert save_connection(connection=connection, secrets={"password": "s3cret"}, at=NOW) == []
        assert connection.history.count() == 1

    def test_a_secret_that_no_key_reads_can_be_entered_anew(self, settings: Any) -> None:
        connection = make_connection(password="s3cret")
        settings.FIELD_ENCRYPTION_KEYS = ["1Yq6dIYW-2wKQRlQxaFfWiEY8EHUX9qAyuQFtnMhqMQ="]
        fresh = Connection.objects.defer("password", "private_key").get(pk=connection.pk)
        assert save_connection(connection=fresh, secrets={"password": "new"}, at=NOW) == ["password"]
        assert Connection.objects.get().password == "new"

    def test_a_second_one_of_the_same_name_is_refused(self) -> None:
        make_connection("DACS", base_url="http://127.0.0.1:1")
        with pytest.raises(UnableToSaveConnection, match="named DACS exists already"):
            save_connection(connection=Connection(name="DACS", base_url="http://127.0.0.1:2"), at=NOW)
        assert Connection.objects.get().base_url == "http://127.0.0.1:1"

    @pytest.mark.parametrize(
        ("field", "value", "pointer"),
        [
            ("read_timeout", Decimal(301), "/read_timeout"),
            ("read_timeout", Decimal(0), "/read_timeout"),
            ("connect_timeout", Decimal(-1), "/connect_timeout"),
            ("max_concurrency", 0, "/max_concurrency"),
            ("rate_limit_per_second", Decimal(0), "/rate_limit_per_second"),
            ("port", 70_000, "/port"),
            ("transport", "telnet", "/transport"),
            ("name", "1 bad name", "/name"),
            ("name", "DACS\n", "/name"),
            ("base_url", "", "/base_url"),
            ("base_url", "http://user:word@127.0.0.1", "/base_url"),
            ("username", "with:colon", "/username"),
            ("options", {"healthpath": "x"}, "/options/healthpath"),
            ("options", {"health_path": 1}, "/options/health_path"),
            ("ca_bundle", "no certificate", "/ca_bundle"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_field_and_nothing_changes(
        self, field: str, value: Any, pointer: str
    ) -> None:
        connection = make_connection()
        setattr(connection, field, value)
        with pytest.raises(UnableToSaveConnection) as caught:
            save_connection(connection=connection, at=NOW)
        assert [error["pointer"] for error in caught.value.errors] == [pointer]
        assert connection.history.count() == 1

    @pytest.mark.parametrize(
        ("values", "pointer"),
        [
            ({"transport": "sftp", "host": "127.0.0.1"}, "/known_host_key"),
            ({"transport": "sftp", "known_host_key": "ssh-ed25519 A"}, "/host"),
            ({"transport": "email"}, "/host"),
            ({"transport": "object_storage"}, "/base_url"),
        ],
    )
    def test_what_a_transport_needs_is_asked_for(self, values: dict[str, Any], pointer: str) -> None:
        with pytest.raises(UnableToSaveConnection) as caught:
            make_connection("NEW", **values)
        assert [(error["pointer"], error["code"]) for error in caught.value.errors] == [(pointer, "required")]
        assert not Connection.objects.exists()

    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1",
            "http://127.0.0.1:8000/admin/",
            "http://localhost",
            "http://LOCALHOST.",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://0x7f.1",
            "http://127.1",
            "http://0",
            "http://0.0.0.0",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:7f00:1]",
            "http://[64:ff9b::7f00:1]",
            "http://[fd00::1]",
            "http://[fe80::1%25eth0]",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1",
            "http://10.0.0.1",
            "http://172.16.0.1",
            "http://192.168.0.1",
            "http://224.0.0.1",
            "file:///etc/passwd",
            "gopher://127.0.0.1:70/",
            "dict://127.0.0.1:11211/",
            "ftp://127.0.0.1/",
            "javascript:alert(1)",
            "http://8.8.8.8@127.0.0.1/",
            "http://127.0.0.1\\@8.8.8.8/",
            "http://127.0.0.1#@8.8.8.8/",
        ],
    )
    def test_a_target_that_may_not_be_called_is_refused(self, url: str) -> None:
        with pytest.raises(UnableToSaveConnection) as caught:
            make_connection("NEW", base_url=url)
        assert [(error["pointer"], error["code"]) for error in caught.value.errors] == [("/base_url", "not_allowed")]
        assert not Connection.objects.exists()

    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    def test_a_host_that_may_not_be_called_is_refused_for_every_transport(self) -> None:
        with pytest.raises(UnableToSaveConnection) as caught:
            make_connection("MAIL", transport="email", host="127.0.0.1")
        assert [(error["pointer"], error["code"]) for error in caught.value.errors] == [("/host", "not_allowed")]

    @override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
    def test_a_name_that_resolves_to_a_private_address_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "outbound.operations.connections.resolve", lambda *_args, **_kwargs: ["93.184.216.34", "10.0.0.1"]
        )
        with pytest.raises(UnableToSaveConnection, match=r"10\.0\.0\.1 are not allowed: it is a private address"):
            make_connection("NEW", base_url="https://peer.example.org")

    def test_a_name_that_does_not_resolve_yet_is_accepted(self) -> None:
        assert make_connection(base_url="https://not-yet.invalid").base_url == "https://not-yet.invalid"

    def test_new_credentials_end_a_pause(self) -> None:
        connection = make_connection(username="u", password="old")
        ConnectionHealth.objects.update(state=BreakerState.OPEN, credentials_refused=True, opened_at=NOW)
        save_connection(connection=connection, secrets={"password": "new"}, at=NOW)
        health = ConnectionHealth.objects.get()
        assert (health.state, health.credentials_refused, health.opened_at) == (BreakerState.CLOSED, False, None)

    def test_another_description_does_not_end_a_pause(self) -> None:
        connection = make_connection()
        ConnectionHealth.objects.update(state=BreakerState.OPEN, opened_at=NOW)
        connection.description = "changed"
        save_connection(connection=connection, at=NOW)
        assert ConnectionHealth.objects.get().state == BreakerState.OPEN


class TestDeleteConnection:
    def test_its_history_stays(self) -> None:
        connection = make_connection()
        delete_connection(connection=connection)
        assert not Connection.objects.exists()
        assert [entry.history_type for entry in Connection.history.all()] == ["-", "+"]
