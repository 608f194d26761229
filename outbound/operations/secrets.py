"""Rotation of the keys that encrypt stored secrets (`reliability.md` S3)."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.db import connections as databases
from django.db import router, transaction
from django.db.models import Model

from foundation import crypto
from foundation.fields import EncryptedBinaryField, EncryptedTextField


_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What was done to one column; `unreadable` are the keys of rows that no configured key can read."""

    table: str
    column: str
    rotated: int
    unreadable: tuple[object, ...] = ()


def rotate_secrets() -> list[Rotation]:
    """
    Re-encrypt every stored secret of every app with the first key of FIELD_ENCRYPTION_KEYS.

    May run while traffic runs: each value is replaced only if it is still the one that was read. When it is through
    and nothing is unreadable, the older keys can be removed.
    """
    done = []
    for model in apps.get_models():
        if not model._meta.managed or model._meta.proxy:
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField | EncryptedBinaryField):
                done.append(_rotate_column(model, str(field.column)))
    return done


def _rotate_column(model: type[Model], column: str) -> Rotation:
    database = databases[router.db_for_write(model)]
    quote = database.ops.quote_name
    key_field = model._meta.pk
    table, key, name = quote(model._meta.db_table), quote(str(key_field.column)), quote(column)
    # Names come from the models, values are parameters.
    read = f"SELECT {key}, {name} FROM {table} WHERE {name} IS NOT NULL"  # noqa: S608
    after = f" AND {key} > %s"
    page = f" ORDER BY {key} LIMIT {_CHUNK}"
    write = f"UPDATE {table} SET {name} = %s WHERE {key} = %s AND {name} = %s"  # noqa: S608
    rotated, unreadable, last = 0, [], None
    while True:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute(read + page if last is None else read + after + page, [] if last is None else [last])
            rows = cursor.fetchall()
            for pk, value in rows:
                text = isinstance(value, str)
                if not value:
                    continue
                try:
                    token = crypto.rotate(value.encode() if text else bytes(value))
                except crypto.UnableToDecrypt:
                    unreadable.append(pk)
                    continue
                cursor.execute(write, [token.decode() if text else token, pk, value])
                rotated += cursor.rowcount
        if len(rows) < _CHUNK:
            break
        last = rows[-1][0]
    return Rotation(table=model._meta.db_table, column=column, rotated=rotated, unreadable=tuple(unreadable))
