"""Messages as DERMS sends them, what they need configured, and people who may do things."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from tests.unit.integration.flows import samples


AT = dt.datetime(2026, 3, 2, 10, 0, tzinfo=dt.UTC)

LOOKUPS: dict[str, list[dict[str, str]]] = {
    "OUTL-BRT-DACS_DRMS_AssetSpec": [{"DRMS_MAKE_MODEL": "ECOBEE!EB-STATE5", "DACS_SPECIFICATION": "ECOBEE-SMART5"}],
    "OUTL-BRT-DACS_DRMS_AssetType": [{"DRMS_ASSET_TYPE": "THERMOSTAT", "DACS_ASSET_TYPE": "SMART-THERMOSTAT"}],
}


def record(message_id: str = "DRMS-ENR-000917", **changes: Any) -> dict[str, Any]:
    """Give a clean record; a change names its place with double underscores: `assetInfo__assetOwnership="W1OW"`."""
    return samples.record(messageId=message_id, **changes)


def collection(*records: dict[str, Any]) -> dict[str, Any]:
    """Give a request of these records."""
    return {"params": list(records)}


def user(username: str = "operator", *, rights: Sequence[str] = (), **more: Any) -> Any:
    """Make an account with these rights, each as `app.codename`."""
    account = get_user_model().objects.create_user(username, f"{username}@example.org", "a-long-password", **more)
    for right in rights:
        app, _, codename = right.partition(".")
        account.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return account


def prepare(*, base_url: str = "", read_timeout: str = "5", to: str = "ops@example.org", **connection: Any) -> None:
    """Install the shipped lookups, recipients, the flows, and a connection DACS to this address."""
    from integration.operations.flows import install_flows
    from lookups.operations import apply_configuration, install_defaults
    from outbound.models import Connection

    install_defaults(at=AT)
    install_flows(at=AT)
    admin = get_user_model().objects.create_user("configurator")
    apply_configuration(
        section={**LOOKUPS, "OUTL-BRT-DACS_DRMS_Email_ID": {"from": "tieline@example.org", "to": to}}, by=admin, at=AT
    )
    if base_url:
        Connection.objects.create(name="DACS", base_url=base_url, read_timeout=Decimal(read_timeout), **connection)
