"""Lists of the admin do not grow slower with their tables: filters and searches lead to rows by indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.admin import SEEN, SeenValuesFilter
from integration import queries
from integration import search_queries as ledgers
from integration.models import (
    DeviceStatusCheck,
    EnrollmentRecord,
    EnrollmentSync,
    Event,
    FlowRun,
    Outcome,
    Reservation,
    RunIdentifier,
    TransferredFile,
)
from outbound import message_queries
from outbound.models import OutboundMessage
from tests.factories import days, many, rows
from vee import search_queries as meter_data
from vee.choices import OPEN_TODO_STATUSES
from vee.models import InitialMeasurement, RegisterMeasurement, ToDo, VeeException, VeeExceptionType


pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", "admin@example.org", "a-long-password-1"))
    return client


# Configuration, or bounded by something else: work that is open, an index of the few reasons.
MAY_ASK = {
    "lookups.Lookup",
    "vee.Holiday",
    "django_celery_beat.PeriodicTask",
    "vee.ToDo",
    "assets.ControlScore",
}
LISTS = sorted((model for model in admin.site._registry if model._meta.label not in MAY_ASK), key=str)


@pytest.mark.parametrize("model", LISTS, ids=str)
def test_no_list_asks_for_all_values_of_its_table(administrator: Client, model: type[Model]) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    with CaptureQueriesContext(connection) as asked:
        administrator.get(address)

    table = f'FROM "{model._meta.db_table}"'
    assert [each["sql"] for each in asked if "DISTINCT" in each["sql"] and table in each["sql"]] == []


class TestSeenValues:
    def choices(self, client: Client, query: str = "") -> list[str]:
        page = client.get(f"/admin/integration/devicestatuscheck/{query}")
        (shown,) = [
            each
            for each in page.context["cl"].filter_specs
            if isinstance(each, SeenValuesFilter) and each.field_path == "head_end_system"
        ]
        return [choice["display"] for choice in shown.choices(page.context["cl"])][1:]

    def test_are_those_of_the_latest_rows_each_once_and_sorted(
        self, administrator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows.fill(DeviceStatusCheck, 4, start=rows.FIRST)
        for check, name in zip(DeviceStatusCheck.objects.order_by("pk"), ("OLD", "B", "A", "B"), strict=True):
            DeviceStatusCheck.objects.filter(pk=check.pk).update(head_end_system=name)

        assert self.choices(administrator) == ["A", "B", "OLD"]
        assert SEEN >= 1000
        monkeypatch.setattr("foundation.admin.SEEN", 3)
        assert self.choices(administrator) == ["A", "B"]

    def test_hold_the_chosen_one(self, administrator: Client) -> None:
        assert self.choices(administrator, "?head_end_system=GONE") == ["GONE"]

    def test_of_exceptions_are_types_that_are_set_up_too(self, administrator: Client) -> None:
        VeeExceptionType.objects.create(code="NEVER-SEEN")
        page = administrator.get("/admin/vee/veeexception/")

        assert "exception_type=NEVER-SEEN" in page.content.decode()


PLANNED = [
    DeviceStatusCheck,
    EnrollmentRecord,
    EnrollmentSync,
    Event,
    FlowRun,
    InitialMeasurement,
    Outcome,
    OutboundMessage,
    RegisterMeasurement,
    Reservation,
    RunIdentifier,
    ToDo,
    TransferredFile,
    VeeException,
]


SEARCHES: list[Any] = [
    (Reservation, ledgers.reservations, ["reservation_nic_start", "event_by_external_id", "reservation_once"]),
    (Outcome, ledgers.outcomes, ["outcome_nic_start", "event_by_external_id", "integration_outcome_event_id"]),
    (DeviceStatusCheck, ledgers.status_checks, ["status_check_nic_start", "communication_id"]),
    (EnrollmentSync, ledgers.enrollment_syncs, ["enrollment_sync_subscr_start", "ack_message_id"]),
    (TransferredFile, ledgers.transferred_files, ["transferred_file_name_start", "message_id"]),
    (FlowRun, queries.search_condition, ["run_identifier_start", "flow_run_correlation"]),
    (OutboundMessage, message_queries.search_condition, ["outbound_message_key_start", "message_id"]),
    (InitialMeasurement, meter_data.imds, ["identifier", "imd_component_end", "imd_unique_external_id"]),
    (ToDo, meter_data.todos, ["identifier", "imd_component_end", "imd_unique_external_id", "todo_open_age"]),
    (VeeException, meter_data.exceptions, ["vee_exception_imd", "vee_exception_open", "imd_unique_external_id"]),
    (RegisterMeasurement, meter_data.register_reads, ["identifier", "registermeasurement_measuring_component_id"]),
]
RARE: list[Any] = [
    # Among ten thousand that wait, each was held against all of them: a claim took seconds.
    (lambda: message_queries.due_messages(at=days.AT), "outbound_message_key_start"),
    (message_queries.messages_for_display, "outbound_message_key_start"),
    (lambda: ToDo.objects.filter(status__in=OPEN_TODO_STATUSES).order_by("created_at", "pk"), "todo_open_age"),
    (lambda: ToDo.objects.order_by("created_at", "pk")[:50], "todo_age"),
    (lambda: DeviceStatusCheck.objects.order_by("-asked_at", "-pk")[:50], "status_check_newest"),
    (lambda: FlowRun.objects.filter(ack_type="ERROR").order_by("-started_at")[:50], "flow_run_by_bad_answer"),
    (lambda: FlowRun.objects.filter(kind="REPLAY").order_by("-started_at")[:50], "flow_run_repeated"),
    (lambda: EnrollmentRecord.objects.filter(state="FAILURE").order_by("-pk")[:50], "enrollment_record_open"),
    (lambda: Outcome.objects.filter(state="AGAIN").order_by("-pk")[:50], "outcome_not_taken"),
    (lambda: InitialMeasurement.objects.filter(user_edited=True).order_by("-pk")[:50], "imd_edited"),
    (lambda: InitialMeasurement.objects.filter(kind="ESTIMATION").order_by("-pk")[:50], "imd_other_kind"),
    (lambda: InitialMeasurement.objects.filter(state="DISCARDED").order_by("-pk")[:50], "imd_discarded"),
    (lambda: VeeException.objects.filter(severity="TERMINATE").order_by("-pk")[:50], "vee_exception_terminating"),
]


@pytest.fixture(scope="class")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Fill the tables once for all tests that ask PostgreSQL's planner."""
    if connection.vendor != "postgresql":
        pytest.skip("it is PostgreSQL's planner that is asked")
    # Within it each test has a savepoint of its own.
    with django_db_blocker.unblock(), transaction.atomic():
        many.of_each(*PLANNED, count=200)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def planned(filled: None, db: None) -> None:
    """Let the planner judge by rows that there are, and take an index wherever one leads to them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.postgres
@pytest.mark.usefixtures("planned")
class TestPlans:
    """What PostgreSQL would do, over rows that are filled once for all of these tests and gone after them."""

    @pytest.mark.parametrize(("model", "condition", "indexes"), SEARCHES)
    def test_a_search_is_answered_by_indexes(self, model: Any, condition: Any, indexes: list[str]) -> None:
        plan = model.objects.filter(condition("EVT-1")).explain()

        assert [name for name in indexes if name not in plan] == []
        assert "Seq Scan" not in plan

    @pytest.mark.parametrize(("rows_of", "index"), RARE)
    def test_what_is_rare_has_an_index_of_its_own(self, rows_of: Any, index: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")

        assert index in rows_of().explain()


def test_searches_find_what_begins_so(administrator: Client) -> None:
    rows.fill(DeviceStatusCheck, 3, start=rows.FIRST)
    DeviceStatusCheck.objects.filter(pk=DeviceStatusCheck.objects.order_by("pk")[0].pk).update(nic_id="41-7")

    def found(condition: Q) -> int:
        return DeviceStatusCheck.objects.filter(condition).count()

    assert found(ledgers.status_checks(" 41 ")) == 1
    assert found(ledgers.status_checks("1-7")) == 0
    assert found(ledgers.status_checks("communication_id")) == 3
