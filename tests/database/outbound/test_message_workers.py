"""Several workers at once, each with a database connection of its own; and secrets that stay secret."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from outbound.choices import MessageStatus
from outbound.models import DeliveryAttempt, MessageIntervention, OutboundMessage
from outbound.operations import message_actions, message_claims, sweeping
from outbound.operations.message_delivery import deliver_due
from outbound.operations.messages import MessageIdReused
from outbound.operations.parameters import set_parameter
from tests.database.outbound import servers
from tests.database.outbound.servers import Peer, answer
from tests.factories.messages import attempt, make_message, make_sender, make_system, make_type
from tests.factories.outbound import make_connection


CANARY = "canary-5ecret"


def _in_threads(count: int, work: Callable[[], Any]) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


@pytest.mark.django_db(transaction=True)
class TestWorkers:
    def test_four_workers_deliver_each_message_once_and_keys_in_order(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url, max_concurrency=8)
        make_type("ORDERED", ordered=True)
        for number in range(10):
            for key in ("E-1", "E-2", "E-3", "E-4"):
                make_message(message_type="ORDERED", key=key, payload={"key": key, "n": number}, at=timezone.now())
        peer.behave = lambda handler: (time.sleep(0.002), answer(200)(handler))  # type: ignore[assignment]

        def work() -> None:
            ends = time.monotonic() + 30
            while OutboundMessage.objects.exclude(status=MessageStatus.SUCCESS).exists() and time.monotonic() < ends:
                deliver_due(at=timezone.now(), clock=timezone.now, limit=3)

        _in_threads(4, work)

        seen = [json.loads(each.body) for each in peer.seen]
        assert len(seen) == DeliveryAttempt.objects.count() == 40
        for key in ("E-1", "E-2", "E-3", "E-4"):
            assert [each["n"] for each in seen if each["key"] == key] == list(range(10))

    def test_workers_that_abandon_what_they_took_lose_nothing(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url, max_concurrency=8)
        start = timezone.now()
        for number in range(20):
            make_message(payload={"n": number}, at=start)
        # Three workers die: one with a reservation, two in the middle of a try.
        taken = message_claims.reserve(at=start, limit=9)
        for reservation in taken[3:6]:
            message_claims.begin(reservation, at=start)
        later = start + dt.timedelta(minutes=3)
        sweeping.sweep_messages(at=later)

        _in_threads(3, lambda: [deliver_due(at=later, clock=lambda: later, limit=5) for _ in range(4)])

        assert OutboundMessage.objects.filter(status=MessageStatus.SUCCESS).count() == 20
        assert sorted(json.loads(each.body)["n"] for each in peer.seen) == list(range(20))
        assert Counter(OutboundMessage.objects.values_list("num_retries", flat=True)) == {0: 20}

    def test_one_id_from_many_callers_is_one_message(self) -> None:
        make_type(), make_system()
        rows: list[int] = []

        _in_threads(4, lambda: rows.append(make_message(message_id="A-1").pk))

        assert len(set(rows)) == 1
        assert OutboundMessage.objects.count() == 1
        with pytest.raises(MessageIdReused):
            make_message(message_id="A-1", payload={"other": 1})

    def test_two_operators_at_once_ask_for_it_but_it_goes_once(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        peer.behave = answer(422)
        now = timezone.now()
        message = attempt(make_message(at=now), now)
        peer.behave = answer(200)

        _in_threads(2, lambda: message_actions.resend(message_pk=message.pk, by="x", reason="r", at=now))
        _in_threads(2, lambda: deliver_due(at=now, clock=timezone.now))

        assert (len(peer.seen), MessageIntervention.objects.count()) == (2, 2)


def _database() -> str:
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            if table.startswith("outbound_") or table == "django_admin_log":
                cursor.execute(f"SELECT * FROM {table}")  # noqa: S608  (the tables are our own)
                found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.django_db
def test_no_secret_of_a_message_or_sender_is_found_anywhere(
    peer: Peer, admin_client: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    set_parameter(name="BREAKER_FAILURES", value=100)
    make_connection("DERMS", base_url=peer.url, username="u", password=CANARY)
    sender = make_sender(
        context=[
            ("HTTP_HEADER", f"X-Api-Key: {CANARY}"),
            ("HTTP_LOGIN_USER", "u"),
            ("HTTP_LOGIN_PASSWORD", CANARY),
        ]
    )
    system = make_system("DERMS", sender=sender)
    rows = []
    echo = json.dumps({"password": CANARY, "email": f"{CANARY}@example.org"}).encode()
    for behave in (answer(200, echo), answer(422, echo), answer(500, CANARY.encode()), servers.reset, answer(401)):
        peer.behave = behave
        now = timezone.now()
        message = make_message(payload={"password": CANARY}, headers={"X-Token": CANARY}, at=now)
        rows.append(attempt(message, now))
    assert peer.seen[0].headers["X-Api-Key"] == peer.seen[0].headers["X-Token"] == CANARY, "the canary was really used"

    addresses = [
        reverse("admin:outbound_outboundmessage_changelist"),
        reverse("admin:outbound_messagesender_changelist"),
        reverse("admin:outbound_messagesender_change", args=[sender.pk]),
        reverse("admin:outbound_messagesender_history", args=[sender.pk]),
        reverse("admin:outbound_externalsystem_change", args=[system.pk]),
        "/api/v1/outbound-messages/",
        *(reverse("admin:outbound_outboundmessage_change", args=[row.pk]) for row in rows),
        *(f"/api/v1/outbound-messages/{row.pk}/" for row in rows),
    ]
    for address in addresses:
        answered = admin_client.get(address)
        assert answered.status_code == 200, address
        assert CANARY not in answered.content.decode(), address
    assert CANARY not in _database()
    assert CANARY not in caplog.text
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err
