"""What an enrollment asks for, made: contact, place, subscription, and a set-up for each device."""

from __future__ import annotations

import datetime as dt
from typing import Any

from assets import choices, refusals
from assets import service_forms as forms
from assets.choices import InstallationMethod
from assets.models import ControllableDevice, DeviceLocation, DeviceSetup, Enrollment, SubscriptionDevice
from assets.operations import enrollment_checks, installations, masters, moves, subscriptions
from assets.operations.enrollment_checks import CheckedAsset
from assets.refusals import refuse


def build(*, enrollment: Enrollment, form: forms.EnrollForm, by: str, at: dt.datetime) -> None:
    """
    Make what an enrollment asks for, in the caller's transaction.

    :raises BusinessRefusal: when it is not possible; what was made until then is the caller's to undo.
    """
    checked = enrollment_checks.check(form)
    contact = masters.contact_of(customer=form.customer_info, by=by, at=at)
    location = masters.location_of(location=form.location_info, program=checked.program, by=by, at=at)
    moves.lock_place(location_id=location.pk)
    start = installations.local_midnight(day=checked.start, point=location.service_point)
    subscription = subscriptions.subscription_of(
        program=checked.program,
        contact=contact,
        location=location,
        start=start,
        account=(form.customer_info.cis_account_id or "").strip(),
        service_agreement=(form.program_info.cis_service_agreement_id or "").strip(),
        by=by,
        at=at,
    )
    before = subscriptions.members(subscription)
    devices = _devices(checked.assets, form.asset_info, location, start=start, by=by, at=at)
    replaced = _replaced(checked.assets, devices, before, form.asset_info.installation_method)
    setups = DeviceSetup.objects.bulk_create(
        DeviceSetup(enrollment=enrollment, sequence=one.sequence, device=device, replaces=replaced.get(device.pk))
        for one, device in zip(checked.assets, devices, strict=True)
    )
    moves.note_made(setups, at=at, by=by)
    enrollment.subscription = subscription
    enrollment.message, enrollment.message_number = "", None
    enrollment.save(update_fields=["subscription", "message", "message_number"])


def _devices(
    assets: tuple[CheckedAsset, ...],
    info: forms.EnrolledAssets,
    location: DeviceLocation,
    *,
    start: dt.datetime,
    by: str,
    at: dt.datetime,
) -> list[ControllableDevice]:
    """Give the devices of the assets, made where they are new, and have them at the place."""
    known = sorted(one.device.pk for one in assets if one.device is not None)
    # Locked in order: two places may ask for the same devices at once.
    list(ControllableDevice.objects.select_for_update(of=("self",)).filter(pk__in=known).order_by("pk"))
    devices: dict[int, ControllableDevice] = {}
    # New ones are made in one order too.
    for one in sorted(assets, key=lambda one: (one.asset.head_end_system or "", one.asset.nic_id or "")):
        asset = one.asset
        values: dict[str, Any] = {
            **{name: value for name, value in _said(asset).items() if value},
            **({"specification": one.specification} if one.specification is not None else {}),
            "ownership": info.asset_ownership,
        }
        if info.installation_method != InstallationMethod.RE_ENROLL:
            # Re-enrolling is no way in which a device gets to its place.
            values["installation_method"] = info.installation_method
        if one.device is None:
            values |= {"head_end_system": one.head_end, "nic_id": asset.nic_id}
            device = masters.make_device(values=values, by=by, at=at)
        else:
            device = one.device
            _refuse_elsewhere(device, location)
            masters.change_device(device=device, values=values, by=by, at=at)
        installations.install(device=device, point=location.service_point, since=start, at=at)
        devices[one.sequence] = device
    if len({device.pk for device in devices.values()}) < len(devices):
        raise refuse(refusals.DEVICE_TWICE, "The same device stands twice in the list.")
    return [devices[one.sequence] for one in assets]


def _said(asset: forms.Asset) -> dict[str, str]:
    return {"serial_number": (asset.serial_no or "").strip(), "badge_number": (asset.badge_no or "").strip()}


def _refuse_elsewhere(device: ControllableDevice, location: DeviceLocation) -> None:
    """A device is in one place: where it takes part or is being set up somewhere else, it has to leave there first."""
    elsewhere = (
        SubscriptionDevice.objects.filter(
            device=device, removed_at__isnull=True, subscription__status__in=choices.OPEN_SUBSCRIPTIONS
        )
        .exclude(subscription__location=location)
        .values_list("subscription__usage_subscription__identifier", flat=True)
        .first()
    ) or (
        DeviceSetup.objects.filter(device=device, status__in=choices.OPEN_SETUPS)
        .exclude(enrollment__subscription__location=location)
        .values_list("enrollment__subscription__usage_subscription__identifier", flat=True)
        .first()
    )
    if elsewhere:
        raise refuse(
            refusals.DEVICE_ELSEWHERE,
            f"Device {device.head_end_system.name}/{device.nic_id} belongs to subscription {elsewhere} at another "
            "place, from which it has to be removed first.",
        )


def _replaced(
    assets: tuple[CheckedAsset, ...],
    devices: list[ControllableDevice],
    before: list[SubscriptionDevice],
    method: InstallationMethod,
) -> dict[int, ControllableDevice]:
    """
    Give, by key of the new device, the one that it takes the place of (`docs/how-to/run-without-dacs.md`).

    The one that `assetId` names; and of a re-enrollment, which names all devices from now on, the earliest one of the
    same type that it does not name. Any other new device is one more.
    """
    there = {one.device_id: one.device for one in before}
    found: dict[int, ControllableDevice] = {}
    for one, device in zip(assets, devices, strict=True):
        if one.replaced is None:
            continue
        if one.replaced.pk not in there:
            raise refuse(
                refusals.DEVICE_INCOMPLETE,
                f"Device {one.sequence}: assetId {one.asset.asset_id} is a device with another NIC id, and none of "
                "this subscription that could be replaced.",
            )
        found[device.pk] = there[one.replaced.pk]
    if method != InstallationMethod.RE_ENROLL:
        return found
    staying = {device.pk for device in devices} | {device.pk for device in found.values()}
    leaving = [one.device for one in before if one.device_id not in staying]
    for device in devices:
        if device.pk in there or device.pk in found:
            continue
        same = [old for old in leaving if old.specification.device_type == device.specification.device_type]
        if same:
            found[device.pk] = same[0]
            leaving.remove(same[0])
    return found
