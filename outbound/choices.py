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


# What this version can speak; another one is stored and refuses to be used.
AVAILABLE_TRANSPORTS = frozenset(Transport)
# Those that fetch and rename files (`outbound.transports.store`).
FILE_TRANSPORTS = frozenset({Transport.SFTP, Transport.FTP, Transport.FTPS, Transport.OBJECT_STORAGE})
TRANSPORTS_WITH_BASE_URL = frozenset({Transport.REST, Transport.OBJECT_STORAGE})
TRANSPORTS_WITH_HOST = frozenset({Transport.SFTP, Transport.FTP, Transport.FTPS, Transport.EMAIL})
# Where the base address of a connection to Tieline itself begins (`outbound.transports.in_process`).
IN_PROCESS_PREFIX = "tieline:///"
DEFAULT_PORTS = {Transport.SFTP: 22, Transport.FTP: 21, Transport.FTPS: 21, Transport.EMAIL: 25}


class CertificateKind(models.TextChoices):
    """What a certificate is for."""

    TRUST = "TRUST", _("Trust: an authority whose targets are trusted")
    IDENTITY = "IDENTITY", _("Identity: what the product shows to the target")


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


class ProcessingMethod(models.TextChoices):
    """When messages to an external system leave (`integration.md` 8.1)."""

    REAL_TIME = "REAL_TIME", _("Real-time: at once")
    BATCH = "BATCH", _("Batch: with the next sweep")


class AnswerKind(models.TextChoices):
    """What a 2xx answer to a message means."""

    FINAL = "FINAL", _("Final: the target has done it")
    ACKNOWLEDGED_LATER = "ACKNOWLEDGED_LATER", _("Accepted: a business acknowledgement follows")


class ContextType(models.TextChoices):
    """What a message sender may carry (`integration.md` 8.2)."""

    HTTP_HEADER = "HTTP_HEADER", _("HTTP header")
    HTTP_LOGIN_USER = "HTTP_LOGIN_USER", _("HTTP login user")
    HTTP_LOGIN_PASSWORD = "HTTP_LOGIN_PASSWORD", _("HTTP login password")
    HTTP_METHOD = "HTTP_METHOD", _("HTTP method")
    HTTP_TIMEOUT = "HTTP_TIMEOUT", _("HTTP timeout")
    HTTP_URL1 = "HTTP_URL1", _("HTTP URL 1")
    HTTP_URL2 = "HTTP_URL2", _("HTTP URL 2")
    HTTP_URL3 = "HTTP_URL3", _("HTTP URL 3")
    HTTP_URL4 = "HTTP_URL4", _("HTTP URL 4")
    HTTP_URL5 = "HTTP_URL5", _("HTTP URL 5")
    HTTP_URL6 = "HTTP_URL6", _("HTTP URL 6")
    HTTP_URL7 = "HTTP_URL7", _("HTTP URL 7")
    HTTP_URL8 = "HTTP_URL8", _("HTTP URL 8")
    HTTP_URL9 = "HTTP_URL9", _("HTTP URL 9")


# Written once and never shown again; a header may carry a key.
SECRET_CONTEXT_TYPES = frozenset({ContextType.HTTP_HEADER, ContextType.HTTP_LOGIN_PASSWORD})
URL_CONTEXT_TYPES = tuple(ContextType(f"HTTP_URL{number}") for number in range(1, 10))


class MessageMethod(models.TextChoices):
    """The HTTP methods that messages go out with."""

    POST = "POST", "POST"
    PUT = "PUT", "PUT"
    PATCH = "PATCH", "PATCH"
    DELETE = "DELETE", "DELETE"


class MessageStatus(models.TextChoices):
    """Where an outbound message stands (`house.md` D4)."""

    PENDING = "PENDING", _("Pending")
    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    SENT = "SENT", _("Sent, acknowledgement awaited")
    SUCCESS = "SUCCESS", _("Success")
    FAIL = "FAIL", _("Failed")
    CANCELED = "CANCELED", _("Canceled")


# A worker may take these when their time has come.
TAKEABLE_MESSAGES = frozenset({MessageStatus.PENDING, MessageStatus.FAIL})
RESENDABLE_MESSAGES = frozenset({MessageStatus.PENDING, MessageStatus.FAIL})
SENDABLE_AGAIN_MESSAGES = frozenset({MessageStatus.SENT, MessageStatus.SUCCESS})
CANCELABLE_MESSAGES = frozenset({MessageStatus.PENDING, MessageStatus.FAIL, MessageStatus.SENT})


class MessageFault(models.TextChoices):
    """The class of the fault of the last try; the values are those of `outbound.retry.FaultType`."""

    TECHNICAL = "TECHNICAL", _("Technical")
    REMOTE = "REMOTE", _("Remote")
    BUSINESS = "BUSINESS", _("Business")


class MessageAction(models.TextChoices):
    """What a person did with a message."""

    RESEND = "RESEND", _("Resend")
    SEND_AGAIN = "SEND_AGAIN", _("Send again")
    CANCEL = "CANCEL", _("Cancel")
