"""
The members of an enrollment record, their lengths and choices (`integration.md` 3.1), and the look that a record fits.

Almost every record does. Which misfits another one has, and where, is found out by `enrollment_payload`. Plain Python.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from integration.flows.message_fields import is_instant


INSTALLATION_METHODS = ("X1SI", "X1SD", "X1UI", "X1RE")
ASSET_OWNERSHIPS = ("W1CO", "W1OW")

# Longest texts, by member. What is not named: DEFAULT_LENGTH.
DEFAULT_LENGTH = 254
LENGTHS = {"messageId": 120, "nicId": 100, "headEndSystem": 50, "drmsInstanceId": 120, "programCode": 120}

RECORD_TEXTS = ("drmsInstanceId",)
CUSTOMER_TEXTS = ("cisPersonId", "cisAccountId", "name", "homePhone", "businessPhone", "email")
LOCATION_TEXTS = (
    *("division", "cisPremiseId", "cisServicePointId", "timeZone", "address1", "address2", "address3", "address4"),
    *("city", "county", "state", "country", "postal"),
)
ASSET_TEXTS = ("assetId", "specification", "assetType", "badgeNo", "serialNo", "nicId", "headEndSystem")
# "For X1SI + W1CO the specification, asset type, NIC id and head end system are required."
BRING_YOUR_OWN_REQUIRED = ("specification", "assetType", "nicId", "headEndSystem")


_OF_BRING_YOUR_OWN = operator.attrgetter(*BRING_YOUR_OWN_REQUIRED)


def _text(name: str) -> Any:
    return Annotated[str, msgspec.Meta(max_length=LENGTHS.get(name, DEFAULT_LENGTH))]


def _texts(names: Sequence[str]) -> list[tuple[str, Any, None]]:
    return [(name, _text(name) | None, None) for name in names]


def _struct(name: str, fields: Sequence[tuple[str, Any] | tuple[str, Any, None]]) -> Any:
    # Read, looked at and dropped: nothing for the garbage collector to watch.
    return msgspec.defstruct(name, fields, gc=False)


_Customer: Any = _struct("_Customer", _texts(CUSTOMER_TEXTS))
_Location: Any = _struct("_Location", _texts(LOCATION_TEXTS))
_Program: Any = _struct(
    "_Program",
    [
        ("programCode", _text("programCode")),
        ("startDateTimeISO", str),
        ("endDateTimeISO", str | None, None),
        *_texts(("cisServiceAgreementId",)),
    ],
)
_Asset: Any = _struct("_Asset", [("sequence", int | None, None), *_texts(ASSET_TEXTS)])
_Assets: Any = _struct(
    "_Assets",
    [
        ("installationMethod", Literal[INSTALLATION_METHODS]),
        ("assetOwnership", Literal[ASSET_OWNERSHIPS]),
        ("assetList", types.GenericAlias(list, (_Asset,)) | None, None),
    ],
)
_Record: Any = _struct(
    "_Record",
    [
        ("messageId", _text("messageId")),
        ("programInfo", _Program),
        ("assetInfo", _Assets),
        ("customerInfo", _Customer | None, None),
        ("locationInfo", _Location | None, None),
        *_texts(RECORD_TEXTS),
    ],
)


def fits(record: Any) -> bool:
    """Whether a record is seen at once to have no misfit; one that has none may still not be seen."""
    try:
        read: Any = msgspec.convert(record, _Record)
    except msgspec.ValidationError:
        return False
    program, info = read.programInfo, read.assetInfo
    required = [read.messageId, program.programCode]
    if info.installationMethod == "X1SI" and info.assetOwnership == "W1CO":
        if not info.assetList:
            return False
        for asset in info.assetList:
            required += _OF_BRING_YOUR_OWN(asset)
    if None in required or "" in map(str.strip, required):
        return False
    end = program.endDateTimeISO
    return is_instant(program.startDateTimeISO) and (not end or is_instant(end))
