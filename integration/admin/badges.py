"""Colours of states and outcomes, the same on every page."""

from __future__ import annotations


RUN_STATES = {
    "RECEIVED": "info",
    "IN_PROGRESS": "info",
    "SUCCEEDED": "success",
    "FAILED": "danger",
    "ABORTED": "warning",
    "DISCARDED": "default",
}
STEP_OUTCOMES = {"IN_PROGRESS": "info", "SUCCEEDED": "success", "WARNING": "warning", "FAILED": "danger"}
RESPONSE_CODES = {"SUCCESS": "success", "ERROR": "warning", "FAILURE": "danger"}
FILE_STATES = {
    "WAITING": "info",
    "IN_PROGRESS": "info",
    "UPLOADED": "warning",
    "REFUSED": "warning",
    "SENT": "success",
    "ERROR": "danger",
    "VANISHED": "default",
}
