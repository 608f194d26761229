"""Reconciliation: each set of rows, held against small worlds with what belongs to it and what only looks like it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from integration import reconciliation_queries as rows_of
from integration.choices import RecordState, ReservationState, SyncAckState
from integration.reconciliation_queries import Selection
from tests.factories import assets as programs
from tests.factories import integration as factory
from tests.factories import reconciliation as world


pytestmark = pytest.mark.django_db
AT, DAY, HOUR = world.AT, world.DAY, world.HOUR


@pytest.fixture(autouse=True)
def _flows() -> None:
    factory.prepare()


def selected(**values: Any) -> Selection:
    return Selection(at=AT, **values)


class TestEnrollments:
    def test_are_sent_acknowledged_or_not(self) -> None:
        for number, state in enumerate(["SUCCESS", "ERROR", "FAILURE", "IN_PROGRESS"]):
            world.record(f"E-{number}", state)

        assert len(rows_of.enrollments(selected())) == 4
        assert [row.message_id for row in rows_of.enrollments(selected(), RecordState.SUCCESS)] == ["E-0"]

    def test_are_active_by_their_own_subscription_alone(self) -> None:
        program = programs.make_program()
        for name in ("active", "pending", "unenroll", "nothing"):
            world.record(name, "SUCCESS")
        active = programs.make_subscription(1, program=program)
        world.enrolled("active", active)
        world.enrolled("pending", programs.make_subscription(2, program=program, status="PENDING"))
        world.enrolled("unenroll", active, kind="UNENROLL")
        world.record("refused", "FAILURE")
        world.enrolled("refused", programs.make_subscription(3, program=program))

        active_rows = rows_of.enrollments_active(selected())
        assert {row.message_id for row in active_rows} == {"active", "refused"}
        gap = rows_of.enrollments_acknowledged_not_active(selected())
        assert {row.message_id for row in gap} == {"pending", "unenroll", "nothing"}
        assert [row.message_id for row in rows_of.enrollments_active_not_acknowledged(selected())] == ["refused"]
        told = {
            row.message_id: row.subscription_status
            for row in rows_of.with_subscription(rows_of.enrollments(selected()))
        }
        assert (told["pending"], told["unenroll"]) == ("PENDING", None)

    def test_are_narrowed_by_program_and_date(self) -> None:
        world.record("old", "SUCCESS", at=AT - 40 * DAY)
        world.record("first", "SUCCESS", at=AT - DAY)
        world.record("last", "SUCCESS", at=AT)
        world.enrolled("first", programs.make_subscription(1, program=programs.make_program("ONE")))
        world.enrolled("last", programs.make_subscription(2, program=programs.make_program("TWO")))

        assert [row.message_id for row in rows_of.enrollments(selected(program="ONE"))] == ["first"]
        # From a moment on, and up to another that is no part of it.
        assert [row.message_id for row in rows_of.enrollments(selected(since=AT - DAY, until=AT))] == ["first"]


class TestReservations:
    def test_are_counted_by_event(self) -> None:
        over, same_name = world.event(), world.event(instance="NMS2")
        for number in range(3):
            world.reserve(over, f"N-{number}")
        world.reserve(over, "N-9", "REFUSED")
        world.report(over, "N-0")
        world.report(over, "N-1", "D1IO")
        world.report(over, "N-9")
        world.report(over, "N-8")
        world.report(same_name, "N-2")

        found = {event.drms_instance_id: event for event in rows_of.events(selected())}
        counts = [
            (event.requested, event.reserved, event.participated, event.reported)
            for event in (found["NMS1"], found["NMS2"])
        ]
        # N-9 was reported and took part, but was not reserved; N-2's outcome is of another event of the same name.
        assert counts == [(4, 3, 1, 4), (0, 0, 0, 1)]

    def test_the_numbers_of_an_event_are_those_of_its_rows(self) -> None:
        world.a_day_of_everything()
        world.reserve(world.event(instance="NMS2"), "NIC-1")
        event = rows_of.events(selected(instance="NMS1")).get()
        chosen = selected(event=event.external_id, instance="NMS1")

        assert len(rows_of.reservations(chosen)) == event.requested == 6
        assert len(rows_of.reservations(chosen, ReservationState.RESERVED)) == event.reserved == 3
        assert len(rows_of.reservations_participated(chosen)) == event.participated == 1

    def test_are_those_of_the_program_s_devices(self) -> None:
        program = programs.make_program("SMART-COOL")
        device = programs.make_subscription(1, program=program).devices.get().device
        over = world.event()
        world.reserve(over, device.nic_id)
        world.reserve(over, device.nic_id, head_end="NEST")
        world.reserve(over, "ELSEWHERE")

        found = rows_of.reservations(selected(program="SMART-COOL"))
        assert [(row.nic_id, row.head_end_system) for row in found] == [(device.nic_id, "ECOBEE")]
        assert rows_of.events(selected(program="SMART-COOL")).get().requested == 1


class TestReservationsWithoutOutcome:
    def missing(self, **values: Any) -> set[str]:
        return {row.nic_id for row in rows_of.reservations_without_outcome(selected(**values))}

    def test_are_reserved_over_and_not_reported(self) -> None:
        over = world.event()
        for name in ("missing", "reported", "reported-elsewhere"):
            world.reserve(over, name)
        world.report(over, "reported")
        world.report(over, "reported-elsewhere", head_end="NEST")
        for state in ("REFUSED", "FAILED", "SENDING"):
            world.reserve(over, state, state)
        world.reserve(over, "longer", ends_at=AT)

        assert self.missing() == {"missing", "reported-elsewhere"}

    def test_are_not_those_of_events_that_go_on_were_canceled_or_have_no_end(self) -> None:
        world.reserve(world.event("GOES-ON", ends_at=AT + HOUR), "goes-on")
        world.reserve(world.event("JUST-OVER", ends_at=AT - 2 * HOUR), "just-over")
        world.reserve(world.event("CANCELED", state="CANCELED"), "canceled")
        world.reserve(world.event("NO-END", ends_at=None), "no-end")

        assert self.missing() == set()
        assert self.missing(hours=2) == {"just-over"}


class TestOutcomes:
    def test_without_reservation_are_those_that_do_not_stand(self) -> None:
        over, other = world.event(), world.event("EVT-2")
        for name, state in (("reserved", "RESERVED"), ("refused", "REFUSED")):
            world.reserve(over, name, state)
            world.report(over, name)
        world.reserve(other, "nobody")
        world.report(over, "nobody")
        world.reserve(over, "other-head-end", head_end="NEST")
        world.report(over, "other-head-end")

        found = rows_of.with_reservation_state(rows_of.outcomes_without_reservation(selected()))
        assert {row.nic_id: row.reservation_state for row in found} == {
            "refused": "REFUSED",
            "nobody": None,
            "other-head-end": None,
        }

    def test_not_taken_are_refused_or_to_be_posted_again(self) -> None:
        over = world.event()
        for state in ("POSTED", "REFUSED", "AGAIN"):
            world.report(over, state, state=state)

        assert {row.nic_id for row in rows_of.outcomes_not_taken(selected())} == {"REFUSED", "AGAIN"}

    def test_are_narrowed_by_event_and_day(self) -> None:
        world.report(world.event("EVT-1"), "A")
        world.report(world.event("EVT-10", starts_at=AT - 50 * DAY), "B")

        assert [row.nic_id for row in rows_of.outcomes(selected(event="EVT-1"))] == ["A"]
        assert [row.nic_id for row in rows_of.outcomes(selected(until=AT - 40 * DAY))] == ["B"]


class TestAcknowledgements:
    def test_syncs_are_old_and_not_delivered(self) -> None:
        for number, state in enumerate(SyncAckState.values):
            world.sync(number, state)
        world.sync(90, "NONE", at=AT - 23 * HOUR)
        world.sync(91, "NONE", at=AT - 24 * HOUR)

        found = rows_of.syncs_without_acknowledgement(selected())
        assert {row.ack_state for row in found} == set(SyncAckState.values) - {"DELIVERED"}
        nothing = rows_of.syncs_without_acknowledgement(selected(), SyncAckState.NONE)
        assert [row.sync_request_id for row in nothing] == ["SYNC-0", "SYNC-91"]
        assert len(rows_of.syncs_without_acknowledgement(selected(hours=0), SyncAckState.NONE)) == 3

    def test_syncs_of_a_program_are_those_of_its_subscriptions(self) -> None:
        programs.make_subscription(1, program=programs.make_program("SMART-COOL"))
        world.sync(1, "NONE")
        world.sync(2, "NONE")

        found = rows_of.syncs_without_acknowledgement(selected(program="SMART-COOL"))
        assert [row.subscription_id for row in found] == ["US-1"]

    def test_sync_requests_wait_or_were_given_up(self) -> None:
        world.a_day_of_everything()

        found = rows_of.sync_requests_without_acknowledgement(selected())
        assert sorted(row.status for row in found) == ["AWAITINGACK", "ERROR", "SENDREQUEST"]
        assert {row.fault for row in found} == {"", "OVERDUE"}
        assert len(rows_of.sync_requests_without_acknowledgement(selected(hours=49))) == 0

    def test_checks_are_open_overdue_or_not_taken(self) -> None:
        for number, state in enumerate(["IN_PROGRESS", "OPEN", "OVERDUE", "FAULT", "ANSWERED"]):
            world.check(number, state)
        world.check(8, "OPEN", at=AT - HOUR)
        world.check(9, "NOT_SEEN", at=None)

        found = [row.state for row in rows_of.checks_without_answer(selected())]
        assert found == ["IN_PROGRESS", "OPEN", "OVERDUE", "FAULT"]

    def test_checks_whose_answer_did_not_get_on(self) -> None:
        for number, state in enumerate(["FORWARDED", "FAILED", "IN_PROGRESS", "NONE"]):
            world.check(number, "ANSWERED", answer_state=state, answered_at=AT - 25 * HOUR)
        world.check(9, "ANSWERED", answer_state="FAILED", answered_at=AT - HOUR)

        found = rows_of.checks_answered_not_forwarded(selected())
        assert [row.answer_state for row in found] == ["FAILED", "IN_PROGRESS"]


@pytest.mark.parametrize(
    "rows",
    [
        lambda chosen: rows_of.with_subscription(rows_of.enrollments(chosen)),
        rows_of.enrollments_acknowledged_not_active,
        rows_of.events,
        rows_of.reservations_participated,
        rows_of.reservations_without_outcome,
        lambda chosen: rows_of.with_reservation_state(rows_of.outcomes_without_reservation(chosen)),
        rows_of.syncs_without_acknowledgement,
        rows_of.sync_requests_without_acknowledgement,
        rows_of.checks_without_answer,
    ],
)
def test_every_question_is_one_statement(
    rows: Callable[[Selection], Any], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    world.a_day_of_everything()
    chosen = selected(program="SMART-COOL", since=AT - 100 * DAY, until=AT + dt.timedelta(days=1))

    with django_assert_num_queries(1):
        list(rows(chosen))
