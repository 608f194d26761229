"""The pages of usage: what they show, and what a person may do on them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from integration.operations import setup
from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["0.25"] * 96
LIST = reverse("admin:vee_usagetransaction_changelist")


@pytest.fixture(autouse=True)
def product() -> None:
    setup.install_roles()
    User.objects.create_superuser("admin", password="a-long-password-1")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.get(username="admin"))
    return client


@pytest.fixture
def component() -> models.MeasuringComponent:
    return make.MeasuringComponentFactory(identifier="MC-1")


@pytest.fixture
def row(component: models.MeasuringComponent) -> models.UsageTransaction:
    make_usage.measured(component, FLAT)
    return make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))


def page(client: Client, row: models.UsageTransaction) -> str:
    answer = client.get(reverse("admin:vee_usagetransaction_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def member(role: str) -> User:
    user = User.objects.create_user("cara", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


class TestTransactionPage:
    def test_shows_totals_history_and_where_they_come_from(self, admin: Client, row: models.UsageTransaction) -> None:
        html = page(admin, row)

        assert '<td class="number">24</td>' in html
        assert "Regular: 96" in html
        assert "month end" in html
        component = models.MeasuringComponent.objects.get()
        assert reverse("admin:vee_measuringcomponent_measurements", args=[component.pk]) in html
        assert 'id="action-send"' in html

    def test_shows_what_stands_against_sending(self, admin: Client, component: models.MeasuringComponent) -> None:
        make_usage.measured(component, FLAT[:90])
        row = make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))

        assert "MC-1: 6 of 96 intervals are missing." in page(admin, row)

    def test_of_a_correction_shows_both_totals_and_the_imd(
        self, admin: Client, component: models.MeasuringComponent, row: models.UsageTransaction
    ) -> None:
        models.UsageTransaction.objects.update(status="SENT")
        imd = make_usage.measured(component, ["0.5", *FLAT[1:]])

        html = page(admin, row)

        assert '<td class="number">24</td>' in html
        assert '<td class="number">24.25</td>' in html
        assert reverse("admin:vee_initialmeasurement_change", args=[imd.pk]) in html
        assert 'id="action-' not in html

    def test_of_none_is_not_found(self, admin: Client) -> None:
        assert admin.get(reverse("admin:vee_usagetransaction_change", args=[999])).status_code == 404
        assert admin.get(reverse("admin:vee_usagetransaction_change", args=["x"])).status_code == 404


class TestNew:
    FORM = {
        "identifier": "UT-NEW", "start_0": "2024-03-01", "start_1": "00:00:00", "end_0": "2024-03-02",
        "end_1": "00:00:00", "calculate_after_0": "", "calculate_after_1": "",
    }  # fmt: skip
    ADD = reverse("admin:vee_usagetransaction_add")

    def test_is_pending_and_says_who_made_it(self, admin: Client, component: models.MeasuringComponent) -> None:
        subscription = make_usage.subscription(component)

        answer = admin.post(self.ADD, {**self.FORM, "usage_subscription": subscription.pk})

        assert answer.status_code == 302
        row = models.UsageTransaction.objects.get(identifier="UT-NEW")
        assert (row.status, row.start, row.end) == ("PENDING", make.DAY, make_usage.DAY_END)
        step = models.UsageTransactionTransition.objects.get(transaction=row)
        assert (step.from_status, step.to_status, step.by) == ("", "PENDING", "admin")

    def test_that_ends_before_it_starts_is_refused(self, admin: Client, component: models.MeasuringComponent) -> None:
        subscription = make_usage.subscription(component)

        answer = admin.post(self.ADD, {**self.FORM, "usage_subscription": subscription.pk, "end_0": "2024-02-01"})

        assert answer.status_code == 200
        assert "The end does not lie after the start." in answer.content.decode()
        assert not models.UsageTransaction.objects.exists()

    def test_needs_the_right_to_add(self, client: Client) -> None:
        client.force_login(member("VEE analyst"))

        assert client.get(self.ADD).status_code == 403


class TestAct:
    def act(self, client: Client, row: models.UsageTransaction, name: str, **fields: Any) -> Any:
        address = reverse("admin:vee_usagetransaction_act", args=[row.pk, name])
        return client.post(address, fields) if fields else client.get(address)

    def test_asks_for_confirmation_and_a_reason_first(self, admin: Client, row: models.UsageTransaction) -> None:
        answer = self.act(admin, row, "discard")

        assert answer.status_code == 200
        assert "it is not sent" in answer.content.decode()
        assert make_usage.again(row).status == "CALCULATED"

    def test_does_it_and_comes_back_to_the_page(self, admin: Client, row: models.UsageTransaction) -> None:
        answer = self.act(admin, row, "discard", reason="moved out")

        assert (answer.status_code, make_usage.again(row).status) == (302, "DISCARDED")
        assert "the status is now Discarded" in page(admin, row)

    def test_without_a_reason_nothing_happens(self, admin: Client, row: models.UsageTransaction) -> None:
        answer = self.act(admin, row, "discard", reason=" ")

        assert answer.status_code == 200
        assert "Give a reason." in answer.content.decode()
        assert make_usage.again(row).status == "CALCULATED"

    def test_sending_without_an_external_system_says_what_is_missing(
        self, admin: Client, row: models.UsageTransaction, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            self.act(admin, row, "send", reason="month end")

        assert "There is no external system CIS." in page(admin, row)
        assert make_usage.again(row).status == "ISSUE_DETECTED"

    def test_an_unknown_action_is_not_found(self, admin: Client, row: models.UsageTransaction) -> None:
        assert self.act(admin, row, "explode").status_code == 404

    @pytest.mark.parametrize("name", ["calculate", "send", "discard"])
    def test_needs_its_right(self, client: Client, row: models.UsageTransaction, name: str) -> None:
        client.force_login(member("Auditor"))

        assert self.act(client, row, name, reason="why").status_code == 403
        assert make_usage.again(row).status == "CALCULATED"
        assert 'id="action-' not in page(client, row)

    @pytest.mark.parametrize("role", ["VEE analyst", "VEE supervisor"])
    def test_is_open_to_the_shipped_roles(self, client: Client, row: models.UsageTransaction, role: str) -> None:
        client.force_login(member(role))

        assert self.act(client, row, "calculate", reason="again").status_code == 302
        assert make_usage.again(row).version == 2


class TestList:
    def test_is_filtered_by_status_recipient_and_period(self, admin: Client, row: models.UsageTransaction) -> None:
        for query, there in (
            ("status=CALCULATED", True),
            ("status=SENT", False),
            ("usage_subscription__recipient=CIS", True),
            ("usage_subscription__recipient=MARKET", False),
            ("start_from_0=2024-03-01&start_from_1=00:00:00", True),
            ("start_from_0=2024-03-02&start_from_1=00:00:00", False),
            ("start_to_0=2024-03-01", True),
            ("end_to_0=2024-03-01&end_to_1=23:59:59", False),
            ("start_from_0=2024-02-30", False),
        ):
            html = admin.get(f"{LIST}?{query}").content.decode()
            assert (row.identifier in html) is there, query

    def test_its_actions_ask_for_a_reason_and_tell_what_was_not_done(
        self, admin: Client, component: models.MeasuringComponent, row: models.UsageTransaction
    ) -> None:
        sent = make_usage.transaction(row.usage_subscription, status="SENT")
        chosen = {"action": "discard", "_selected_action": [row.pk, sent.pk]}

        asked = admin.post(LIST, chosen)
        done = admin.post(LIST, {**chosen, "confirmed": "1", "reason": "moved out"}, follow=True)

        assert 'name="reason"' in asked.content.decode()
        assert "Discard: 1 done." in done.content.decode()
        assert f"{sent.identifier}: Usage in status SENT cannot be discarded." in done.content.decode()
        assert make_usage.again(row).status == "DISCARDED"

    def test_says_what_is_to_be_recalculated(self, admin: Client, row: models.UsageTransaction) -> None:
        assert "due: measurements changed" not in admin.get(LIST).content.decode()

        models.UsageTransaction.objects.update(stale_since=make.AT)

        assert "due: measurements changed" in admin.get(LIST).content.decode()

    def test_of_subscriptions_leads_to_their_transactions(self, admin: Client, row: models.UsageTransaction) -> None:
        html = admin.get(reverse("admin:vee_usagesubscription_changelist")).content.decode()
        query = f"usage_subscription__id__exact={row.usage_subscription_id}"

        assert query in html
        assert row.identifier in admin.get(f"{LIST}?{query}").content.decode()

    def test_a_subscription_with_transactions_keeps_its_service_point(
        self, admin: Client, row: models.UsageTransaction
    ) -> None:
        address = reverse("admin:vee_usagesubscription_change", args=[row.usage_subscription_id])

        html = admin.get(address).content.decode()

        assert 'name="recipient"' in html
        assert 'name="service_point"' not in html
