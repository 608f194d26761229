"""The configuration document with which the product under test starts."""

from __future__ import annotations

from typing import Any

from tests.functional.harness.peers import Peer


DACS_CANARY = "canary-DACS-7d1f0c"
DERMS_CANARY = "canary-DERMS-53b9aa"
OPERATOR_CANARY = "canary-operator-91e6d2"


def document(*, dacs: Peer, derms: Peer, mail: Peer) -> dict[str, Any]:
    """Peers with short time-outs, mails at once, and one VEE group of 15-minute residential meters."""
    return {
        "connections": {
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
        "parameters": {
            "ERROR_DIGEST_SECONDS": 0,
            "BREAKER_FAILURES": 50,
            "BREAKER_RESET_SECONDS": 0.2,
            "RETRY_BASE_SECONDS": 0.5,
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


def rule(sequence: int, name: str, severity: str, exception_type: str, **parameters: Any) -> dict[str, Any]:
    """One rule of a VEE group."""
    return {
        "sequence": sequence,
        "rule": name,
        "severity": severity,
        "exception_type": exception_type,
        "parameters": parameters,
    }
