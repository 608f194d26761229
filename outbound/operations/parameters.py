"""Setting parameters."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from outbound.models import Parameter
from outbound.operations.history import stamp_history
from outbound.parameters import declaration


def set_parameter(*, name: str, value: object, description: str | None = None, by: Any = None) -> bool:
    """
    Set a parameter and say whether that changed it.

    :param description: the site's own words; None leaves them as they are.

    :raises UnknownParameter: when no such parameter is declared.
    :raises UnableToReadParameter: when the value does not fit its type or limits.
    """
    declared = declaration(name)
    written = declared.write(value)
    with transaction.atomic():
        row = Parameter.objects.select_for_update().filter(name=name).first()
        words = description if description is not None else (row.description if row else declared.help)
        if row is not None and (row.value, row.description) == (written, words):
            return False
        row = row or Parameter(name=name)
        row.value, row.description = written, words
        stamp_history(row, by=by)
        row.save()
    return True
