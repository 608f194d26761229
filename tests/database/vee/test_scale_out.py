"""The measurements may be distributed over machines by their measuring component (`house.md` D7, D11)."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, models

from vee.models import MeasurementBlock, MeasurementBlockHistory


pytestmark = pytest.mark.django_db

KEY = "measuring_component_id"
DISTRIBUTED = (MeasurementBlock, MeasurementBlockHistory)


class TestTheDistributedTables:
    @pytest.mark.parametrize("model", DISTRIBUTED)
    def test_have_the_distribution_key_in_every_unique_constraint(self, model: type[models.Model]) -> None:
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)

        unique = [found["columns"] for found in constraints.values() if found["unique"] or found["primary_key"]]
        assert unique
        assert all(KEY in columns for columns in unique)

    @pytest.mark.parametrize("model", DISTRIBUTED)
    def test_have_no_foreign_key_that_would_have_to_look_at_another_machine(self, model: type[models.Model]) -> None:
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)

        assert [name for name, found in constraints.items() if found["foreign_key"]] == []

    @pytest.mark.parametrize("model", DISTRIBUTED)
    def test_are_referred_to_by_no_table(self, model: type[models.Model]) -> None:
        referring = [
            f"{other.__name__}.{field.name}"
            for other in apps.get_models()
            for field in other._meta.get_fields()
            if isinstance(field, models.ForeignKey) and field.related_model is model and field.db_constraint
        ]

        assert referring == []

    @pytest.mark.parametrize("model", DISTRIBUTED)
    def test_take_no_value_from_a_sequence_of_one_machine(self, model: type[models.Model]) -> None:
        assert not isinstance(model._meta.pk, models.AutoField)
