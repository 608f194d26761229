"""Requests with an `Idempotency-Key`: done once, answered the same way each time (`api.md`, `reliability.md` A2–A4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from foundation.api import problems
from foundation.api.renderers import to_json
from foundation.models import IdempotentRequest


HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MAX_KEY = 255


def digest_of_body(request: Request) -> str:
    """Give the SHA-256 of a request's raw body; to be called before anything parses it."""
    return hashlib.sha256(request._request.body).hexdigest()


def answer_once(request: Request, *, digest: str, respond: Callable[[], Response]) -> Response | HttpResponse:
    """
    Do what a request asks for once per account, address and key.

    Without the header `respond` is simply called. With it, the key, the effect and the answer are committed together:
    a crash leaves all of it or nothing, and a second request with the key waits for the first and gets its answer.
    Only answers below 400 are kept, so that a request that was refused may be corrected and sent again.

    :raises problems.InvalidBody: when the key is empty, longer than 255 characters or not printable.
    :raises problems.IdempotencyKeyReused: when the key came before with another body.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return respond()
    if not key.strip() or len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        raise problems.InvalidBody(
            f"{HEADER} is 1 to {MAX_KEY} printable ASCII characters.",
            errors=[{"pointer": "", "code": "invalid", "message": f"{HEADER} is not usable"}],
        )
    scope = f"{request.user.pk} {request.method} {request.path}"[:200]
    with transaction.atomic():
        kept = _reserve(scope, key, digest)
        if kept is not None:
            response = respond()
            if response.status_code >= 400:
                transaction.set_rollback(True)
                return response
            kept.status = response.status_code
            kept.body = to_json(response.data)
            kept.content_type = "application/json"
            kept.save(update_fields=["status", "body", "content_type"])
            return response
    return _answer_again(scope, key, digest)


def _reserve(scope: str, key: str, digest: str) -> IdempotentRequest | None:
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(scope=scope, key=key, digest=digest)
    except IntegrityError:
        return None


def _answer_again(scope: str, key: str, digest: str) -> HttpResponse:
    kept = IdempotentRequest.objects.filter(scope=scope, key=key).first()
    if kept is None or kept.status == 0:
        # The first request was rolled back between our two looks, or is kept by somebody who answers later.
        raise problems.RequestInProgress
    if kept.digest != digest:
        raise problems.IdempotencyKeyReused
    return HttpResponse(
        bytes(kept.body), status=kept.status, content_type=kept.content_type, headers={REPLAYED: "true"}
    )
