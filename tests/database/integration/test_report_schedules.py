"""Reports by mail: due times, exactly one mail for each, what goes wrong, and the document that holds them."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from foundation.configuration import UnableToApplyConfiguration
from integration.configuration_sections import SECTIONS
from integration.models import ReportDelivery, ReportSchedule
from integration.operations import configuration_reports, report_schedules
from outbound.models import Connection, Mail
from outbound.operations import mail as mails
from outbound.operations import mail_delivery
from tests.database.integration import report_data as data
from tests.database.outbound.mailboxes import mailbox
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)
# A Friday, two days before the clocks of New York go forward.
SAVED = dt.datetime(2026, 3, 6, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _recipients() -> None:
    factory.prepare()


def schedule(**values: Any) -> ReportSchedule:
    given: dict[str, Any] = {
        "name": "Completeness",
        "report": "data_completeness",
        "parameters": {"period": "YESTERDAY", "group": "ROUTE"},
        "recipients": "boss@example.org, to",
        "frequency": "DAILY",
        "local_time": dt.time(6),
        "time_zone": "America/New_York",
        **values,
    }
    return report_schedules.save_schedule(schedule=ReportSchedule(**given), at=SAVED)


def test_it_is_due_at_its_local_time_before_and_after_a_clock_change() -> None:
    row = schedule()
    due = []
    for _ in range(3):
        row.refresh_from_db()
        assert row.next_due_at is not None
        due.append(row.next_due_at)
        assert report_schedules.send_due(at=row.next_due_at) == 1

    assert [(moment.day, moment.hour) for moment in due] == [(7, 11), (8, 10), (9, 10)]
    subjects = list(Mail.objects.order_by("id").values_list("subject", flat=True))
    assert subjects[0] == "[Tieline] Completeness: Data completeness, 2026-03-06"
    assert len(subjects) == 3


def test_a_due_time_is_mailed_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    row = schedule()
    due = row.next_due_at
    assert due is not None

    assert report_schedules.send_due(at=due) == 1
    assert report_schedules.send_due(at=due) == 0
    # Another scheduler that read the schedule before.
    ReportSchedule.objects.filter(pk=row.pk).update(next_due_at=due)
    assert report_schedules.send_due(at=due) == 0

    assert Mail.objects.count() == 1
    assert ReportDelivery.objects.count() == 1


def test_of_times_that_passed_unnoticed_the_latest_stands_for_all() -> None:
    row = schedule()

    assert report_schedules.send_due(at=dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)) == 1

    (delivery,) = ReportDelivery.objects.all()
    assert delivery.due_at == dt.datetime(2026, 3, 10, 10, tzinfo=dt.UTC)
    row.refresh_from_db()
    assert row.next_due_at == dt.datetime(2026, 3, 11, 10, tzinfo=dt.UTC)
    assert "2026-03-09" in Mail.objects.get().subject


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"recipients": "to.nobody"}, "no recipient"),
        ({"recipients": "to.process.notification"}, "no recipient"),
        ({"report": "program_performance", "parameters": {}}, "does not use"),
    ],
)
def test_what_cannot_be_mailed_is_said_and_tried_again_at_the_next_time(values: dict[str, Any], reason: str) -> None:
    row = schedule(**values)

    assert report_schedules.send_due(at=SAVED + 24 * HOUR) == 0

    row.refresh_from_db()
    assert reason in row.last_problem
    assert row.last_sent_at is None
    assert row.next_due_at == dt.datetime(2026, 3, 8, 10, tzinfo=dt.UTC)
    assert ReportDelivery.objects.get().outcome == "FAILED"
    assert not Mail.objects.exists()


def test_one_that_breaks_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule(name="A", report="exceptions_by_rule", parameters={})
    schedule(name="B")

    def fail(**_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr("vee.exception_queries.exceptions_by_week", fail)
    assert report_schedules.send_due(at=SAVED + 24 * HOUR) == 1

    assert "RuntimeError" in ReportSchedule.objects.get(name="A").last_problem
    assert ReportSchedule.objects.get(name="B").last_problem == ""


def test_the_mail_arrives_with_its_table_and_its_file() -> None:
    data.completeness()
    row = schedule(parameters={"period": "YESTERDAY", "group": "ROUTE"})
    with mailbox() as box:
        Connection.objects.create(name="MAIL", transport="email", host="127.0.0.1", port=box.port)
        report_schedules.send_due(at=dt.datetime(2026, 3, 8, 11, tzinfo=dt.UTC))
        now = timezone.now()
        mail_delivery.deliver(mail_id=Mail.objects.get().pk, at=now, clock=lambda: now)
        (arrived,) = box.arrived

    assert arrived["To"] == "boss@example.org, ops@example.org"
    (attached,) = arrived.iter_attachments()
    assert attached.get_filename() == "data_completeness_20260307-20260307.xlsx"
    sheet = load_workbook(io.BytesIO(attached.get_payload(decode=True))).active
    assert [[cell.value for cell in line][:3] for line in sheet.iter_rows(min_row=2)] == [
        [None, 2, 48],
        ["'=R2", 5, 480],
        ["R1", 10, 960],
    ]
    text = arrived.get_body(("plain",)).get_content()
    assert "R1 | 10 | 960 | 950 | 6 | 4 |" in text
    assert "In all:" in text
    assert "/reports/data_completeness/?group=ROUTE&period=CUSTOM&since=2026-03-07&until=2026-03-07" in text
    row.refresh_from_db()
    assert row.last_sent_at is not None


def test_send_now_is_a_delivery_of_its_own(client: Client) -> None:
    row = schedule()
    due = row.next_due_at
    rights = ["integration.view_reportschedule", "integration.send_report", "vee.view_daycompleteness"]
    client.force_login(factory.user("ann", rights=rights, is_staff=True))

    answer = client.get(f"/admin/integration/reportschedule/{row.pk}/send_now/", follow=True)

    assert answer.status_code == 200
    delivery = ReportDelivery.objects.get()
    assert (delivery.outcome, delivery.requested_by) == ("QUEUED", "ann")
    row.refresh_from_db()
    assert row.next_due_at == due


def test_nobody_sends_or_schedules_what_they_may_not_see(client: Client) -> None:
    row = schedule()
    rights = [f"integration.{verb}_reportschedule" for verb in ("view", "add", "change", "delete")]
    client.force_login(
        factory.user("ann", rights=[*rights, "integration.send_report", "vee.view_veeexception"], is_staff=True)
    )

    assert client.get(f"/admin/integration/reportschedule/{row.pk}/send_now/").status_code in (302, 403)
    assert not Mail.objects.exists()
    page = client.get("/admin/integration/reportschedule/add/").content.decode()
    assert "exceptions_by_rule" in page
    assert "data_completeness" not in page
    assert client.get(f"/admin/integration/reportschedule/{row.pk}/delete/").status_code == 403


def test_a_schedule_is_made_in_the_admin(admin_client: Client) -> None:
    form = {
        "name": "Weekly",
        "report": "exceptions_by_rule",
        "parameters": '{"period": "LAST_WEEK"}',
        "recipients": "boss@example.org",
        "file_format": "CSV",
        "frequency": "WEEKLY",
        "weekday": "1",
        "day_of_month": "1",
        "local_time": "06:30",
        "time_zone": "Europe/Berlin",
        "active": "on",
        "deliveries-TOTAL_FORMS": "0",
        "deliveries-INITIAL_FORMS": "0",
    }
    refused = admin_client.post("/admin/integration/reportschedule/add/", {**form, "time_zone": "Mars/Base"})
    assert "There is no time zone Mars/Base" in refused.content.decode()

    admin_client.post("/admin/integration/reportschedule/add/", form)

    row = ReportSchedule.objects.get()
    assert row.next_due_at is not None
    assert row.next_due_at.astimezone(dt.UTC).isoweekday() == 1
    assert admin_client.get(f"/admin/integration/reportschedule/{row.pk}/change/").status_code == 200
    assert admin_client.get("/admin/integration/reportschedule/").status_code == 200


def test_the_document_holds_the_schedules() -> None:
    schedule()
    kept = configuration_reports.report_schedules_document()
    ReportSchedule.objects.all().delete()

    (done,) = configuration_reports.apply_report_schedules(section=kept, by=None, at=SAVED)
    assert (done.name, str(done.outcome)) == ("Completeness", "created")
    (again,) = configuration_reports.apply_report_schedules(section=kept, by=None, at=SAVED)
    assert str(again.outcome) == "unchanged"
    assert configuration_reports.report_schedules_document() == kept
    assert configuration_reports.REPORT_SCHEDULES in SECTIONS


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"report": "nothing", "local_time": "06:00"}, "/X/report"),
        ({"report": "data_completeness", "local_time": "06:00", "time_zone": "Mars/Base"}, "/X/time_zone"),
        ({"report": "data_completeness", "local_time": "06:00", "parameters": {"period": "CUSTOM"}}, "/X/parameters"),
        ({"report": "data_completeness"}, "/X/local_time"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_at_its_place(entry: dict[str, Any], pointer: str) -> None:
    with pytest.raises(UnableToApplyConfiguration) as refused:
        configuration_reports.apply_report_schedules(section={"X": entry}, by=None, at=SAVED)

    assert [error["pointer"] for error in refused.value.errors] == [pointer]
    assert not ReportSchedule.objects.exists()


def test_attachments_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MAX_ATTACHED_BYTES", 10)
    row = schedule()

    assert report_schedules.send_due(at=SAVED + 24 * HOUR) == 0

    row.refresh_from_db()
    assert "larger than" in row.last_problem
