"""What every template may use."""

from __future__ import annotations
