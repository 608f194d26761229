"""Every way in: the admin, the API, bulk master data; and a sync request's whole way through the hub in one process."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from assets import tasks
from assets.models import SyncChange, SyncRequest
from assets.operations import sync_actions
from integration.operations import setup
from outbound.models import Connection, OutboundMessage
from outbound.operations import message_delivery
from tests.database.integration import peers
from tests.factories import integration as factory
from tests.factories import syncs
from tests.factories.outbound import make_connection
from tests.unit.integration.flows import sync_samples as samples
from vee.events import MasterData, master_data_changed
from vee.models import InstallEvent
from vee.operations import master_data


pytestmark = pytest.mark.django_db(transaction=True)

AT = dt.datetime(2023, 7, 1, tzinfo=dt.UTC)
POINT = {"kind": "service_point", "id": "SP-1", "holiday_calendar": "US"}
REMOVAL = {
    "kind": "install_event",
    "device": "DEV-100",
    "installed_at": "2023-06-16T00:00:00Z",
    "service_point": "SP-1",
    "removed_at": "2023-07-01T00:00:00Z",
}


@pytest.fixture
def told() -> Any:
    syncs.prepare()
    return syncs.told()


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin", password="a-long-password-1"))
    return client


@pytest.fixture
def events() -> Iterator[list[dict[str, Any]]]:
    heard: list[dict[str, Any]] = []

    def hear(**said: Any) -> None:
        heard.append({name: said[name] for name in ("kind", "keys", "fields", "by")})

    master_data_changed.connect(hear)
    yield heard
    master_data_changed.disconnect(hear)


def pending(subscription: Any) -> list[tuple[str, list[str], str]]:
    rows = SyncChange.objects.filter(request__subscription=subscription, request__status="PENDING")
    return [(row.what, row.fields, row.by) for row in rows]


class TestMeterData:
    def test_bulk_master_data_tell_of_what_changed_once_a_kind(self, told: Any, events: list[dict[str, Any]]) -> None:
        master_data.upsert([POINT, {**POINT, "id": "SP-2", "time_zone": "UTC"}, REMOVAL], by="loader", at=AT)

        point, device = told.location.pk, told.devices.get().device.pk
        assert [(event["kind"], event["keys"], event["by"]) for event in events] == [
            (MasterData.SERVICE_POINT, (point,), "loader"),
            (MasterData.DEVICE, (device,), "loader"),
        ]
        assert "holiday_calendar" in events[0]["fields"]
        assert events[1]["fields"] == ("removed_at",)
        assert [(what, by) for what, _, by in pending(told)] == [("LOCATION", "loader"), ("DEVICE", "loader")]

    def test_the_same_again_tells_of_nothing(self, told: Any, events: list[dict[str, Any]]) -> None:
        for _ in range(2):
            master_data.upsert([REMOVAL], at=AT)

        assert len(events) == 1

    def test_the_api_names_who(self, told: Any) -> None:
        client = APIClient()
        account = get_user_model().objects.create_superuser("loader", password="a-long-password-1")
        client.force_authenticate(account)

        answer = client.post("/api/v1/master-data/", json.dumps(REMOVAL), content_type="application/x-ndjson")

        assert answer.status_code == 200, answer.content
        assert pending(told) == [("DEVICE", ["removed_at"], "loader")]

    def test_an_installation_in_the_admin(self, told: Any, administrator: Client) -> None:
        event = InstallEvent.objects.get()
        answer = administrator.post(
            reverse("admin:vee_installevent_change", args=[event.pk]),
            {
                "device": event.device_id,
                "service_point": event.service_point_id,
                "installed_at_0": "2023-06-16",
                "installed_at_1": "00:00:00",
                "removed_at_0": "2023-07-01",
                "removed_at_1": "00:00:00",
                "multiplier": "1",
                "off_periods-TOTAL_FORMS": "0",
                "off_periods-INITIAL_FORMS": "0",
            },
        )

        assert answer.status_code == 302, answer.content
        ((what, fields, by),) = pending(told)
        assert (what, by) == ("DEVICE", "admin")
        assert "removed_at" in fields

    def test_a_device_row_by_row(self, told: Any) -> None:
        device = told.devices.get().device.device
        device.identifier = "DEV-RENAMED"
        device.save()
        told.usage_subscription.identifier = "US-RENAMED"
        told.usage_subscription.save(update_fields=["identifier"])

        assert pending(told) == [
            ("DEVICE", ["identifier"], "system"),
            ("SUBSCRIPTION", ["identifier"], "system"),
        ]
        syncs.run()
        final = syncs.latest(told).final_snapshot
        assert final["subscriptionInfo"]["subscriptionId"] == "US-RENAMED"
        assert [one["deviceId"] for one in final["locationInfo"]["controllableDevices"]] == ["DEV-RENAMED"]


class TestThroughTheHub:
    """Batch, queue, flow, DERMS, acknowledgement and back: all in one process, the DERMS on loopback."""

    @pytest.fixture
    def derms(self) -> Iterator[peers.Peer]:
        with peers.serving() as peer:
            peer.document = samples.acknowledgement(value="Enrolled")
            setup.install_roles()
            setup.ensure_own_account()
            factory.prepare()
            setup.outbound.operations.configuration.install_defaults(at=factory.AT)
            syncs.prepare()
            make_connection("DACS", base_url="tieline:///dacs", username="tieline")
            place = "tieline:///ic/api/integration/v1/flows/oracleutilities"
            make_connection("HUB", base_url=place, username="tieline")
            Connection.objects.create(name="DERMS", base_url=peer.base_url, read_timeout=Decimal(5))
            yield peer

    def work(self) -> None:
        """Do what beat and workers do: the batch, and the messages, as if their time had come."""
        tasks.work_on_sync_requests()
        for _ in range(4):
            due = OutboundMessage.objects.filter(status__in=["PENDING", "FAIL"], next_attempt_at__isnull=False)
            for message in due:
                at = max(message.next_attempt_at or timezone.now(), timezone.now())
                message_delivery.deliver(message_pk=message.pk, at=at, clock=lambda at=at: at)

    def test_a_change_synchronizes_once_and_a_change_with_its_reversal_not_at_all(self, derms: peers.Peer) -> None:
        subscription = syncs.subscribe()
        self.work()
        assert syncs.latest(subscription).status == "SYNCHRONIZED"
        assert syncs.latest(subscription).external_ids == [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:US-1"}]

        subscription.contact.cis_person_id = "PER-2"
        subscription.contact.save()
        self.work()
        self.work()
        assert [body["contactInfo"]["cisPersonId"] for body in derms.bodies()] == ["PER-1", "PER-2"]
        assert [body["dacsMessageId"] for body in derms.bodies()] == list(
            SyncRequest.objects.order_by("pk").values_list("sync_request_id", flat=True)
        )

        for person in ("PER-3", "PER-2"):
            subscription.contact.cis_person_id = person
            subscription.contact.save()
        self.work()
        assert len(derms.seen) == 2
        assert [row.status for row in SyncRequest.objects.order_by("pk")] == [
            *("SYNCHRONIZED", "SYNCHRONIZED", "DISCARDED")
        ]

    def test_a_refusal_of_the_derms_comes_back_and_its_retry_goes_through(self, derms: peers.Peer) -> None:
        derms.document = samples.acknowledgement("ERROR", value="CIS person PER-1 is not known")
        subscription = syncs.subscribe()
        self.work()
        request = syncs.latest(subscription)
        assert (request.status, request.fault) == ("ERROR", "REFUSED")
        assert "CIS person PER-1 is not known" in request.fault_text

        derms.document = samples.acknowledgement(value="Enrolled")
        sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", at=timezone.now())
        self.work()

        assert syncs.again(request).status == "SYNCHRONIZED"
        assert [body["dacsMessageId"] for body in derms.bodies()] == [request.sync_request_id] * 2
