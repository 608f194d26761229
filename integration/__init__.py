"""The project's shell and its top floor: flows between systems, their runs, and what people see of them."""

from __future__ import annotations

from integration.celery import app as celery_app


__all__ = ["celery_app"]
