"""
Whatever happens to readings, each has one fate, and what is measured is what the model says.

A small model (`imd_model`) says what each IMD should have come to; the product takes readings in, runs VEE over them,
and lets people edit, discard, force-complete, repair and correct them in any order.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.database.vee import imd_model as model
from tests.factories import vee as make
from tests.fuzz.figures import Figures, noted, on_database
from tests.fuzz.sizes import sizes
from vee import queries
from vee.choices import OPEN_TODO_STATUSES
from vee.codes import Condition
from vee.models import ImdPayload, ImdTransition, InitialMeasurement, ToDo, VeeException
from vee.operations import actions, edits, intake, lifecycle, processing, repairs


pytestmark = pytest.mark.django_db

DAYS = 2
SECONDS = 24 * 3600 // model.INTERVALS
KNOWN = ("MC-A", "MC-B")
UNKNOWN = "MC-NOBODY-KNOWS"
VALUE = st.one_of(st.none(), st.integers(-3, 9).map(Decimal), st.just(Decimal("0.125")))
VALUES = st.lists(VALUE, min_size=model.INTERVALS, max_size=model.INTERVALS).map(tuple)
# Most days are fit to be measured: a machine that only makes exceptions gets nowhere.
GOOD = st.lists(st.integers(0, 9).map(Decimal), min_size=model.INTERVALS, max_size=model.INTERVALS).map(tuple)
PICK = st.integers(0, 99)
RULES = (
    {"rule": "uom_check"},
    {"rule": "raise_missing_quantity_exception"},
    {"rule": "negative_consumption_check"},
)


class Life(RuleBasedStateMachine):
    """Two components that are known and one that is not, and days of readings of them."""

    figures: ClassVar[Figures]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        group = make.vee_group("LIFE", *RULES)
        kind = make.MeasuringComponentTypeFactory(
            initial_load_group=group, manual_override_group=group, seconds_per_interval=SECONDS
        )
        self.components = {name: make.MeasuringComponentFactory(identifier=name, type=kind) for name in KNOWN}
        self.by = make.analyst("life")
        self.house = model.House()
        self.received: dict[str, tuple[dict[str, Any], int]] = {}
        self.at = make.AT

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.block.__exit__(RuntimeError, RuntimeError("rolled back"), None)

    # What comes in

    @rule(
        component=st.sampled_from([*KNOWN, *KNOWN, UNKNOWN]),
        day=st.integers(0, DAYS - 1),
        values=GOOD | VALUES,
        kind=st.sampled_from(["INITIAL_LOAD", "INITIAL_LOAD", "MANUAL"]),
        uom=st.sampled_from(["KWH", "KWH", "KWH", "KW"]),
    )
    def receive(self, component: str, day: int, values: model.Values, kind: str, uom: str) -> None:
        record = self.record(component, day, values, kind=kind, uom=uom)
        (result,) = intake.receive_imds(records=[record], at=self.at)
        assert result.problem is None
        assert result.id is not None
        self.received[record["external_id"]] = (record, result.id)
        known = component in KNOWN
        self.house.imds[result.id] = model.Imd(
            component if known else None, day, values, kind, "PENDING" if known else "ERROR", fits=uom == "KWH"
        )

    @rule(values=VALUES, wrong=st.sampled_from(["value", "length", "period", "field"]))
    def receive_what_is_refused(self, values: model.Values, wrong: str) -> None:
        record = self.record("MC-A", 0, values)
        record.update(
            {
                "value": {"values": ["1_000", *record["values"][1:]]},
                "length": {"values": record["values"][1:]},
                "period": {"end": "2024-03-01T00:00:00Z"},
                "field": {"nobody_knows": 1},
            }[wrong]
        )
        (result,) = intake.receive_imds(records=[record], at=self.at)
        assert result.id is None
        assert result.problem is not None
        assert result.problem.errors

    @precondition(lambda self: self.received)
    @rule(pick=PICK, other=st.booleans())
    def receive_again(self, pick: int, other: bool) -> None:
        record, pk = list(self.received.values())[pick % len(self.received)]
        if other:
            record = {**record, "values": [*record["values"][1:], "777"]}
        (result,) = intake.receive_imds(records=[record], at=self.at)
        if other:
            assert result.problem is not None
            assert (result.id, result.problem.status) == (None, 409)
        else:
            assert (result.id, result.status) == (pk, self.house.imds[pk].state)

    def record(
        self, component: str, day: int, values: model.Values, *, kind: str = "INITIAL_LOAD", uom: str = "KWH"
    ) -> dict[str, Any]:
        start = make.DAY + dt.timedelta(days=day)
        return {
            "measuring_component": component,
            "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{start + dt.timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            "seconds_per_interval": SECONDS,
            "uom": uom,
            "kind": kind,
            "external_id": f"E-{len(self.received)}",
            "values": [None if value is None else str(value) for value in values],
        }

    # What the product does

    @rule(chunk=st.sampled_from([1, 2, 100]))
    def process(self, chunk: int) -> None:
        due = self.house.in_turn()
        assert processing.process_due(at=self.at, chunk=chunk).imds == len(due)
        for imd in due:
            self.house.run(imd)

    # What people do

    @precondition(lambda self: self.house.imds)
    @rule(pick=PICK)
    def perform_vee(self, pick: int) -> None:
        pk, imd = self.one(pick)
        if imd.state not in model.WAITING:
            self.refused(actions.perform_vee, pk)
            return
        actions.perform_vee(imd_id=pk, by=self.by, reason="again", at=self.at)
        self.house.run(imd)

    @precondition(lambda self: self.house.imds)
    @rule(pick=PICK)
    def discard(self, pick: int) -> None:
        pk, imd = self.one(pick)
        if imd.state not in ("EXCEPTION", "ERROR") and not (imd.state == "PENDING" and imd.kind == "MANUAL"):
            self.refused(actions.discard, pk)
            return
        actions.discard(imd_id=pk, by=self.by, reason="no use", at=self.at)
        imd.state = "DISCARDED"

    @precondition(lambda self: self.house.imds)
    @rule(pick=PICK)
    def force_complete(self, pick: int) -> None:
        pk, imd = self.one(pick)
        if imd.state != "EXCEPTION":
            self.refused(actions.force_complete, pk)
            return
        actions.force_complete(imd_id=pk, by=self.by, reason="as it is", at=self.at)
        self.house.complete(imd)

    @precondition(lambda self: self.house.imds)
    @rule(
        pick=PICK,
        changes=st.dictionaries(st.integers(0, model.INTERVALS - 1), VALUE, min_size=1, max_size=3),
        perform=st.booleans(),
    )
    def edit(self, pick: int, changes: dict[int, Decimal | None], perform: bool) -> None:
        pk, imd = self.one(pick)
        say = {"imd_id": pk, "by": self.by, "reason": "typo", "values": changes, "perform": perform, "at": self.at}
        if imd.state != "EXCEPTION" and not (imd.state == "PENDING" and imd.kind == "MANUAL"):
            with pytest.raises(actions.StateDoesNotAllow):
                edits.edit_and_perform(**say)
            return
        edits.edit_and_perform(**say)
        self.house.edit(imd, changes)
        if perform:
            self.house.run(imd)

    @precondition(lambda self: any(imd.state == "ERROR" for imd in self.house.imds.values()))
    @rule(component=st.sampled_from(KNOWN), perform=st.booleans())
    def repair(self, component: str, perform: bool) -> None:
        pk, imd = next((pk, imd) for pk, imd in self.house.imds.items() if imd.state == "ERROR")
        repairs.repair(
            imd_id=pk, by=self.by, reason="it is", at=self.at, component_identifier=component, perform=perform
        )
        imd.component = component
        if perform:
            self.house.run(imd)

    def refused(self, action: Any, pk: int) -> None:
        with pytest.raises(actions.StateDoesNotAllow):
            action(imd_id=pk, by=self.by, reason="because", at=self.at)

    def one(self, pick: int) -> tuple[int, model.Imd]:
        return list(self.house.imds.items())[pick % len(self.house.imds)]

    # What always holds

    @invariant()
    def every_imd_is_as_the_model_says(self) -> None:
        stored = dict(InitialMeasurement.objects.values_list("pk", "state"))
        assert stored == {pk: imd.state for pk, imd in self.house.imds.items()}
        assert ImdPayload.objects.count() == len(self.house.imds)
        assert sum(self.house.fates().values()) == len(self.house.imds) * model.INTERVALS

    @invariant()
    def measurements_are_as_the_model_says(self) -> None:
        found: dict[tuple[str, int, int], tuple[Decimal | None, bool, bool]] = {}
        for name, component in self.components.items():
            for row in queries.measurements(component=component, start=make.DAY, end=make.DAY + dt.timedelta(DAYS)):
                place = int((row.end - make.DAY).total_seconds()) // SECONDS - 1
                key = (name, place // model.INTERVALS, place % model.INTERVALS)
                found[key] = (row.value, row.condition == Condition.REGULAR, row.user_edited)
        assert found == {
            key: (slot.value, slot.value is not None, slot.user_edited) for key, slot in self.house.measured.items()
        }

    @invariant()
    def every_move_is_in_the_table_and_none_is_missing(self) -> None:
        rows: dict[int, list[str]] = {}
        for imd, source, target in ImdTransition.objects.order_by("pk").values_list("imd", "from_state", "to_state"):
            path = rows.setdefault(imd, [""])
            assert path[-1] == source, (imd, path, source, target)
            path.append(target)
        for pk, imd in self.house.imds.items():
            assert rows[pk][-1] == imd.state
            # A repair leaves a row and moves nothing.
            steps = {(source, target) for source, target in pairwise(rows[pk][1:]) if source != target}
            assert steps <= lifecycle.LEGAL, rows[pk]

    @invariant()
    def what_waits_for_a_person_is_told_to_one(self) -> None:
        open_todos = ToDo.objects.filter(status__in=OPEN_TODO_STATUSES).values_list("imd", flat=True)
        waiting = [pk for pk, imd in self.house.imds.items() if imd.state in ("EXCEPTION", "ERROR")]
        assert sorted(open_todos) == sorted(waiting)
        explained = set(VeeException.objects.filter(open=True).values_list("imd", flat=True))
        assert explained >= {pk for pk, imd in self.house.imds.items() if imd.state == "EXCEPTION"}

    def come_to_rest(self) -> None:
        """Let everything be processed: what is left waits for a person, and says so."""
        self.process(100)
        self.every_imd_is_as_the_model_says()
        self.measurements_are_as_the_model_says()
        self.figures.tried += 1
        for fate, readings in self.house.fates().items():
            self.figures.outcomes[fate] = self.figures.outcomes.get(fate, 0) + readings
        assert {imd.kind for imd in self.house.imds.values() if imd.state == "PENDING"} <= {"MANUAL"}


def test_every_reading_has_one_fate_and_measurements_are_those_of_the_model() -> None:
    size = sizes()
    with noted(on_database("Lives of initial measurement data")) as figures:
        Life.figures = figures
        run_state_machine_as_test(
            Life, settings=settings(max_examples=size.lives, stateful_step_count=size.steps, deadline=None)
        )
