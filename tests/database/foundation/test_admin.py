"""The pages of a list, however many rows it has."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count, OuterRef, Subquery
from django.test.utils import CaptureQueriesContext

from foundation import admin


pytestmark = pytest.mark.django_db


@pytest.fixture
def five() -> None:
    Group.objects.bulk_create(Group(name=f"group {number}") for number in range(5))


@pytest.mark.usefixtures("five")
class TestBoundedPaginator:
    def test_counts_no_further_than_its_bound_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(admin, "COUNTED", 3)

        pages = admin.BoundedPaginator(Group.objects.order_by("name"), 2)

        assert (pages.count, str(pages.count)) == (3, "3+")

    def test_counts_as_many_as_there_are_below_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(admin, "COUNTED", 5)

        pages = admin.BoundedPaginator(Group.objects.order_by("name"), 2)

        assert (pages.count, str(pages.count)) == (5, "5")

    def test_counts_in_one_query_without_what_is_looked_up_for_each_row(self) -> None:
        same = Group.objects.filter(name=OuterRef("name")).values("name")
        rows = Group.objects.annotate(looked_up=Subquery(same))

        with CaptureQueriesContext(connection) as asked:
            count = admin.BoundedPaginator(rows.order_by("looked_up"), 2).count

        assert count == 5
        assert len(asked) == 1
        assert "looked_up" not in asked[0]["sql"]

    def test_counts_rows_that_are_grouped_or_distinct_once_each(self) -> None:
        grouped = Group.objects.annotate(rights=Count("permissions")).filter(rights=0).order_by("pk")
        distinct = Group.objects.filter(name__startswith="group").distinct().order_by("pk")

        assert admin.BoundedPaginator(grouped, 2).count == 5
        assert admin.BoundedPaginator(distinct, 2).count == 5
