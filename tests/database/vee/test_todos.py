from __future__ import annotations

import pytest

from tests.factories import vee as make
from vee import queries
from vee.models import ToDo
from vee.operations import todos


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

        results = todos.claim_many(todo_ids=[one.pk, other.pk, 999], by=make.analyst("bob"), at=make.AT)

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

        assert queries.next_todo_id(after=first) == third.pk
        assert queries.next_todo_id(after=third) == first.pk
