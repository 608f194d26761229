"""How what goes wrong with flows and runs is told to callers (`integration.md` 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import status

from foundation.api.problems import Problem
from integration.flows.contract import Finding


class FlowNotFound(Problem):
    """There is no such flow, or it is not served at this address."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"


class FlowNotAvailable(Problem):
    """The flow is declared, and not available in this version."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "flow_not_available"


class FlowNotActive(Problem):
    """The flow is switched off."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "flow_not_active"


class MediaTypeRefused(Problem):
    """The body, or a part of it, is of a kind that is not taken."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_media_type"


class FlowPaused(Problem):
    """The flow is paused: the caller may come again later."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "flow_paused"


class PauseNotFound(Problem):
    """There is no such pause."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"


class FileNotFound(Problem):
    """The ledger holds no such file."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"


class RunNotFound(Problem):
    """There is no such run."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_found"


def business(findings: Sequence[Finding], message_id: str) -> dict[str, Any]:
    """Give the arguments of a problem that is the message's own fault."""
    extra: dict[str, Any] = {"faultType": "BUSINESS"}
    if message_id:
        extra["messageId"] = message_id
    return {"errors": [finding.as_error() for finding in findings], "extra": extra}
