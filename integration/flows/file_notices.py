"""The business mails at the end of a run over a queue of files (`integration.md` 3.9, C-02, C-44)."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse

from integration.flows.contract import Fault
from integration.flows.file_queue import Source
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import errors
from lookups.queries import (
    EMAIL_ID,
    UnableToReadProperty,
    UnableToReadRecipients,
    config_property,
    recipients,
)
from outbound.operations.mail import UnableToQueueMail, queue_mail
from outbound.retry import FaultType


COMPLETE_GATE = "notification.email.process.complete.flag"
NO_FILE_GATE = "notification.email.process.nofile.flag"
RECIPIENT = "to.process.notification"
SENDER = "from"
# Names that a mail lists; the run holds them all.
MAX_LISTED = 500


class Notices:
    """Mails of one run. Whether one is wanted, and by whom, is read when it is due."""

    def __init__(self, run: Run, step: Step, *, source: Source) -> None:
        self._run = run
        self._step = step
        self._source = source

    def process_complete(
        self, *, transferred: Sequence[str], not_transferred: Sequence[tuple[str, str]], stopped_by: Fault | None
    ) -> None:
        """Tell what was transferred and what was not, in one mail per run."""
        self._mail(
            COMPLETE_GATE,
            "process_complete",
            {
                "transferred": list(transferred)[:MAX_LISTED],
                "transferred_count": len(transferred),
                "not_transferred": list(not_transferred)[:MAX_LISTED],
                "not_transferred_count": len(not_transferred),
                "stopped_by": stopped_by.reason if stopped_by else "",
            },
        )

    def no_file(self) -> None:
        """Tell that there was nothing to transfer; off unless a site wants it."""
        self._mail(NO_FILE_GATE, "no_file", {"prefix": self._source.prefix})

    def files_refused(self, not_transferred: Sequence[tuple[str, str]]) -> None:
        """Tell the people who handle faults: nobody called, so nobody was answered."""
        name, reason = not_transferred[0]
        said = f"{name} was not transferred: {reason}"
        others = len(not_transferred) - 1
        flow = self._run.row.flow
        errors.report(
            flow=flow,
            source=flow.identifier,
            fault=Fault(
                type=FaultType.BUSINESS,
                code="file_not_transferred",
                reason=f"{said} (and {others} more)" if others else said,
            ),
            run=self._run.row,
            business_too=True,
            at=self._run.clock(),
        )

    def _mail(self, gate: str, template: str, context: dict[str, object]) -> None:
        try:
            self._queue(gate, template, context)
        except (UnableToReadProperty, UnableToReadRecipients, UnableToQueueMail) as error:
            # The files are where they belong; a mail that cannot be written changes nothing of that.
            self._step.warn(f"Nobody was told: {error}")

    def _queue(self, gate: str, template: str, context: dict[str, object]) -> None:
        if not config_property(gate):
            self._step.count(mails=0)
            return
        to, sender = recipients(RECIPIENT, table=EMAIL_ID), recipients(SENDER, table=EMAIL_ID)
        if not to or not sender:
            missing = RECIPIENT if not to else SENDER
            self._step.warn(f"Nobody was told: the recipient '{missing}' of the e-mail lookup is empty")
            return
        run = self._run.row
        queue_mail(
            to=to,
            sender=sender[0],
            template=template,
            context={
                **context,
                "integration": run.flow.display_name,
                "facts": {
                    "Connection": self._source.connection.name,
                    "Place": self._source.directory or self._source.connection.directory,
                    "Started": f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC",
                    "Run": str(run.pk),
                },
                "run_address": f"{settings.PUBLIC_URL.rstrip('/')}"
                f"{reverse('admin:integration_flowrun_change', args=[run.pk])}",
            },
            at=self._run.clock(),
        )
        self._step.count(mails=1)
