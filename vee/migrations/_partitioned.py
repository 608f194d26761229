"""A table that PostgreSQL keeps in monthly partitions and other databases as it is."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class CreatePartitionedModel(migrations.CreateModel):
    """Create a model whose table is, on PostgreSQL, partitioned by range of one column of its primary key."""

    def __init__(self, *args: Any, partition_by: str, **kwargs: Any) -> None:
        self.partition_by = partition_by
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, args, kwargs = super().deconstruct()
        return name, args, {**kwargs, "partition_by": self.partition_by}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        statement, parameters = schema_editor.table_sql(model)
        column = model._meta.get_field(self.partition_by).column
        schema_editor.execute(
            f"{statement} PARTITION BY RANGE ({schema_editor.quote_name(column)})", parameters or None
        )
