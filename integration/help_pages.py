"""Which page of the documentation explains which page of the admin; a test holds that each is there."""

from __future__ import annotations


INDEX = "README"
# The start of the name of an address in the admin, the longest that fits counts.
PAGES = {
    "index": "tutorial",
    "vee_todo": "how-to/work-through-to-dos",
    "vee_initialmeasurement": "how-to/work-through-to-dos",
    "vee_veeexception": "how-to/work-through-to-dos",
    "vee_readingfile": "reference/file-formats",
    "vee_columnprofile": "reference/file-formats",
    "vee_measuringcomponent": "reference/vee-steps",
    "vee_registermeasurement": "reference/vee-steps",
    "vee_usage": "reference/usage",
    "vee_veegroup": "reference/rules",
    "vee_veeexceptiontype": "reference/rules",
    "vee_factor": "reference/rules",
    "vee_ruletrial": "how-to/try-rules",
    "vee_veeretrypolicy": "reference/vee-steps",
    "integration_flowrun": "reference/flows",
    "integration_flow": "reference/flows",
    "integration_pause": "how-to/pause-and-resume",
    "integration_flowschedule": "how-to/pause-and-resume",
    "integration_incident": "operations/watch",
    "integration_transferredfile": "how-to/transfer-files",
    "integration_storedfile": "how-to/event-device-reservation",
    "integration_enrollmentsync": "how-to/enrollment-sync",
    "integration_devicestatuscheck": "how-to/device-status-check",
    "integration_event": "how-to/event-device-reservation",
    "integration_cancellation": "how-to/pre-event-cancel",
    "integration_outcome": "how-to/event-outcome",
    "integration_mapping": "how-to/customize-a-mapping",
    "integration_overlay": "how-to/customize-a-mapping",
    "integration_configuration": "reference/configuration",
    "integration_audit": "reference/security",
    "foundation_auditentry": "reference/security",
    "lookups_lookup": "reference/lookups",
    "outbound_outboundmessage": "how-to/use-the-outbound-queue",
    "outbound_mail": "how-to/use-the-outbound-queue",
    "outbound_connection": "reference/connections",
    "outbound_externalsystem": "reference/connections",
    "outbound_certificate": "how-to/renew-a-certificate",
    "outbound_parameter": "reference/connections",
    "assets_syncrequest": "how-to/sync-requests",
    "assets_eventperformance": "how-to/measure-an-event",
    "assets_baselinemethod": "how-to/measure-an-event",
    "assets_controlscore": "how-to/score-devices",
    "assets_scorecalculation": "how-to/score-devices",
    "assets_": "how-to/run-without-dacs",
    "auth_": "reference/access",
    "axes_": "reference/security",
}


def page_for(name: str) -> str:
    """Give the page for an address of the admin by its name, such as `vee_todo_changelist`; else the first page."""
    fitting = [start for start in PAGES if name.startswith(start)]
    return PAGES[max(fitting, key=len)] if fitting else INDEX
