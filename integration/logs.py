"""What is kept out of the logs because it says nothing."""

from __future__ import annotations

import logging


WATCHED = ("/health/", "/metrics")
"""What is asked every few seconds begins so."""


class WithoutHealthRequests(logging.Filter):
    """
    Drops the lines about requests to `/health/` and `/metrics`.

    Something asks every few seconds, and a 503 there is an answer, not a defect; what is wrong is logged by the
    check itself.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is to be kept."""
        request = getattr(record, "request", None)
        if request is not None and getattr(request, "path", "").startswith(WATCHED):
            return False
        event = record.msg if isinstance(record.msg, dict) else {}
        asked = str(event.get("request", ""))
        return not any(f" {prefix}" in asked for prefix in WATCHED)
