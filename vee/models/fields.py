"""Arrays of numbers in the database: PostgreSQL arrays there, packed little-endian bytes on SQLite."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from django.db import models

from vee.codes import NO_VALUE


_POSTGRES_TYPES = {"int64": "bigint[]", "int32": "integer[]", "int16": "smallint[]"}


class NumberArrayField(models.Field):  # type: ignore[type-arg]
    """
    A one-dimensional numpy array of `int64`, `int32` or `int16`; None is NULL.

    An int64 element equal to `NO_VALUE` is stored as an SQL NULL on PostgreSQL, so that `sum()` over the array
    there means what it says.
    """

    description = "Array of numbers"

    def __init__(self, *args: Any, dtype: str = "int64", **kwargs: Any) -> None:
        self.dtype = dtype
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["dtype"] = self.dtype
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def db_type(self, connection: Any) -> str:
        return _POSTGRES_TYPES[self.dtype] if connection.vendor == "postgresql" else "BLOB"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> np.ndarray | None:
        if value is None:
            return None
        if isinstance(value, list):
            return np.array([NO_VALUE if item is None else item for item in value], dtype=self.dtype)
        return np.frombuffer(value, dtype=np.dtype(self.dtype).newbyteorder("<")).astype(self.dtype)

    def to_python(self, value: Any) -> np.ndarray | None:
        return None if value is None else np.asarray(value, dtype=self.dtype)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        array = np.asarray(value, dtype=self.dtype)
        if connection.vendor == "postgresql":
            listed = array.tolist()
            if self.dtype == "int64" and (array == NO_VALUE).any():
                listed = [None if item == NO_VALUE else item for item in listed]
            return listed
        return array.astype(np.dtype(self.dtype).newbyteorder("<")).tobytes()


class ArrayLength(models.Func):
    """How many numbers a `NumberArrayField` of `int64` holds, asked of the database without reading them."""

    function = "CARDINALITY"
    output_field = models.IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="LENGTH(%(expressions)s) / 8", **context)


class ExactDecimalField(models.DecimalField):  # type: ignore[type-arg]
    """
    A decimal that keeps its last digit on every database.

    SQLite turns a column of type `decimal` into binary floating point; here it holds text. Not for sorting or
    arithmetic in SQL there.
    """

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def db_type(self, connection: Any) -> str:
        return f"numeric({self.max_digits}, {self.decimal_places})" if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        number = self.to_python(value)
        if number is None or connection.vendor == "postgresql":
            return number
        return connection.ops.adapt_decimalfield_value(number, self.max_digits, self.decimal_places)
