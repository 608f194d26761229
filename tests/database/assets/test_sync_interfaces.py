"""Sync requests from outside: DACS's own address, the API, the admin's pages, the batch by hand."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from assets.models import AssetToDo, SyncRequest
from lookups.operations import apply_configuration
from tests.factories import syncs
from tests.factories.assets import NOW, make_program, make_subscription
from tests.factories.integration import user


pytestmark = pytest.mark.django_db

PLACE = "/dacs/rest/apis/common/sync/syncRequest/"


@pytest.fixture(autouse=True)
def _way_to_the_hub() -> None:
    syncs.prepare()


@pytest.fixture
def hub() -> APIClient:
    client = APIClient()
    client.force_authenticate(user("hub", rights=["assets.use_service"]))
    return client


@pytest.fixture
def clerk() -> APIClient:
    client = APIClient()
    rights = ["assets.view_syncrequest", "assets.retry_syncrequest", "assets.cancel_syncrequest"]
    client.force_authenticate(user("clerk", rights=rights))
    return client


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin", password="a-long-password-1"))
    return client


@pytest.fixture
def sent() -> SyncRequest:
    subscription = syncs.subscribe()
    syncs.run()
    return syncs.deliver(syncs.latest(subscription))


def patch(hub: APIClient, request: SyncRequest, **body: Any) -> Any:
    return hub.patch(f"{PLACE}{request.sync_request_id}", body, format="json")


def number(answer: Any) -> int:
    return int(answer.json()["problemDetailDocument"]["serverMessage"]["number"])


POSITIVE: dict[str, Any] = {
    "hasError": False,
    "exceptionInfo": [],
    "externalIds": [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:US-1"}],
}
NEGATIVE: dict[str, Any] = {
    "hasError": True,
    "exceptionInfo": [
        {
            "sequence": 1,
            "messageCategory": 11104,
            "messageNumber": 11220,
            "comments": "DERMS: CIS person PER-1 is not known",
            "messageParameters": [{"parameterSequence": 1, "messageParameterValue": "CIS person PER-1 is not known"}],
        }
    ],
}


class TestService:
    def test_a_positive_acknowledgement(self, hub: APIClient, sent: SyncRequest) -> None:
        answer = patch(hub, sent, syncRequestId=sent.sync_request_id, **POSITIVE)

        assert (answer.status_code, answer.json()["status"]) == (200, "SYNCHRONIZED")
        assert answer.json()["externalIds"] == POSITIVE["externalIds"]
        assert syncs.again(sent).acknowledgement == {"syncRequestId": sent.sync_request_id, **POSITIVE}

    def test_a_negative_acknowledgement(self, hub: APIClient, sent: SyncRequest) -> None:
        answer = patch(hub, sent, **NEGATIVE)

        text = "DERMS: CIS person PER-1 is not known (11220)".replace("(11220)", "(11104/11220)")
        assert (answer.status_code, answer.json()["status"], answer.json()["message"]) == (200, "ERROR", text)
        assert AssetToDo.objects.get().summary == f"Sync request {sent.sync_request_id}: {text}"

    @pytest.mark.parametrize(
        "body",
        [{"hasError": True}, {"exceptionInfo": [{"messageParameters": [{"messageParameterValue": "x"}]}]}],
    )
    def test_any_sign_of_an_error_is_one(self, hub: APIClient, sent: SyncRequest, body: dict[str, Any]) -> None:
        assert patch(hub, sent, **body).json()["status"] == "ERROR"

    def test_the_same_again_is_refused_with_the_number_of_what_exists(self, hub: APIClient, sent: SyncRequest) -> None:
        patch(hub, sent, **POSITIVE)

        same, other = patch(hub, sent, **POSITIVE), patch(hub, sent, **NEGATIVE)
        assert (same.status_code, number(same)) == (400, 10589)
        assert (other.status_code, number(other)) == (400, 11221)

    def test_one_that_is_unknown_is_not_found(self, hub: APIClient) -> None:
        for method in (hub.get, hub.patch):
            answer = method(f"{PLACE}15449036987849", {}, format="json")
            assert (answer.status_code, number(answer)) == (404, 11210)

    @pytest.mark.parametrize(
        "body",
        [
            {"syncRequestId": "15449036987849"},
            {"hasError": "no"},
            {"exceptionInfo": [{"comments": "x" * 255}]},
            {"externalIds": [{"externalPk1": "NMS1"}]},
            [],
        ],
    )
    def test_a_body_that_does_not_fit_changes_nothing(self, hub: APIClient, sent: SyncRequest, body: Any) -> None:
        answer = hub.patch(f"{PLACE}{sent.sync_request_id}", body, format="json")

        assert (answer.status_code, number(answer)) == (400, 11201)
        assert syncs.again(sent).status == "AWAITINGACK"

    def test_can_be_read(self, hub: APIClient, sent: SyncRequest) -> None:
        document = hub.get(f"{PLACE}{sent.sync_request_id}").json()

        assert (document["syncRequestId"], document["status"]) == (sent.sync_request_id, "AWAITINGACK")
        assert document["primaryKeyValue1"] == "US-1"

    def test_wants_the_right_and_the_side_switched_on(
        self, hub: APIClient, clerk: APIClient, sent: SyncRequest
    ) -> None:
        assert patch(clerk, sent, **POSITIVE).status_code == 403
        apply_configuration(section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "false"}}, by=None, at=NOW)
        assert patch(hub, sent, **POSITIVE).status_code == 503


class TestApi:
    def test_lists_and_filters_without_reading_each(self, clerk: APIClient, django_assert_max_num_queries: Any) -> None:
        program = make_program("MANY")
        for each in range(1, 13):
            make_subscription(each, program=program)
        syncs.run()
        syncs.fail_delivery(SyncRequest.objects.latest("pk"))

        with django_assert_max_num_queries(4):
            page = clerk.get("/api/v1/sync-requests/", {"status": "SENDREQUEST", "program": "MANY"}).json()

        assert page["count"] == 11
        assert {row["status"] for row in page["results"]} == {"SENDREQUEST"}
        found = clerk.get("/api/v1/sync-requests/", {"subscription": "US-12"}).json()["results"]
        assert [(row["subscription"], row["fault"], row["changes"]) for row in found] == [("US-12", "NOTDELIVERED", 2)]

    def test_tells_the_life_of_one(self, clerk: APIClient, sent: SyncRequest) -> None:
        row = clerk.get(f"/api/v1/sync-requests/{sent.sync_request_id}/").json()

        assert [step["to_status"] for step in row["status_changes"]][-1] == "AWAITINGACK"
        assert {change["what"] for change in row["captured_changes"]} == {"SUBSCRIPTION", "DEVICE"}
        assert row["final_snapshot"]["contactInfo"]["cisPersonId"] == "PER-1"

    def test_retries_and_cancels(self, clerk: APIClient, hub: APIClient, sent: SyncRequest) -> None:
        place = f"/api/v1/sync-requests/{sent.sync_request_id}"
        assert clerk.post(f"{place}/retry/", {}, format="json").status_code == 409
        patch(hub, sent, **NEGATIVE)

        retried = clerk.post(f"{place}/retry/", {"reason": "mended"}, format="json")
        assert (retried.status_code, retried.json()["status"]) == (200, "PENDING")
        assert retried.json()["status_changes"][-1]["reason"] == "mended"
        canceled = clerk.post(f"{place}/cancel/", {}, format="json")
        assert (canceled.status_code, canceled.json()["status"]) == (200, "CANCELED")
        assert clerk.post(f"{place}/cancel/", {}, format="json").status_code == 409

    @pytest.mark.parametrize("what", ["", "retry/", "cancel/"])
    def test_one_that_is_unknown_is_not_found(self, clerk: APIClient, what: str) -> None:
        place = f"/api/v1/sync-requests/no%00thing/{what}"
        answer = clerk.post(place, {}, format="json") if what else clerk.get(place)

        assert answer.status_code == 404

    def test_wants_the_rights(self, hub: APIClient, sent: SyncRequest) -> None:
        place = f"/api/v1/sync-requests/{sent.sync_request_id}/"

        assert hub.get(place).status_code == hub.post(f"{place}retry/").status_code == 403


class TestAdmin:
    def test_the_list_reads_the_same_for_many(self, administrator: Client, django_assert_max_num_queries: Any) -> None:
        program = make_program("MANY")
        for each in range(1, 21):
            make_subscription(each, program=program)

        with django_assert_max_num_queries(25):
            page = administrator.get(reverse("admin:assets_syncrequest_changelist")).content.decode()

        assert page.count("US-") >= 20

    def test_the_page_shows_the_time_line_and_marks_what_differs(self, administrator: Client) -> None:
        subscription = syncs.told()
        subscription.contact.cis_person_id = "PER-NEW"
        subscription.contact.save()
        syncs.run()
        request = syncs.latest(subscription)

        page = administrator.get(reverse("admin:assets_syncrequest_change", args=[request.pk])).content.decode()

        assert "Captured: Contact: cis person id" in page
        assert page.count(">differs<") == 1
        assert "PER-1" in page
        assert "<strong>PER-NEW</strong>" in page
        assert request.message_id in page

    def test_a_pending_one_has_nothing_to_compare_yet(self, administrator: Client) -> None:
        request = syncs.latest(syncs.subscribe())
        page = administrator.get(reverse("admin:assets_syncrequest_change", args=[request.pk])).content.decode()

        assert "Nothing is compared yet" in page

    def test_retry_asks_for_a_reason_and_goes_to_the_request_that_goes_on(
        self, administrator: Client, sent: SyncRequest
    ) -> None:
        syncs.run(NOW + 1500 * syncs.MINUTE)
        place = reverse("admin:assets_syncrequest_act", args=[sent.pk, "retry"])
        assert "another sync request goes on in its place" in administrator.get(place).content.decode()

        answer = administrator.post(place, {"reason": "asked the DERMS"}, follow=True)

        assert answer.status_code == 200
        assert answer.redirect_chain[-1][0] == reverse(
            "admin:assets_syncrequest_change", args=[SyncRequest.objects.latest("pk").pk]
        )
        assert syncs.again(sent).status == "CANCELED"

    def test_what_is_not_possible_is_said(self, administrator: Client, sent: SyncRequest) -> None:
        place = reverse("admin:assets_syncrequest_act", args=[sent.pk, "retry"])

        page = administrator.post(place, {"reason": "because"}).content.decode()

        assert "only one in error can be retried" in page

    def test_several_are_canceled_at_once(self, administrator: Client, sent: SyncRequest) -> None:
        other = syncs.latest(syncs.told(2))
        place = reverse("admin:assets_syncrequest_changelist")
        selection = {"action": "cancel", "_selected_action": [sent.pk, other.pk]}

        asked = administrator.post(place, selection).content.decode()
        assert sent.sync_request_id in asked
        said = administrator.post(
            place, {**selection, "confirmed": "1", "reason": "test"}, follow=True
        ).content.decode()

        assert "Cancel: 1 sync request." in said
        assert "is synchronized: it has ended" in said
        assert syncs.again(sent).status == "CANCELED"

    def test_wants_the_rights(self, sent: SyncRequest) -> None:
        reader = user("reader", rights=["assets.view_syncrequest"], is_staff=True)
        client = Client()
        client.force_login(reader)

        assert client.get(reverse("admin:assets_syncrequest_change", args=[sent.pk])).status_code == 200
        assert client.get(reverse("admin:assets_syncrequest_act", args=[sent.pk, "cancel"])).status_code == 403


class TestBatchByHand:
    def run(self, code: str) -> str:
        out = io.StringIO()
        call_command("run_batch", code, stdout=out)
        return out.getvalue()

    def test_says_what_it_did(self) -> None:
        assert self.run("F1-SYNRQ") == "F1-SYNRQ: nothing to do.\n"
        syncs.subscribe()

        assert self.run("F1-SYNRQ") == "F1-SYNRQ 1_0: Complete (sent 1)\n"
        assert self.run("F1-SYNRQ-ALL") == "F1-SYNRQ-ALL 1_0: Complete (compared 1)\n"

    def test_says_why_it_could_not(self) -> None:
        syncs.subscribe()
        syncs.ExternalSystem.objects.filter(name="HUB").delete()

        with pytest.raises(CommandError, match="There is no external system HUB"):
            self.run("F1-SYNRQ")

    def test_wants_a_batch_that_there_is_and_the_side_switched_on(self) -> None:
        with pytest.raises(CommandError, match="invalid choice: 'X1-NONE'"):
            self.run("X1-NONE")
        apply_configuration(section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "false"}}, by=None, at=NOW)
        with pytest.raises(CommandError, match="switched off"):
            self.run("F1-SYNRQ")
