"""What the product is given to do while it is disturbed."""

from __future__ import annotations
