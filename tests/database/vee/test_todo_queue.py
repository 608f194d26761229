"""The work queue of To Dos: its filters, what comes next, and what people do with many at once."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from foundation.models import AuditEntry
from integration.operations import setup
from tests.factories import days
from tests.factories import vee as make
from vee.models import ToDo, ToDoType
from vee.operations import todos


pytestmark = pytest.mark.django_db
LIST = "/admin/vee/todo/"


@pytest.fixture(autouse=True)
def product() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


@pytest.fixture
def vera(client: Client) -> User:
    """A VEE analyst, logged in."""
    user = person("vera", "VEE analyst")
    client.force_login(user)
    return user


def person(name: str, role: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def todo(name: str, *, days_old: int = 0, kind: str | None = None, to: User | None = None) -> ToDo:
    imd = make.interval_imd(name, ["1"], state="EXCEPTION")
    todos.open_todos(needs=[todos.Need(imd.pk, [("ISSUE", "ANY")], name)], at=timezone.now())
    one = ToDo.objects.get(imd=imd)
    one.created_at -= dt.timedelta(days=days_old)
    if kind:
        one.type = ToDoType.objects.get_or_create(code=kind)[0]
    if to:
        one.assigned_to, one.status = to, "BEING_WORKED_ON"
    one.save()
    return one


def shown(client: Client, **filters: str) -> list[str]:
    return [row.summary for row in client.get(LIST, filters).context["cl"].result_list]


class TestFilters:
    def test_by_age_type_and_who_has_it(self, client: Client, vera: User) -> None:
        bob = person("bob", "VEE analyst")
        todo("old", days_old=4), todo("new"), todo("mine", to=vera), todo("his", to=bob), todo("odd", kind="ODD")

        assert shown(client, older_than="3") == ["old"]
        assert shown(client, older_than="30") == []
        assert shown(client, assigned="me") == ["mine"]
        assert shown(client, assigned=str(bob.pk)) == ["his"]
        assert shown(client, assigned="nobody", type__code__exact="ODD") == ["odd"]

    @pytest.mark.parametrize("value", ["bob", "9" * 30, "-1"])
    def test_a_person_that_nobody_is_has_nothing(self, client: Client, vera: User, value: str) -> None:
        todo("one")

        assert shown(client, assigned=value) == []

    def test_the_view_that_is_shown_is_marked(self, client: Client, vera: User) -> None:
        views = client.get(LIST, {"assigned": "me"}).context["quick_views"]

        assert [view["key"] for view in views if view["chosen"]] == ["m"]


class TestInGerman:
    """What is stored is English; who reads German reads German, and the API says what is stored."""

    SUMMARY = "M-9: NEGATIVE – The consumption is negative: -5."
    SHOWN = "M-9: NEGATIVE – Der Verbrauch ist negativ: -5."

    def test_the_queue_and_the_page_of_one(self, client: Client, vera: User) -> None:
        one = todo(self.SUMMARY)
        german = {"headers": {"accept-language": "de"}}

        assert self.SHOWN in client.get(LIST, **german).content.decode()  # type: ignore[arg-type]
        page = client.get(f"{LIST}{one.pk}/change/", **german)  # type: ignore[arg-type]
        assert page.context["title"] == self.SHOWN
        assert self.SUMMARY in client.get(LIST).content.decode()
        assert ToDo.objects.get().summary == self.SUMMARY

    def test_a_refusal(self, client: Client, vera: User) -> None:
        one = todo("his", to=person("bob", "VEE analyst"))

        answer = client.post(f"{LIST}{one.pk}/claim/", headers={"accept-language": "de"}, follow=True)

        assert "Die Aufgabe ist bereits von bob übernommen." in answer.content.decode()


class TestNext:
    def next_of(self, client: Client, one: ToDo, filters: str = "", **more: str) -> str:
        return client.get(f"{LIST}{one.pk}/next/", {"_changelist_filters": filters, **more})["Location"]

    def test_it_is_the_next_by_age_of_the_same_filter_and_keeps_the_filter(self, client: Client, vera: User) -> None:
        first, _other = todo("1", days_old=9, kind="ODD"), todo("2", days_old=8)
        third = todo("3", days_old=7, kind="ODD")
        filters = "type__code__exact=ODD"

        kept = f"?_changelist_filters={quote(filters)}"
        assert self.next_of(client, first, filters) == f"{LIST}{third.pk}/change/{kept}"
        assert self.next_of(client, third, filters) == f"{LIST}{first.pk}/change/{kept}"

    def test_what_others_work_on_is_passed_over(self, client: Client, vera: User) -> None:
        first = todo("1", days_old=9)
        todo("2", days_old=8, to=person("bob", "VEE analyst"))
        third = todo("3", days_old=7, to=vera)

        assert self.next_of(client, first) == f"{LIST}{third.pk}/change/"

    def test_after_the_last_one_its_own_page_says_so(self, client: Client, vera: User) -> None:
        one = todo("1")

        answer = client.get(f"{LIST}{one.pk}/next/", follow=True)

        assert answer.redirect_chain == [(f"{LIST}{one.pk}/change/", 302)]
        assert "last one" in answer.content.decode()

    def test_of_a_filter_that_says_nothing_the_open_work_counts(self, client: Client, vera: User) -> None:
        first, second = todo("1", days_old=9), todo("2")

        assert self.next_of(client, first, "nonsense__x=1").startswith(f"{LIST}{second.pk}/change/")

    def test_what_an_action_left_of_the_same_data_comes_first(self, client: Client, vera: User) -> None:
        first, _second = todo("1", days_old=9), todo("2", days_old=8)
        todos.complete_todos(imd_ids=[first.imd_id], by="vera", completion="Perform VEE", at=timezone.now())
        todos.open_todos(needs=[todos.Need(first.imd_id, [("ISSUE", "ANY")], "again")], at=timezone.now())
        again = ToDo.objects.get(summary="again")

        assert self.next_of(client, first, finished="1") == f"{LIST}{again.pk}/change/"

    def test_after_an_action_the_next_one_opens(self, client: Client, vera: User) -> None:
        first, second = todo("1", days_old=9), todo("2")
        page = client.get(f"{LIST}{first.pk}/change/")

        answer = client.post(
            f"/admin/vee/initialmeasurement/{first.imd_id}/act/discard/",
            {"reason": "test meter", "next": page.context["next"], "done": page.context["done"]},
            follow=True,
        )

        assert answer.redirect_chain[-1][0] == f"{LIST}{second.pk}/change/"
        assert f"{first.imd} · Discard: the state is now Discarded." in answer.content.decode()

    def test_it_is_for_those_who_may_see_to_dos(self, client: Client) -> None:
        one = todo("1")
        client.force_login(person("otto", "Integration operator"))

        assert client.get(f"{LIST}{one.pk}/next/").status_code == 403

    def test_an_unknown_one_has_none(self, client: Client, vera: User) -> None:
        assert client.get(f"{LIST}999/next/").status_code == 404


class TestMany:
    def act(self, client: Client, action: str, *chosen: ToDo, **fields: Any) -> Any:
        return client.post(LIST, {"action": action, "_selected_action": [one.pk for one in chosen], **fields})

    def test_claiming_tells_of_each_row_and_leaves_an_entry_in_the_audit_trail(
        self, client: Client, vera: User
    ) -> None:
        mine, his = todo("1"), todo("2", to=person("bob", "VEE analyst"))

        answer = self.act(client, "claim", mine, his)

        assert [row["error"] for row in answer.context["rows"]] == ["", "The To Do is already claimed by bob."]
        assert answer.context["title"] == "Claim: 1 done, 1 refused"
        entry = AuditEntry.objects.get(component="vee.todo")
        assert (entry.action, entry.by, entry.record) == ("CLAIM", "vera", str(mine.pk))
        assert entry.changes == {"assigned_to": [None, "vera"]}

    def test_releasing_gives_back_what_is_mine(self, client: Client, vera: User) -> None:
        mine = todo("1", to=vera)

        answer = self.act(client, "release", mine)

        assert answer.context["rows"][0]["outcome"] == "with nobody"
        assert AuditEntry.objects.get(component="vee.todo").changes == {"assigned_to": ["vera", None]}

    def test_a_supervisor_is_asked_for_a_person_and_assigns(self, client: Client) -> None:
        vera = person("vera", "VEE analyst")
        client.force_login(person("sue", "VEE supervisor"))
        one, other = todo("1"), todo("2")

        asked = self.act(client, "assign", one, other)
        assert [str(each) for each in asked.context["people"]] == ["admin", "sue", "vera"]
        assert not ToDo.objects.filter(assigned_to__isnull=False).exists()
        answer = self.act(client, "assign", one, other, confirmed="1", to=str(vera.pk))

        assert [row["outcome"] for row in answer.context["rows"]] == ["with vera", "with vera"]
        assert list(AuditEntry.objects.filter(component="vee.todo").values_list("action", "by")) == [
            ("ASSIGN", "sue"), ("ASSIGN", "sue"),
        ]  # fmt: skip

    @pytest.mark.parametrize("to", ["", "x", "9" * 30, "999999"])
    def test_without_a_person_nobody_is_given_anything(self, client: Client, to: str) -> None:
        client.force_login(person("sue", "VEE supervisor"))
        one = todo("1")

        answer = self.act(client, "assign", one, confirmed="1", to=to)

        assert answer.context["people"] is not None
        client.post(f"{LIST}{one.pk}/assign/", {"to": to})
        assert ToDo.objects.get().assigned_to is None

    def test_an_analyst_cannot_assign(self, client: Client, vera: User) -> None:
        one = todo("1")

        self.act(client, "assign", one, confirmed="1", to=str(vera.pk))

        assert client.post(f"{LIST}{one.pk}/assign/", {"to": str(vera.pk)}).status_code == 403
        assert ToDo.objects.get().assigned_to is None

    def test_one_is_assigned_from_its_page(self, client: Client) -> None:
        vera = person("vera", "VEE analyst")
        client.force_login(person("sue", "VEE supervisor"))
        one = todo("1")

        answer = client.post(f"{LIST}{one.pk}/assign/", {"to": str(vera.pk), "next": f"{LIST}?assigned=nobody"})

        assert answer["Location"] == f"{LIST}?assigned=nobody"
        assert ToDo.objects.get().assigned_to == vera

    def test_discarding_tells_of_each_row(self, client: Client, vera: User) -> None:
        one, other = todo("1"), todo("2")
        self.act(client, "discard", one, confirmed="1", reason="test meter")

        answer = self.act(client, "discard", one, other, confirmed="1", reason="test meter")

        # The list shows open work, so the first is not among its rows any more.
        assert [(row["error"], row["outcome"]) for row in answer.context["rows"]] == [("", "Discarded")]
        refused = client.post(
            f"{LIST}?status=all",
            {"action": "discard", "_selected_action": [one.pk], "confirmed": "1", "reason": "again"},
        )
        assert "cannot be discarded" in refused.context["rows"][0]["error"]

    def test_all_that_were_chosen_across_pages_are_asked_about_and_done(self, client: Client, vera: User) -> None:
        made = [todo(str(number)) for number in range(3)]

        asked = self.act(client, "force_complete", made[0], select_across="1")

        assert len(asked.context["selected"]) == 3

    def test_too_many_at_once_are_refused(self, client: Client, vera: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vee.admin.many.MOST_AT_ONCE", 1)
        one, other = todo("1"), todo("2")

        for action in ("claim", "discard"):
            answer = client.post(LIST, {"action": action, "_selected_action": [one.pk, other.pk]}, follow=True)
            assert "Choose at most 1 rows at once." in answer.content.decode()
        assert ToDo.objects.filter(assigned_to__isnull=True).count() == 2


def test_the_queue_and_a_to_do_ask_a_fixed_number_of_queries(client: Client, vera: User) -> None:
    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    first = todo("0")
    client.get(LIST)
    few = (asked(LIST), asked(f"{LIST}{first.pk}/change/"))
    for number in range(1, 25):
        todo(str(number), to=vera if number % 2 else None)

    assert (asked(LIST), asked(f"{LIST}{first.pk}/change/")) == few
    assert few[0] <= 14
    assert few[1] <= 20
