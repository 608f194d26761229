"""A message as it was stored: reading it again, and its canonical form, by which "the same body" is decided."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import msgspec


_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_PLAIN = msgspec.json.Encoder(decimal_format="number")
_EXACT = msgspec.json.Decoder(float_hook=Decimal)


def digest(document: Any) -> str:
    """Give the SHA-256 of a parsed message: spaces and the order of keys do not matter, every value does."""
    return hashlib.sha256(_ENCODER.encode(document)).hexdigest()


def write(document: Any) -> bytes:
    """Give a document as JSON, its members in their order, decimals as exact numbers."""
    return _PLAIN.encode(document)


def read(body: bytes) -> Any:
    """
    Parse a stored message exactly as it was parsed when it came; it was checked then.

    :raises ValueError: when it is no JSON.
    """
    try:
        return _EXACT.decode(body)
    except ValueError:
        # Such as a byte order mark: what is read is decided by the reader that every message had at first.
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
