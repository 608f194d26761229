"""X1-CALAS: what is asked of the database, what is written, and what is left when it is killed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets import score_queries
from assets.choices import BatchStatus, DeviceReach, ParticipationOutcome, SubscriptionStatus, ToDoStatus
from assets.engine import score_words
from assets.models import (
    AssetToDo,
    BatchRun,
    ControlScore,
    ProgramSubscription,
    ScoreCalculation,
    ScoreCalculationVersion,
    SubscriptionDevice,
)
from assets.operations import batch_work, score_calculations, score_inputs, score_store, scoring
from lookups.operations import install_defaults
from tests.database.assets.score_world import AT, SCORES, make_member, make_vectors, make_world, took_part
from tests.factories.assets import make_program


pytestmark = pytest.mark.django_db


def score_of(membership: SubscriptionDevice, *, at: dt.datetime = AT) -> ControlScore:
    scoring.run(at=at)
    return ControlScore.objects.get(pk=membership.pk)


class TestRun:
    def test_gives_the_vectors_to_the_cent(self) -> None:
        memberships = make_vectors(make_world())

        run = scoring.run(at=AT)

        assert run is not None
        assert run.status == BatchStatus.COMPLETE
        found = [ControlScore.objects.get(pk=one.pk) for one in memberships]
        assert [one.score for one in found] == SCORES
        assert [(one.eligible, one.reason) for one in found] == [(True, ""), (False, "EVENT_LIMIT_REACHED")]
        assert run.counts == {
            "devices": 2,
            "eligible": 1,
            "not_calculated": 0,
            "score_cents": 3343,
            "exactly": 0,
            "EVENT_LIMIT_REACHED": 1,
            "removed": 0,
        }

    def test_the_third_vector_on_the_first_day_of_its_cycle(self) -> None:
        membership = make_member(1, make_world(), kw="2.8")

        found = score_of(membership, at=dt.datetime(2023, 6, 1, 8, 0, tzinfo=dt.UTC))

        assert (found.day_of_cycle, found.days_in_cycle, found.days_elapsed) == (1, 30, 30)
        assert found.score == Decimal("40.00")

    def test_what_it_came_from_explains_it_exactly(self) -> None:
        second, limit = make_vectors(make_world())
        scoring.run(at=AT)

        for membership in (second, limit):
            kept = score_queries.scores_for_display().get(pk=membership.pk)
            explained = score_queries.explanation_of(kept).found
            assert (explained.score, explained.eligible, explained.reason) == (kept.score, kept.eligible, kept.reason)

    def test_is_nothing_when_the_dacs_side_is_off(self) -> None:
        install_defaults(at=AT)

        assert scoring.run(at=AT) is None
        assert BatchRun.objects.count() == 0


class TestInputs:
    @pytest.mark.parametrize(
        ("_case", "hours_ago", "reach", "status", "score"),
        [
            ("just checked", 1, DeviceReach.ONLINE, "ONLINE", "50.00"),
            ("checked long ago", 25, DeviceReach.ONLINE, "STALE", "25.00"),
            ("never checked", None, DeviceReach.UNKNOWN, "UNKNOWN", "25.00"),
            ("offline since long", 90, DeviceReach.OFFLINE, "OFFLINE", "0.00"),
        ],
    )
    def test_how_a_device_is_reached(self, _case: str, hours_ago: Any, reach: Any, status: str, score: str) -> None:
        found = score_of(make_member(1, make_world(), checked_hours_ago=hours_ago, reach=reach))

        assert (found.communication_status, found.score) == (status, Decimal(score))
        assert found.reason == ("DEVICE_OFFLINE" if status == "OFFLINE" else "")

    def test_cycle_and_year_begin_in_the_zone_of_the_program(self) -> None:
        membership = make_member(1, make_world())
        # 2023-06-01 in UTC, and still the 31st of May in Los Angeles; the year began at 08:00 UTC there.
        for moment in (
            dt.datetime(2023, 6, 1, 6, 59, tzinfo=dt.UTC),
            dt.datetime(2023, 6, 1, 7, 0, tzinfo=dt.UTC),
            dt.datetime(2023, 1, 1, 7, 59, tzinfo=dt.UTC),
            dt.datetime(2023, 1, 1, 8, 0, tzinfo=dt.UTC),
        ):
            took_part(membership, days_ago=(AT - moment) / dt.timedelta(days=1))

        found = score_of(membership)

        assert (found.event_count, found.event_count_year, found.successes) == (1, 3, 4)
        assert found.days_elapsed == 14
        assert found.last_event_at == dt.datetime(2023, 6, 1, 7, 0, tzinfo=dt.UTC)

    def test_a_week_is_a_cycle_too(self) -> None:
        program = make_world()
        type(program).objects.update(cycle="WEEK")
        membership = make_member(1, program)
        took_part(membership, days_ago=3)
        took_part(membership, days_ago=4)

        found = score_of(membership)

        # AT is a Thursday.
        assert (found.days_in_cycle, found.day_of_cycle, found.event_count) == (7, 4, 1)

    def test_only_some_outcomes_are_attempts(self) -> None:
        membership = make_member(1, make_world())
        for number, outcome in enumerate(ParticipationOutcome.values):
            took_part(membership, days_ago=20 + number, outcome=outcome)
        took_part(membership, days_ago=400)

        found = score_of(membership)

        assert (found.successes, found.attempts) == (1, 4)

    @pytest.mark.parametrize(
        ("_case", "days_ago", "reserved"),
        [("under way", 0.01, True), ("tomorrow morning", -0.9, True), ("in two days", -2, False), ("over", 1, False)],
    )
    def test_a_reservation_that_overlaps_the_next_day(self, _case: str, days_ago: float, reserved: bool) -> None:
        membership = make_member(1, make_world())
        took_part(membership, days_ago=days_ago, outcome="")

        found = score_of(membership)

        assert (found.reserved, found.eligible) == (reserved, not reserved)
        assert found.reason == ("RESERVED" if reserved else "")

    def test_an_opt_out_and_a_program_that_is_over(self) -> None:
        program = make_world()
        membership = make_member(1, program, opted_out_until=AT + dt.timedelta(days=1))

        assert score_of(membership).reason == "OPTED_OUT"
        type(program).objects.update(ends_on=dt.date(2023, 6, 15))
        assert score_of(membership).reason == "NOT_ACTIVE"

    def test_each_program_has_its_own_limits_and_calculation(self) -> None:
        program = make_world()
        calculation = ScoreCalculation.objects.create(code="FLAT")
        score_calculations.add_version(
            calculation=calculation,
            effective_on=dt.date(2023, 1, 1),
            definition={**score_words.DEFAULT, "formulas": [
                {"name": "AV", "expression": "1"}, {"name": "comm", "expression": "1"},
                {"name": "SC", "expression": "CA * 1.005"},
            ]},
            by=None,
            at=AT,
        )  # fmt: skip
        flat = make_program("FLAT", event_limit=5, score_calculation=calculation)
        first, second = make_member(1, program), make_member(2, flat)

        scoring.run(at=AT)

        found = ControlScore.objects.in_bulk()
        assert (found[first.pk].event_limit, found[second.pk].event_limit) == (4, 5)
        # 5.025 is a tie: half to even.
        assert found[second.pk].score == Decimal("5.02")
        assert found[second.pk].version.calculation == calculation


class TestChunks:
    def test_many_chunks_give_what_one_gives(self) -> None:
        program = make_world()
        make_vectors(program)
        for number in range(3, 10):
            make_member(number, program, kw=f"{number / 2}")
        scoring.run(at=AT)
        whole = list(ControlScore.objects.order_by("pk").values_list("pk", "score", "reason"))

        scoring.run(at=AT, chunk=2)

        assert list(ControlScore.objects.order_by("pk").values_list("pk", "score", "reason")) == whole
        assert len(whole) == 9

    def test_a_chunk_takes_as_many_queries_whatever_its_size(self) -> None:
        program = make_world()
        counts = []
        for number in (1, 2, 3, 4, 5):
            make_member(number, program)
            with CaptureQueriesContext(connection) as captured:
                scoring.run(at=AT)
            counts.append(len(captured))

        # The first run finds none before it.
        assert counts[2:] == counts[1:2] * 3


class TestAgain:
    def test_a_score_that_changes_keeps_the_one_before(self) -> None:
        membership = make_member(1, make_world())
        first = score_of(membership)
        took_part(membership, days_ago=0.1)
        later = AT + dt.timedelta(hours=1)

        second = score_of(membership, at=later)
        third = score_of(membership, at=later)

        assert (first.previous_score, first.changed_at) == (None, AT)
        assert (second.previous_score, second.changed_at) == (first.score, later)
        assert (third.previous_score, third.changed_at) == (first.score, later)

    def test_the_score_of_a_device_that_left_is_removed(self) -> None:
        membership = make_member(1, make_world())
        scoring.run(at=AT)
        ProgramSubscription.objects.filter(pk=membership.subscription_id).update(status=SubscriptionStatus.INACTIVE)

        run = scoring.run(at=AT)

        assert run is not None
        assert (ControlScore.objects.count(), run.counts["removed"]) == (0, 1)

    def test_a_failed_run_has_a_to_do_and_its_rerun_the_same_number(self) -> None:
        make_member(1, make_world())
        kept = ScoreCalculationVersion.objects.get()
        ScoreCalculationVersion.objects.update(effective_on=dt.date(2024, 1, 1))

        failed = [scoring.run(at=AT), scoring.run(at=AT)]
        ScoreCalculationVersion.objects.update(effective_on=kept.effective_on)
        todo = AssetToDo.objects.get()
        rerun, following = scoring.run(at=AT), scoring.run(at=AT)

        assert [(one.batch_number, one.rerun_number, one.status) for one in (*failed, rerun, following) if one] == [
            (1, 0, BatchStatus.ERROR),
            (1, 1, BatchStatus.ERROR),
            (1, 2, BatchStatus.COMPLETE),
            (2, 0, BatchStatus.COMPLETE),
        ]
        assert todo.summary == (
            "X1-CALAS: Program SMART-COOL: score calculation DEFAULT has no version in force on 2023-06-15."
        )
        todo.refresh_from_db()
        assert todo.status == ToDoStatus.COMPLETE

    def test_a_run_that_was_killed_is_found_by_its_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        program = make_world()
        memberships = [make_member(number, program) for number in (1, 2, 3)]
        BatchRun.objects.create(batch_code=scoring.BATCH, batch_number=7, started_at=AT, heartbeat_at=AT)

        with pytest.raises(batch_work.BatchInProgress):
            scoring.run(at=AT + dt.timedelta(minutes=9))
        rerun = scoring.run(at=AT + dt.timedelta(minutes=11))

        assert rerun is not None
        assert (rerun.batch_number, rerun.rerun_number, rerun.counts["devices"]) == (7, 1, len(memberships))
        assert BatchRun.objects.get(rerun_number=0).status == BatchStatus.ERROR

    def test_a_crash_between_chunks_leaves_whole_chunks_and_a_rerun_that_scores_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = make_world()
        for number in range(1, 6):
            make_member(number, program)
        written, really = [], score_store.write

        def write(chunk: score_store.Chunk) -> None:
            if len(written) == 2:
                raise MemoryError("gone")
            written.append(chunk)
            really(chunk)

        monkeypatch.setattr(score_store, "write", write)
        with pytest.raises(MemoryError):
            scoring.run(at=AT, chunk=2)
        left = ControlScore.objects.count()
        monkeypatch.undo()
        rerun = scoring.run(at=AT, chunk=2)

        assert left == 4
        assert rerun is not None
        assert (rerun.rerun_number, rerun.status) == (1, BatchStatus.COMPLETE)
        assert set(ControlScore.objects.values_list("batch_run", flat=True)) == {rerun.pk}


class TestVersions:
    def test_the_latest_effective_one_counts_and_of_a_day_the_highest_number(self) -> None:
        make_world()
        calculation = ScoreCalculation.objects.get()
        for day in (10, 20, 20):
            score_calculations.add_version(
                calculation=calculation,
                effective_on=dt.date(2023, 6, day),
                definition=score_words.DEFAULT,
                by=None,
                at=AT,
            )

        numbers = [
            getattr(score_queries.version_in_force(calculation=calculation, on=dt.date(2023, 6, day)), "number", None)
            for day in (9, 10, 19, 20)
        ]

        assert numbers == [1, 2, 2, 4]

    def test_a_device_with_two_memberships_in_a_program_is_scored_in_both(self) -> None:
        program = make_world()
        first, second = make_member(1, program), make_member(2, program)
        SubscriptionDevice.objects.filter(pk=second.pk).update(device=first.device_id)
        took_part(first, days_ago=3)

        scoring.run(at=AT)

        assert set(ControlScore.objects.values_list("event_count", flat=True)) == {1}
        assert ControlScore.objects.count() == 2


def test_columns_and_variables_are_the_same_ones() -> None:
    assert {*score_queries.FIELDS.values(), "communication"} == set(score_words.NAMES)
    assert len(score_inputs.REACH) == 4
