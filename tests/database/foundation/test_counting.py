"""Counting no further than a person needs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

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
