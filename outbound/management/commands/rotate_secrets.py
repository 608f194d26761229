"""`manage.py rotate_secrets`: re-encrypt all stored secrets with the newest key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outbound.operations.secrets import rotate_secrets


class Command(BaseCommand):
    """Re-encrypt every stored secret with the first key of FIELD_ENCRYPTION_KEYS."""

    help = "Re-encrypt every stored secret with the first key of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """
        Rotate, print a line per column.

        :raises CommandError: when a value cannot be read with any configured key.
        """
        unreadable = 0
        for rotation in rotate_secrets():
            unreadable += len(rotation.unreadable)
            line = f"{rotation.table}.{rotation.column}: {rotation.rotated} re-encrypted"
            if rotation.unreadable:
                line += (
                    f", {len(rotation.unreadable)} unreadable (rows {', '.join(map(str, rotation.unreadable[:20]))})"
                )
            self.stdout.write(line)
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets were encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold. "
                "Add that key and run this again, or enter the secrets anew. Keep all keys until then."
            )
        self.stdout.write("All stored secrets are encrypted with the first key; older keys can be removed.")
