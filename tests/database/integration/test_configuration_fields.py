"""Every field that can be edited shows in the export when it changes, or is named as left out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction

from foundation.configuration import Section
from integration.configuration_sections import SECTIONS
from lookups.operations import install_defaults
from tests.factories.configuration import AT, apply, authorities


pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {
    "roles": {"Field office": {"rights": ["vee.view_todo"]}},
    "certificates": {"CA": {"chain": ""}},
    "connections": {"A": {"transport": "rest", "base_url": "http://127.0.0.1:9001", "trust_certificate": "CA"}},
    "parameters": {"MAX_RETRIES": 3},
    "message_senders": {"S": {"connection": "A", "method": "PUT", "urls": ["/a"]}},
    "external_systems": {"X": {"connection": "A", "sender": "S"}},
    "outbound_message_types": {"T": {"sender": "S"}},
    "lookups": {"L": {"columns": ["A", "B"], "rows": [{"A": "1", "B": "2"}], "aliases": ["M"]}},
    "flows": {"device_score": {}},
    "flow_schedules": {"device_score": {"cron": "0 4 * * *"}},
    "report_schedules": {"R": {"report": "exceptions_by_rule", "local_time": "06:00"}},
    "background_tasks": {"Own": {"task": "integration.tasks.sweep", "every": "15 seconds"},
                         "Nightly": {"task": "integration.tasks.sweep", "cron": "0 4 * * *"}},
    "todo_types": {"W": {"role": "Field office"}},
    "exception_types": {"E": {"todo_type": "W", "todo_role": "Field office"}},
    "retry_policies": {"INITIAL_LOAD": {"enabled": True}},
    "holidays": {"US": [{"date": dt.date(2024, 7, 4), "name": "Day"}]},
    "vee_groups": [{"code": "G", "rules": [{"sequence": 1, "rule": "uom_check", "exception_type": "E",
                                            "start_date": dt.date(2024, 1, 1), "end_date": dt.date(2025, 1, 1)}]}],
    "factors": [{"code": "F", "characteristic": "rate", "values": [{"value": "R1", "vee_group": "G"}]}],
    "measuring_component_types": [{
        "id": "K", "component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH",
        "vee_groups": {"INITIAL_LOAD": "G", "MANUAL_OVERRIDE": "G", "ESTIMATION": "G"},
        "derivations": [{"name": "DEMAND", "method": "DEMAND", "uom": "KW"}],
    }],
    "column_profiles": [{"code": "P", "component_column": "A", "date_column": "B", "value_column": "C", "uom": "KWH",
                         "seconds_per_interval": 900}],
    "mapping_overlays": {"enrollment_request": {
        "note": "gates",
        "fields": [{"target": "locationInfo.gateCode", "expression": "locationInfo.gateCode", "extra": True}],
    }},
    "activity_types": {"A": {}},
    "communication_types": {"C": {}},
    "service_task_types": {"S": {}},
    "device_specifications": {"D": {"device_type": "SMART-THERMOSTAT", "rated_kw": 2}},
    "head_end_systems": {"H": {"external_system": "X", "processing_methods": {
        "DEVICE_STATUS_CHECK": {"communication_type": "C", "message_type": "T"}}}},
    "score_calculations": {"Z": {"description": "one", "versions": [{
        "effective_on": dt.date(2024, 1, 1), "formulas": [{"name": "SC", "expression": "CU"}], "eligible": "CU > 0"}]}},
    "baseline_methods": {"B": {"days_considered": 20, "days_selected": 5, "lowest_adjustment": 0.8,
                               "highest_adjustment": 2}},
    "programs": {"P": {"score_calculation": "Z", "baseline_method": "B", "starts_on": dt.date(2020, 1, 1),
                       "ends_on": dt.date(2031, 1, 1)}},
}  # fmt: skip
# Not the record's own, or told in another way.
_ELSEWHERE = {
    "SenderContext.value", "LookupRow.position", "FactorValue.measuring_component", "Connection.identity_certificate",
    "PeriodicTask.interval", "PeriodicTask.crontab", "Lookup.columns", "FlowSchedule.every_seconds",
    "ProcessingMethod.role",  # there is one
}  # fmt: skip
_NUMBERS = {"retry_delays", "duplicate_statuses", "retry_statuses"}
_JSON: dict[str, Any] = {
    "eligibility": [{"source": "x"}],
    "no_value": ["-"],
    "retryable_exception_types": ["A"],
    "quality_conditions": {"A": 501000},
}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_changed_field_changes_the_export(section: Section) -> None:
    install_defaults(at=AT)
    apply({**DOCUMENT, "certificates": {"CA": {"chain": authorities()[0]}}})
    before = section.document()
    silent = []
    for label in section.covers:
        model: Any = apps.get_model(label)
        row = model.objects.order_by("pk").last()
        assert row is not None, label
        for field in model._meta.concrete_fields:
            name = f"{model.__name__}.{field.name}"
            parent = field.is_relation and not field.null
            if field.primary_key or parent or not field.editable or name in _ELSEWHERE or name in section.left_out:
                continue
            with transaction.atomic():
                model.objects.filter(pk=row.pk).update(**{field.name: _another(field, getattr(row, field.name))})
                if section.document() == before:
                    silent.append(name)
                transaction.set_rollback(True)

    assert silent == [], "neither told by the section's document nor named in its left_out"


def _another(field: Any, value: Any) -> Any:
    if field.is_relation:
        return None
    if field.name == "component_kind":
        return "SUBTRACTIVE_INTERVAL"
    if field.choices and isinstance(field, models.CharField):
        return next(choice for choice, _label in field.choices if choice not in (value, ""))
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.JSONField):
        return [7] if field.name in _NUMBERS else _JSON.get(field.name, {"A": "changed"})
    if isinstance(field, models.DecimalField):
        return Decimal("1.5") if value != Decimal("1.5") else Decimal("1.25")
    if isinstance(field, models.IntegerField):
        return 7 if value != 7 else 8
    if isinstance(field, models.TimeField):
        return dt.time(7, 15)
    if isinstance(field, models.DateTimeField):
        return AT
    if isinstance(field, models.DateField):
        return dt.date(2031, 2, 3) if field.name == "end_date" else dt.date(2021, 2, 3)
    return {"args": "[1]", "kwargs": '{"a": 1}', "headers": '{"a": "b"}', "value": "17", "timezone": "Europe/Rome"}.get(
        field.name, "changed"
    )
