"""
Payloads of runs as people read them. The field rules are those of `outbound.masking`: one list for the whole product.

Stored payloads are whole (a replay needs them) and encrypted. Identifiers stay readable: people search by them.
"""

from __future__ import annotations

import json
from decimal import Decimal

from outbound.masking import masked


def shown(content: bytes, *, media_type: str, mask: bool = True, limit: int = 200_000) -> str:
    """
    Give a payload as people read it: JSON indented and masked; anything else by its size alone.

    A body that is no JSON cannot be masked field by field, so it is shown only when masking is not asked for.
    """
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError):
        if mask:
            return (
                f"{len(content)} bytes of {media_type or 'unknown type'}, not JSON: not shown, as it cannot be masked."
            )
        return _cut(content.decode("utf-8", errors="replace"), limit)
    return _cut(json.dumps(masked(value) if mask else value, indent=2, ensure_ascii=False, default=str), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit} more characters"
