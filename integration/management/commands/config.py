"""Apply a configuration document, or say what it would change."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integration.operations import configuration


class Command(BaseCommand):
    """`manage.py config apply FILE.yaml [--dry-run]`."""

    help = "Apply a configuration document (docs/reference/configuration.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["apply"])
        parser.add_argument("file")
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changes = configuration.apply_file(
                path=options["file"], by=None, at=timezone.now(), dry_run=options["dry_run"]
            )
        except configuration.UnableToApplyConfiguration as error:
            raise CommandError(str(error)) from error
        for change in changes:
            self.stdout.write(str(change))
        count = sum(1 for change in changes if change.outcome != "unchanged")
        verb = "would be made" if options["dry_run"] else "made"
        self.stdout.write(self.style.SUCCESS(f"{count} change(s) {verb}."))
