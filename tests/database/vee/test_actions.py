from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.factories import vee as make
from vee import queries
from vee.codes import Condition
from vee.models import (
    ImdPostVee,
    ImdTransition,
    InitialMeasurement,
    MeasurementBlock,
    RegisterMeasurement,
    ToDo,
    VeeException,
    VeeRule,
)
from vee.operations import actions, edits, processing


pytestmark = pytest.mark.django_db
SPIKE = {"rule": "interval_spike_check", "exception_type": "SPIKE", "parameters": {"tolerance": 1.8}}
INTERPOLATE = {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 2}}
VALUES: list[str | None] = ["1"] * 40 + ["9"] + ["1"] * 55
ACTIONS = {"perform-vee": "vee.perform_vee", "discard": "vee.discard_imd", "force-complete": "vee.force_complete_imd"}


def in_exception(*rules: dict[str, Any], values: list[str | None] = VALUES) -> InitialMeasurement:
    group = make.vee_group("G", *(rules or (SPIKE,)))
    one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))
    imd = make.interval_imd(one, values)
    processing.process_due(at=make.AT)
    return get(imd)


def get(imd: InitialMeasurement) -> InitialMeasurement:
    return InitialMeasurement.objects.get(pk=imd.pk)


def trace(imd: InitialMeasurement) -> tuple[Any, ...]:
    return (
        get(imd).state,
        ImdTransition.objects.filter(imd=imd).count(),
        list(ToDo.objects.filter(imd=imd).values_list("status", "completion")),
        list(VeeException.objects.filter(imd=imd).values_list("open", flat=True)),
        MeasurementBlock.objects.count(),
    )


class TestEveryAction:
    @pytest.mark.parametrize("name", ACTIONS)
    def test_needs_its_own_right(self, name: str) -> None:
        imd = in_exception()
        others = [right for other, right in ACTIONS.items() if other != name]
        before = trace(imd)

        with pytest.raises(actions.NotPermitted):
            actions.ACTIONS[name](imd_id=imd.pk, by=make.person("eve", *others), reason="because", at=make.AT)

        assert trace(imd) == before

    @pytest.mark.parametrize("name", ACTIONS)
    @pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
    def test_needs_a_reason(self, name: str, reason: str) -> None:
        imd = in_exception()
        before = trace(imd)

        with pytest.raises(actions.ReasonMissing):
            actions.ACTIONS[name](imd_id=imd.pk, by=make.analyst(), reason=reason, at=make.AT)

        assert trace(imd) == before

    @pytest.mark.parametrize("name", ACTIONS)
    @pytest.mark.parametrize("state", ["COMPLETE", "DISCARDED"])
    def test_is_refused_at_the_end_of_the_life_cycle(self, name: str, state: str) -> None:
        imd = make.interval_imd("MC", ["1"], state=state)

        with pytest.raises(actions.StateDoesNotAllow, match=state):
            actions.ACTIONS[name](imd_id=imd.pk, by=make.analyst(), reason="because", at=make.AT)

        assert trace(imd) == (state, 0, [], [], 0)

    @pytest.mark.parametrize("name", ACTIONS)
    def test_is_refused_for_an_imd_that_is_not_there(self, name: str) -> None:
        with pytest.raises(actions.ImdNotFound):
            actions.ACTIONS[name](imd_id=999, by=make.analyst(), reason="because", at=make.AT)

    @pytest.mark.parametrize("name", ["discard", "force-complete"])
    def test_twice_is_refused_the_second_time(self, name: str) -> None:
        imd = in_exception()
        by = make.analyst()
        actions.ACTIONS[name](imd_id=imd.pk, by=by, reason="because", at=make.AT)
        before = trace(imd)

        with pytest.raises(actions.StateDoesNotAllow):
            actions.ACTIONS[name](imd_id=imd.pk, by=by, reason="because", at=make.AT)

        assert trace(imd) == before


class TestPerformVee:
    def test_it_runs_at_once_and_completes_after_the_cause_is_gone(self) -> None:
        imd = in_exception()
        VeeRule.objects.update(parameters={"tolerance": 10})

        done = actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="tolerance raised", at=make.AT)

        assert done.state == "COMPLETE"
        assert MeasurementBlock.objects.get().total == 104_000_000
        rows = ImdTransition.objects.filter(imd=imd).order_by("pk").values_list("to_state", "by", "reason")
        assert list(rows)[2:] == [
            ("VEE_READY", "ann", "tolerance raised"),
            ("VEE", "system", ""),
            ("COMPLETE", "system", ""),
        ]
        assert ToDo.objects.get().completion == "Perform VEE: tolerance raised"
        assert list(VeeException.objects.values_list("open", flat=True)) == [False]
        assert get(imd).attempts == 2

    def test_it_comes_back_with_a_new_to_do_when_the_issue_remains(self) -> None:
        imd = in_exception()

        done = actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="again", at=make.AT)

        assert done.state == "EXCEPTION"
        assert list(ToDo.objects.order_by("pk").values_list("status", flat=True)) == ["COMPLETE", "OPEN"]
        assert list(VeeException.objects.order_by("pk").values_list("open", flat=True)) == [False, True]

    def test_it_starts_from_received_values_and_never_from_earlier_estimates(self) -> None:
        values = [*VALUES]
        values[10] = None
        imd = in_exception(INTERPOLATE, SPIKE, values=values)
        assert queries.imd_detail(imd.pk).post_vee[10].value == Decimal(1)
        VeeRule.objects.filter(rule=INTERPOLATE["rule"]).delete()

        actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="again", at=make.AT)

        assert queries.imd_detail(imd.pk).post_vee[10].value is None
        assert not ImdPostVee.objects.exists()

    def test_it_keeps_edits(self) -> None:
        imd = in_exception()
        by = make.analyst()
        edits.edit_values(imd_id=imd.pk, by=by, reason="read on site", values={40: Decimal("1.5")}, at=make.AT)

        done = actions.perform_vee(imd_id=imd.pk, by=by, reason="corrected", at=make.AT)

        assert done.state == "COMPLETE"
        block = MeasurementBlock.objects.get()
        assert block.values[40] == 1_500_000
        assert block.flags.tolist() == [int(index == 40) for index in range(96)]
        assert ImdPostVee.objects.get().rules[40] == -1

    def test_it_repairs_an_error_after_the_component_was_created(self) -> None:
        imd = make.interval_imd("LATE", ["1"] * 96)
        processing.process_due(at=make.AT)
        assert get(imd).state == "ERROR"
        make.MeasuringComponentFactory(identifier="LATE")

        done = actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="created it", at=make.AT)

        assert (done.state, done.error) == ("COMPLETE", "")
        assert ToDo.objects.get().completed_by == "ann"
        assert MeasurementBlock.objects.count() == 1

    def test_an_error_whose_cause_remains_is_an_error_again(self) -> None:
        imd = make.interval_imd("NOBODY", ["1"] * 96)
        processing.process_due(at=make.AT)

        done = actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="hope", at=make.AT)

        assert done.state == "ERROR"
        assert list(ToDo.objects.order_by("pk").values_list("status", flat=True)) == ["COMPLETE", "OPEN"]

    def test_an_exception_that_cannot_be_prepared_any_more_stays_an_exception(self) -> None:
        imd = in_exception()
        type(imd).objects.filter(pk=imd.pk).update(end=imd.end.replace(hour=1))

        done = actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="again", at=make.AT)

        assert done.state == "EXCEPTION"
        assert VeeException.objects.get(open=True).exception_type == "NOT-PREPARED"


class TestForceComplete:
    def test_it_takes_the_values_after_vee_with_estimates_and_gaps(self) -> None:
        values = [*VALUES]
        values[10], values[60:80] = None, [None] * 20
        imd = in_exception(INTERPOLATE, SPIKE, values=values)

        actions.force_complete(imd_id=imd.pk, by=make.analyst(), reason="accepted", at=make.AT)

        block = MeasurementBlock.objects.get()
        assert block.values[10] == 1_000_000
        assert block.conditions[60] == Condition.MISSING
        assert block.missing == 20

    def test_what_cannot_be_stored_is_refused_and_nothing_changes(self) -> None:
        group = make.vee_group("G", {"rule": "interval_size_validation"})
        one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))
        imd = make.interval_imd(one, ["1"] * 48, seconds=1800)
        processing.process_due(at=make.AT)
        before = trace(imd)

        with pytest.raises(actions.UnableToFinalize, match="1800 s"):
            actions.force_complete(imd_id=imd.pk, by=make.analyst(), reason="accepted", at=make.AT)

        assert trace(imd) == before
        assert before[0] == "EXCEPTION"

    def test_a_lower_register_reading_becomes_the_base_of_the_next_without_a_figure(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "100", at=make.DAY)
        lower = make.register_imd(one, "5", at=make.AT)
        processing.process_due(at=make.AT)

        actions.force_complete(imd_id=lower.pk, by=make.analyst(), reason="meter exchanged", at=make.AT)

        row = RegisterMeasurement.objects.get(read_at=make.AT)
        assert (row.reading, row.consumption) == (Decimal(5), None)


class TestActOnMany:
    def test_it_gives_a_result_per_imd_in_order(self) -> None:
        imd = in_exception()
        done = make.interval_imd("MC", ["1"], state="COMPLETE")

        results = actions.act_on_many(
            action="discard", imd_ids=[done.pk, imd.pk], by=make.analyst(), reason="both", at=make.AT
        )

        assert [result.imd_id for result in results] == [done.pk, imd.pk]
        assert results[0].error == "An IMD in state COMPLETE cannot be discarded."
        assert results[1].error == ""
        assert get(imd).state == "DISCARDED"
