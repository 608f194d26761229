"""Which keeper keeps which kind of master data."""

from __future__ import annotations

from vee.operations.master_data_installations import InstallEvents, OffPeriods
from vee.operations.master_data_keeper import Keeper, LineRefused
from vee.operations.master_data_meters import Devices, MeasuringComponents, MeasuringComponentTypes, ServicePoints
from vee.operations.master_data_usage import Outages, UsageSubscriptions, UsageTransactions


__all__ = ["KEEPERS", "Keeper", "LineRefused"]

KEEPERS: dict[str, type[Keeper]] = {
    "service_point": ServicePoints,
    "device": Devices,
    "measuring_component_type": MeasuringComponentTypes,
    "measuring_component": MeasuringComponents,
    "install_event": InstallEvents,
    "off_period": OffPeriods,
    "usage_subscription": UsageSubscriptions,
    "usage_transaction": UsageTransactions,
    "outage": Outages,
}
