"""Asking a device's head-end system something: a communication, and the outbound message that carries it."""

from __future__ import annotations

import datetime as dt

from assets import choices
from assets.models import ActivityType, Communication, ControllableDevice, DeviceLocation, ProcessingMethod
from assets.operations import moves
from assets.operations.defaults import STATUS_CHECK_ACTIVITY
from outbound.operations.messages import MessageIdReused, UnableToQueueMessage, queue_message


class UnableToAsk(Exception):
    """The device cannot be asked as things are set up; the text says what a person has to do."""


def ask_for_status(*, device: ControllableDevice, by: str, at: dt.datetime) -> Communication:
    """
    Ask whether a device can be reached (X1-CTRLDVCS, `integration.md` 3.4); its answer comes later, or never.

    :raises UnableToAsk: naming what is missing; nothing is stored then.
    """
    method = (
        ProcessingMethod.objects.select_related(
            "head_end_system__external_system", "communication_type", "message_type"
        )
        .filter(head_end_system=device.head_end_system_id, role=choices.ProcessingRole.DEVICE_STATUS_CHECK)
        .first()
    )
    name = device.head_end_system.name
    if method is None:
        raise UnableToAsk(
            f"Head-end system {name} has no processing method for device status checks: add one on its page."
        )
    system = method.head_end_system.external_system
    if system is None:
        raise UnableToAsk(f"Head-end system {name} names no external system: choose the one of the hub on its page.")
    location = DeviceLocation.objects.filter(service_point=device.device.service_point_id).first()
    if location is None:
        raise UnableToAsk(f"Device {device.device.identifier} is at no device location, so nobody knows its division.")
    communication = Communication(
        type=method.communication_type,
        activity_type=ActivityType.objects.filter(code=STATUS_CHECK_ACTIVITY).first(),
        device=device,
        created_at=at,
    )
    communication.message_id = f"{method.message_type.code}-{communication.identifier}"[:80]
    document = {
        "sendDetails": {
            "communicationId": communication.identifier,
            "deviceInfo": {
                "division": location.division,
                "deviceType": device.specification.device_type,
                "specification": device.specification.code,
                "headEndSystem": name,
                "nicId": device.nic_id,
            },
        }
    }
    try:
        queue_message(
            message_type=method.message_type.code,
            external_system=system.name,
            payload=document,
            message_id=communication.message_id,
            context={"communicationId": communication.identifier, "nicId": device.nic_id},
            at=at,
        )
    except (UnableToQueueMessage, MessageIdReused) as error:
        raise UnableToAsk(f"The message to {system.name} cannot be queued: {error}") from error
    communication.save()
    moves.note_made([communication], at=at, by=by)
    return communication
