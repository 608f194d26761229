"""The set-up help: steps as they stand, the pages that they lead to, and codes that are added to their lookup."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from foundation import sessions
from integration.flows.derms_calls import ROUTING, SITE
from integration.models import Flow, SetupReview, UnmappedCode
from integration.operations import setup, setup_review, unmapped_codes
from integration.setup_help.step import State, Step
from integration.setup_help.steps import subjects
from lookups.models import Lookup, LookupVersion
from lookups.queries import lookup_value, table
from outbound.models import Connection, ConnectionHealth
from tests.factories import days, vee
from vee.models import Holiday, MeasuringComponentType, ServicePoint


pytestmark = pytest.mark.django_db
PAGE = "/admin/set-up/"
LOOKUP, SOURCE, TARGET = "OUTL-BRT-DACS_DRMS_AssetType", "DRMS_ASSET_TYPE", "DACS_ASSET_TYPE"


@pytest.fixture(autouse=True)
def product() -> None:
    unmapped_codes.forget()
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


def person(role: str) -> User:
    user = User.objects.create_user(f"person-{role}", password="a-long-password-1", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def steps() -> dict[str, Step]:
    return {step.key: step for subject in subjects(at=timezone.now()) for step in subject.steps}


def ask_in_vain(value: str, *, at: dt.datetime = days.AT) -> None:
    held = unmapped_codes.watched(table(name=LOOKUP), clock=lambda: at)
    held.translate(source=SOURCE, value=value, target=TARGET, strict=False)


class TestSteps:
    def test_a_connection_is_done_when_its_test_went_well(self) -> None:
        Connection.objects.all().delete()
        health = ConnectionHealth.objects
        for name in ("GOOD", "BAD", "NEVER"):
            made = Connection.objects.create(name=name, base_url="https://peer.example.org/")
            health.get_or_create(connection=made)
        tested = {"last_tested_at": days.AT, "last_tested_by": "admin"}
        health.filter(connection__name="GOOD").update(last_test_result={"ok": True, "summary": "well"}, **tested)
        health.filter(connection__name="BAD").update(last_test_result={"ok": False, "summary": "refused"}, **tested)

        found = {name: steps()[f"connection.tested.{name}"] for name in ("GOOD", "BAD", "NEVER")}

        assert {name: step.state for name, step in found.items()} == {
            "GOOD": State.DONE, "BAD": State.TO_DO, "NEVER": State.TO_DO
        }  # fmt: skip
        assert "refused" in str(found["BAD"].why)
        assert found["BAD"].address.endswith(f"/{Connection.objects.get(name='BAD').pk}/change/")

    def test_a_connection_that_an_active_flow_calls_has_to_be_there(self) -> None:
        Connection.objects.filter(name="DACS").delete()
        Flow.objects.update(active=False)
        before = steps()
        Flow.objects.filter(name="enrollment_request").update(active=True, connections_used="DACS")

        step = steps()["connection.missing.DACS"]

        assert "connection.missing.DACS" not in before
        assert (step.state, step.address) == (State.TO_DO, "/admin/outbound/connection/add/?name=DACS")

    def test_an_active_flow_on_schedule_needs_one_that_is_on(self) -> None:
        flow = Flow.objects.filter(pattern="SCHEDULED").order_by("pk").first()
        assert flow is not None
        Flow.objects.filter(pk=flow.pk).update(active=True)

        assert steps()[f"schedules.flow.{flow.name}"].state is State.TO_DO
        Flow.objects.filter(pk=flow.pk).update(active=False)
        assert f"schedules.flow.{flow.name}" not in steps()

    def test_a_type_without_a_group_has_something_to_do(self) -> None:
        MeasuringComponentType.objects.create(
            identifier="BARE", component_kind="INTERVAL", seconds_per_interval=900, uom="kWh"
        )

        step = steps()["vee.groups.BARE"]

        bare = MeasuringComponentType.objects.get(identifier="BARE")
        assert (step.state, step.address) == (State.TO_DO, f"/admin/vee/measuringcomponenttype/{bare.pk}/change/")

    def test_service_points_in_utc_may_be_meant(self) -> None:
        none = steps()["vee.time_zones"].state
        vee.ServicePointFactory(time_zone="UTC")
        in_utc = steps()["vee.time_zones"].state
        ServicePoint.objects.update(time_zone="America/New_York")

        assert (none, in_utc, steps()["vee.time_zones"].state) == (State.TO_DO, State.UNKNOWN, State.DONE)

    def test_holidays_of_this_year_are_asked_for(self) -> None:
        vee.ServicePointFactory(holiday_calendar="US")
        lacking = steps()["vee.holidays.US"]
        Holiday.objects.create(calendar="US", date=timezone.now().date().replace(month=1, day=1))

        assert (lacking.state, lacking.address) == (State.TO_DO, "/admin/vee/holiday/add/?calendar=US")
        assert steps()["vee.holidays.US"].state is State.DONE

    def test_every_division_needs_a_site(self) -> None:
        from lookups.operations import replace_rows

        admin = User.objects.get(username="admin")
        columns = [column.name for column in table(name=ROUTING).columns]
        for site, state in (("SITE-1", State.DONE), ("", State.TO_DO)):
            row = dict.fromkeys(columns, "EAST") | {SITE: site}
            replace_rows(name=ROUTING, rows=[row], by=admin, at=days.AT)
            assert steps()["routing.sites"].state is state
        assert "Enrollment Sync" in str(steps()["routing.sites"].why)

    def test_the_scheduler_s_heartbeat_and_recipients_are_looked_at(self) -> None:
        found = steps()

        assert found["schedules.heartbeat"].state is State.TO_DO
        assert found["schedules.background"].state is State.DONE
        assert found["mail.recipient.to"].state is State.TO_DO

    def test_protections_say_what_to_set(self, settings: Any) -> None:
        settings.SECOND_FACTOR_REQUIRED = False
        off = steps()["protection.integration.W010"]
        settings.SECOND_FACTOR_REQUIRED = True

        assert (off.state, off.fix) == (State.TO_DO, "Set SECOND_FACTOR_REQUIRED=1.")
        assert "protection.integration.W010" not in steps()


class TestPage:
    def test_its_links_open_and_home_tells_of_as_many_steps(self, client: Client) -> None:
        ask_in_vain("NEW")
        for role in ("", "Integration administrator", "VEE supervisor", "Auditor"):
            client.force_login(person(role) if role else User.objects.get(username="admin"))
            answer = client.get(PAGE)
            assert answer.status_code == 200
            shown = [step for subject in answer.context["subjects"] for step in subject.steps]
            to_do = sum(step.state is State.TO_DO for step in shown)

            assert to_do == answer.context["open"] == client.get("/admin/").context["home"]["setup"] > 0
            addresses = {step.address for step in shown if step.address and not step.address.endswith("add/")}
            refused = {each for each in addresses if "/add/" not in each and client.get(each).status_code != 200}
            assert refused == set(), role

    @pytest.mark.parametrize("role", ["VEE analyst", "Integration operator", "Program operator"])
    def test_it_is_for_whoever_sets_up_or_audits(self, client: Client, role: str) -> None:
        client.force_login(person(role))

        assert client.get(PAGE).status_code == 403
        home = client.get("/admin/")
        assert home.context["home"]["setup"] == 0
        assert PAGE not in home.content.decode()

    def test_its_queries_do_not_grow_with_the_site(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)
        client.force_login(User.objects.get(username="admin"))
        client.get(PAGE)
        with CaptureQueriesContext(connection) as few:
            client.get(PAGE)
        for number in range(5):
            Connection.objects.create(name=f"C{number}", base_url="https://peer.example.org/")
            vee.ServicePointFactory()
            MeasuringComponentType.objects.create(
                identifier=f"T{number}", component_kind="INTERVAL", seconds_per_interval=900, uom="kWh"
            )
        with CaptureQueriesContext(connection) as many:
            client.get(PAGE)

        assert len(many) == len(few) <= 50


class TestUnmappedCodes:
    def test_a_code_that_a_lookup_does_not_hold_is_noted_once_and_counted(self) -> None:
        known = table(name=LOOKUP).rows[0][SOURCE]
        ask_in_vain("NEW")
        ask_in_vain("NEW")
        ask_in_vain(known)
        ask_in_vain("NEW", at=days.AT + dt.timedelta(seconds=61))

        [code] = UnmappedCode.objects.all()

        assert (code.lookup, code.source, code.value, code.target, code.count) == (LOOKUP, SOURCE, "NEW", TARGET, 3)
        assert code.last_seen_at == days.AT + dt.timedelta(seconds=61)

    def test_a_lookup_lists_so_many_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unmapped_codes, "MAX_CODES", 2)
        for value in ("A", "B", "C", "x" * 201, " "):
            ask_in_vain(value)

        assert sorted(UnmappedCode.objects.values_list("value", flat=True)) == ["A", "B"]

    def test_it_is_added_with_a_new_version_that_says_who_and_why(self, client: Client) -> None:
        ask_in_vain("NEW")
        code = UnmappedCode.objects.get()
        version = Lookup.objects.get(name=LOOKUP).version
        client.force_login(person("Integration administrator"))
        address = f"/admin/integration/unmappedcode/{code.pk}/map/"

        asked = client.get(address)
        refused = client.post(address, {"column_0": "", "reason": "x"})
        answer = client.post(address, {"column_0": "HEATPUMP", "reason": "New devices"})

        assert (asked.status_code, refused.status_code, answer.status_code) == (200, 200, 302)
        assert answer["Location"] == "/admin/set-up/#setup-codes"
        assert lookup_value(table=LOOKUP, source=SOURCE, value="NEW", target=TARGET).result == "HEATPUMP"
        saved = LookupVersion.objects.filter(lookup__name=LOOKUP).order_by("-number")[0]
        assert (saved.number, saved.note, saved.by_name) == (
            version + 1, "New devices", "person-Integration administrator"
        )  # fmt: skip
        code.refresh_from_db()
        assert code.mapped_by == "person-Integration administrator"
        assert "codes" in steps()

    @pytest.mark.parametrize(
        ("wanted", "reached"),
        [
            ("/admin/integration/unmappedcode/?mapped_at__isempty=1",) * 2,
            ("https://elsewhere.example/", "/admin/set-up/#setup-codes"),
        ],
    )
    def test_it_leads_back_to_where_the_person_came_from(self, client: Client, wanted: str, reached: str) -> None:
        ask_in_vain("NEW")
        client.force_login(person("Integration administrator"))
        address = f"/admin/integration/unmappedcode/{UnmappedCode.objects.get().pk}/map/"

        asked = client.get(address, {"next": wanted})
        answer = client.post(address, {"column_0": "HEATPUMP", "reason": "New", "next": asked.context["back"]})

        assert answer["Location"] == reached

    def test_from_the_number_on_home_it_leads_back_there(self, client: Client) -> None:
        ask_in_vain("NEW")
        client.force_login(person("Integration administrator"))

        home = client.get("/admin/home/").content.decode()
        [listed] = re.findall(r'id="fact-unmapped_codes" href="([^"]+)"', home)
        page = client.get(html.unescape(listed))
        [address] = re.findall(r'href="(/admin/integration/unmappedcode/\d+/map/[^"]*)"', page.content.decode())
        asked = client.get(html.unescape(address))
        answer = client.post(address, {"column_0": "HEATPUMP", "reason": "New", "next": asked.context["back"]})

        assert page.context["cl"].result_count == 1
        assert answer["Location"] == "/admin/"

    def test_whoever_may_not_change_lookups_adds_none(self, client: Client) -> None:
        ask_in_vain("NEW")
        client.force_login(person("Integration operator"))
        address = f"/admin/integration/unmappedcode/{UnmappedCode.objects.get().pk}/map/"

        shown = client.get(address)
        answer = client.post(address, {"column_0": "HEATPUMP", "reason": "x"})

        assert (shown.status_code, answer.status_code) == (200, 403)
        assert "Whoever may change lookups adds it" in shown.content.decode()
        assert UnmappedCode.objects.get().mapped_at is None

    def test_one_that_is_there_by_now_is_refused_and_settled(self) -> None:
        ask_in_vain("NEW")
        code = UnmappedCode.objects.get()
        admin = User.objects.get(username="admin")
        from lookups.operations import add_row

        add_row(name=LOOKUP, values={SOURCE: "NEW", TARGET: "HEATPUMP"}, by=admin, at=days.AT)

        with pytest.raises(unmapped_codes.AlreadyMapped):
            unmapped_codes.map_code(code_id=code.pk, values={TARGET: "X"}, by=admin, reason="x", at=days.AT)
        assert unmapped_codes.settle(at=days.AT) == 1
        assert UnmappedCode.objects.get().mapped_at == days.AT

    def test_one_that_was_taken_out_again_is_open_again(self) -> None:
        ask_in_vain("NEW")
        UnmappedCode.objects.update(mapped_at=days.AT, mapped_by="admin")

        ask_in_vain("NEW", at=days.AT + dt.timedelta(minutes=2))

        code = UnmappedCode.objects.get()
        assert (code.mapped_at, code.mapped_by) == (None, "")


class TestChecks:
    def test_what_is_to_do_names_the_page(self) -> None:
        Connection.objects.filter(name="DACS").delete()
        Flow.objects.filter(name="enrollment_request").update(active=True, connections_used="DACS")

        found = [each for each in checks.run_checks(databases=["default"]) if each.id == "integration.W002"]

        hints = {each.msg: each.hint for each in found}
        [hint] = [hint for message, hint in hints.items() if "Connection DACS is there" in message]
        assert hint == "Define the connection: /admin/outbound/connection/add/?name=DACS"

    def test_a_database_without_flows_is_not_begun(self) -> None:
        from integration import checks as own

        assert own.set_up_is_done(None, databases=["default"]) != []
        assert own.set_up_is_done(None, databases=None) == []


def test_the_review_is_remembered_as_one_row() -> None:
    setup_review.review(at=days.AT)
    setup_review.review(at=days.AT + dt.timedelta(minutes=5))

    [review] = SetupReview.objects.all()
    assert review.reviewed_at == days.AT + dt.timedelta(minutes=5)
    assert ["schedules.heartbeat", "django_celery_beat.view_periodictask"] in review.open_steps
