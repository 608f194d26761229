"""The product as an operator runs it, simulated peers beside it, and a client: all of them real processes."""

from __future__ import annotations
