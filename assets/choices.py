"""The enumerations of the DACS side, in the codes that DACS itself uses on the wire (`integration.md` 3, 8.3)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

# A To Do stands where any To Do stands.
from vee.choices import OPEN_TODO_STATUSES, ToDoStatus  # noqa: F401  (given on from here)


class Cycle(models.TextChoices):
    """The period over which a program counts events of a device (`integration.md` 9.1)."""

    WEEK = "WEEK", _("Week")
    MONTH = "MONTH", _("Month")


class ProcessingRole(models.TextChoices):
    """What a head-end system's processing method is for (guide, chapter 3)."""

    DEVICE_STATUS_CHECK = "DEVICE_STATUS_CHECK", _("Device status check")


class AssetOwnership(models.TextChoices):
    """Who owns a device."""

    CUSTOMER = "W1CO", _("Customer owned")
    UTILITY = "W1OW", _("Utility owned")


class InstallationMethod(models.TextChoices):
    """How a device gets to its place."""

    BRING_YOUR_OWN = "X1SI", _("Bring your own")
    SHIP_DEVICE = "X1SD", _("Ship device")
    UTILITY_INSTALLATION = "X1UI", _("Utility installation")
    RE_ENROLL = "X1RE", _("Re-enroll")


class RemovalMethod(models.TextChoices):
    """What becomes of the devices of a customer who is unenrolled."""

    KEEP = "X1KP", _("Keep")
    SHIP_DEVICE = "X1SD", _("Ship device")
    UTILITY_REMOVAL = "X1UR", _("Utility removal")


class HeadEndRegistration(models.TextChoices):
    """Whether the head-end system knows a device."""

    REGISTERED = "D1RE", _("Registered")
    NOT_REGISTERED = "D1NR", _("Not registered")
    DEREGISTERED = "D1DR", _("Deregistered")


class DeviceReach(models.TextChoices):
    """What the last status check of a device said."""

    UNKNOWN = "UNKNOWN", _("Never checked")
    ONLINE = "ONLINE", _("Online")
    OFFLINE = "OFFLINE", _("Offline")


class ReachForScore(models.TextChoices):
    """How well a device is reached, as a score sees it: `communicationStatus` of the score file."""

    ONLINE = "ONLINE", _("Online")
    STALE = "STALE", _("Online, but checked long ago")
    UNKNOWN = "UNKNOWN", _("Never checked")
    OFFLINE = "OFFLINE", _("Offline")


COMMUNICATION_TENTHS = {
    ReachForScore.ONLINE: 10,
    ReachForScore.STALE: 5,
    ReachForScore.UNKNOWN: 5,
    ReachForScore.OFFLINE: 0,
}
"""The variable `communication` of score formulas, in tenths (`integration.md` 9.2)."""


class LocationStatus(models.TextChoices):
    """Whether devices can be at a device location."""

    ACTIVE = "ACTIVE", _("Active")
    INACTIVE = "INACTIVE", _("Inactive")


class SubscriptionStatus(models.TextChoices):
    """Life of a program subscription."""

    PENDING = "PENDING", _("Pending")
    ACTIVE = "ACTIVE", _("Active")
    INACTIVE = "INACTIVE", _("Inactive")
    CANCELED = "CANCELED", _("Canceled")


# There is at most one of these in a program and place.
OPEN_SUBSCRIPTIONS = (SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE)


class EnrollmentKind(models.TextChoices):
    """What an enrollment asks for."""

    ENROLL = "ENROLL", _("Enroll")
    UNENROLL = "UNENROLL", _("Unenroll")


class EnrollmentStatus(models.TextChoices):
    """Life of an enrollment; the codes are those that DACS answers with."""

    PENDING = "PENDING", _("Pending")
    DEVICE_SETUP = "DEVICESETUP", _("Device set-up")
    COMPLETE = "COMPLETE", _("Complete")
    VALIDATION_ERROR = "VALERROR", _("Validation error")
    ERROR = "ERROR", _("Error")
    CANCELED = "CANCELED", _("Canceled")


# Something is still to come of these.
OPEN_ENROLLMENTS = (
    EnrollmentStatus.PENDING,
    EnrollmentStatus.DEVICE_SETUP,
    EnrollmentStatus.VALIDATION_ERROR,
    EnrollmentStatus.ERROR,
)
# A person may try these again.
RETRYABLE_ENROLLMENTS = (EnrollmentStatus.VALIDATION_ERROR, EnrollmentStatus.ERROR)


class DeviceSetupStatus(models.TextChoices):
    """Where the set-up of one device of an enrollment stands."""

    PENDING = "PENDING", _("Pending")
    CHECKING = "CHECKING", _("Status check under way")
    COMPLETE = "COMPLETE", _("Complete")
    ERROR = "ERROR", _("Error")
    CANCELED = "CANCELED", _("Canceled")


OPEN_SETUPS = (DeviceSetupStatus.PENDING, DeviceSetupStatus.CHECKING, DeviceSetupStatus.ERROR)


class CommunicationStatus(models.TextChoices):
    """Life of a communication with a device through its head-end system."""

    PENDING = "PENDING", _("Pending")
    AWAITING_RESPONSE = "AWAITING", _("Awaiting response")
    COMPLETE = "COMPLETE", _("Complete")
    TIMED_OUT = "TIMEDOUT", _("Timed out")
    ERROR = "ERROR", _("Error")
    CANCELED = "CANCELED", _("Canceled")


# An answer is still waited for.
OPEN_COMMUNICATIONS = (CommunicationStatus.PENDING, CommunicationStatus.AWAITING_RESPONSE)


class EventCategory(models.TextChoices):
    """What a program event is for (`integration.md` 3.6)."""

    DEVICE_TEST = "X1DT", _("Device test")
    ECONOMIC = "X1EC", _("Economic")
    EMERGENCY = "X1EM", _("Emergency")
    RELIABILITY = "X1RE", _("Reliability")


class EventStatus(models.TextChoices):
    """Life of a program event, as far as messages tell it; whether it is under way follows from the clock."""

    SCHEDULED = "SCHEDULED", _("Scheduled")
    CANCELED = "CANCELED", _("Canceled")


class ParticipationStatus(models.TextChoices):
    """Where a device's part in an event stands."""

    RESERVED = "RESERVED", _("Reserved")
    CANCELED = "CANCELED", _("Canceled")
    REPORTED = "REPORTED", _("Outcome reported")


class ParticipationOutcome(models.TextChoices):
    """How a device took part (`integration.md` 4.5)."""

    SUCCESSFUL = "D1SP", _("Successful participation")
    CANCELED = "D1CN", _("Canceled")
    ERROR = "D1ER", _("Error")
    OPTED_OUT = "D1IO", _("Opted out during the event")
    NOT_DELIVERED = "D1ND", _("Not delivered")


# Of these, only the first counts as participation; a canceled one counts neither way (`integration.md` 9.2).
ATTEMPTS = frozenset(
    {
        ParticipationOutcome.SUCCESSFUL,
        ParticipationOutcome.OPTED_OUT,
        ParticipationOutcome.NOT_DELIVERED,
        ParticipationOutcome.ERROR,
    }
)


class ToDoType(models.TextChoices):
    """What a To Do of the DACS side is about."""

    ENROLLMENT = "ENROLLMENT", _("Enrollment in error")
    SYNC_REQUEST = "SYNC_REQUEST", _("Sync request in error")
    EVENT_OUTCOME = "EVENT_OUTCOME", _("Event outcome that fits no device")
    DEVICE_STATUS = "DEVICE_STATUS", _("Status check without an answer")
    BATCH = "BATCH", _("Batch in error")


class BatchStatus(models.TextChoices):
    """How a run of a batch stands."""

    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    COMPLETE = "COMPLETE", _("Complete")
    ERROR = "ERROR", _("Error")


class BaselineSelection(models.TextChoices):
    """Which of the considered days are averaged (`assets.engine.baselines`)."""

    HIGHEST = "HIGHEST", _("Those of the highest load")
    MIDDLE = "MIDDLE", _("Those in the middle")
    MOST_RECENT = "MOST_RECENT", _("The most recent ones")


class BaselineDayType(models.TextChoices):
    """Which days are like the event's."""

    SAME_KIND = "SAME_KIND", _("Working days, or weekend days and holidays")
    SAME_WEEKDAY = "SAME_WEEKDAY", _("The same day of the week")
    ANY = "ANY", _("Any day")


class BaselineAdjustment(models.TextChoices):
    """How the average is moved to the level of the event's day."""

    NONE = "NONE", _("Not at all")
    MULTIPLICATIVE = "MULTIPLICATIVE", _("By a factor")
    ADDITIVE = "ADDITIVE", _("By an addition")


class PerformanceStatus(models.TextChoices):
    """Whether there is a figure."""

    CALCULATED = "CALCULATED", _("Calculated")
    WAITING = "WAITING", _("Waiting for measurements")
    NONE = "NONE", _("No baseline")


class PerformanceReason(models.TextChoices):
    """Why there is no figure."""

    NO_METHOD = "NO_METHOD", _("The program names no baseline method")
    NO_SUBSCRIPTION = "NO_SUBSCRIPTION", _("The device was in no subscription")
    NO_COMPONENT = "NO_COMPONENT", _("Nothing measures the load of the place in kWh")
    NO_WINDOW = "NO_WINDOW", _("The event's hours are not known, or shorter than an interval")
    NOT_MEASURED = "NOT_MEASURED", _("Measurements of the event's hours are missing")
    TOO_FEW_DAYS = "TOO_FEW_DAYS", _("Too few days to compare with")


class SyncStatus(models.TextChoices):
    """Life of a sync request (`integration.md` 8.3)."""

    PENDING = "PENDING", _("Pending")
    DETERMINE = "DETERMINE", _("Determine if sync needed")
    DISCARDED = "DISCARDED", _("Discarded")
    SEND_REQUEST = "SENDREQUEST", _("Send request")
    AWAITING_ACKNOWLEDGEMENT = "AWAITINGACK", _("Awaiting acknowledgement")
    SYNCHRONIZED = "SYNCHRONIZED", _("Synchronized")
    ERROR = "ERROR", _("Error")
    CANCELED = "CANCELED", _("Canceled")


# On its way to the DERMS: a further request of the same subscription waits for it (F1-WAITRELSR).
SYNC_UNDER_WAY = frozenset({SyncStatus.DETERMINE, SyncStatus.SEND_REQUEST, SyncStatus.AWAITING_ACKNOWLEDGEMENT})
SYNC_ENDED = frozenset({SyncStatus.DISCARDED, SyncStatus.SYNCHRONIZED, SyncStatus.CANCELED})


class SyncFault(models.TextChoices):
    """Why a sync request is in error."""

    INCOMPLETE = "INCOMPLETE", _("Data are missing: nothing was sent")
    NOT_DELIVERED = "NOTDELIVERED", _("The message was not delivered")
    REFUSED = "REFUSED", _("Refused by the DERMS")
    OVERDUE = "OVERDUE", _("No acknowledgement came")


class CapturedObject(models.TextChoices):
    """What a captured change was made to."""

    SUBSCRIPTION = "SUBSCRIPTION", _("Program subscription")
    CONTACT = "CONTACT", _("Contact")
    DEVICE = "DEVICE", _("Device")
    LOCATION = "LOCATION", _("Device location")
    COMPARISON = "COMPARISON", _("Found by comparing all")
    RETRY = "RETRY", _("Retry of an earlier request")
