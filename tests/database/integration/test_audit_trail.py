"""What goes to the audit trail: who changed what of configuration, accounts and rights; logins and lockouts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from foundation import audit
from foundation.models import AuditEntry
from integration import tasks
from outbound.models import Parameter
from tests.factories import meter_data
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
PASSWORD = "the-right-password-1"


@pytest.fixture
def administrator(client: Client) -> Client:
    User.objects.create_superuser("olga", "", PASSWORD)
    client.post(reverse("admin:login"), {"username": "olga", "password": PASSWORD})
    return client


def latest(component: str) -> AuditEntry:
    return AuditEntry.objects.filter(component=component).latest("pk")


def test_a_change_in_the_admin_with_old_and_new(administrator: Client) -> None:
    parameter = Parameter.objects.create(name="MAX_RETRIES", value="3")
    page = reverse("admin:outbound_parameter_change", args=[parameter.pk])
    form = administrator.get(page).context["adminform"].form
    data = {name: form.initial.get(name) or "" for name in form.fields} | {"value": "5"}
    assert administrator.post(page, data).status_code == 302

    entry = latest("outbound.parameter")
    assert (entry.action, entry.by, entry.changes["value"]) == ("CHANGE", "olga", ["3", "5"])
    assert entry.record == str(parameter.pk)


def test_what_is_new_and_what_goes() -> None:
    connection = make_connection(name="DACS")
    connection.delete()

    found = AuditEntry.objects.filter(component="outbound.connection").order_by("pk")
    actions = [each.action for each in found]
    assert (actions[0], actions[-1]) == ("CREATE", "DELETE")
    assert found[0].changes["name"] == [None, "DACS"]


def test_no_secret(administrator: Client) -> None:
    connection = make_connection(name="DACS", password="canary-of-the-connection")
    connection.password = "second-canary"
    connection.save()
    user = User.objects.create_user("derms", "", "canary-of-the-account")
    token = Token.objects.create(user=user)

    stored = " ".join(f"{entry} {entry.record} {entry.changes}" for entry in AuditEntry.objects.all())
    assert "canary" not in stored
    assert token.key not in stored
    assert user.password not in stored


def test_rights_that_are_given_and_taken(administrator: Client) -> None:
    group = Group.objects.create(name="Night shift")
    permission = Permission.objects.get(codename="abort_flowrun")
    group.permissions.add(permission)
    given = latest("auth.group")
    group.permissions.remove(permission)
    taken = latest("auth.group")
    User.objects.get(username="olga").groups.add(group)
    member = latest("auth.user")

    assert (given.action, given.changes) == ("RIGHTS", {str(permission): [None, "given"]})
    assert taken.changes == {str(permission): ["given", None]}
    assert (member.name, member.changes) == ("olga", {"Night shift": [None, "given"]})


def test_logins_and_lockouts(administrator: Client) -> None:
    for number in range(10):
        Client().post(reverse("admin:login"), {"username": "otto", "password": f"wrong-{number}"})

    found = AuditEntry.objects.filter(component="auth.user").order_by("pk")
    assert [(each.action, each.name) for each in found] == [
        ("CREATE", "olga"),
        ("LOGIN", "olga"),
        ("LOCKOUT", "otto"),
    ]
    assert "127.0.0.1" in found[2].reason


def test_a_login_is_no_change_of_the_account(administrator: Client) -> None:
    assert not AuditEntry.objects.filter(component="auth.user", action="CHANGE").exists()


def test_master_data_keeps_its_own_history() -> None:
    meter_data.service_point()

    assert not AuditEntry.objects.filter(component="vee.servicepoint").exists()


def test_the_page_shows_it_and_changes_nothing(administrator: Client) -> None:
    audit.seal()
    entry = latest("auth.user")
    page = administrator.get(reverse("admin:foundation_auditentry_changelist"))
    assert "LOGIN" in page.content.decode()
    for what, expected in (("change", 200), ("delete", 403)):
        address = reverse(f"admin:foundation_auditentry_{what}", args=[entry.pk])
        assert administrator.get(address).status_code == expected
    address = reverse("admin:foundation_auditentry_change", args=[entry.pk])
    assert administrator.post(address, {"reason": "other"}).status_code == 403


def test_who_has_no_right_to_it_does_not_see_it(client: Client) -> None:
    client.force_login(User.objects.create_user("otto", "", PASSWORD, is_staff=True))

    assert client.get(reverse("admin:foundation_auditentry_changelist")).status_code == 403


def test_the_sweep_seals_what_a_crash_left() -> None:
    Parameter.objects.create(name="MAX_RETRIES", value="3")
    waiting = AuditEntry.objects.filter(position=None)
    assert waiting.count() == 1

    assert tasks.seal_audit() == 1
    assert not waiting.exists()
