"""JSON out: exact decimals as numbers, instants in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.functional import Promise
from rest_framework.renderers import JSONRenderer

from foundation.api import problems


def _fallback(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"{type(value)} cannot be written as JSON")


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_fallback)


def to_json(value: Any) -> bytes:
    """Encode as JSON; a Decimal becomes a number with all its digits."""
    return _ENCODER.encode(value)


class ExactJSONRenderer(JSONRenderer):
    """`application/json` whose numbers never pass through a binary float."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if data is None:
            return b""
        response = (renderer_context or {}).get("response")
        if response is not None and getattr(response, "content_type", None) == problems.CONTENT_TYPE:
            response["Content-Type"] = problems.CONTENT_TYPE
        return to_json(data)
