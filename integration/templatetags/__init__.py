"""What templates of the flow monitor need."""

from __future__ import annotations
