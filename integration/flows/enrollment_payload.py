"""
What DERMS may send as an enrollment collection (`integration.md` 3.1), checked record by record.

Every misfit is found, each with its pointer; unknown members are allowed and stay in the stored request, because
later releases add some.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from foundation.times import parse_instant
from integration.flows.canonical import digest
from integration.flows.contract import Finding, MessageRefused


MAX_RECORDS = 5_000
INSTALLATION_METHODS = ("X1SI", "X1SD", "X1UI", "X1RE")
ASSET_OWNERSHIPS = ("W1CO", "W1OW")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRecord:
    """One record of the collection at its zero-based place, with what is wrong in it."""

    position: int
    record: Mapping[str, Any]
    message_id: str
    digest: str
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether it may be sent."""
        return not self.findings


def check_collection(document: Any) -> list[CheckedRecord]:
    """
    Check a parsed request and give its records in order.

    :raises MessageRefused: when it is no collection, when it is empty, or when no record in it is valid.
    """
    params = document.get("params") if isinstance(document, Mapping) else None
    if not isinstance(params, list):
        code, message = ("required", "params is required") if params is None else ("invalid_type", "params is no list")
        raise MessageRefused(message, findings=[Finding(pointer="/params", code=code, message=message)])
    if not params:
        message = "params holds no record"
        raise MessageRefused(message, findings=[Finding(pointer="/params", code="empty", message=message)])
    if len(params) > MAX_RECORDS:
        message = f"params holds {len(params)} records; at most {MAX_RECORDS} go in one request"
        raise MessageRefused(message, findings=[Finding(pointer="/params", code="too_many", message=message)])
    seen: dict[str, int] = {}
    records = [_checked(position, record, seen) for position, record in enumerate(params)]
    if not any(record.valid for record in records):
        findings = [finding for record in records for finding in record.findings]
        noun = "The record is" if len(records) == 1 else f"None of the {len(records)} records is"
        raise MessageRefused(
            f"{noun} {'not valid' if len(records) == 1 else 'valid'}: {findings[0].message}",
            findings=findings,
            message_id=next((record.message_id for record in records if record.message_id), ""),
        )
    return records


def _checked(position: int, record: Any, seen: dict[str, int]) -> CheckedRecord:
    pointer = f"/params/{position}"
    if not isinstance(record, Mapping):
        finding = Finding(pointer=pointer, code="invalid_type", message="a record is an object")
        return CheckedRecord(position=position, record={}, message_id="", digest=digest(record), findings=(finding,))
    findings = list(_record_findings(record, pointer))
    given = record.get("messageId")
    message_id = given if isinstance(given, str) and len(given) <= LENGTHS["messageId"] else ""
    if message_id:
        first = seen.setdefault(message_id, position)
        if first != position:
            message = f"messageId {message_id} is already that of params[{first}]"
            findings.append(Finding(pointer=f"{pointer}/messageId", code="duplicate", message=message))
    return CheckedRecord(
        position=position, record=record, message_id=message_id, digest=digest(record), findings=tuple(findings)
    )


def _record_findings(record: Mapping[str, Any], pointer: str) -> Iterator[Finding]:
    yield from _texts(record, pointer, ("messageId",), required=("messageId",))
    yield from _texts(record, pointer, RECORD_TEXTS)
    customer, findings = _object(record, "customerInfo", pointer, required=False)
    yield from findings
    yield from _texts(customer, f"{pointer}/customerInfo", CUSTOMER_TEXTS)
    location, findings = _object(record, "locationInfo", pointer, required=False)
    yield from findings
    yield from _texts(location, f"{pointer}/locationInfo", LOCATION_TEXTS)
    program, findings = _object(record, "programInfo", pointer, required=True)
    yield from findings
    if not findings:
        yield from _program_findings(program, f"{pointer}/programInfo")
    asset, findings = _object(record, "assetInfo", pointer, required=True)
    yield from findings
    if not findings:
        yield from _asset_findings(asset, f"{pointer}/assetInfo")


def _program_findings(program: Mapping[str, Any], pointer: str) -> Iterator[Finding]:
    yield from _texts(program, pointer, ("cisServiceAgreementId", "programCode"), required=("programCode",))
    yield from _instants(program, pointer, ("startDateTimeISO", "endDateTimeISO"), required=("startDateTimeISO",))


def _asset_findings(asset: Mapping[str, Any], pointer: str) -> Iterator[Finding]:
    yield from _one_of(asset, pointer, "installationMethod", INSTALLATION_METHODS)
    yield from _one_of(asset, pointer, "assetOwnership", ASSET_OWNERSHIPS)
    own = asset.get("installationMethod") == "X1SI" and asset.get("assetOwnership") == "W1CO"
    why = " when installationMethod is X1SI and assetOwnership is W1CO"
    assets = asset.get("assetList")
    if assets is None or assets == []:
        if own:
            yield Finding(
                pointer=f"{pointer}/assetList", code="required", message=f"{_path(pointer)}.assetList is required{why}"
            )
        return
    if not isinstance(assets, list):
        yield _misfit(f"{pointer}/assetList", "a list")
        return
    for index, item in enumerate(assets):
        place = f"{pointer}/assetList/{index}"
        if not isinstance(item, Mapping):
            yield _misfit(place, "an object")
            continue
        sequence = item.get("sequence")
        if sequence is not None and (isinstance(sequence, bool) or not isinstance(sequence, int)):
            yield _misfit(f"{place}/sequence", "a whole number")
        yield from _texts(item, place, ASSET_TEXTS, required=BRING_YOUR_OWN_REQUIRED if own else (), why=why)


def _object(
    parent: Mapping[str, Any], name: str, pointer: str, *, required: bool
) -> tuple[Mapping[str, Any], list[Finding]]:
    value = parent.get(name)
    if isinstance(value, Mapping):
        return value, []
    place = f"{pointer}/{name}"
    if value is not None:
        return {}, [_misfit(place, "an object")]
    return {}, [Finding(pointer=place, code="required", message=f"{_path(place)} is required")] if required else []


def _texts(
    parent: Mapping[str, Any], pointer: str, names: tuple[str, ...], *, required: tuple[str, ...] = (), why: str = ""
) -> Iterator[Finding]:
    for name in names:
        value = parent.get(name)
        place = f"{pointer}/{name}"
        if value is None or value == "":
            if name in required:
                yield Finding(pointer=place, code="required", message=f"{_path(place)} is required{why}")
        elif not isinstance(value, str):
            yield _misfit(place, "a text")
        elif len(value) > LENGTHS.get(name, DEFAULT_LENGTH):
            longest = LENGTHS.get(name, DEFAULT_LENGTH)
            yield Finding(
                pointer=place, code="max_length", message=f"{_path(place)} is longer than {longest} characters"
            )
        elif name in required and not value.strip():
            yield Finding(pointer=place, code="required", message=f"{_path(place)} is required{why}")


def _one_of(parent: Mapping[str, Any], pointer: str, name: str, allowed: tuple[str, ...]) -> Iterator[Finding]:
    value, place = parent.get(name), f"{pointer}/{name}"
    if value is None or value == "":
        yield Finding(pointer=place, code="required", message=f"{_path(place)} is required")
    elif value not in allowed:
        yield Finding(
            pointer=place, code="invalid_choice", message=f"{_path(place)} is not one of {', '.join(allowed)}"
        )


def _instants(
    parent: Mapping[str, Any], pointer: str, names: tuple[str, ...], *, required: tuple[str, ...]
) -> Iterator[Finding]:
    for name in names:
        value, place = parent.get(name), f"{pointer}/{name}"
        if value is None or value == "":
            if name in required:
                yield Finding(pointer=place, code="required", message=f"{_path(place)} is required")
        elif not isinstance(value, str) or not _is_instant(value):
            yield Finding(
                pointer=place,
                code="invalid_date_time",
                message=f"{_path(place)} is no ISO 8601 date-time with Z or an offset, as in 2023-06-05T00:00:00-07:00",
            )


def _is_instant(text: str) -> bool:
    if not _DATE_TIME.match(text):
        return False
    try:
        parse_instant(text)
        # The date itself goes on: it must be one in any calendar.
        dt.date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        return False
    return True


def _misfit(pointer: str, expected: str) -> Finding:
    return Finding(pointer=pointer, code="invalid_type", message=f"{_path(pointer)} is not {expected}")


def _path(pointer: str) -> str:
    # "/params/2/assetInfo" as people write it: params[2].assetInfo
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", pointer.strip("/").replace("/", "."))
