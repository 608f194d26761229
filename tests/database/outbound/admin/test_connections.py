from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from outbound.choices import BreakerState
from outbound.models import Connection, ConnectionHealth
from tests.database.outbound.servers import Peer
from tests.factories.outbound import NOW, make_connection


pytestmark = pytest.mark.django_db
CHANGE = "admin:outbound_connection_change"


def _form(**values: Any) -> dict[str, Any]:
    return {
        "name": "DACS",
        "description": "",
        "transport": "rest",
        "enabled": "on",
        "base_url": "http://127.0.0.1:9001",
        "connect_timeout": "3",
        "read_timeout": "60",
        "max_concurrency": "4",
        "option_starttls": "when_offered",
        **values,
    }


class TestAdd:
    def test_creates_it_with_its_secret_and_the_person_in_the_history(
        self, admin_client: Client, admin_user: User
    ) -> None:
        answer = admin_client.post(
            reverse("admin:outbound_connection_add"),
            _form(username="OICUSER", new_password=" canary ", option_health_path="health"),
        )
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        made = Connection.objects.get()
        assert (made.password, made.options) == (" canary ", {"health_path": "health"})
        assert made.history.get().history_user == admin_user
        assert made.health.state == BreakerState.CLOSED

    def test_refuses_what_an_operation_refuses_at_its_field(self, admin_client: Client) -> None:
        answer = admin_client.post(
            reverse("admin:outbound_connection_add"), _form(base_url="http://169.254.169.254/latest")
        )
        assert answer.status_code == 200
        assert "link-local" in str(answer.context["adminform"].form.errors["base_url"])
        assert not Connection.objects.exists()

    def test_asks_for_the_host_key_of_an_sftp_connection(self, admin_client: Client) -> None:
        answer = admin_client.post(
            reverse("admin:outbound_connection_add"), _form(transport="sftp", base_url="", host="127.0.0.1")
        )
        assert list(answer.context["adminform"].form.errors) == ["known_host_key"]


class TestChange:
    def test_an_empty_password_keeps_the_stored_one_which_is_never_shown(self, admin_client: Client) -> None:
        made = make_connection(username="u", password="canary-1", private_key="canary-2")
        page = admin_client.get(reverse(CHANGE, args=[made.pk]))
        assert "Set. Leave empty to keep it." in page.content.decode()
        assert "canary" not in page.content.decode()
        answer = admin_client.post(reverse(CHANGE, args=[made.pk]), _form(username="u", description="new"))
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        made = Connection.objects.get()
        assert (made.description, made.password, made.private_key) == ("new", "canary-1", "canary-2")

    def test_a_new_password_replaces_it(self, admin_client: Client) -> None:
        made = make_connection(username="u", password="old")
        admin_client.post(reverse(CHANGE, args=[made.pk]), _form(username="u", new_password="new"))
        assert Connection.objects.get().password == "new"

    def test_a_secret_that_no_key_reads_does_not_break_the_page(self, admin_client: Client, settings: Any) -> None:
        made = make_connection(username="u", password="old")
        settings.FIELD_ENCRYPTION_KEYS = ["1Yq6dIYW-2wKQRlQxaFfWiEY8EHUX9qAyuQFtnMhqMQ="]
        assert admin_client.get(reverse("admin:outbound_connection_changelist")).status_code == 200
        assert admin_client.get(reverse(CHANGE, args=[made.pk])).status_code == 200
        answer = admin_client.post(reverse(CHANGE, args=[made.pk]), _form(username="u", new_password="new"))
        assert answer.status_code == 302
        assert Connection.objects.get().password == "new"

    def test_history_can_be_read_and_shows_no_secret(self, admin_client: Client) -> None:
        made = make_connection(username="u", password="canary-1")
        page = admin_client.get(reverse("admin:outbound_connection_history", args=[made.pk]))
        assert page.status_code == 200
        assert "password set" in page.content.decode()
        entry = made.history.get()
        past = admin_client.get(reverse("admin:outbound_connection_simple_history", args=[made.pk, entry.pk]))
        assert past.status_code == 200
        assert "canary" not in past.content.decode()


class TestList:
    def test_shows_how_each_is_doing_in_a_fixed_number_of_queries(
        self, admin_client: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            make_connection(f"C{number}", password="canary-1")
        ConnectionHealth.objects.filter(connection__name="C3").update(
            state=BreakerState.OPEN, credentials_refused=True, last_success_at=NOW
        )
        with django_assert_max_num_queries(8):
            page = admin_client.get(reverse("admin:outbound_connection_changelist"))
        text = page.content.decode()
        assert "Credentials refused" in text
        assert "(stale)" in text
        assert "canary" not in text


class TestTestConnection:
    def test_the_button_shows_the_outcome_on_the_page(self, admin_client: Client, admin_user: User, peer: Peer) -> None:
        made = make_connection(base_url=peer.url)
        answer = admin_client.post(reverse("admin:outbound_connection_test", args=[made.pk]), follow=True)
        text = answer.content.decode()
        assert answer.redirect_chain[0][0] == reverse(CHANGE, args=[made.pk])
        assert "127.0.0.1 answers: HTTP 200" in text
        assert "none: this is plain http" in text
        assert ConnectionHealth.objects.get().last_tested_by == admin_user.username
        assert len(peer.seen) == 1

    def test_a_bad_outcome_says_what_to_do(self, admin_client: Client) -> None:
        made = make_connection(base_url="http://127.0.0.1:9")
        answer = admin_client.post(reverse("admin:outbound_connection_test", args=[made.pk]), follow=True)
        assert "Check host name and port, and that the target runs." in answer.content.decode()

    def test_a_link_cannot_start_it(self, admin_client: Client, peer: Peer) -> None:
        made = make_connection(base_url=peer.url)
        assert admin_client.get(reverse("admin:outbound_connection_test", args=[made.pk])).status_code == 405
        assert peer.connections == 0

    def test_needs_the_right(self, client: Client, peer: Peer) -> None:
        made = make_connection(base_url=peer.url)
        user = get_user_model().objects.create_user("reader", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_connection"))
        client.force_login(user)
        page = client.get(reverse(CHANGE, args=[made.pk]))
        assert page.status_code == 200
        assert "Test connection" not in page.content.decode()
        assert client.post(reverse("admin:outbound_connection_test", args=[made.pk])).status_code == 403
        assert peer.connections == 0

    def test_several_at_once_from_the_list(self, admin_client: Client, peer: Peer) -> None:
        ids = [make_connection(name, base_url=peer.url).pk for name in ("A", "B")]
        answer = admin_client.post(
            reverse("admin:outbound_connection_changelist"),
            {"action": "test_selected", "_selected_action": ids},
            follow=True,
        )
        assert len(peer.seen) == 2
        assert "A: 127.0.0.1 answers" in answer.content.decode()

    def test_an_unknown_connection_is_a_404(self, admin_client: Client) -> None:
        assert admin_client.post(reverse("admin:outbound_connection_test", args=[999])).status_code == 404


class TestDelete:
    def test_deletes_it_and_keeps_its_history(self, admin_client: Client, admin_user: User) -> None:
        made = make_connection()
        admin_client.post(reverse("admin:outbound_connection_delete", args=[made.pk]), {"post": "yes"})
        assert not Connection.objects.exists()
        assert Connection.history.filter(history_type="-").get().history_user == admin_user
