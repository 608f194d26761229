"""Statements for many rows at once, on every database that we run on."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db.models import BinaryField, ExpressionWrapper, F
from pytest_django import DjangoAssertNumQueries

from foundation.bulk_writes import insert_each, insert_new, update_each, update_those
from outbound.models import ConnectionHealth, DeliveryAttempt, OutboundMessage
from tests.factories.messages import make_message
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db


def test_each_row_gets_its_own_values() -> None:
    first, second, other = make_message(), make_message(), make_message()
    token = uuid.uuid4()

    written = update_each(
        OutboundMessage,
        {
            first.pk: {"status": "FAIL", "lease_token": token, "answer": b"\x00one", "sent_at": NOW, "told": True},
            second.pk: {"status": "SENT", "lease_token": None, "answer": None, "sent_at": None, "told": False},
        },
    )

    assert written == 2
    for row in (first, second, other):
        row.refresh_from_db()
    assert (first.status, first.lease_token, first.answer, first.sent_at, first.told) == (
        "FAIL",
        token,
        b"\x00one",
        NOW,
        True,
    )
    assert (second.status, second.lease_token, second.answer, second.sent_at) == ("SENT", None, None, None)
    assert other.status == "PENDING"


def test_decimals_and_numbers_arrive_as_they_are() -> None:
    row = DeliveryAttempt.objects.create(message=make_message(), number=1, started_at=NOW)

    update_each(DeliveryAttempt, {row.pk: {"duration_seconds": Decimal("1.250"), "status": 200, "error": "it's"}})

    row.refresh_from_db()
    assert (row.duration_seconds, row.status, row.error) == (Decimal("1.250"), 200, "it's")


def test_rows_are_named_by_another_field_and_those_that_changed_meanwhile_are_left_alone() -> None:
    first, second = make_message(), make_message()
    token = uuid.uuid4()
    held = DeliveryAttempt.objects.create(message=first, number=1, started_at=NOW, outcome="STARTED")
    ended = DeliveryAttempt.objects.create(message=second, number=1, started_at=NOW, outcome="SUCCESS")
    rows = {first.pk: {"error": "a"}, second.pk: {"error": "b"}}

    written = update_each(DeliveryAttempt, rows, key="message", only={"outcome": "STARTED", "number": 1})

    held.refresh_from_db()
    ended.refresh_from_db()
    assert (written, held.error, ended.error) == (1, "a", "")
    OutboundMessage.objects.filter(pk=first.pk).update(lease_token=token)
    assert update_each(OutboundMessage, {first.pk: {"status": "SENT"}}, only={"lease_token": token}) == 1


@pytest.mark.parametrize("last", ["plain", 'a,b"c\\d{e}', "", "NULL", "it's", " Größe\n電 %s "])
def test_texts_numbers_and_times_arrive_as_they_are_however_they_are_written(last: str) -> None:
    messages = [make_message() for _ in range(3)]
    zone = dt.timezone(dt.timedelta(hours=-16, minutes=-30))
    times = [None, NOW, (NOW + dt.timedelta(microseconds=7)).astimezone(zone)]
    texts = ["first", "second", last]

    made = insert_new(
        DeliveryAttempt,
        shared={
            "number": 1,
            "retry": False,
            "target": "",
            "outcome": "SENT",
            "answer_excerpt": "",
            "started_at": NOW,
        },
        names=("message", "error", "status", "finished_at"),
        rows=[
            (message.pk, text, status, at)
            for message, text, status, at in zip(messages, texts, (None, 200, 503), times, strict=True)
        ],
    )

    assert made == 3
    assert list(DeliveryAttempt.objects.order_by("pk").values_list("error", "status", "finished_at")) == list(
        zip(texts, (None, 200, 503), times, strict=True)
    )


def test_nothing_is_asked_for_no_rows() -> None:
    assert update_each(OutboundMessage, {}) == 0
    assert insert_new(ConnectionHealth, shared={}, names=("connection",), rows=[]) == 0


def test_rows_that_are_there_are_left_alone() -> None:
    message = make_message()
    DeliveryAttempt.objects.create(message=message, number=2, started_at=NOW, error="old")
    shared = {
        "message": message.pk,
        "retry": False,
        "target": "",
        "outcome": "STARTED",
        "answer_excerpt": "",
        "started_at": NOW + dt.timedelta(seconds=1),
        "status": None,
    }

    new = insert_new(DeliveryAttempt, shared=shared, names=("number", "error"), rows=[(1, "a"), (2, "new"), (3, "c")])

    assert new == 2
    found = DeliveryAttempt.objects.filter(message=message).order_by("number").values_list("number", "error")
    assert list(found) == [(1, "a"), (2, "old"), (3, "c")]


def test_a_row_is_written_only_if_it_still_has_the_value_that_was_given_for_it() -> None:
    first, second = make_message(), make_message()
    OutboundMessage.objects.update(settled_at=NOW)
    rows = {
        first.pk: {"told": True, "settled_at": NOW},
        second.pk: {"told": True, "settled_at": NOW - dt.timedelta(seconds=1)},
    }

    assert update_each(OutboundMessage, rows, matching=["settled_at"]) == 1

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.told, second.told, second.settled_at) == (True, False, NOW)


def test_what_all_rows_get_alike_is_given_once_but_never_the_same_secret(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    first, second = make_message(), make_message()
    facts = {"status": "SENT", "lease_token": None, "sent_at": NOW, "last_error": "it's 100 %", "answer": b"taken"}

    with django_assert_num_queries(1) as queries:
        update_each(OutboundMessage, {first.pk: facts, second.pk: facts})

    assert queries[0]["sql"].count("SENT") == 1
    for row in (first, second):
        row.refresh_from_db()
        assert (row.status, row.lease_token, row.sent_at, row.last_error) == ("SENT", None, NOW, "it's 100 %")
        assert row.answer == b"taken"
    kept = OutboundMessage.objects.annotate(kept=ExpressionWrapper(F("answer"), output_field=BinaryField()))
    assert len({bytes(value) for value in kept.values_list("kept", flat=True)}) == 2


def test_it_is_told_which_rows_were_written_and_all_of_them_get_what_is_shared() -> None:
    mine, other, untouched = make_message(), make_message(), make_message()
    token = uuid.uuid4()
    OutboundMessage.objects.filter(pk=mine.pk).update(lease_token=token)
    rows = {mine.pk: {"answer": b"\x00mine"}, other.pk: {"answer": b"other"}}

    written = update_those(OutboundMessage, rows, only={"lease_token": token}, shared={"status": "SENT", "told": True})

    assert written == {mine.pk}
    found = {row.pk: (row.status, row.told, row.answer) for row in OutboundMessage.objects.all()}
    assert found == {
        mine.pk: ("SENT", True, b"\x00mine"),
        other.pk: ("PENDING", False, None),
        untouched.pk: ("PENDING", False, None),
    }
    assert update_those(OutboundMessage, {}, only={}) == set()


def test_the_keys_of_new_rows_are_told_by_what_they_belong_to() -> None:
    first, second = make_message(), make_message()
    shared = {"number": 1, "retry": False, "outcome": "SENT", "answer_excerpt": "", "error": "", "started_at": NOW}
    durations = {first.pk: Decimal("0.125"), second.pk: None}

    keys = insert_each(
        DeliveryAttempt,
        shared=shared,
        names=("message", "target", "duration_seconds"),
        rows=[(pk, f"to {pk}", duration) for pk, duration in durations.items()],
        by="message_id",
    )

    found = DeliveryAttempt.objects.in_bulk(keys.values())
    assert {pk: found[key].target for pk, key in keys.items()} == {pk: f"to {pk}" for pk in durations}
    assert {pk: found[key].duration_seconds for pk, key in keys.items()} == durations
    assert insert_each(DeliveryAttempt, shared=shared, names=("message",), rows=[], by="message_id") == {}
