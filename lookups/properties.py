"""
The configuration properties that the product knows: canonical name, other names, type, default, unit and meaning.

Sources: `integration.md` 4.1 and 4.10 with the conflicts C-01 to C-05 and C-38 resolved.
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.kept_texts import kept
from lookups.names import CONFIG_PROPS, EMAIL_ID, OUAI_CONFIG_PROPS, OUAI_EMAIL_ID
from lookups.property_types import PropertyType


# C-02: the overview says "true by default", both flows say "false by default" (guide lines 259-261 against 756 and
# 805). Two statements beside the code against one sentence, and true would mail at every poll that finds nothing.
NOFILE_MAIL_BY_DEFAULT = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property: `default` is text as it stands in the table, `unit` that of a number without one."""

    name: str
    table: str = CONFIG_PROPS
    type: PropertyType = PropertyType.TEXT
    default: str = ""
    unit: str = ""
    help: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name first, then the others."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One row of a table of recipients; its name is fixed."""

    name: str
    table: str = EMAIL_ID
    default: str = ""
    help: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name first, then the others."""
        return (self.name, *self.aliases)


PROPERTIES = (
    Property(
        name="dacs.dvcScore.extract.filename.prefix",
        default="SDCSE",
        help="Start of the device score files' names; the same as the start of X1-SDCSE's parameter fileName.",
    ),
    Property(
        name="dacs.dvcScore.ftp.input.directory",
        help="Directory of the device score files on the (S)FTP server; needed when DACS is on-premises.",
    ),
    Property(
        name="dacs.os.dvcScore.bucketname",
        default="DACS_DERMS_DEVICE_SCORE",
        aliases=("dacs.os.dvcScore.bucket name",),
        help="Object storage bucket of the device score files; needed when DACS is in the cloud.",
    ),
    Property(
        name="dacs.os.namespace",
        help="Object storage namespace of the bucket; needed when DACS is in the cloud.",
    ),
    Property(
        name="dacs.prefixtag.fileuploaded",
        default="Sent-",
        aliases=("dass.prefixtag.fileuploaded",),
        help="Put before the name of a file that was sent to DERMS.",
    ),
    Property(
        name="dacs.prefixtag.filenotuploaded",
        default="Error-",
        aliases=("dacs.prefixtag.filenot uploaded", "dass.prefixtag.filenotuploaded"),
        help="Put before the name of a file that could not be sent to DERMS.",
    ),
    Property(
        name="notification.email.error.flag",
        type=PropertyType.BOOLEAN,
        default="true",
        aliases=("email.flag", "notification.email.flag", "error email.flag"),
        help="Whether technical and remote faults are mailed to the recipients `to`.",
    ),
    Property(
        name="notification.email.process.complete.flag",
        type=PropertyType.BOOLEAN,
        default="true",
        help="Whether the end of a file process is mailed to the recipients `to.process.notification`.",
    ),
    Property(
        name="notification.email.process.nofile.flag",
        type=PropertyType.BOOLEAN,
        default="true" if NOFILE_MAIL_BY_DEFAULT else "false",
        help="Whether a run that finds no file is mailed to `to.process.notification`. False by default: the guide's "
        "flows say false (lines 756 and 805), its overview says true (lines 259-261); the flows were followed (C-02).",
    ),
    Property(
        name="notification.type.email",
        default="Email",
        aliases=("notification.type.email.flag",),
        help="Kind of notification that the error handler sends.",
    ),
    Property(
        name="enrollmentSyncAckDelay",
        type=PropertyType.DURATION,
        default="5",
        unit="s",
        help="How long the acknowledgement of an enrollment sync waits, in seconds.",
    ),
    Property(
        name="stage.segment.size",
        type=PropertyType.INTEGER,
        default="200",
        unit="rows",
        help="Rows of a file that go to DACS in one call.",
    ),
    Property(
        name="stage.parallel",
        type=PropertyType.INTEGER,
        default="4",
        unit="calls",
        help="Segments of a file that are sent at the same time, at most.",
    ),
    Property(
        name="dacs.healthcheck.acceptDegraded",
        type=PropertyType.BOOLEAN,
        default="false",
        help="Whether a health check that answers 203 (degraded) counts as healthy.",
    ),
    Property(
        name="dacs.sync.messageCategory",
        type=PropertyType.INTEGER,
        default="11104",
        help="Message category of an error that is sent back with a sync request.",
    ),
    Property(
        name="dacs.sync.messageNumber",
        type=PropertyType.INTEGER,
        default="11220",
        help="Message number of an error that is sent back with a sync request.",
    ),
    Property(
        name="deviceStatusCheck.ackTimeout",
        type=PropertyType.DURATION,
        default="24h",
        unit="s",
        help="After this time a device status check without acknowledgement is listed as overdue.",
    ),
    Property(
        name="dacsSide.enabled",
        type=PropertyType.BOOLEAN,
        default="false",
        help="Whether Tieline is the DACS too: programs, enrollments, scores. Off for a site that has a DACS.",
    ),
    Property(
        name="syncRequest.ackTimeout",
        type=PropertyType.DURATION,
        default="24h",
        unit="s",
        help="DACS side: after this time a sync request without acknowledgement is in error.",
    ),
    Property(
        name="dacsSide.scoreExtract.connection",
        help=(
            "Where X1-SDCSE puts the score file: a connection's name. Empty: where the score flow looks for it, "
            "DACS_SFTP, else DACS_FTP, else DACS_OS."
        ),
    ),
    Property(
        name="dacsSide.scoreExtract.localDirectory",
        help="A directory of this machine for the score file, in place of a connection; it has to exist.",
    ),
    Property(
        name="dacsSide.scoreExtract.separator",
        default="COMMA",
        help="What stands between the columns of the score file: COMMA or TAB.",
    ),
    Property(
        name="dacsSide.scoreExtract.packing",
        default="NONE",
        help="How the score file is packed: NONE, GZ or ZIP.",
    ),
    Property(
        name="ouai.os.enrollack.bucket",
        table=OUAI_CONFIG_PROPS,
        default="OUAI_EnrollAck_DEV",
        help="Object storage bucket where OUAI leaves its enrollment acknowledgement files.",
    ),
    Property(
        name="ouai.os.enrollack.filename.prefix",
        table=OUAI_CONFIG_PROPS,
        default="feedback.dacs.program_subscription",
        help="Start of the acknowledgement files' names.",
    ),
    Property(
        name="ouai.os.enrollack.filename.prefixtag.sent",
        table=OUAI_CONFIG_PROPS,
        default="sent_",
        help="Put before the name of a file whose records were all processed.",
    ),
    Property(
        name="ouai.dacs.message.number",
        table=OUAI_CONFIG_PROPS,
        type=PropertyType.INTEGER,
        default="11220",
        aliases=("ouai.dacs.messasge.number",),
        help="Message number sent to DACS with an error of OUAI.",
    ),
    Property(
        name="ouai.dacs.message.category",
        table=OUAI_CONFIG_PROPS,
        type=PropertyType.INTEGER,
        default="11104",
        aliases=("ouai.dacs.messasge.category",),
        help="Message category sent to DACS with an error of OUAI.",
    ),
)

RECIPIENTS = tuple(
    Recipient(name=name, table=table, default=default, help=meaning, aliases=aliases)
    for table in (EMAIL_ID, OUAI_EMAIL_ID)
    for name, default, meaning, aliases in (
        ("from", "tieline@localhost", kept("Sender of all notifications."), ()),
        ("to", "", kept("People who handle technical faults."), ()),
        (
            "to.process.notification",
            "",
            kept("Business users who are told that a process is complete."),
            ("to.ProcessNotification",),
        ),
    )
)


def name_of_property(text: str) -> str:
    """Give the form in which names of properties and recipients are compared: without regard to case."""
    return text.strip().casefold()


_KNOWN = {name_of_property(name): known for known in PROPERTIES for name in known.names}
_KNOWN_RECIPIENTS = {(known.table, name_of_property(name)): known for known in RECIPIENTS for name in known.names}


def property_named(name: str) -> Property | None:
    """Give the property that has this name or alias, without regard to case."""
    return _KNOWN.get(name_of_property(name))


def recipient_named(name: str, *, table: str) -> Recipient | None:
    """Give the recipient of a table that has this name or alias, without regard to case."""
    return _KNOWN_RECIPIENTS.get((table, name_of_property(name)))


def entry_named(name: str, *, table: str) -> Property | Recipient | None:
    """Give the property or recipient that a table's row of this name stands for."""
    known = property_named(name)
    if known is not None and known.table == table:
        return known
    return recipient_named(name, table=table)


def entries_of(table: str) -> list[Property | Recipient]:
    """Give the properties and recipients that a table ships with, in order."""
    entries: list[Property | Recipient] = [*PROPERTIES, *RECIPIENTS]
    return [known for known in entries if known.table == table]
