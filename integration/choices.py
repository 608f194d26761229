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

    PRODUCTION keeps those that did not succeed, AUDIT all of them, DEBUG also one line per record; exchanges that
    only DEBUG keeps stay for the flow's hours and not its days.
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


# A run in one of these is over; statistics count it and retention may take it.
ENDED_STATES = (RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED, RunState.DISCARDED)


class FlowState(models.TextChoices):
    """Whether a flow takes messages and works on them; computed, never stored."""

    ACTIVE = "ACTIVE", _("Active")
    PAUSED = "PAUSED", _("Paused")
    DRAINING = "DRAINING", _("Draining")
    INACTIVE = "INACTIVE", _("Inactive")


class PauseScope(models.TextChoices):
    """What a pause stops."""

    FLOW = "FLOW", _("Flow")
    CONNECTION = "CONNECTION", _("Connection")
    ALL = "ALL", _("All flows")


class OverlapPolicy(models.TextChoices):
    """What a schedule does when it is due while an earlier run is unfinished."""

    SKIP = "SKIP", _("Skip")
    QUEUE_ONE = "QUEUE_ONE", _("Queue one")
    ALLOW = "ALLOW", _("Run beside it")


class MissedPolicy(models.TextChoices):
    """What a schedule does with times that passed while nothing could run."""

    RUN_ONCE = "RUN_ONCE", _("Run once")
    SKIP = "SKIP", _("Skip")


class SlotOutcome(models.TextChoices):
    """What became of a due time."""

    FIRED = "FIRED", _("Run")
    QUEUED = "QUEUED", _("Waits for the run before")
    SKIPPED = "SKIPPED", _("Skipped")
    MISSED = "MISSED", _("Missed")
    REFUSED = "REFUSED", _("Refused")


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


class FileState(models.TextChoices):
    """What the ledger knows of one file of a prefix queue; UPLOADED and REFUSED still have their rename before them."""

    WAITING = "WAITING", _("Waiting")
    IN_PROGRESS = "IN_PROGRESS", _("Being sent")
    UPLOADED = "UPLOADED", _("Sent, rename pending")
    REFUSED = "REFUSED", _("Refused, rename pending")
    SENT = "SENT", _("Sent")
    ERROR = "ERROR", _("Not sent")
    VANISHED = "VANISHED", _("Vanished")


RENAME_PENDING_FILE_STATES = (FileState.UPLOADED, FileState.REFUSED)
SETTLED_FILE_STATES = (FileState.SENT, FileState.ERROR, FileState.VANISHED)


class SegmentState(models.TextChoices):
    """What became of a segment of a file; FAILED and SKIPPED are sent when the run goes on."""

    PENDING = "PENDING", _("Pending")
    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed")
    SKIPPED = "SKIPPED", _("Skipped")


class EventState(models.TextChoices):
    """What is known of an event's reservations and its end."""

    RECEIVED = "RECEIVED", _("Received")
    RESERVING = "RESERVING", _("Reserving")
    RESERVED = "RESERVED", _("Reserved")
    INCOMPLETE = "INCOMPLETE", _("Not reserved completely")
    CANCELED = "CANCELED", _("Canceled")
    COMPLETED = "COMPLETED", _("Completed")


class ReservationState(models.TextChoices):
    """What is known of one device; SENDING without a live segment: the target may or may not have it."""

    SENDING = "SENDING", _("Being sent")
    RESERVED = "RESERVED", _("Reserved")
    REFUSED = "REFUSED", _("Refused")
    FAILED = "FAILED", _("Failed")


class OutcomeState(models.TextChoices):
    """What DACS made of a device's outcome; only POSTED is not sent again."""

    POSTED = "POSTED", _("Posted")
    REFUSED = "REFUSED", _("Refused")
    AGAIN = "AGAIN", _("To be posted again")


class ResubmitMode(models.TextChoices):
    """Where a resubmitted run starts."""

    FAILED_STEP = "FAILED_STEP", _("From the failed step: what was done is not done again")
    START = "START", _("From the start: everything is sent again")


class SyncOutcome(models.TextChoices):
    """What DERMS made of an enrollment sync; NOT_SEEN: only its acknowledgement came by."""

    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    SUCCESS = "SUCCESS", _("Taken")
    ERROR = "ERROR", _("Refused by DERMS")
    FAULT = "FAULT", _("Not processed")
    NOT_SEEN = "NOT_SEEN", _("Sync not seen")


class SyncAckState(models.TextChoices):
    """Where the acknowledgement of a sync request stands."""

    NONE = "NONE", _("None")
    EXPECTED = "EXPECTED", _("DERMS sends it")
    WAITING = "WAITING", _("On its way")
    DELIVERED = "DELIVERED", _("Delivered")
    FAILED = "FAILED", _("Not delivered")
    CANCELED = "CANCELED", _("Canceled")


class CheckState(models.TextChoices):
    """Life of a device status check; NOT_SEEN: only its answer came by."""

    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    OPEN = "OPEN", _("Open")
    ANSWERED = "ANSWERED", _("Answered")
    OVERDUE = "OVERDUE", _("Overdue")
    FAULT = "FAULT", _("Not taken by DERMS")
    NOT_SEEN = "NOT_SEEN", _("Check not seen")


class CheckAnswerState(models.TextChoices):
    """Whether the answer to a status check got through to DACS."""

    NONE = "NONE", _("None")
    IN_PROGRESS = "IN_PROGRESS", _("On its way")
    FORWARDED = "FORWARDED", _("Forwarded")
    FAILED = "FAILED", _("Not forwarded")


class CheckResult(models.TextChoices):
    """What DERMS says of the device. FAILURE is an answer: the device did not respond."""

    SUCCESS = "SUCCESS", _("Device responds")
    FAILURE = "FAILURE", _("Device does not respond")


class DocumentSource(models.TextChoices):
    """Which way a configuration document came."""

    COMMAND = "COMMAND", _("Command")
    START = "START", _("Start of the product")
    PAGE = "PAGE", _("Admin")
    API = "API", _("API")


# Whoever comes these ways is on the machine, and may name its variables and files.
LOCAL_SOURCES = frozenset({DocumentSource.COMMAND, DocumentSource.START})


class OverlayState(models.TextChoices):
    """Where a version of a mapping overlay stands at a moment; it follows from its dates."""

    DRAFT = "DRAFT", _("Draft")
    SCHEDULED = "SCHEDULED", _("Takes effect later")
    ACTIVE = "ACTIVE", _("Active")
    RETIRED = "RETIRED", _("Retired")


class WhenEmpty(models.TextChoices):
    """What becomes of an overlay's field when its expression gives nothing: null, or an empty text."""

    KEEP = "KEEP", _("Keep what the base mapping gives")
    LEAVE_OUT = "LEAVE_OUT", _("Leave the field out")
    FAIL = "FAIL", _("Do not send the message")


class ReportFrequency(models.TextChoices):
    """How often a report is mailed."""

    DAILY = "DAILY", _("Daily")
    WEEKLY = "WEEKLY", _("Weekly")
    MONTHLY = "MONTHLY", _("Monthly")


class Weekday(models.IntegerChoices):
    """Days of the week as ISO 8601 counts them."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class ReportFormat(models.TextChoices):
    """The form of a report as a file."""

    CSV = "CSV", _("CSV")
    XLSX = "XLSX", _("Excel (XLSX)")


class ReportOutcome(models.TextChoices):
    """What became of a time at which a report was due."""

    QUEUED = "QUEUED", _("Mailed")
    FAILED = "FAILED", _("Not mailed")
