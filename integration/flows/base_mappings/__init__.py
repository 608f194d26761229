"""The base mappings as they are packaged: found by name, one per flow that maps. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping

from integration.flows.base_mappings import device_status, enroll_sync_ack, enrollment_request, enrollment_sync, events
from integration.flows.mapping_declarations import BaseMapping


MAPPINGS: Mapping[str, BaseMapping] = {
    mapping.name: mapping
    for mapping in (
        enrollment_request.MAPPING,
        enrollment_sync.MAPPING,
        enroll_sync_ack.MAPPING,
        device_status.CHECK,
        device_status.ANSWER,
        events.RESERVATION,
        events.CANCELLATION,
        events.OUTCOME,
    )
}


class UnknownMapping(LookupError):
    """No packaged integration has a mapping of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no mapping {name}; known are {', '.join(MAPPINGS)}.")
        self.name = name


def find(name: str) -> BaseMapping:
    """
    Give a base mapping by its name.

    :raises UnknownMapping: when there is none.
    """
    try:
        return MAPPINGS[name]
    except KeyError:
        raise UnknownMapping(name) from None
