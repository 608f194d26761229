"""Colours of statuses, the same on every page."""

from __future__ import annotations


SUBSCRIPTION = {"PENDING": "info", "ACTIVE": "success", "INACTIVE": "default", "CANCELED": "warning"}
ENROLLMENT = {
    "PENDING": "info",
    "DEVICESETUP": "info",
    "COMPLETE": "success",
    "VALERROR": "danger",
    "ERROR": "danger",
    "CANCELED": "warning",
}
COMMUNICATION = {
    "PENDING": "info",
    "AWAITING": "info",
    "COMPLETE": "success",
    "TIMEDOUT": "danger",
    "ERROR": "danger",
    "CANCELED": "warning",
}
REACH = {"UNKNOWN": "default", "ONLINE": "success", "OFFLINE": "danger"}
RESULT = {"SUCCESS": "success", "FAILURE": "warning"}
TODO = {"OPEN": "warning", "BEING_WORKED_ON": "info", "COMPLETE": "success"}
