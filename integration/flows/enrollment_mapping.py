"""
The map from a DERMS enrollment to the DACS service X1-ProgramEnrollment (`integration.md` 3.1). Plain Python.

Not mapped, as in the guide: `address2` to `address4`, `endDateTimeISO`, `drmsInstanceId`. What is empty is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from integration.flows.contract import Finding


ASSET_SPEC = "OUTL-BRT-DACS_DRMS_AssetSpec"
ASSET_TYPE = "OUTL-BRT-DACS_DRMS_AssetType"
DEFAULT_ENROLLMENT_SOURCE = "X1BY"


class Translations(Protocol):
    """The lookups that the map asks; None is "not there" (`integration.md` 4.6, 4.7)."""

    def asset_specification(self, make_and_model: str) -> str | None:
        """Give the DACS specification of a `MAKE!MODEL`."""

    def asset_type(self, asset_type: str) -> str | None:
        """Give the DACS asset type."""


class UnableToMap(ValueError):
    """A value of the record has no counterpart: a business error of that record."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)


def map_record(
    record: Mapping[str, Any], *, translate: Translations, enrollment_source: str = "", pointer: str = ""
) -> dict[str, Any]:
    """
    Give the request to DACS for one checked record.

    `enrollment_source` is sent when it is not empty: a 23A target does not know it.

    :raises UnableToMap: naming each table and value that is missing.
    """
    findings: list[Finding] = []
    asset_info = record.get("assetInfo") or {}
    mapped = {
        "transactionId": record["messageId"],
        "customerInfo": _kept(
            record.get("customerInfo"),
            ("cisPersonId", "cisAccountId", "name", "homePhone", "businessPhone", "email"),
        ),
        "programInfo": _program(record.get("programInfo") or {}),
        "locationInfo": _kept(
            record.get("locationInfo"),
            (
                *("division", "cisPremiseId", "cisServicePointId", "timeZone", "address1"),
                *("city", "county", "state", "country", "postal"),
            ),
        ),
        "assetInfo": {
            **_kept(asset_info, ("installationMethod", "assetOwnership")),
            "assetList": [
                _asset(asset, translate, findings, f"{pointer}/assetInfo/assetList/{index}")
                for index, asset in enumerate(asset_info.get("assetList") or [])
            ],
        },
    }
    if enrollment_source:
        mapped["enrollmentSource"] = enrollment_source
    if findings:
        raise UnableToMap(findings)
    return {name: value for name, value in mapped.items() if value != {}}


def _program(program: Mapping[str, Any]) -> dict[str, Any]:
    mapped = _kept(program, ("cisServiceAgreementId", "programCode"))
    # A date in the sender's zone, which must not be shifted (`integration.md` 2.2).
    mapped["startDate"] = program["startDateTimeISO"].split("T", 1)[0]
    return mapped


def _asset(asset: Mapping[str, Any], translate: Translations, findings: list[Finding], pointer: str) -> dict[str, Any]:
    mapped = _kept(
        asset, ("sequence", "assetId", "specification", "assetType", "badgeNo", "serialNo", "nicId", "headEndSystem")
    )
    for name, table, ask in (
        ("specification", ASSET_SPEC, translate.asset_specification),
        ("assetType", ASSET_TYPE, translate.asset_type),
    ):
        if name not in mapped:
            continue
        translated = ask(mapped[name])
        if translated is None:
            findings.append(
                Finding(
                    pointer=f"{pointer}/{name}",
                    code="not_in_lookup",
                    message=f"{name} {mapped[name]} is not in the lookup {table}",
                )
            )
        elif translated:
            mapped[name] = translated
        else:
            # Found, and empty on purpose: the site sends none.
            del mapped[name]
    return mapped


def _kept(source: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any]:
    return {name: source[name] for name in names if source and source.get(name) not in (None, "")}
