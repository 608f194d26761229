"""Usage on its way to its recipient: each queued once, followed to its end, and nothing lost."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from integration.operations import usage_messages
from outbound.choices import MessageStatus
from outbound.models import OutboundMessage
from outbound.operations import message_actions, message_ends
from outbound.operations.configuration import install_defaults
from tests.factories import usage as make_usage
from tests.factories import vee as make
from tests.factories.messages import make_system
from vee import models, tasks, usage_queries
from vee.operations import actions, usage, usage_sending


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["0.25"] * 96
LATER = make.AT + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def defaults() -> None:
    install_defaults(at=make.AT)


@pytest.fixture
def cis() -> None:
    make_system("CIS")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """What is done in the block is committed at its end: receivers hear of it."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def component() -> models.MeasuringComponent:
    return make.MeasuringComponentFactory(identifier="MC-1")


@pytest.fixture
def row(component: models.MeasuringComponent) -> models.UsageTransaction:
    """Calculated usage of one day."""
    make_usage.measured(component, FLAT)
    return make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))


def send(row: models.UsageTransaction, committed: Any, *, at: dt.datetime = make.AT) -> models.UsageTransaction:
    with committed():
        usage.send(transaction_id=row.pk, by=make_usage.clerk(), reason="month end", at=at)
    return make_usage.again(row)


def message_of(kind: str = "USAGE-TRANSACTION") -> OutboundMessage:
    return OutboundMessage.objects.get(message_type__code=kind)


def document(message: OutboundMessage) -> Any:
    return json.loads(bytes(message.payload), parse_float=Decimal)


def end(message: OutboundMessage, status: MessageStatus, committed: Any, **facts: Any) -> None:
    with committed():
        assert message_ends.settle(message, token=None, status=status, at=LATER, **facts)


class TestSending:
    def test_it_is_sent_once_it_is_handed_over_to_the_queue(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        done = send(row, committed)

        assert (done.status, done.sent_at, done.delivered_at) == ("SENT", make.AT, None)
        message = message_of()
        assert (message.message_id, message.key) == (f"USAGE-TRANSACTION-{row.pk}-1", row.identifier)
        assert (done.message_id, message.external_system.name) == (message.message_id, "CIS")
        assert document(message) == {
            "usage_transaction": row.identifier,
            "usage_subscription": "US-1",
            "service_point": row.usage_subscription.service_point.identifier,
            "recipient": "CIS",
            "start": "2024-03-01T00:00:00Z",
            "end": "2024-03-02T00:00:00Z",
            "version": 1,
            "calculated_at": "2024-03-05T12:00:00Z",
            "totals": [
                {
                    "measuring_component": "MC-1",
                    "component_kind": "INTERVAL",
                    "uom": "KWH",
                    "total": 24,
                    "expected": 96,
                    "missing": 0,
                    "estimated": 0,
                    "user_edited": 0,
                    "conditions": {"501000": 96},
                }
            ],
        }
        last = models.UsageTransactionTransition.objects.filter(transaction=row).order_by("pk").last()
        assert last is not None
        assert (last.from_status, last.to_status, last.by) == ("CALCULATED", "SENT", "cleo")

    def test_offered_again_it_is_not_queued_twice(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        send(row, committed)

        assert usage_messages.send_usage(transaction_ids=[row.pk, row.pk], at=LATER) == 0

        assert OutboundMessage.objects.count() == 1

    def test_a_request_whose_event_was_lost_is_taken_up_by_the_sweep(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        usage.send(transaction_id=row.pk, by=make_usage.clerk(), reason="month end", at=make.AT)
        assert make_usage.again(row).status == "CALCULATED"

        with committed():
            tasks.sweep()

        assert make_usage.again(row).status == "SENT"
        assert message_of().message_id == f"USAGE-TRANSACTION-{row.pk}-1"

    def test_a_subscription_may_have_its_usage_sent_by_itself(
        self, cis: None, component: models.MeasuringComponent, committed: Any
    ) -> None:
        make_usage.measured(component, FLAT)
        row = make_usage.transaction(make_usage.subscription(component, send_automatically=True))

        with committed():
            make_usage.calculated(row)

        assert make_usage.again(row).status == "SENT"

    def test_stale_usage_is_sent_after_it_is_calculated_again(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        models.UsageTransaction.objects.filter(pk=row.pk).update(stale_since=make.AT)
        make_usage.measured(models.MeasuringComponent.objects.get(), ["0.5"] * 96)
        assert send(row, committed).status == "CALCULATED"

        with committed():
            usage.calculate_due(at=LATER)

        assert make_usage.again(row).status == "SENT"
        assert (document(message_of())["version"], document(message_of())["totals"][0]["total"]) == (2, 48)

    def test_usage_that_another_system_calculated_has_no_figures_to_send(
        self, component: models.MeasuringComponent
    ) -> None:
        row = make_usage.transaction(make_usage.subscription(component), status="CALCULATED")

        with pytest.raises(actions.StateDoesNotAllow, match="no figures"):
            usage.send(transaction_id=row.pk, by=make_usage.clerk(), reason="why", at=make.AT)


class TestNoRecipient:
    def test_it_becomes_an_issue_with_the_reason_and_goes_out_when_it_is_asked_for_again(
        self, row: models.UsageTransaction, committed: Any
    ) -> None:
        done = send(row, committed)

        assert done.status == "ISSUE_DETECTED"
        assert [issue["code"] for issue in done.issues] == ["NOT_SENT"]
        assert "There is no external system CIS." in done.issues[0]["message"]
        assert not OutboundMessage.objects.exists()

        make_system("CIS")
        again = send(row, committed, at=LATER)

        assert (again.status, again.issues, again.message_id) == ("SENT", [], f"USAGE-TRANSACTION-{row.pk}-2")

    def test_a_correction_waits_with_the_reason_until_there_is_one(
        self, component: models.MeasuringComponent, committed: Any
    ) -> None:
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")
        with committed():
            make_usage.measured(component, FLAT)

        waiting = models.UsageCorrection.objects.get(transaction=row)
        assert (waiting.queued_at, waiting.tried_at) == (None, make.AT)
        assert "There is no external system CIS." in waiting.problem

        make_system("CIS")
        with committed():
            usage_sending.offer_waiting(before=LATER, at=LATER)

        told = models.UsageCorrection.objects.get(transaction=row)
        assert (told.queued_at, told.problem) == (LATER, "")
        assert message_of("USAGE-CORRECTION").message_id == f"USAGE-CORRECTION-{row.pk}"


class TestSweep:
    def test_calculates_what_is_stale_when_the_wake_up_was_lost(
        self, row: models.UsageTransaction, committed: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_usage.measured(models.MeasuringComponent.objects.get(), ["0.5"] * 96)
        woken: list[str] = []
        monkeypatch.setattr(tasks, "after_commit", woken.append)

        tasks.sweep()
        assert "vee.tasks.calculate_usage" in woken
        tasks.calculate_usage()
        woken.clear()
        tasks.sweep()

        assert (make_usage.again(row).version, make_usage.again(row).stale_since) == (2, None)
        assert "vee.tasks.calculate_usage" not in woken


class TestDelivery:
    def test_a_delivered_message_is_noted(self, cis: None, row: models.UsageTransaction, committed: Any) -> None:
        send(row, committed)

        end(message_of(), MessageStatus.SUCCESS, committed)

        done = make_usage.again(row)
        assert done.status == "SENT"
        assert done.delivered_at is not None

    @pytest.mark.parametrize("status", [MessageStatus.FAIL, MessageStatus.CANCELED])
    def test_a_message_that_did_not_arrive_is_an_issue_and_may_be_sent_again(
        self, cis: None, row: models.UsageTransaction, committed: Any, status: MessageStatus
    ) -> None:
        send(row, committed)

        end(message_of(), status, committed, last_error="HTTP 422")

        failed = make_usage.again(row)
        assert (failed.status, failed.issues[0]["code"]) == ("ISSUE_DETECTED", "NOT_DELIVERED")
        assert failed.issues[0]["message"] == "The message could not be delivered: HTTP 422"
        again = send(row, committed, at=LATER)
        assert (again.status, again.message_id) == ("SENT", f"USAGE-TRANSACTION-{row.pk}-2")

    def test_a_message_that_is_resent_in_the_queue_brings_the_usage_back_to_sent(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        send(row, committed)
        message = message_of()
        end(message, MessageStatus.FAIL, committed, last_error="HTTP 503")
        message_actions.resend(message_pk=message.pk, by="ann", reason="CIS is back", at=LATER)

        end(message, MessageStatus.SUCCESS, committed)

        done = make_usage.again(row)
        assert (done.status, done.issues) == ("SENT", [])

    def test_the_same_end_told_twice_is_noted_once(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        send(row, committed)
        end(message_of(), MessageStatus.FAIL, committed)
        steps = models.UsageTransactionTransition.objects.count()

        usage_messages.message_settled(message=message_of(), status="FAIL", at=LATER)

        assert models.UsageTransactionTransition.objects.count() == steps


class TestCorrection:
    def test_the_recipient_hears_once_of_a_change_after_sending(
        self, cis: None, row: models.UsageTransaction, committed: Any
    ) -> None:
        send(row, committed)
        component = models.MeasuringComponent.objects.get()
        with committed():
            imd = make_usage.measured(component, ["0.5", *FLAT[1:]])
        with committed():
            make_usage.measured(component, ["0.75", *FLAT[1:]])

        usage_messages.send_corrections(
            correction_ids=usage_queries.waiting_corrections(before=LATER, tried_before=LATER), at=LATER
        )

        message = message_of("USAGE-CORRECTION")
        told = document(message)
        assert (message.key, message.message_type.ordered) == (row.identifier, True)
        assert (told["usage_transaction"], told["imds"]) == (row.identifier, [imd.pk])
        assert (told["old_version"], told["old_totals"][0]["total"]) == (1, 24)
        assert told["new_totals"][0]["total"] == Decimal("24.25")
        assert told["first_changed"] == told["last_changed"] == "2024-03-01T00:15:00Z"
        assert make_usage.again(row).status == "SUBSEQUENT_CORRECTION"

    def test_one_whose_event_was_lost_is_told_by_the_sweep_and_once(
        self, cis: None, component: models.MeasuringComponent, committed: Any
    ) -> None:
        make_usage.transaction(make_usage.subscription(component), status="SENT")
        make_usage.measured(component, FLAT)
        assert not OutboundMessage.objects.exists()

        for _ in range(2):
            with committed():
                tasks.sweep()

        assert OutboundMessage.objects.filter(message_type__code="USAGE-CORRECTION").count() == 1

    def test_its_delivery_is_noted(self, cis: None, row: models.UsageTransaction, committed: Any) -> None:
        send(row, committed)
        with committed():
            make_usage.measured(models.MeasuringComponent.objects.get(), ["0.5", *FLAT[1:]])

        end(message_of("USAGE-CORRECTION"), MessageStatus.SUCCESS, committed)

        assert models.UsageCorrection.objects.get().delivered_at is not None

    def test_one_that_another_system_sent_has_no_old_totals(
        self, cis: None, component: models.MeasuringComponent, committed: Any
    ) -> None:
        make_usage.transaction(make_usage.subscription(component), status="SENT")

        with committed():
            make_usage.measured(component, FLAT)

        told = document(message_of("USAGE-CORRECTION"))
        assert (told["old_version"], told["old_totals"]) == (None, None)
        assert told["new_totals"][0]["total"] == 24

    def test_a_failure_of_one_stops_no_other(
        self, cis: None, component: models.MeasuringComponent, committed: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscription = make_usage.subscription(component)
        rows = [make_usage.transaction(subscription, status="SENT") for _ in range(2)]
        queue = usage_messages.queue_message

        def fail_first(**said: Any) -> Any:
            if said["key"] == rows[0].identifier:
                raise RuntimeError("unexpected")
            return queue(**said)

        monkeypatch.setattr(usage_messages, "queue_message", fail_first)
        with committed():
            make_usage.measured(component, FLAT)

        assert message_of("USAGE-CORRECTION").key == rows[1].identifier
        assert usage_queries.waiting_corrections(before=LATER, tried_before=LATER) == [rows[0].correction.pk]
