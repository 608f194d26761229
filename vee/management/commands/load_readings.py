"""`manage.py load_readings FILE --format FORMAT`: load reading files and say what became of them."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vee import models, readers
from vee.choices import ReadingFileStatus
from vee.operations import intake, reading_files


_SHOWN_ERRORS = 20
_UNFINISHED = (ReadingFileStatus.RECEIVED, ReadingFileStatus.LOADING)


class Command(BaseCommand):
    """Returns when the IMDs are stored; `process_imds` or the worker takes them from there."""

    help = "Load reading files. Returns when their readings are stored; exit code 1 when a file failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--format", required=True, help=", ".join(readers.KNOWN_FORMATS))
        parser.add_argument("--auto-register", action="store_true", help="create unknown measuring components")
        parser.add_argument("--type", default=None, help="the measuring component type on which they are created")

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = [self._load(Path(name), options) for name in options["files"]]
        self._print_table(loaded)
        if any(file.status == ReadingFileStatus.FAILED for file in loaded):
            raise CommandError("At least one file failed.", returncode=1)

    def _load(self, path: Path, options: dict[str, Any]) -> models.ReadingFile:
        try:
            with path.open("rb") as stream:
                file = intake.receive_file(
                    name=path.name,
                    stream=stream,
                    format=options["format"],
                    auto_register=options["auto_register"],
                    component_type=options["type"],
                    at=timezone.now(),
                    wake=False,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        except reading_files.UnableToReceiveFile as error:
            raise CommandError(f"{path}: {error}") from None
        try:
            return intake.load_file(file_id=file.pk, at=timezone.now())
        except reading_files.UnableToLoadFile:
            # A worker's sweep found the file first: wait for it.
            while file.status in _UNFINISHED:
                time.sleep(0.5)
                file.refresh_from_db()
            return file

    def _print_table(self, loaded: list[models.ReadingFile]) -> None:
        width = max(4, *(len(file.name) for file in loaded))
        columns = f"{'status':<8} {'rows':>8} {'accepted':>9} {'rejected':>9} {'intervals':>10} {'IMDs':>7}"
        self.stdout.write(f"{'file':<{width}}  {columns}")
        for file in loaded:
            self.stdout.write(
                f"{file.name:<{width}}  {file.status:<8} {file.rows_read:>8} {file.rows_accepted:>9} "
                f"{file.rows_rejected:>9} {file.intervals:>10} {file.imds:>7}"
            )
        for file in loaded:
            if file.message:
                self.stdout.write(f"{file.name}: {file.message}")
            for error in file.errors.order_by("line", "pk")[:_SHOWN_ERRORS]:
                self.stdout.write(f"{file.name}:{error.line}: {error.code}: {error.message}")
