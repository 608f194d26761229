"""Direct processing: the results that IMDs have, bit for bit, and an IMD only where there is something to say."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest

from tests.factories import vee as make
from vee import models, storage
from vee.models import DirectLoad, InitialMeasurement, MeasurementBlock, MeasuringComponentProgress
from vee.operations import intake, processing


pytestmark = pytest.mark.django_db
RULES = (
    {"rule": "uom_check", "severity": "TERMINATE"},
    {"rule": "interval_interpolation_estimation", "severity": "INFO"},
    {"rule": "negative_consumption_check"},
    {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8, "mode": "PER_24H"}},
)
QUIET = ["0.100", "0.110", "0.120"] * 32
SPIKE = [*QUIET[:50], "9.000", *QUIET[51:]]
START, END = dt.datetime(2024, 2, 20, tzinfo=dt.UTC), dt.datetime(2024, 3, 20, tzinfo=dt.UTC)


def kind(name: str, *rules: dict[str, Any], direct: bool) -> Any:
    group = make.vee_group(name, *(rules or RULES))
    return make.MeasuringComponentTypeFactory(initial_load_group=group, direct_processing=direct)


def components(kind: Any, prefix: str, count: int) -> list[models.MeasuringComponent]:
    point = make.ServicePointFactory(time_zone="Australia/Brisbane", standard_offset_seconds=36_000)
    return [
        make.MeasuringComponentFactory(type=kind, service_point=point, identifier=f"{prefix}{number}-E1")
        for number in range(count)
    ]


def nem12(prefix: str, days: list[tuple[int, str, list[str], str]]) -> bytes:
    """Write days, each of a component's number, a date, values and the 400 rows behind it."""
    lines = ["100,NEM12,202403010000,A,B"]
    for number, date, values, quality in days:
        lines.append(f"200,{prefix}{number},E1,E1,E1,N1,M,KWH,15,")
        lines.append(f"300,{date},{','.join(values)},{'V' if quality else 'A'},,,20240302000000,")
        lines += quality.split() if quality else []
    return "\n".join([*lines, "900", ""]).encode()


def load(content: bytes) -> models.ReadingFile:
    row = intake.receive_file(name="day.csv", stream=io.BytesIO(content), format="nem12", at=make.AT, wake=False)
    file = intake.load_file(file_id=row.pk, at=make.AT)
    processing.process_due(at=make.AT)
    return file


DAYS = [
    (0, "20240301", QUIET, ""),
    (0, "20240302", QUIET[::-1], ""),
    (1, "20240301", QUIET, "400,1,4,A,, 400,5,8,N,, 400,9,96,A,,"),
    (1, "20240302", QUIET, ""),
    (2, "20240301", SPIKE, ""),
    (2, "20240302", QUIET, ""),
    (3, "20240301", ["-0.100"] * 96, ""),
]


def told(those: list[models.MeasuringComponent]) -> list[Any]:
    """All that is measured, with the states of what is no measurement, by component."""
    series = storage.read_range(component_ids=[one.pk for one in those], start=START, end=END)
    progress = MeasuringComponentProgress.objects.in_bulk([one.pk for one in those])
    blocks = MeasurementBlock.objects.filter(measuring_component__in=those)
    return [
        (
            None if one.pk not in series else series[one.pk].values.tolist(),
            None if one.pk not in series else series[one.pk].conditions.tolist(),
            [
                (block.start, block.total, block.missing, block.multiplier, block.version)
                for block in blocks
                if block.measuring_component_id == one.pk
            ],
            (progress[one.pk].latest_contiguous_at, progress[one.pk].most_recent_actual_at)
            if one.pk in progress
            else None,
            sorted(
                (imd.start, imd.state)
                for imd in InitialMeasurement.objects.filter(measuring_component=one).exclude(state="COMPLETE")
            ),
        )
        for one in those
    ]


class TestDirectProcessing:
    def test_leaves_what_the_ordinary_way_leaves(self) -> None:
        ordinary = components(kind("G1", direct=False), "A", 4)
        direct = components(kind("G2", direct=True), "B", 4)

        load(nem12("A", DAYS))
        load(nem12("B", DAYS))

        assert told(direct) == told(ordinary)

    def test_makes_no_imd_where_there_is_nothing_to_say(self) -> None:
        (one,) = components(kind("G", direct=True), "B", 1)

        file = load(nem12("B", DAYS[:2]))

        assert not InitialMeasurement.objects.exists()
        assert (file.status, file.imds, file.intervals, file.rows_accepted) == ("LOADED", 0, 192, 2)
        assert MeasurementBlock.objects.filter(measuring_component=one).count() == 2

    def test_names_the_rows_of_the_file_that_prove_the_measurements(self) -> None:
        components(kind("G", direct=True), "B", 1)

        file = load(nem12("B", DAYS[:2]))

        found = DirectLoad.objects.get()
        by_imd = dict(zip(found.imd_ids.tolist(), found.lines.tolist(), strict=True))
        blocks = MeasurementBlock.objects.order_by("start")
        assert [by_imd[block.imd_id] for block in blocks] == [3, 5]
        assert found.file.sha256 == file.sha256
        assert [step["rule"] for step in found.details[0]["run"]] == [rule["rule"] for rule in RULES]

    def test_makes_an_imd_of_what_a_rule_changed_and_of_what_follows_it(self) -> None:
        _, one = components(kind("G", direct=True), "B", 2)

        load(nem12("B", DAYS[2:4]))

        imds = InitialMeasurement.objects.filter(measuring_component=one).order_by("start")
        assert [imd.state for imd in imds] == ["COMPLETE", "COMPLETE"]

    def test_ends_what_was_run_at_once_and_runs_nothing_twice(self) -> None:
        those = components(kind("G", direct=True), "B", 4)
        row = intake.receive_file(
            name="day.csv", stream=io.BytesIO(nem12("B", DAYS)), format="nem12", at=make.AT, wake=False
        )

        file = intake.load_file(file_id=row.pk, at=make.AT)

        states = InitialMeasurement.objects.filter(measuring_component=those[2]).order_by("start")
        assert [imd.state for imd in states] == ["EXCEPTION", "COMPLETE"]
        assert not InitialMeasurement.objects.exclude(state="PENDING").exclude(attempts=1).exists()
        assert file.imds == InitialMeasurement.objects.count() > 0
        assert sorted(models.ImdPayload.objects.values_list("imd", flat=True)) == sorted(
            InitialMeasurement.objects.values_list("pk", flat=True)
        )
        steps = models.ImdTransition.objects.filter(imd__in=states.filter(state="COMPLETE")).order_by("pk")
        assert [step.to_state for step in steps] == ["PENDING", "VEE_READY", "VEE", "COMPLETE"]

    def test_overtakes_nothing_that_waits(self) -> None:
        (one,) = components(kind("G", direct=True), "B", 1)
        make.interval_imd(one, QUIET, start=dt.datetime(2024, 2, 27, 14, tzinfo=dt.UTC))

        load(nem12("B", DAYS[:1]))

        assert InitialMeasurement.objects.filter(state="COMPLETE").count() == 2
        assert not DirectLoad.objects.exists()

    def test_goes_the_ordinary_way_where_a_rule_compares_imds(self) -> None:
        components(kind("G", *RULES, {"rule": "duplicate_imd_check"}, direct=True), "B", 1)

        load(nem12("B", DAYS[:1]))

        assert InitialMeasurement.objects.get().state == "COMPLETE"
        assert not DirectLoad.objects.exists()

    def test_a_correction_replaces_what_came_directly_and_keeps_what_it_was(self) -> None:
        (one,) = components(kind("G", direct=True), "B", 1)
        load(nem12("B", DAYS[:1]))

        load(nem12("B", [(0, "20240301", ["0.200", *QUIET[1:]], "")]))

        block = MeasurementBlock.objects.get(measuring_component=one)
        assert (block.version, int(block.values[0])) == (2, 200_000)
        assert int(models.MeasurementBlockHistory.objects.get().values[0]) == 100_000
        assert DirectLoad.objects.count() == 2
