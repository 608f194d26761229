"""What an integration may report to the common error handler (`integration.md` 3.10). Plain Python."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from foundation.times import parse_instant
from integration.flows.contract import Finding, MessageRefused
from outbound.retry import FaultType


Text = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
LongText = Annotated[str, msgspec.Meta(max_length=4000)]


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `receiveMessage`, in the guide's names."""

    integrationIdentifier: Text  # noqa: N815  (the guide's name)
    faultType: FaultType  # noqa: N815  (the guide's name)
    faultCode: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]  # noqa: N815  (the guide's name)
    faultReason: LongText  # noqa: N815  (the guide's name)
    integrationName: Annotated[str, msgspec.Meta(max_length=120)] = ""  # noqa: N815  (the guide's name)
    integrationVersion: Annotated[str, msgspec.Meta(max_length=40)] = ""  # noqa: N815  (the guide's name)
    instanceId: Annotated[str, msgspec.Meta(max_length=120)] = ""  # noqa: N815  (the guide's name)
    faultDetail: LongText = ""  # noqa: N815  (the guide's name)
    businessIdentifiers: dict[str, Annotated[str, msgspec.Meta(max_length=120)]] = {}  # noqa: N815  (the guide's name)
    occurredAt: str = ""  # noqa: N815  (the guide's name)

    @property
    def occurred_at(self) -> dt.datetime | None:
        """When it happened, UTC; None when the message does not say."""
        return parse_instant(self.occurredAt) if self.occurredAt else None


def read(document: Any) -> ErrorMessage:
    """
    Read a report.

    :raises MessageRefused: with the pointer of what does not fit.
    """
    if not isinstance(document, Mapping):
        raise MessageRefused("The body is no object", findings=[_finding("", "invalid_type", "the body is no object")])
    try:
        message = msgspec.convert(document, ErrorMessage)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        pointer = path.rstrip("`").replace(".", "/").replace("[...]", "")
        missing = text.partition("missing required field `")[2].rstrip("`")
        if missing:
            finding = _finding(f"{pointer}/{missing}", "required", f"{missing} is required")
        else:
            finding = _finding(pointer, "invalid", text)
        raise MessageRefused(finding.message, findings=[finding]) from None
    try:
        _ = message.occurred_at
    except (ValueError, OverflowError) as error:
        raise MessageRefused(str(error), findings=[_finding("/occurredAt", "invalid_date_time", str(error))]) from None
    return message


def _finding(pointer: str, code: str, message: str) -> Finding:
    return Finding(pointer=pointer, code=code, message=message)
