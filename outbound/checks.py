"""System checks of the connections: what works, but that an operator should know about."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import DatabaseError
from django.db import connections as databases


@checks.register(checks.Tags.database)
def plain_ftp_is_visible(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of every enabled connection that sends its password and its files in clear (`api.md` 1)."""
    from outbound.choices import Transport
    from outbound.models import Connection

    return [
        checks.Warning(
            f"Connection {name} uses plain FTP: password and files travel unencrypted.",
            hint="Use sftp, or ftps where the server offers it.",
            id="outbound.W001",
        )
        for alias in databases or ()
        if _is_migrated(alias, Connection)
        for name in Connection.objects.using(alias)
        .filter(transport=Transport.FTP, enabled=True)
        .order_by("name")
        .values_list("name", flat=True)
    ]


def _is_migrated(alias: str, model: Any) -> bool:
    # `migrate` runs the database checks before the first table exists.
    try:
        with databases[alias].cursor() as cursor:
            tables = databases[alias].introspection.table_names(cursor)
    except DatabaseError:
        return False
    return model._meta.db_table in tables
