"""
What DERMS may send as an enrollment collection (`integration.md` 3.1), checked record by record.

Every misfit is found, each with its pointer; unknown members are allowed and stay in the stored request, because
later releases add some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from integration.flows.canonical import digest
from integration.flows.contract import Finding, MessageRefused
from integration.flows.enrollment_shape import (
    ASSET_OWNERSHIPS,
    ASSET_TEXTS,
    BRING_YOUR_OWN_REQUIRED,
    CUSTOMER_TEXTS,
    DEFAULT_LENGTH,
    INSTALLATION_METHODS,
    LENGTHS,
    LOCATION_TEXTS,
    RECORD_TEXTS,
    fits,
)
from integration.flows.message_fields import is_instant


MAX_RECORDS = 5_000


class CheckedRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One record of the collection at its zero-based place, with what is wrong in it.

    :ivar given: what stood there; `record` is empty when that is no object.
    """

    position: int
    given: Any
    message_id: str
    findings: tuple[Finding, ...] = ()

    @property
    def record(self) -> Mapping[str, Any]:
        """The record."""
        return self.given if isinstance(self.given, Mapping) else {}

    @property
    def digest(self) -> str:
        """By which "the same body" is decided; computed each time it is asked for."""
        return digest(self.given)

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
        first = findings[0].message
        raise MessageRefused(
            f"The record is not valid: {first}"
            if len(records) == 1
            else f"None of the {len(records)} records is valid: {first}",
            findings=findings,
            message_id=next((record.message_id for record in records if record.message_id), ""),
        )
    return records


def _checked(position: int, record: Any, seen: dict[str, int]) -> CheckedRecord:
    findings: list[Finding] = []
    if fits(record):
        message_id = record["messageId"]
    else:
        findings += _findings(record, f"/params/{position}")
        given = record.get("messageId") if isinstance(record, Mapping) else None
        message_id = given if isinstance(given, str) and len(given) <= LENGTHS["messageId"] else ""
    if message_id:
        first = seen.setdefault(message_id, position)
        if first != position:
            message = f"messageId {message_id} is already that of params[{first}]"
            findings.append(Finding(pointer=f"/params/{position}/messageId", code="duplicate", message=message))
    return CheckedRecord(position=position, given=record, message_id=message_id, findings=tuple(findings))


def _findings(record: Any, pointer: str) -> Iterator[Finding]:
    if not isinstance(record, Mapping):
        yield Finding(pointer=pointer, code="invalid_type", message="a record is an object")
        return
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
        elif not isinstance(value, str) or not is_instant(value):
            yield Finding(
                pointer=place,
                code="invalid_date_time",
                message=f"{_path(place)} is no ISO 8601 date-time with Z or an offset, as in 2023-06-05T00:00:00-07:00",
            )


def _misfit(pointer: str, expected: str) -> Finding:
    return Finding(pointer=pointer, code="invalid_type", message=f"{_path(pointer)} is not {expected}")


def _path(pointer: str) -> str:
    # "/params/2/assetInfo" as people write it: params[2].assetInfo
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", pointer.strip("/").replace("/", "."))
