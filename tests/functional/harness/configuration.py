"""The configuration document with which the product under test starts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.functional.harness.client import Client
from tests.functional.harness.peers import Peer


DACS_CANARY = "canary-DACS-7d1f0c"
DERMS_CANARY = "canary-DERMS-53b9aa"
DROP_CANARY = "canary-drop-2f6e81"
OPERATOR_CANARY = "canary-operator-91e6d2"
PROPERTIES = "OUTL-BRT-DACS_DRMS_ConfigProps"


def file_connections(*, drop: Peer, objects: Peer) -> dict[str, Any]:
    """The places where DACS leaves score files."""
    return {
        "DACS_SFTP": {
            "transport": "sftp",
            "host": "127.0.0.1",
            "port": drop.port,
            "username": "dacs",
            "password_env": "DROP_PASSWORD",
            "known_host_key": drop.state()["hostKey"],
            "directory": "/drop",
        },
        "DACS_FTP": {
            "transport": "ftp",
            "host": "127.0.0.1",
            "port": drop.ftp_port,
            "username": "dacs",
            "password_env": "DROP_PASSWORD",
            "directory": "/drop",
        },
        "DACS_OS": {
            "transport": "object_storage",
            "base_url": objects.url,
            "key_id": objects.state()["keyId"],
            "private_key_file": str(objects.home / "oci.pem"),
            "namespace": objects.state()["namespace"],
        },
    }


def document(*, dacs: Peer, derms: Peer, mail: Peer, files: dict[str, Any] | None = None) -> dict[str, Any]:
    """Peers with short time-outs, mails at once, and one VEE group of 15-minute residential meters."""
    return {
        "connections": {
            **(files or {}),
            "DACS": {
                "transport": "rest",
                "base_url": dacs.url,
                "username": "OICUSER",
                "password_env": "DACS_PASSWORD",
                "connect_timeout": 1,
                "read_timeout": 1.5,
                "target_release": "23A",
            },
            "DERMS": {
                "transport": "rest",
                "base_url": f"{derms.url}/nms-drms/rest/v1",
                "username": "DERMSUSER",
                "password_env": "DERMS_PASSWORD",
                "connect_timeout": 1,
                "read_timeout": 1.5,
            },
            "MAIL": {"transport": "email", "host": "127.0.0.1", "port": mail.port},
        },
        # DACS's process also plays the customer information system that usage is sent to.
        "external_systems": {"CIS": {"connection": "DACS"}},
        "parameters": {
            "ERROR_DIGEST_SECONDS": 0,
            "BREAKER_FAILURES": 50,
            "BREAKER_RESET_SECONDS": 0.2,
            "RETRY_BASE_SECONDS": 0.5,
            "FILE_SETTLE_SECONDS": 0.5,
        },
        "lookups": {
            "OUTL-BRT-DACS_DRMS_Email_ID": [
                {"Recipient": "from", "Email_Id": "tieline@utility.example"},
                {"Recipient": "to", "Email_Id": "integration@utility.example"},
                {"Recipient": "to.process.notification", "Email_Id": "operations@utility.example"},
            ],
            "OUTL-BRT-DACS_DRMS_Routing": [
                {"DRMS_Instance": "NMS1", "DRMS_Site_Connection": "NMS1_SITE_A", "DACS_Division": "CA"}
            ],
        },
        "vee_groups": [
            {
                "code": "FN-INTERVAL",
                "description": "Residential interval meters of the functional tests",
                "rules": [
                    rule(10, "uom_check", "TERMINATE", "UOM-MISMATCH"),
                    rule(20, "multiplier_check", "TERMINATE", "MULTIPLIER-MISMATCH"),
                    rule(30, "interval_size_validation", "TERMINATE", "INTERVAL-SIZE"),
                    rule(40, "interval_spike_check", "ISSUE", "SPIKE", tolerance=1.8, mode="PER_24H"),
                    rule(50, "interval_interpolation_estimation", "INFO", "INTERPOLATED", max_consecutive_intervals=8),
                ],
            }
        ],
        "measuring_component_types": [
            {
                "id": "FN-15MIN-KWH",
                "component_kind": "INTERVAL",
                "seconds_per_interval": 900,
                "uom": "KWH",
                "allow_negative": False,
                "vee_groups": {"INITIAL_LOAD": "FN-INTERVAL"},
            },
            {
                "id": "FN-30MIN-KWH",
                "component_kind": "INTERVAL",
                "seconds_per_interval": 1800,
                "uom": "KWH",
                "allow_negative": False,
            },
        ],
    }


@contextlib.contextmanager
def properties(client: Client, **values: str) -> Iterator[None]:
    """Configuration properties as they are to be while the block runs; `__` stands for a dot."""
    wanted = {name.replace("__", "."): value for name, value in values.items()}
    path = f"/api/v1/lookups/{PROPERTIES}/"
    before = client.read(path)["rows"]
    kept = [row for row in before if row["propertyName"] not in wanted]
    named = [{"propertyName": name, "value": value, "description": ""} for name, value in wanted.items()]
    _replace(client, path, kept + named)
    try:
        yield
    finally:
        _replace(client, path, before)


def _replace(client: Client, path: str, rows: list[dict[str, str]]) -> None:
    answer = client.put(path, json={"rows": rows})
    assert answer.status_code == 200, answer.text


def rule(sequence: int, name: str, severity: str, exception_type: str, **parameters: Any) -> dict[str, Any]:
    """One rule of a VEE group."""
    return {
        "sequence": sequence,
        "rule": name,
        "severity": severity,
        "exception_type": exception_type,
        "parameters": parameters,
    }
