"""What stands against an enrollment as things are: everything at once, so that a person sees it all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from assets import refusals
from assets import service_forms as forms
from assets.choices import OPEN_SUBSCRIPTIONS
from assets.models import ControllableDevice, DeviceSpecification, HeadEndSystem, Program
from assets.refusals import BusinessRefusal, Finding
from foundation.kept_texts import kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAsset:
    """
    An asset with what it refers to, by its place in the list from 1.

    `device` is the one that it means, when that is known already; `named` the one that `assetId` names.
    """

    asset: forms.Asset
    sequence: int
    head_end: HeadEndSystem | None
    specification: DeviceSpecification | None
    device: ControllableDevice | None
    named: ControllableDevice | None

    @property
    def replaced(self) -> ControllableDevice | None:
        """The device that `assetId` names, when it is another one than the asset means: that one is replaced."""
        return self.named if self.named is not None and self.named != self.device else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a request refers to."""

    program: Program
    start: dt.date
    assets: tuple[CheckedAsset, ...]


def check(form: forms.EnrollForm) -> Checked:
    """
    Find what a request refers to.

    :raises BusinessRefusal: with everything that stands against it.
    """
    findings: list[Finding] = []
    start = forms.start_date(form)
    program = _program(form, start, findings)
    if not (form.customer_info.cis_person_id or "").strip():
        findings.append(_finding(refusals.PERSON_NOT_KNOWN, "customerInfo.cisPersonId is missing."))
    for name in ("cisServicePointId", "division"):
        field = {"cisServicePointId": "cis_service_point_id", "division": "division"}[name]
        if not (getattr(form.location_info, field) or "").strip():
            findings.append(_finding(refusals.LOCATION_NOT_KNOWN, f"locationInfo.{name} is missing."))
    assets = _assets(form.asset_info.asset_list, findings)
    if findings or program is None:
        raise BusinessRefusal(findings)
    return Checked(program=program, start=start, assets=assets)


def _program(form: forms.EnrollForm, start: dt.date, findings: list[Finding]) -> Program | None:
    code = form.program_info.program_code
    program = Program.objects.filter(code=code).first()
    if program is None:
        findings.append(_finding(refusals.PROGRAM_NOT_KNOWN, f"There is no program {code}."))
        return None
    if not program.open_for_enrollment and not _takes_part(program, form.location_info.cis_service_point_id):
        findings.append(_finding(refusals.PROGRAM_CLOSED, f"Program {code} is closed for enrollment."))
    if program.starts_on is not None and start < program.starts_on:
        findings.append(_finding(refusals.PROGRAM_NOT_THEN, f"Program {code} starts on {program.starts_on}."))
    if program.ends_on is not None and start >= program.ends_on:
        findings.append(_finding(refusals.PROGRAM_NOT_THEN, f"Program {code} ends on {program.ends_on}."))
    return program


def _takes_part(program: Program, cis_service_point_id: str | None) -> bool:
    """Whether the place takes part: a closed program takes no new customers, but new devices of those that it has."""
    return program.subscriptions.filter(
        location__cis_service_point_id=(cis_service_point_id or "").strip() or None, status__in=OPEN_SUBSCRIPTIONS
    ).exists()


def _assets(listed: list[forms.Asset], findings: list[Finding]) -> tuple[CheckedAsset, ...]:
    head_ends = {
        row.name: row for row in HeadEndSystem.objects.filter(name__in={one.head_end_system or "" for one in listed})
    }
    codes = {one.specification or "" for one in listed}
    specifications = {row.code: row for row in DeviceSpecification.objects.filter(code__in=codes)}
    checked = [
        _asset(number, asset, head_ends, specifications, findings) for number, asset in enumerate(listed, start=1)
    ]
    seen: set[tuple[str, str]] = set()
    for one in checked:
        key = (one.asset.head_end_system or "", one.asset.nic_id or "")
        if key[1] and key in seen:
            findings.append(_finding(refusals.DEVICE_TWICE, f"The device {key[0]}/{key[1]} stands twice."))
        seen.add(key)
    return tuple(checked)


def _asset(
    number: int,
    asset: forms.Asset,
    head_ends: Mapping[str, HeadEndSystem],
    specifications: Mapping[str, DeviceSpecification],
    findings: list[Finding],
) -> CheckedAsset:
    which = kept(f"Device {number}")
    head_end = head_ends.get(asset.head_end_system or "")
    if asset.head_end_system and head_end is None:
        text = f"{which}: there is no head-end system {asset.head_end_system}."
        findings.append(_finding(refusals.HEAD_END_NOT_KNOWN, text))
    specification = specifications.get(asset.specification or "")
    if asset.specification and specification is None:
        text = f"{which}: there is no device specification {asset.specification}."
        findings.append(_finding(refusals.SPECIFICATION_NOT_KNOWN, text))
    device, named = _known(asset, head_end)
    if asset.asset_id and named is None:
        findings.append(_finding(refusals.DEVICE_INCOMPLETE, f"{which}: there is no device {asset.asset_id}."))
    elif device is None and not findings and not (head_end and specification and asset.nic_id):
        text = f"{which} is not known, and without nicId, headEndSystem and specification it cannot be set up."
        findings.append(_finding(refusals.DEVICE_INCOMPLETE, text))
    return CheckedAsset(
        asset=asset,
        sequence=number,
        head_end=head_end,
        specification=specification,
        device=device,
        named=named,
    )


def _known(
    asset: forms.Asset, head_end: HeadEndSystem | None
) -> tuple[ControllableDevice | None, ControllableDevice | None]:
    """Give the device that an asset means, by its NIC id or otherwise by what stands on it, and that of `assetId`."""
    rows = ControllableDevice.objects.select_related("device", "specification", "head_end_system")
    named = rows.filter(device__identifier=asset.asset_id).first() if asset.asset_id else None
    if asset.nic_id:
        return (rows.filter(head_end_system=head_end, nic_id=asset.nic_id).first() if head_end else None), named
    if named is not None:
        return named, named
    for field, value in (("serial_number", asset.serial_no), ("badge_number", asset.badge_no)):
        found = list(rows.filter(**{field: value})[:2]) if value else []
        if len(found) == 1:
            return found[0], None
    return None, named


def _finding(number: int, text: str) -> Finding:
    return Finding(number=number, text=text)
