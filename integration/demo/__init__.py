"""A generated but realistic day, sent through the running product: what `manage.py demo` does."""

from __future__ import annotations
