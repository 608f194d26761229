"""Reconciliation reads what belongs to its period, however long ledgers are, and asks a fixed number of questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from foundation import sessions
from foundation.admin import COUNTED, AtLeast
from foundation.planning import rows_lie_together
from integration import reconciliation_queries as rows_of
from integration.admin import reconciliation_shape
from integration.admin.reconciliation_questions import CHECKS, QUESTIONS
from integration.models import DeviceStatusCheck, EnrollmentRecord, Event, Outcome, Reservation
from integration.reconciliation_queries import Selection
from tests.factories import integration as factory
from tests.factories import many
from tests.factories import reconciliation as world


pytestmark = pytest.mark.django_db
ROOT = "/admin/integration/reservation/reconciliation/"
EVENTS, DEVICES = 40, 100
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
LATEST = Selection(at=world.AT, since=world.AT - DAY)


@pytest.fixture
def filled() -> None:
    """Make forty events, a day each, of which one lies in the period; and as many records and checks."""
    if connection.vendor != "postgresql":
        pytest.skip("it is PostgreSQL's planner that is asked")
    factory.prepare()
    row = world.event("EVT-0")
    world.reserve(row, "NIC-0")
    world.report(row, "NIC-0")
    world.record("M-0", "SUCCESS")
    world.check(0, "ANSWERED")
    many.copies(Event, EVENTS, lambda n: {"external_id": f"E-{n}", "starts_at": world.AT - n * DAY - HOUR})
    keys = list(Event.objects.order_by("pk").values_list("pk", flat=True))[1:]
    for ledger in (Reservation, Outcome):
        many.copies(ledger, EVENTS * DEVICES, lambda n: {"event_id": keys[n // DEVICES], "nic_id": f"N-{n}"})
    many.copies(
        EnrollmentRecord, 4_000, lambda n: {"message_id": f"M-{n + 1}", "received_at": world.AT - n * HOUR}
    )  # fmt: skip
    many.copies(
        DeviceStatusCheck,
        4_000,
        lambda n: {
            "communication_id": f"C-{n}",
            "answered_at": world.AT - 3 * DAY,
            "answer_state": "FORWARDED" if n % 100 else "FAILED",
        },
    )


PERIODS: list[tuple[Callable[[Selection], Any], Selection, str]] = [
    (rows_of.enrollments, LATEST, "enrollment_record_received"),
    (rows_of.reservations, LATEST, "reservation_once"),
    (rows_of.outcomes, LATEST, "integration_outcome_event_id"),
    (rows_of.checks_answered_not_forwarded, Selection(at=world.AT), "status_check_not_told"),
    (rows_of.events, LATEST, "reservation_once"),
]
COMPARED: list[Callable[[Selection], Any]] = [
    rows_of.reservations_participated,
    rows_of.reservations_without_outcome,
    rows_of.outcomes_without_reservation,
]


@pytest.mark.postgres
@pytest.mark.usefixtures("filled")
def test_a_period_is_read_by_indexes_and_devices_are_compared_within_their_event() -> None:
    with rows_lie_together():
        plans = [(rows(chosen).explain(), index) for rows, chosen, index in PERIODS]
        plans += [(_plan_of_number(rows), "reservation_once") for rows in COMPARED]

    for plan, index in plans:
        assert index in plan, plan
        for ledger in ("reservation", "outcome", "enrollmentrecord", "devicestatuscheck"):
            assert f"Seq Scan on integration_{ledger}" not in plan, plan


def _plan_of_number(rows: Callable[[Selection], Any]) -> str:
    chosen = Selection(at=world.AT, since=world.AT - 5 * DAY)
    with CaptureQueriesContext(connection) as asked:
        number = rows_of.number_by_event(rows, chosen)
    assert number == rows(chosen).count()
    (statement,) = (each["sql"] for each in asked)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return "\n".join(line for (line,) in cursor.fetchall())


# Of the numbers of each question: those of states are counted together, on both sides of a comparison one by one.
NUMBERS = {
    "enrollments": 1 + 3,
    "reservations": 1 + 2,
    "outcomes": 1 + 2,
    "syncs": 1,
    "sync-requests": 1,
    "status-checks": 1 + 1,
}
# The session, the account, the switch of the DACS side.
EVER = 3


class TestNumbersOfQueries:
    @pytest.fixture(autouse=True)
    def _world(self, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
        monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)
        factory.prepare()
        client.force_login(factory.user("admin", is_staff=True, is_superuser=True))
        world.a_day_of_everything()
        client.get(ROOT)

    def asked(self, client: Client, address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        aside = ("SAVEPOINT", "RELEASE", "SET LOCAL")
        return sum(not each["sql"].startswith(aside) for each in asked)

    def test_of_the_overview(self, client: Client) -> None:
        assert sorted(NUMBERS) == sorted(each.code for each in QUESTIONS)
        assert self.asked(client, ROOT) <= EVER + sum(NUMBERS.values())

    @pytest.mark.parametrize("code", sorted(NUMBERS))
    def test_of_a_question(self, client: Client, code: str) -> None:
        # The programs that can be chosen, the numbers, the rows.
        assert self.asked(client, f"{ROOT}{code}/?since=2020-01-01") <= EVER + 1 + NUMBERS[code] + 1


class TestCounts:
    @pytest.fixture(autouse=True)
    def _world(self) -> None:
        factory.prepare()
        world.a_day_of_everything()

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.code)
    def test_are_the_same_when_there_are_too_many_to_count_together(
        self, question: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chosen = Selection(at=world.AT, since=world.AT - 100 * DAY)
        together = question.counts(question.views, chosen)
        monkeypatch.setattr(reconciliation_shape, "COUNTED_TOGETHER", 0)

        assert question.counts(question.views, chosen) == together
        assert together == {view.code: view.rows(chosen).count() for view in question.views}
        assert any(together.values())

    def test_go_no_further_than_those_of_lists(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reconciliation_shape, "counts_by_value", lambda *args, **kwargs: {"OVERDUE": COUNTED + 1})

        found = CHECKS.counts(CHECKS.views, Selection(at=world.AT))

        assert isinstance(found["overdue"], AtLeast)
        assert str(found["all"]) == "100,000+"
        assert found["open"] == 0
