"""Which connections a flow calls as it is shipped; a site may change it on the flow's page. Plain declarations."""

from __future__ import annotations

from collections.abc import Mapping


SHIPPED: Mapping[str, tuple[str, ...]] = {
    "enrollment_request": ("DACS",),
    "enrollment_sync": ("DERMS", "DACS"),
    "enroll_sync_ack": ("DACS",),
    "device_status_check": ("DERMS",),
    "device_status_ack": ("DACS",),
    "event_device_reservation": ("DACS", "DERMS"),
    "pre_event_cancel": ("DACS",),
    "device_score": ("DACS_SFTP", "DACS_FTP", "DERMS"),
    "device_score_object_storage": ("DACS_OS", "DERMS"),
    "event_outcome": ("DACS", "DERMS"),
    "ouai_enrollment_ack": ("OUAI_OS", "DACS_OS", "DACS"),
    "error_handler": ("MAIL",),
}
"""Flow to names of connections."""

MAXIMUM_RUNTIME_SECONDS: Mapping[str, int] = {"SCHEDULED": 6 * 3600}
"""The shipped maximum runtime, by pattern (`integration.md` 6.4)."""
