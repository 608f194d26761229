"""Export the configuration, compare a document with it, or apply one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation.configuration import CREATED, REMOVED
from integration import configuration_queries, configuration_yaml
from integration.configuration_differences import Change
from integration.operations import configuration


DIFFERENT, IN_TROUBLE = 1, 2
"""How `diff` ends, as diff(1) does: 0 without differences, 1 with, 2 when the document cannot be compared."""


class Command(BaseCommand):
    """`manage.py config export|diff|apply`."""

    help = "Export the configuration, compare a document with it, or apply one (docs/reference/configuration.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="export|diff|apply")
        export = verbs.add_parser("export", help="write the configuration as YAML")
        export.add_argument(
            "--section", action="append", default=[], metavar="NAME", help="only this section; may be repeated"
        )
        export.add_argument("--output", metavar="FILE", help="the file to write; without it, standard output")
        diff = verbs.add_parser("diff", help="say what a document would change; exit code 1 when it would")
        apply = verbs.add_parser("apply", help="apply a document, whole or not at all")
        apply.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")
        for verb in (diff, apply):
            verb.add_argument("file", help="the document; - is standard input")
            verb.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "export":
            self._export(sections=options["section"], output=options["output"])
        elif options["verb"] == "diff":
            self._diff(options["file"], as_json=options["json"])
        else:
            self._apply(options["file"], dry_run=options["dry_run"], as_json=options["json"])

    def _export(self, *, sections: list[str], output: str | None) -> None:
        try:
            text = configuration_queries.as_text(configuration_queries.export(sections=sections))
            if output:
                Path(output).write_text(text, encoding="utf-8")
                return
        except (configuration_queries.UnknownSection, configuration_queries.UnableToExport) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        self.stdout.write(text, ending="")

    def _diff(self, file: str, *, as_json: bool) -> None:
        try:
            found = configuration.compare(document=_read(file), at=timezone.now())
        except (configuration.UnableToApplyConfiguration, configuration_queries.UnableToExport) as error:
            raise CommandError(str(error), returncode=IN_TROUBLE) from error
        if as_json:
            self._write_json(found.as_dict())
        else:
            self._write(found.differences)
            for section, names in found.only_here.items():
                self.stdout.write(f"# only here, not in the document: {section} {', '.join(names)}")
        if found.differences:
            sys.exit(DIFFERENT)

    def _apply(self, file: str, *, dry_run: bool, as_json: bool) -> None:
        try:
            done = configuration.apply_document(document=_read(file), by=None, at=timezone.now(), dry_run=dry_run)
        except (configuration.UnableToApplyConfiguration, configuration_queries.UnableToExport) as error:
            raise CommandError(str(error)) from error
        if as_json:
            self._write_json({"dry_run": dry_run, **done.as_dict()})
            return
        self._write(done.changes)
        number = len(done.differences)
        counted = f"{number} change" if number == 1 else f"{number} changes"
        verb = "would be made" if dry_run else "made"
        self.stdout.write(self.style.SUCCESS(f"{counted} {verb}."))

    def _write(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            said, *fields = change.lines()
            self.stdout.write(self._coloured(change.outcome)(said) if change.fields else said)
            for line in fields:
                self.stdout.write(self._coloured(CREATED if line.startswith("+") else REMOVED)(line))

    def _coloured(self, outcome: str) -> Any:
        styles = {CREATED: self.style.SUCCESS, REMOVED: self.style.ERROR}
        return styles.get(outcome, self.style.MIGRATE_LABEL)

    def _write_json(self, content: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(configuration_yaml.plain(content), indent=2, ensure_ascii=False))


def _read(file: str) -> configuration_yaml.Document:
    if file == "-":
        return configuration.read_text(sys.stdin.read())
    return configuration.read_document(path=Path(file))
