"""Counting no further than a person needs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Case, When

from foundation import counting
from foundation.counting import Counted


pytestmark = pytest.mark.django_db


def test_many_kinds_are_counted_in_one_query(django_assert_num_queries: object) -> None:
    Group.objects.bulk_create(Group(name=f"counted-{number}") for number in range(7))
    groups = Group.objects.filter(name__startswith="counted-")
    kinds = {
        "all": groups,
        "some": groups.filter(name__in=["counted-1", "counted-2", "100%"]),
        "none": groups.filter(name="nothing"),
        "never": groups.filter(pk__in=[]),
    }

    with django_assert_num_queries(1):  # type: ignore[operator]
        found = counting.counts(kinds, at_most=5)

    assert found == {"all": Counted(5, more=True), "some": Counted(2), "none": Counted(0), "never": Counted(0)}
    assert [str(each) for each in found.values()] == ["more than 5", "2", "0", "0"]


def test_nothing_to_count_asks_nothing(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert counting.counts({"never": Group.objects.none()}) == {"never": Counted(0)}


class TestByValue:
    @pytest.fixture(autouse=True)
    def _people(self) -> None:
        User.objects.bulk_create(User(username=f"u{number}", last_name="AB"[number % 2]) for number in range(5))

    def test_is_one_pass(self, django_assert_num_queries: object) -> None:
        people = User.objects.filter(username__startswith="u").order_by("username")

        with django_assert_num_queries(1):  # type: ignore[operator]
            assert counting.counts_by_value(people, "last_name", at_most=5) == {"A": 3, "B": 2}

    def test_the_first_are_counted_by_what_they_hold_in_one_pass(self, django_assert_num_queries: object) -> None:
        named = User.objects.annotate(is_first=Case(When(username="u0", then=1), default=0))
        people = named.filter(username__startswith="u").order_by("username")

        with django_assert_num_queries(1):  # type: ignore[operator]
            found = counting.first_by_values(people, "last_name", "is_first", at_most=3)

        assert found == {("A", 1): 1, ("A", 0): 1, ("B", 0): 2}

    def test_gives_up_on_too_many_and_asks_nothing_of_none(self, django_assert_num_queries: object) -> None:
        assert counting.counts_by_value(User.objects.filter(username__startswith="u"), "last_name", at_most=4) is None
        with django_assert_num_queries(0):  # type: ignore[operator]
            assert counting.counts_by_value(User.objects.none(), "last_name", at_most=4) == {}
