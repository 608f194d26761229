"""States, faults and acknowledgements with their labels, and the named groups that logic uses."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Pattern(models.TextChoices):
    """How a flow is called (`integration.md` 1.1): it decides between replay and resubmit."""

    SYNC = "SYNC", _("Request and response")
    ASYNC = "ASYNC", _("One way")
    SCHEDULED = "SCHEDULED", _("Scheduled")


class TracingLevel(models.TextChoices):
    """
    Which exchanges with the target are kept besides the request and the response, which always are.

    PRODUCTION keeps those that did not succeed, AUDIT all of them, DEBUG also one line per record.
    """

    PRODUCTION = "PRODUCTION", _("Production: request, response, and exchanges that did not succeed")
    AUDIT = "AUDIT", _("Audit: every exchange")
    DEBUG = "DEBUG", _("Debug: every exchange, and a line per record")


class RunState(models.TextChoices):
    """Life cycle of a flow run (`api.md` 5)."""

    RECEIVED = "RECEIVED", _("Received")
    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    SUCCEEDED = "SUCCEEDED", _("Succeeded")
    FAILED = "FAILED", _("Failed")
    ABORTED = "ABORTED", _("Aborted")
    DISCARDED = "DISCARDED", _("Discarded")


UNFINISHED_STATES = (RunState.RECEIVED, RunState.IN_PROGRESS)


class RunKind(models.TextChoices):
    """Why a run exists."""

    MESSAGE = "MESSAGE", _("Message")
    REPLAY = "REPLAY", _("Replay")
    RESUBMISSION = "RESUBMISSION", _("Resubmission")


class FaultType(models.TextChoices):
    """The guide's three faults (`integration.md` 2.5)."""

    TECHNICAL = "TECHNICAL", _("Technical")
    REMOTE = "REMOTE", _("Remote")
    BUSINESS = "BUSINESS", _("Business")


class StepOutcome(models.TextChoices):
    """What became of a step; WARNING: it went through, but not for every record."""

    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    SUCCEEDED = "SUCCEEDED", _("Succeeded")
    WARNING = "WARNING", _("With errors")
    FAILED = "FAILED", _("Failed")


class PayloadDirection(models.TextChoices):
    """Which way a payload went, seen from here."""

    REQUEST_IN = "REQUEST_IN", _("Request received")
    RESPONSE_OUT = "RESPONSE_OUT", _("Response given")
    REQUEST_OUT = "REQUEST_OUT", _("Request sent")
    RESPONSE_IN = "RESPONSE_IN", _("Response received")


class AckType(models.TextChoices):
    """Acknowledgement codes, in the order of the algebra (`integration.md` 2.3)."""

    SUCCESS = "SUCCESS", _("Success")
    ERROR = "ERROR", _("Error")
    FAILURE = "FAILURE", _("Failure")


class RecordState(models.TextChoices):
    """What the ledger knows of one record; only FAILURE is tried again."""

    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    SUCCESS = "SUCCESS", _("Success")
    ERROR = "ERROR", _("Error")
    FAILURE = "FAILURE", _("Failure")


SETTLED_RECORD_STATES = (RecordState.SUCCESS, RecordState.ERROR)
