from __future__ import annotations

from decimal import Decimal

import pytest

from tests.factories import vee as make
from vee import queries
from vee.codes import Condition
from vee.models import ImdEdit, ImdPayload, ImdPostVee, InitialMeasurement, MeasurementBlock, RegisterMeasurement
from vee.operations import actions, edits, processing


pytestmark = pytest.mark.django_db
REGULAR, MISSING = int(Condition.REGULAR), int(Condition.MISSING)


def spiky() -> InitialMeasurement:
    group = make.vee_group("G", {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}})
    one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))
    imd = make.interval_imd(one, ["1"] * 40 + ["9"] + ["1"] * 55)
    processing.process_due(at=make.AT)
    return InitialMeasurement.objects.get(pk=imd.pk)


class TestEditValues:
    def test_it_leaves_old_and_new_who_when_and_why_and_what_was_received(self) -> None:
        imd, by = spiky(), make.analyst()

        edits.edit_values(imd_id=imd.pk, by=by, reason=" typo ", values={40: Decimal("1.25"), 41: None}, at=make.AT)

        rows = ImdEdit.objects.order_by("pk").values_list(
            "interval", "old_value", "old_condition", "new_value", "new_condition", "by", "reason", "at"
        )
        assert list(rows) == [
            (40, 9_000_000, REGULAR, 1_250_000, REGULAR, by.pk, "typo", make.AT),
            (41, 1_000_000, REGULAR, None, MISSING, by.pk, "typo", make.AT),
        ]
        detail = queries.imd_detail(imd.pk)
        assert detail.imd.user_edited
        assert detail.pre_vee[40].value == Decimal(9)
        assert (detail.post_vee[40].value, detail.post_vee[40].rule) == (Decimal("1.25"), queries.EDITED)
        assert (detail.post_vee[41].value, detail.post_vee[41].condition) == (None, MISSING)
        assert ImdPayload.objects.get(pk=imd.pk).values[40] == 9_000_000

    def test_a_condition_may_be_given(self) -> None:
        imd = spiky()

        edits.edit_values(
            imd_id=imd.pk, by=make.analyst(), reason="est", values={40: Decimal(1)}, conditions={40: 301000}, at=make.AT
        )

        assert ImdPostVee.objects.get().conditions[40] == 301000

    def test_a_value_that_is_what_it_was_is_no_edit(self) -> None:
        imd = spiky()

        edits.edit_values(imd_id=imd.pk, by=make.analyst(), reason="none", values={0: Decimal("1.0")}, at=make.AT)

        assert not ImdEdit.objects.exists()
        assert not InitialMeasurement.objects.get(pk=imd.pk).user_edited

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({96: Decimal(1)}, "no interval 96"),
            ({-1: Decimal(1)}, "no interval -1"),
            ({3: Decimal("0.0000001")}, "6 dec"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused_with_all_others(
        self, values: dict[int, Decimal], message: str
    ) -> None:
        imd = spiky()

        with pytest.raises(edits.ValueNotUsable, match=message) as refusal:
            edits.edit_values(
                imd_id=imd.pk, by=make.analyst(), reason="x", values={0: Decimal(5), **values}, at=make.AT
            )

        assert refusal.value.interval == next(iter(values))
        assert not ImdEdit.objects.exists()
        assert not ImdPostVee.objects.exists()

    def test_it_needs_its_own_right(self) -> None:
        imd = spiky()

        with pytest.raises(actions.NotPermitted):
            edits.edit_values(
                imd_id=imd.pk, by=make.person("eve", "vee.perform_vee"), reason="x", values={0: Decimal(5)}, at=make.AT
            )

        assert not ImdEdit.objects.exists()

    @pytest.mark.parametrize(
        ("state", "kind"), [("PENDING", "INITIAL_LOAD"), ("COMPLETE", "MANUAL"), ("ERROR", "MANUAL")]
    )
    def test_other_states_do_not_allow_it(self, state: str, kind: str) -> None:
        imd = make.interval_imd("MC", ["1"], state=state, kind=kind)

        with pytest.raises(actions.StateDoesNotAllow):
            edits.edit_values(imd_id=imd.pk, by=make.analyst(), reason="x", values={0: Decimal(5)}, at=make.AT)

        assert not ImdEdit.objects.exists()

    def test_a_pending_manual_imd_can_be_edited(self) -> None:
        one = make.MeasuringComponentFactory()
        imd = make.interval_imd(one, ["1"] * 96, kind="MANUAL")

        ann = make.analyst()

        edits.edit_values(imd_id=imd.pk, by=ann, reason="x", values={0: Decimal(5)}, at=make.AT)
        actions.perform_vee(imd_id=imd.pk, by=ann, reason="x", at=make.AT)

        assert MeasurementBlock.objects.get().values[0] == 5_000_000

    def test_a_register_reading_is_edited_as_interval_0(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "100", at=make.DAY)
        lower = make.register_imd(one, "15", at=make.AT)
        processing.process_due(at=make.AT)
        by = make.analyst()

        edits.edit_values(imd_id=lower.pk, by=by, reason="digit lost", values={0: Decimal(115)}, at=make.AT)
        assert queries.imd_detail(lower.pk).post_vee[0].value == Decimal(115)
        actions.perform_vee(imd_id=lower.pk, by=by, reason="corrected", at=make.AT)

        row = RegisterMeasurement.objects.get(read_at=make.AT)
        assert (row.reading, row.consumption, row.user_edited) == (Decimal(115), Decimal(15), True)


class TestEditAndPerform:
    def test_it_does_both_or_nothing(self) -> None:
        imd = spiky()
        only_edits = make.person("eve", "vee.edit_imd")

        with pytest.raises(actions.NotPermitted):
            edits.edit_and_perform(
                imd_id=imd.pk, by=only_edits, reason="x", values={40: Decimal(1)}, perform=True, at=make.AT
            )
        assert not ImdEdit.objects.exists()

        done = edits.edit_and_perform(
            imd_id=imd.pk, by=make.analyst(), reason="x", values={40: Decimal(1)}, perform=True, at=make.AT
        )
        assert done.state == "COMPLETE"
