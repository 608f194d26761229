from __future__ import annotations

import itertools
import json

import pytest

from tests.factories import vee as make
from vee.choices import ImdState
from vee.models import ImdTransition, InitialMeasurement
from vee.operations import lifecycle


pytestmark = pytest.mark.django_db
PAIRS = list(itertools.product(ImdState.values, ImdState.values))


def imd_in(state: str) -> InitialMeasurement:
    return make.interval_imd("MC", ["1"], state=state)


class TestLegal:
    def test_the_table_is_that_of_the_models_transitions(self) -> None:
        assert {
            ("PENDING", "ERROR"),
            ("PENDING", "VEE_READY"),
            ("PENDING", "DISCARDED"),
            ("ERROR", "PENDING"),
            ("ERROR", "DISCARDED"),
            ("VEE_READY", "VEE"),
            ("VEE_READY", "EXCEPTION"),
            ("VEE", "COMPLETE"),
            ("VEE", "ERROR"),
            ("EXCEPTION", "VEE_READY"),
            ("EXCEPTION", "FORCE_COMPLETE"),
            ("EXCEPTION", "DISCARDED"),
            ("FORCE_COMPLETE", "COMPLETE"),
        } == lifecycle.LEGAL

    @pytest.mark.parametrize(("source", "target"), PAIRS)
    def test_one_by_one_and_in_bulk_agree_on_every_pair(self, source: str, target: str) -> None:
        single, bulk = imd_in(source), imd_in(source)
        legal = (source, target) in lifecycle.LEGAL

        for move in (
            lambda: lifecycle.move(imd=single, path=[source, target], at=make.AT),
            lambda: lifecycle.bulk_move(imd_ids=[bulk.pk], path=[source, target], at=make.AT),
        ):
            if legal:
                move()
            else:
                with pytest.raises(lifecycle.IllegalMove):
                    move()

        states = set(InitialMeasurement.objects.values_list("state", flat=True))
        assert states == {target if legal else source}
        assert ImdTransition.objects.count() == (2 if legal else 0)


class TestBulkMove:
    def test_it_moves_along_a_path_and_leaves_a_row_per_step(self) -> None:
        ids = [imd_in("PENDING").pk for _ in range(3)]

        lifecycle.bulk_move(
            imd_ids=ids,
            path=["PENDING", "VEE_READY", "VEE", "COMPLETE"],
            at=make.AT,
            by="ann",
            reason="because",
            details={ids[0]: json.dumps({"run": []})},
            details_of="VEE",
        )

        assert set(InitialMeasurement.objects.values_list("state", "state_changed_at")) == {("COMPLETE", make.AT)}
        rows = ImdTransition.objects.filter(imd=ids[0]).order_by("pk")
        assert [(row.from_state, row.to_state, row.details) for row in rows] == [
            ("PENDING", "VEE_READY", None),
            ("VEE_READY", "VEE", {"run": []}),
            ("VEE", "COMPLETE", None),
        ]
        assert {(row.by, row.reason, row.at) for row in rows} == {("ann", "because", make.AT)}
        assert ImdTransition.objects.count() == 9

    def test_it_moves_none_when_one_was_moved_meanwhile(self) -> None:
        here, gone = imd_in("PENDING"), imd_in("COMPLETE")

        with pytest.raises(lifecycle.StateChangedMeanwhile, match="1 of 2"):
            lifecycle.bulk_move(imd_ids=[here.pk, gone.pk], path=["PENDING", "VEE_READY"], at=make.AT)

        assert InitialMeasurement.objects.get(pk=here.pk).state == "PENDING"
        assert not ImdTransition.objects.exists()


class TestMove:
    def test_it_refuses_an_imd_that_is_elsewhere(self) -> None:
        imd = imd_in("COMPLETE")

        with pytest.raises(lifecycle.StateChangedMeanwhile):
            lifecycle.move(imd=imd, path=["PENDING", "VEE_READY"], at=make.AT)

        assert not ImdTransition.objects.exists()
