"""The enumerations of what leaves, and the named groups that logic asks for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Transport(models.TextChoices):
    """How a connection's target is spoken to (`api.md` 1)."""

    REST = "rest", _("REST")
    SFTP = "sftp", _("SFTP")
    FTP = "ftp", _("FTP (plain)")
    FTPS = "ftps", _("FTP over explicit TLS")
    OBJECT_STORAGE = "object_storage", _("Object storage")
    EMAIL = "email", _("E-mail (SMTP)")


# What this version can speak; the others are stored and refuse to be used.
AVAILABLE_TRANSPORTS = frozenset({Transport.REST, Transport.EMAIL})
TRANSPORTS_WITH_BASE_URL = frozenset({Transport.REST, Transport.OBJECT_STORAGE})
TRANSPORTS_WITH_HOST = frozenset({Transport.SFTP, Transport.FTP, Transport.FTPS, Transport.EMAIL})
DEFAULT_PORTS = {Transport.SFTP: 22, Transport.FTP: 21, Transport.FTPS: 21, Transport.EMAIL: 25}


class BreakerState(models.TextChoices):
    """Whether calls go through (`house.md` D3)."""

    CLOSED = "CLOSED", _("Closed")
    OPEN = "OPEN", _("Open")
    HALF_OPEN = "HALF_OPEN", _("Half open")


class MailStatus(models.TextChoices):
    """Where a mail stands."""

    PENDING = "PENDING", _("Pending")
    SENT = "SENT", _("Sent")
    FAIL = "FAIL", _("Failed")


# A person may send these again.
RESENDABLE_MAIL = frozenset({MailStatus.FAIL, MailStatus.PENDING, MailStatus.SENT})


class AttemptOutcome(models.TextChoices):
    """How one try ended; STARTED is a try whose end nobody recorded."""

    STARTED = "STARTED", _("Started")
    SENT = "SENT", _("Sent")
    FAILED = "FAILED", _("Failed, will be tried again")
    REFUSED = "REFUSED", _("Refused for good")
    HELD = "HELD", _("Held back, not counted")
    LOST = "LOST", _("The worker disappeared")
