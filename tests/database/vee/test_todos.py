from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from tests.factories import vee as make
from vee import queries
from vee.models import ToDo, ToDoType, VeeExceptionType
from vee.operations import actions, edits, processing, todos


pytestmark = pytest.mark.django_db


def todo(summary: str = "look at it") -> ToDo:
    imd = make.interval_imd("MC", ["1"], state="EXCEPTION")
    todos.open_todos(needs=[todos.Need(imd.pk, [("ISSUE", "ANY")], summary)], at=make.AT)
    return ToDo.objects.get(imd=imd)


class TestOpenTodos:
    def test_one_that_is_open_is_not_opened_again(self) -> None:
        one = todo()

        opened = todos.open_todos(needs=[todos.Need(one.imd_id, (), "again")], at=make.AT)

        assert opened == 0
        assert ToDo.objects.get().summary == "look at it"

    def test_the_default_type_and_its_role_are_used_where_no_other_is_named(self) -> None:
        one = todo()

        assert (one.type_id, one.role.name, one.status) == ("VEE-EXCEPTION", "VEE analyst", "OPEN")


class TestTypeAndRole:
    """`vee.md` 3.7: one To Do per IMD; who gets it is configured on the exception types."""

    def kind(self, code: str, **fields: Any) -> VeeExceptionType:
        if "role" in fields:
            fields["todo_role"] = Group.objects.create(name=fields.pop("role"))
        if "todo" in fields:
            fields["todo_type"] = ToDoType.objects.create(code=fields.pop("todo"))
        return VeeExceptionType.objects.create(code=code, **fields)

    def opened(self, *findings: tuple[str, str], todo_type: str | None = None) -> ToDo | None:
        imd = make.interval_imd("MC", ["1"], state="EXCEPTION")
        todos.open_todos(needs=[todos.Need(imd.pk, findings, "look at it", todo_type)], at=make.AT)
        return ToDo.objects.filter(imd=imd).first()

    def test_those_of_the_exception_type_count(self) -> None:
        self.kind("A", todo="SHOP", role="Meter shop")

        one = self.opened(("ISSUE", "A"))

        assert one is not None
        assert (one.type_id, one.role.name) == ("SHOP", "Meter shop")

    def test_the_terminate_counts_before_the_issues(self) -> None:
        self.kind("A", todo="FIRST")
        self.kind("B", todo="SECOND")

        one = self.opened(("ISSUE", "A"), ("TERMINATE", "B"))

        assert one is not None
        assert one.type_id == "SECOND"

    def test_types_without_to_dos_are_passed_over_and_when_all_are_there_is_none(self) -> None:
        self.kind("A", create_todo=False)
        self.kind("B", todo="SECOND")

        one = self.opened(("ISSUE", "A"), ("ISSUE", "B"))

        assert one is not None
        assert one.type_id == "SECOND"
        assert self.opened(("ISSUE", "A")) is None

    def test_an_exception_handler_decides_alone(self) -> None:
        self.kind("A", todo="FIRST")
        self.kind("QUIET", create_todo=False)
        ToDoType.objects.create(code="OWN")

        own = self.opened(("ISSUE", "A"), ("TERMINATE", "HANDLED"), todo_type="OWN")
        unknown = self.opened(("ISSUE", "A"), ("TERMINATE", "HANDLED"), todo_type="GONE")

        assert own is not None
        assert own.type_id == "OWN"
        assert unknown is not None
        assert unknown.type_id == "VEE-EXCEPTION"
        assert self.opened(("ISSUE", "A"), ("TERMINATE", "QUIET"), todo_type="OWN") is None


class TestApi:
    def test_a_to_do_lists_the_exceptions_of_its_run(self) -> None:
        group = make.vee_group(
            "G",
            {"rule": "uom_check", "exception_type": "UOM"},
            {"rule": "interval_spike_check", "exception_type": "SPIKE"},
        )
        kind = make.MeasuringComponentTypeFactory(initial_load_group=group)
        imd = make.interval_imd(make.MeasuringComponentFactory(type=kind), ["9", "1", "1", "1"], uom="KW")
        processing.process_due(at=make.AT)
        ann = make.analyst()
        later = make.AT + dt.timedelta(hours=1)
        edits.edit_values(imd_id=imd.pk, by=ann, reason="typo", values={0: Decimal(1)}, at=later)
        actions.perform_vee(imd_id=imd.pk, by=ann, reason="again", at=later)
        client = APIClient()
        client.force_authenticate(make.person("reader", "vee.view_todo"))

        first, second = client.get("/api/v1/todos/", {"imd": imd.pk}).json()["results"]

        assert [(each["exception_type"], each["open"]) for each in first["exceptions"]] == [
            ("UOM", False),
            ("SPIKE", False),
        ]
        assert [(each["exception_type"], each["open"]) for each in second["exceptions"]] == [("UOM", True)]
        assert client.get(f"/api/v1/todos/{second['id']}/").json()["exceptions"] == second["exceptions"]


class TestClaim:
    def test_it_makes_the_to_do_mine(self) -> None:
        one, ann = todo(), make.analyst("ann")

        claimed = todos.claim(todo_id=one.pk, by=ann, at=make.AT)

        assert (claimed.assigned_to, claimed.status) == (ann, "BEING_WORKED_ON")

    def test_the_second_is_told_who_has_it(self) -> None:
        one = todo()
        todos.claim(todo_id=one.pk, by=make.analyst("ann"), at=make.AT)

        with pytest.raises(todos.UnableToChangeToDo, match="already claimed by ann"):
            todos.claim(todo_id=one.pk, by=make.analyst("bob"), at=make.AT)

        assert ToDo.objects.get().assigned_to.username == "ann"

    def test_a_complete_one_cannot_be_claimed(self) -> None:
        one = todo()
        todos.complete_todos(imd_ids=[one.imd_id], by="ann", completion="Discard: x", at=make.AT)

        with pytest.raises(todos.UnableToChangeToDo, match="already complete"):
            todos.claim(todo_id=one.pk, by=make.analyst(), at=make.AT)

        assert ToDo.objects.get().status == "COMPLETE"

    def test_it_needs_a_right(self) -> None:
        one = todo()

        with pytest.raises(todos.ToDoNotPermitted):
            todos.claim(todo_id=one.pk, by=make.person("eve"), at=make.AT)

        assert ToDo.objects.get().status == "OPEN"

    def test_many_give_a_result_each(self) -> None:
        one, other = todo(), todo()
        todos.claim(todo_id=other.pk, by=make.analyst("ann"), at=make.AT)

        results = todos.change_many(
            change=todos.claim, todo_ids=[one.pk, other.pk, 999], by=make.analyst("bob"), at=make.AT
        )

        assert [result.error for result in results] == [
            "", "The To Do is already claimed by ann.", "There is no To Do 999.",
        ]  # fmt: skip


class TestRelease:
    def test_it_gives_my_to_do_back(self) -> None:
        one, ann = todo(), make.analyst()
        todos.claim(todo_id=one.pk, by=ann, at=make.AT)

        released = todos.release(todo_id=one.pk, by=ann, at=make.AT)

        assert (released.assigned_to, released.status) == (None, "OPEN")

    def test_somebody_elses_stays_theirs_unless_i_may_assign(self) -> None:
        one = todo()
        todos.claim(todo_id=one.pk, by=make.analyst("ann"), at=make.AT)

        with pytest.raises(todos.UnableToChangeToDo, match="ann"):
            todos.release(todo_id=one.pk, by=make.analyst("bob"), at=make.AT)
        assert ToDo.objects.get().assigned_to.username == "ann"

        todos.release(todo_id=one.pk, by=make.person("sue", "vee.assign_todo"), at=make.AT)
        assert ToDo.objects.get().assigned_to is None


class TestAssign:
    def test_a_supervisor_gives_it_to_somebody(self) -> None:
        one, bob = todo(), make.analyst("bob")

        assigned = todos.assign(todo_id=one.pk, to=bob, by=make.person("sue", "vee.assign_todo"), at=make.AT)

        assert (assigned.assigned_to, assigned.status) == (bob, "BEING_WORKED_ON")

    def test_an_analyst_may_not(self) -> None:
        one, bob = todo(), make.analyst("bob")

        with pytest.raises(todos.ToDoNotPermitted):
            todos.assign(todo_id=one.pk, to=bob, by=make.analyst("ann"), at=make.AT)

        assert ToDo.objects.get().assigned_to is None


class TestNextTodoId:
    def test_it_is_the_next_by_age_that_nobody_has(self) -> None:
        first, second, third = todo(), todo(), todo()
        todos.claim(todo_id=second.pk, by=make.analyst(), at=make.AT)

        bob = make.analyst("bob")
        assert queries.next_todo_id(after=first, among=queries.open_todos(), by=bob) == third.pk
        assert queries.next_todo_id(after=third, among=queries.open_todos(), by=bob) == first.pk
