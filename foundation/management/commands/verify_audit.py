"""`manage.py verify_audit`: follow the chain of the audit trail from its first entry to its last."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation import audit


class Command(BaseCommand):
    """Check that no entry of the audit trail was changed, taken out or put in between."""

    help = "Check that no entry of the audit trail was changed, taken out or put in between."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take an anchor that was noted elsewhere."""
        parser.add_argument(
            "--anchor",
            metavar="POSITION:DIGEST",
            help="position and digest that were noted elsewhere, such as in the log lines audit_sealed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """
        Verify, print what the chain ends with.

        :raises CommandError: naming the first entry that is wrong.
        """
        audit.seal()
        found = audit.verify(anchor=_anchor(options["anchor"]))
        if found.broken:
            raise CommandError(
                f"The audit trail is broken: {found.broken}. The {found.entries} entries before it are as they were."
            )
        self.stdout.write(f"{found.entries} entries, none changed. The chain ends with {found.entries}:{found.digest}")


def _anchor(given: str | None) -> tuple[int, str] | None:
    if given is None:
        return None
    match = re.fullmatch(r"(\d+):([0-9a-f]{64})", given.strip())
    if match is None:
        raise CommandError("An anchor is a position, a colon and 64 hexadecimal digits.")
    return int(match[1]), match[2]
