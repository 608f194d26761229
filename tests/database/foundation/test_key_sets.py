"""Many keys as one parameter."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from outbound.models import DeliveryAttempt, OutboundMessage
from tests.factories.messages import make_message
from tests.factories.outbound import NOW
from vee.models import ReadingFile


pytestmark = pytest.mark.django_db


def test_finds_the_rows_of_the_keys_and_no_others(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first, second, other = make_message(), make_message(), make_message()
    for message in (first, other):
        DeliveryAttempt.objects.create(message=message, number=1, started_at=NOW)

    with django_assert_num_queries(2) as asked:
        found = set(OutboundMessage.objects.filter(pk__any_of={first.pk, second.pk}).values_list("pk", flat=True))
        tried = list(DeliveryAttempt.objects.filter(message__any_of=[first.pk, second.pk]))

    assert found == {first.pk, second.pk}
    assert [attempt.message_id for attempt in tried] == [first.pk]
    assert " IN (%s" not in asked[0]["sql"]


@pytest.mark.parametrize(
    "wanted",
    [["plain", "A-1"], ['"', "plain"], ["back\\slash", "a,b", "{c}"], ['","', " ", "NULL"], ['\\"', "é", ""]],
)
def test_texts_are_found_as_they_are_written(wanted: list[str]) -> None:
    for name in (*wanted, "another", "\\"):
        ReadingFile.objects.create(name=name, format="nem12", size=0, sha256="")

    found = ReadingFile.objects.filter(name__any_of=wanted).values_list("name", flat=True)

    assert sorted(found) == sorted(wanted)


def test_no_key_finds_no_row() -> None:
    make_message()

    assert not OutboundMessage.objects.filter(pk__any_of=[]).exists()
