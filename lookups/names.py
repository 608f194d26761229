"""The shipped tables' names (`integration.md` 4), and how a table's name is compared."""

from __future__ import annotations


CONFIG_PROPS = "OUTL-BRT-DACS_DRMS_ConfigProps"
EMAIL_ID = "OUTL-BRT-DACS_DRMS_Email_ID"
EVENT_TYPE = "OUTL-BRT-DACS_DRMS_EventType"
ENROLLMENT_STATUS = "OUTL-BRT-DACS_DRMS_EnrollmentStatus"
EVENT_OUTCOME = "OUTL-BRT-DACS_DRMS_EventOutcome"
ASSET_TYPE = "OUTL-BRT-DACS_DRMS_AssetType"
ASSET_SPEC = "OUTL-BRT-DACS_DRMS_AssetSpec"
ROUTING = "OUTL-BRT-DACS_DRMS_Routing"
DEVICE_LOCATION_STATUS = "OUTL-BRT-DACS_DRMS_DeviceLocationStatus"
OUAI_CONFIG_PROPS = "OUTL-BRT-OUAI_DACS_DRMS_ConfigProps"
OUAI_EMAIL_ID = "OUTL-BRT-OUAI_DACS_DRMS_Email_ID"
OUAI_ROUTING = "OUTL-BRT-DACS_OUAI_Routing"  # an alias of ROUTING (C-26)

SHIPPED = (
    CONFIG_PROPS,
    EMAIL_ID,
    EVENT_TYPE,
    ENROLLMENT_STATUS,
    EVENT_OUTCOME,
    ASSET_TYPE,
    ASSET_SPEC,
    ROUTING,
    DEVICE_LOCATION_STATUS,
    OUAI_CONFIG_PROPS,
    OUAI_EMAIL_ID,
    OUAI_ROUTING,
)

PROPERTY_NAME = "propertyName"
PROPERTY_VALUE = "value"
PROPERTY_DESCRIPTION = "description"
RECIPIENT = "Recipient"
ADDRESSES = "Email_Id"


def name_key(name: str) -> str:
    """Give the form in which table names are compared: without regard to case (C-01)."""
    return name.strip().casefold()
