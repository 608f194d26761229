"""`manage.py export_measurements --component MC-1 --start … --end … --format nem12`: final measurements as a file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from foundation.times import parse_instant
from vee import writers
from vee.operations import bulk_export, exports


class Command(BaseCommand):
    """Writes to a file, or to the standard output for a pipe."""

    help = "Export final measurements of components for a period, as NEM12, Green Button, CSV or Parquet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--component", action="append", default=[], metavar="ID",
            help="may be named repeatedly; parquet without it: all interval components",
        )  # fmt: skip
        parser.add_argument("--start", required=True, help="with offset, e.g. 2024-03-01T00:00:00+10:00")
        parser.add_argument("--end", required=True, help="with offset; the last label that is written")
        parser.add_argument("--format", required=True, help=", ".join([*writers.FORMATS, "parquet"]))
        parser.add_argument("--output", default=None, metavar="FILE", help="a new file; standard output without it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] == "parquet":
            self._write_parquet(options)
            return
        try:
            export = exports.export_measurements(
                identifiers=options["component"],
                start=parse_instant(options["start"]),
                end=parse_instant(options["end"]),
                format=options["format"],
                at=timezone.now(),
            )
        except (exports.UnableToExport, ValueError) as error:
            raise CommandError(str(error)) from None
        if options["output"] is None:
            for piece in export.pieces:
                self.stdout.write(piece, ending="")
            return
        self._write(export, Path(options["output"]))

    def _write_parquet(self, options: dict[str, Any]) -> None:
        if options["output"] is None:
            raise CommandError("Parquet goes to a file: name it with --output.")
        try:
            written = bulk_export.export_parquet(
                path=Path(options["output"]),
                identifiers=options["component"],
                start=parse_instant(options["start"]),
                end=parse_instant(options["end"]),
            )
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{options['output']} was written: {written} measurements.")

    def _write(self, export: exports.Export, path: Path) -> None:
        """Write beside the file and then give it its name, so that nobody reads half of it."""
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as target:
                target.writelines(export.pieces)
            os.link(part, path)
        except FileExistsError:
            raise CommandError(f"{path} is there already; nothing was overwritten.") from None
        except writers.UnableToWrite as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        finally:
            part.unlink(missing_ok=True)
        self.stdout.write(f"{path} was written.")
