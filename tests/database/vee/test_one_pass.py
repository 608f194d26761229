"""Files put through VEE as they are loaded: every row of every table as the ordinary way leaves it."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db import models as fields

from tests.factories import vee as make
from vee import models
from vee.models import ImdTransition, InitialMeasurement
from vee.operations import evidence, intake, processing, reading_files


pytestmark = pytest.mark.django_db
RULES = (
    {"rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM"},
    {"rule": "duplicate_imd_check", "severity": "ISSUE", "exception_type": "TWICE"},
    {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 2}},
    {
        "rule": "interval_averaging_estimation",
        "severity": "INFO",
        "parameters": {"comparison_search": ["SAME_WEEKDAY"], "days_to_average": 1, "max_days_back": 21},
    },
    {"rule": "negative_consumption_check", "exception_type": "NEGATIVE"},
    {"rule": "zero_consumption_check", "severity": "INFO", "exception_type": "ZERO"},
    {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8, "mode": "PER_24H"}, "exception_type": "SPIKE"},
    {
        "rule": "high_low_check",
        "severity": "INFO",
        "exception_type": "HIGH",
        "parameters": {"historical_look_first": "LAST_READING", "historical_pre_window": 1, "high_tolerance_pct": 300},
    },
)
QUIET = ["0.100", "0.110", "0.120"] * 32
HIGH = [f"{10 * float(value):.3f}" for value in QUIET]
SPIKE = [*QUIET[:50], "9.000", *QUIET[51:]]
GAP = "400,1,4,A,, 400,5,8,N,, 400,9,96,A,,"
LONG_GAP = "400,1,4,A,, 400,5,40,N,, 400,41,96,A,,"
WEEK_BEFORE = [(number, "20240223", QUIET, "") for number in range(8)]
DAYS = [
    (0, "20240301", QUIET, ""),
    (0, "20240302", QUIET[::-1], ""),
    (1, "20240301", QUIET, GAP),
    (1, "20240302", QUIET, ""),
    (1, "20240303", QUIET, GAP),
    (2, "20240301", SPIKE, ""),
    (2, "20240302", QUIET, ""),
    (3, "20240301", ["-0.100"] * 96, ""),
    (4, "20240301", QUIET, LONG_GAP),
    (4, "20240302", QUIET, ""),
    (5, "20240303", QUIET, ""),
    (5, "20240301", QUIET, ""),
    (6, "20240301", HIGH, ""),
    (7, "20240302", ["0.000"] * 96, ""),
    (7, "20240302", ["0.000"] * 96, ""),
    (90, "20240302", QUIET, ""),
]


def world(*rules: dict[str, Any], **of_type: Any) -> None:
    """Eight components of one type, and one of hours."""
    group = make.vee_group("G", *(rules or RULES))
    kind = make.MeasuringComponentTypeFactory(initial_load_group=group, estimation_group=group, **of_type)
    point = make.ServicePointFactory(time_zone="Australia/Brisbane", standard_offset_seconds=36_000)
    for number in range(8):
        make.MeasuringComponentFactory(type=kind, service_point=point, identifier=f"P{number}-E1")


def nem12(days: list[tuple[int, str, list[str], str]], *, minutes: int = 15) -> bytes:
    """Write days, each of a component's number, a date, values and the 400 rows behind it."""
    lines = ["100,NEM12,202403010000,A,B"]
    for number, date, values, quality in days:
        lines.append(f"200,P{number},E1,E1,E1,N1,M,KWH,{minutes},")
        lines.append(f"300,{date},{','.join(values)},{'V' if quality else 'A'},,,20240302000000,")
        lines += quality.split() if quality else []
    return "\n".join([*lines, "900", ""]).encode()


def load(content: bytes, *, onward: bool) -> None:
    row = intake.receive_file(name="day.csv", stream=io.BytesIO(content), format="nem12", at=make.AT, wake=False)
    intake.load_file(file_id=row.pk, at=make.AT, onward=onward)
    processing.process_due(at=make.AT)


def everything() -> dict[str, list[str]]:
    """
    Every row of every table of meter data, without what a second run numbers anew.

    IMDs are named by their place among all of them, a file by nothing, a run log by what it says.
    """
    ids = InitialMeasurement.objects.order_by("pk").values_list("pk", flat=True)
    places = {pk: place for place, pk in enumerate(ids)}
    told: dict[str, list[str]] = {}
    for model in apps.get_app_config("vee").get_models():
        if model not in (models.ReadingFile, models.RunLog):
            told[model.__name__] = sorted(_told(row, places) for row in model._default_manager.all())
    # Rows of one IMD are in the order of its life; those of others come between.
    steps = ImdTransition.objects.order_by("imd", "pk").select_related("log")
    told["ImdTransition"] = [_told(step, places) for step in steps]
    files = models.ReadingFile.objects.order_by("created_at")
    told["ReadingFile"] = [repr((file.status, file.imds, file.intervals, file.rows_read)) for file in files]
    return told


def _told(row: Any, places: dict[int, int]) -> str:
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        name, value = field.attname, getattr(row, field.attname)
        if name.endswith("imd_id") or (field.primary_key and isinstance(row, InitialMeasurement)):
            value = places.get(value, value)
        elif name == "log_id":
            value = row.log and row.log.details
        elif name == "role_id":
            value = row.role and row.role.name
        elif isinstance(field, fields.AutoField) or name == "reading_file_id":
            continue
        values[name] = value.tolist() if isinstance(value, np.ndarray) else value
    return re.sub(r"IMD (\d+)", lambda found: f"IMD {places.get(int(found[1]))}", repr(values))


def left_by(*contents: bytes, onward: bool) -> dict[str, list[str]]:
    """Load files one after another and give what is there then, leaving nothing behind."""
    with transaction.atomic():
        for content in contents:
            load(content, onward=onward)
        told = everything()
        transaction.set_rollback(True)
    return told


class TestOnePass:
    def test_leaves_every_row_that_the_ordinary_way_leaves(self) -> None:
        world()
        contents = nem12(WEEK_BEFORE), nem12(DAYS), nem12(DAYS[:2])

        ordinary = left_by(*contents, onward=False)
        at_once = left_by(*contents, onward=True)

        assert {name for name, rows in ordinary.items() if rows} >= {
            "InitialMeasurement", "ImdPayload", "ImdPostVee", "ImdTransition", "MeasurementBlock",
            "MeasuringComponentProgress", "ToDo", "VeeException",
        }  # fmt: skip
        assert at_once == ordinary

    def test_leaves_the_same_where_readings_do_not_fit_the_component(self) -> None:
        world()
        contents = nem12([(0, "20240301", QUIET[:48], ""), (1, "20240301", QUIET[:48], "")], minutes=30), nem12(DAYS)

        ordinary = left_by(*contents, onward=False)
        at_once = left_by(*contents, onward=True)

        assert any("'state': 'ERROR'" in row for row in ordinary["InitialMeasurement"])
        assert at_once == ordinary

    def test_leaves_the_same_where_a_rule_asks_for_an_estimation_of_what_is_before(self) -> None:
        world(*RULES, {"rule": "interval_create_estimation_imd_for_gap", "severity": "INFO"})
        contents = nem12(WEEK_BEFORE), nem12(DAYS)

        ordinary = left_by(*contents, onward=False)
        at_once = left_by(*contents, onward=True)

        assert any("'kind': 'ESTIMATION'" in row for row in ordinary["InitialMeasurement"])
        assert at_once == ordinary

    def test_stores_an_imd_in_the_state_that_it_ends_in(self) -> None:
        world()
        row = intake.receive_file(name="a.csv", stream=io.BytesIO(nem12(DAYS)), format="nem12", at=make.AT, wake=False)

        intake.load_file(file_id=row.pk, at=make.AT, onward=True)

        told = dict(InitialMeasurement.objects.filter(component_identifier="P0-E1").values_list("start", "state"))
        assert set(told.values()) == {"COMPLETE"}
        path = ImdTransition.objects.filter(imd__component_identifier="P2-E1", imd__state="EXCEPTION").order_by("pk")
        assert [(step.from_state, step.to_state) for step in path] == [
            ("", "PENDING"),
            ("PENDING", "VEE_READY"),
            ("VEE_READY", "EXCEPTION"),
        ]
        assert processing.process_due(at=make.AT).imds == 0

    def test_overtakes_nothing_that_waits(self) -> None:
        world()
        one = models.MeasuringComponent.objects.get(identifier="P0-E1")
        make.interval_imd(one, QUIET, start=dt.datetime(2024, 2, 27, 14, tzinfo=dt.UTC))
        row = intake.receive_file(name="a.csv", stream=io.BytesIO(nem12(DAYS)), format="nem12", at=make.AT, wake=False)

        intake.load_file(file_id=row.pk, at=make.AT, onward=True)

        states = InitialMeasurement.objects.filter(measuring_component=one).values_list("state", flat=True)
        assert list(states) == ["PENDING"] * 3
        assert InitialMeasurement.objects.filter(state="COMPLETE").exists()

    def test_leaves_imds_to_the_ordinary_way_where_a_rule_looks_for_those_that_wait(self) -> None:
        world(*RULES, {"rule": "ensure_imd_exists_for_sibling_mcs", "exception_type": "SIBLING"})
        device = make.DeviceFactory()
        models.MeasuringComponent.objects.filter(identifier__in=["P0-E1", "P1-E1"]).update(device=device)

        row = intake.receive_file(
            name="a.csv", stream=io.BytesIO(nem12(DAYS[:2])), format="nem12", at=make.AT, wake=False
        )
        intake.load_file(file_id=row.pk, at=make.AT, onward=True)

        assert set(InitialMeasurement.objects.values_list("state", flat=True)) == {"PENDING"}
        assert ImdTransition.objects.count() == 2

    def test_leaves_imds_to_the_ordinary_way_when_it_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world()
        with monkeypatch.context() as patched:
            patched.setattr(evidence, "normalize", _fail)
            row = intake.receive_file(
                name="a.csv", stream=io.BytesIO(nem12(DAYS[:2])), format="nem12", at=make.AT, wake=False
            )
            intake.load_file(file_id=row.pk, at=make.AT, onward=True)

        assert set(InitialMeasurement.objects.values_list("state", flat=True)) == {"PENDING"}
        assert processing.process_due(at=make.AT).completed == 2


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="row locks are PostgreSQL's")
@pytest.mark.django_db(transaction=True)
class TestBesideOtherWorkers:
    def states(self) -> dict[str, str]:
        return dict(InitialMeasurement.objects.values_list("component_identifier", "state"))

    @pytest.mark.parametrize(("own", "waiting"), [(1, "P1-E1"), (3, "P3-E1"), (4, "")])
    def test_of_many_chunks_those_go_to_idle_workers_that_they_have_time_for(
        self, monkeypatch: pytest.MonkeyPatch, own: int, waiting: str
    ) -> None:
        world()
        monkeypatch.setattr(reading_files, "CHUNK", 1)
        monkeypatch.setattr(reading_files, "CHUNKS_OF_ITS_OWN", own)
        content = nem12([(number, "20240301", QUIET, "") for number in range(4)])
        row = intake.receive_file(name="a.csv", stream=io.BytesIO(content), format="nem12", at=make.AT, wake=False)

        intake.load_file(file_id=row.pk, at=make.AT, onward=True)

        # As long as one waits for a worker the loading one has no others to feed.
        states = dict.fromkeys((f"P{number}-E1" for number in range(4)), "COMPLETE")
        assert self.states() == {**states, **({waiting: "PENDING"} if waiting else {})}

    def test_what_others_have_in_hand_does_not_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world()
        held = make.interval_imd(models.MeasuringComponent.objects.get(identifier="P7-E1"), QUIET)
        assert processing.something_waits()
        somebody = connection.copy()
        somebody.set_autocommit(False)
        with somebody.cursor() as cursor:
            cursor.execute("SELECT id FROM vee_initialmeasurement WHERE id = %s FOR UPDATE", [held.pk])

            assert not processing.something_waits()

        somebody.rollback()
        somebody.close()


def _fail(*_: Any, **__: Any) -> None:
    raise ValueError("out of order")
