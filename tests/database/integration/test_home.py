"""The home page: each number is that of the list that it leads to; who sees what; how much it asks."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from foundation import sessions
from integration.models import Flow, FlowRun, HomeLook, UnmappedCode
from integration.operations import home_looks, setup
from tests.factories import days, rows
from vee.models import MeasuringComponentProgress, ToDo


pytestmark = pytest.mark.django_db
HOME, FRAGMENT = "/admin/", "/admin/home/"


@pytest.fixture(autouse=True)
def product() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


def person(role: str) -> User:
    user = User.objects.create_user(f"person-{role}", password="a-long-password-1", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


class Page:
    """What a person gets: the text, and the parts that it was made of."""

    def __init__(self, client: Client, address: str) -> None:
        answer = client.get(address)
        assert answer.status_code == 200
        self.parts = answer.context["home"]["parts"]
        self.facts = {fact.key: fact for part in self.parts for fact in part.facts}
        self.tables = {name: table for part in self.parts for name, table in part.tables.items()}
        whole = answer.content.decode()
        # Without the frame of the admin.
        self.html = whole[whole.index('data-part="head"') : whole.find('id="home-status"')]
        self.links = [unescape(each) for each in re.findall(r'href="([^"]+)"', self.html)]

    def shows(self, key: str) -> tuple[str, str]:
        """Give number and address of a fact as they stand on the page."""
        found = re.search(rf'id="fact-{key}" href="([^"]*)"><span class="home-number">([^<]*)<', self.html)
        assert found is not None, key
        return found[2], unescape(found[1])


def parsed(client: Client, address: str = HOME) -> Page:
    return Page(client, address)


def number_of(page: Page, key: str) -> str:
    return page.shows(key)[0]


def failed_run(flow: Flow, *, finished_at: dt.datetime, state: str = "FAILED") -> FlowRun:
    run = FlowRun(
        id=uuid.uuid4(), flow=flow, state=state, correlation_id="c", body_digest="d",
        started_at=finished_at - dt.timedelta(seconds=1), finished_at=finished_at,
    )  # fmt: skip
    FlowRun.objects.bulk_create([run])
    return run


def with_spike(name: str, *, age: dt.timedelta) -> None:
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    days.register(name)
    imd_id = days.receive(name, values)
    ToDo.objects.filter(imd=imd_id).update(created_at=timezone.now() - age)


def everything(client: Client) -> None:
    """Give every list something: rows of all models, and what their states have to be for the numbers."""
    for model in rows.all_models():
        rows.fill(model, 3, start=rows.FIRST)
    now = timezone.now()
    flow = Flow.objects.order_by("pk").first()
    assert flow is not None
    for hours in (1, 2, 50):
        failed_run(flow, finished_at=now - dt.timedelta(hours=hours))
    failed_run(flow, finished_at=now, state="IN_PROGRESS")
    for number, hours in enumerate((1, 2, 30, 40, 100)):
        with_spike(f"MC-{number}", age=dt.timedelta(hours=hours))
    ToDo.objects.filter(status="OPEN").order_by("-pk").first().delete()
    ToDo.objects.order_by("-pk").update(assigned_to=User.objects.get(username="admin"))
    MeasuringComponentProgress.objects.filter(pk__in=MeasuringComponentProgress.objects.all()[:2]).update(
        stale_since=now
    )
    UnmappedCode.objects.create(
        lookup="OUTL-BRT-DACS_DRMS_EventType", source="DRMS_EVENT_TYPE", value="NEW", target="DACS_EVENT_TYPE",
        count=4, first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    from assets.models import AssetToDo
    from integration.models import DeviceStatusCheck, EnrollmentSync, FlowSchedule, Incident, Pause
    from outbound.models import Certificate, Connection, ConnectionHealth, Mail, OutboundMessage

    AssetToDo.objects.update(status="OPEN", created_at=now - dt.timedelta(days=2))
    DeviceStatusCheck.objects.update(state="OVERDUE")
    states = iter(["WAITING", "EXPECTED", "FAILED"])
    for sync in EnrollmentSync.objects.all():
        EnrollmentSync.objects.filter(pk=sync.pk).update(
            ack_state=next(states), ack_due_at=now - dt.timedelta(hours=3), answered_at=now - dt.timedelta(days=2)
        )
    FlowSchedule.objects.update(enabled=True, next_due_at=now - dt.timedelta(hours=1))
    Pause.objects.filter(pk=Pause.objects.first().pk).update(resumed_at=None)
    Certificate.objects.update(not_after=now + dt.timedelta(days=7))
    Mail.objects.update(status="FAIL")
    Incident.objects.update(closed_at=None)
    Connection.objects.update(enabled=True)
    ConnectionHealth.objects.update(last_success_at=None)
    HomeLook.objects.all().delete()
    OutboundMessage.objects.filter(pk=OutboundMessage.objects.first().pk).update(status="FAIL", next_attempt_at=None)
    OutboundMessage.objects.filter(pk=OutboundMessage.objects.last().pk).update(
        status="PENDING", next_attempt_at=now, hold_reason="Paused"
    )


def rows_listed(client: Client, address: str) -> int:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return int(answer.context["cl"].result_count)


class TestNumbers:
    def test_each_number_is_that_of_the_list_that_it_opens(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("integration.admin.home.page.dacs_side_is_on", lambda request: True)
        client.force_login(User.objects.get(username="admin"))
        everything(client)
        page = parsed(client)

        shown = {key: page.shows(key) for key in page.facts}
        facts = {key: (int(number.replace(",", "")), address) for key, (number, address) in shown.items()}
        differing = {
            key: (number, listed, address)
            for key, (number, address) in facts.items()
            if (listed := rows_listed(client, address)) != number
        }

        assert differing == {}
        assert len(facts) >= 25
        # Each of what this test gave something to is above zero, so that equal numbers mean something.
        empty = {key for key, (number, _address) in facts.items() if not number}
        assert empty <= {
            *(f"imd_{state}" for state in ("pending", "error", "vee_ready", "vee", "force_complete")),
            *("program_todos_0", "program_todos_2", "todos_unassigned"),
        }

    def test_so_is_each_number_of_a_table(self, client: Client) -> None:
        client.force_login(User.objects.get(username="admin"))
        everything(client)
        page = parsed(client)

        types, roles, flows = page.tables["todos"], page.tables["roles"], page.tables["runs"]
        cells = [(row["count"], row["address"]) for row in [*types, *roles]]
        cells += [(row["being_worked_on"], row["worked_on_address"]) for row in roles]
        cells += [(cell["count"], cell["address"]) for row in types for cell in row["ages"]]
        cells += [(cell["count"], cell["address"]) for row in flows for cell in row["cells"]]

        assert len(cells) > 8
        differing = [(each, address) for each, address in cells if rows_listed(client, address) != each.number]
        assert differing == []
        # Those above zero are links on the page.
        assert [address for each, address in cells if bool(each) != (address in page.links)] == []

    def test_to_dos_stand_in_exactly_one_age(self, client: Client) -> None:
        client.force_login(User.objects.get(username="admin"))
        for name, hours in (("A", 0), ("B", 23), ("C", 25), ("D", 71), ("E", 73), ("F", 900)):
            with_spike(name, age=dt.timedelta(hours=hours))

        [row] = parsed(client).tables["todos"]

        assert [row["count"].number, *(age["count"].number for age in row["ages"])] == [6, 2, 2, 2]

    def test_more_than_a_person_counts_is_not_counted(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        from integration import attention_queries

        flow = Flow.objects.order_by("pk").first()
        assert flow is not None
        now = timezone.now()
        for minutes in range(6):
            failed_run(flow, finished_at=now - dt.timedelta(minutes=minutes))

        work = attention_queries.run_work(since=now - dt.timedelta(minutes=2, seconds=30), at_most=5)

        assert (str(work.failed), str(work.new), work.partly) == ("more than 5", "3", True)


class TestLastLook:
    def test_failures_are_new_until_the_next_visit(self, client: Client) -> None:
        user = User.objects.get(username="admin")
        client.force_login(user)
        flow = Flow.objects.order_by("pk").first()
        assert flow is not None
        now = timezone.now()
        failed_run(flow, finished_at=now - dt.timedelta(hours=30))
        failed_run(flow, finished_at=now - dt.timedelta(hours=2))

        first = number_of(parsed(client), "new_failures")
        again = number_of(parsed(client), "new_failures")
        HomeLook.objects.update(looked_at=now - dt.timedelta(hours=1))
        next_visit = number_of(parsed(client), "new_failures")

        assert (first, again, next_visit) == ("1", "1", "0")

    def test_whoever_says_so_has_seen_them(self, client: Client) -> None:
        client.force_login(User.objects.get(username="admin"))
        flow = Flow.objects.order_by("pk").first()
        assert flow is not None
        failed_run(flow, finished_at=timezone.now() - dt.timedelta(minutes=5))
        before = number_of(parsed(client), "new_failures")

        refused = client.get("/admin/home/seen/")
        answer = client.post("/admin/home/seen/")

        assert (before, refused.status_code, answer.status_code) == ("1", 405, 302)
        assert number_of(parsed(client), "new_failures") == "0"
        assert number_of(parsed(client), "failed_runs") == "1"

    def test_one_person_s_look_is_not_another_s(self, client: Client) -> None:
        home_looks.seen(user_id=User.objects.get(username="admin").pk, at=timezone.now())
        flow = Flow.objects.order_by("pk").first()
        assert flow is not None
        failed_run(flow, finished_at=timezone.now() - dt.timedelta(minutes=5))
        client.force_login(person("Integration operator"))

        assert number_of(parsed(client), "new_failures") == "1"

    def test_a_refresh_is_no_look_and_keeps_no_session_alive(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = User.objects.get(username="admin")
        client.force_login(user)
        client.get(HOME)
        looked_at = HomeLook.objects.get(pk=user.pk).looked_at - dt.timedelta(hours=1)
        HomeLook.objects.update(looked_at=looked_at)
        later = sessions.time.time() + 120
        monkeypatch.setattr(sessions.time, "time", lambda: later)
        seen = client.session["seen_at"]

        answer = client.get(FRAGMENT, headers={"X-Background": "1"})

        assert answer.status_code == 200
        assert HomeLook.objects.get(pk=user.pk).looked_at == looked_at
        assert client.session["seen_at"] == seen
        client.get(HOME)
        assert client.session["seen_at"] > seen


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "order"),
        [
            ("VEE analyst", ["readings"]),
            ("VEE supervisor", ["readings"]),
            ("Integration operator", ["exchange", "control"]),
            ("Integration administrator", ["exchange", "control"]),
            ("Program operator", ["programs", "exchange", "readings", "control"]),
            ("Auditor", ["exchange", "readings", "programs", "control"]),
        ],
    )
    def test_a_person_sees_first_what_they_work_on(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, role: str, order: list[str]
    ) -> None:
        monkeypatch.setattr("integration.admin.home.page.dacs_side_is_on", lambda request: True)
        client.force_login(person(role))

        page = parsed(client)

        assert [part.key for part in page.parts] == order
        reads_only = "nothing on this page is yours to do" in page.html
        assert reads_only == (role == "Auditor")

    def test_the_superuser_sees_all_of_it(self, client: Client) -> None:
        client.force_login(User.objects.get(username="admin"))

        assert [part.key for part in parsed(client).parts] == ["exchange", "readings", "control"]

    @pytest.mark.parametrize("role", ["VEE analyst", "Integration operator", "Program operator", "Auditor"])
    def test_every_link_opens_for_whoever_sees_it(self, client: Client, role: str) -> None:
        client.force_login(User.objects.get(username="admin"))
        everything(client)
        client.force_login(person(role))

        links = set(parsed(client, FRAGMENT).links)

        assert links
        assert {address: client.get(address).status_code for address in links} == dict.fromkeys(links, 200)

    def test_an_account_without_a_role_sees_nothing(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody", password="x", is_staff=True))

        page = parsed(client)

        assert page.parts == []
        assert "nothing here that your roles may see" in page.html

    def test_without_an_account_the_fragment_gives_nothing(self, client: Client) -> None:
        assert client.get(FRAGMENT).status_code == 302

    def test_an_auditor_may_set_nothing_up(self, client: Client) -> None:
        client.force_login(person("Auditor"))

        assert "Set one up" not in parsed(client).html


class TestQueries:
    """Pinned: a page that is open in every office asks this every half minute."""

    @pytest.mark.parametrize(
        ("role", "address", "at_most"),
        [
            ("", HOME, 16), ("", FRAGMENT, 16),
            ("VEE analyst", HOME, 8), ("Integration operator", HOME, 14), ("Auditor", HOME, 18),
        ],
    )  # fmt: skip
    def test_it_asks_little_whatever_there_is(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, role: str, address: str, at_most: int
    ) -> None:
        monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)
        monkeypatch.setattr("integration.admin.home.page.dacs_side_is_on", lambda request: True)
        client.force_login(person(role) if role else User.objects.get(username="admin"))
        client.get(HOME)
        with CaptureQueriesContext(connection) as empty:
            client.get(address)
        everything(client)
        client.get(HOME)
        with CaptureQueriesContext(connection) as full:
            client.get(address)

        assert len(full) <= at_most, "\n".join(each["sql"][:160] for each in full)
        # What is there only once: the open pauses, and the zones that connections lie in.
        assert len(full) - len(empty) <= 2


def test_nothing_of_the_page_breaks_the_security_policy(client: Client) -> None:
    client.force_login(User.objects.get(username="admin"))
    everything(client)

    page = parsed(client, FRAGMENT)

    assert re.findall(r"<script|<style|\sstyle=|\son[a-z]+=", page.html) == []
