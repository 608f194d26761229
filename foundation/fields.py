"""Model fields that more than one app uses."""

from __future__ import annotations

from typing import Any

from django.db import models

from foundation import crypto


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """
    A text kept encrypted in the database and clear in memory.

    Empty stays empty, so "is a secret set?" can be asked in SQL. Never exported, logged or shown:
    the admin and the API give at most whether it is set.
    """

    description = "Encrypted text"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        return crypto.decrypt(value.encode()).decode()

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if not value:
            return value
        return crypto.encrypt(str(value).encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        """Give nothing to `dumpdata`: a dump is an export, and would hold the secret in clear."""
        return ""


class EncryptedBinaryField(models.BinaryField):  # type: ignore[type-arg]
    """Bytes kept encrypted in the database and clear in memory: message payloads."""

    description = "Encrypted bytes"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> bytes | None:
        if value is None:
            return None
        return crypto.decrypt(bytes(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not prepared:
            value = crypto.encrypt(bytes(value))
        return super().get_db_prep_value(value, connection, prepared)
