"""`manage.py erase_customer PERSON`: erase what is known of a customer as a person; without `--really` only tell."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integration.operations import erasure, mention_erasure


class Command(BaseCommand):
    """Erase a customer's personal data, or say what that would be."""

    help = "Erase what is known of a customer as a person; without --really only say what that would be."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whom, why, and whether it is meant."""
        parser.add_argument(
            "person", nargs="?", default="", help="cisPersonId: the customer information system's number of the person"
        )
        parser.add_argument(
            "--mentioned",
            nargs="+",
            default=[],
            metavar="WORD",
            help="without the DACS side: what names the person in messages, such as account, device, e-mail, telephone",
        )
        parser.add_argument("--reason", default="", help="what asked for it, such as a ticket; kept in the audit trail")
        parser.add_argument("--really", action="store_true", help="erase; there is no way back but a backup")

    def handle(self, *args: Any, **options: Any) -> None:
        """
        Run the command.

        :raises CommandError: when there is no such customer, something is under way, or no reason is given.
        """
        really, reason = options["really"], options["reason"].strip()
        if really and not reason:
            raise CommandError("Say why: --reason 'request 4711'. It is kept in the audit trail.")
        if bool(options["person"]) == bool(options["mentioned"]):
            raise CommandError("Name the person, or what names the person in messages (--mentioned), and not both.")
        try:
            by = f"{_who()} (command line)"
            if options["mentioned"]:
                done = mention_erasure.erase(
                    words=options["mentioned"], by=by, reason=reason, at=timezone.now(), really=really
                )
            else:
                done = erasure.erase(
                    person_id=options["person"], by=by, reason=reason, at=timezone.now(), really=really
                )
        except (erasure.UnknownCustomer, erasure.UnableToErase, mention_erasure.WordTooShort) as error:
            raise CommandError(f"Nothing was changed. {error}") from error
        for kind, number in done.counts.items():
            self.stdout.write(f"{number:>8}  {kind.replace('_', ' ')}")
        if really:
            self.stdout.write(f"Erased. The audit trail and what was kept know the person as {done.pseudonym}.")
        else:
            self.stdout.write("Nothing was changed. With --really and --reason this is erased.")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
