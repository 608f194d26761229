"""The body of a call to a flow: a JSON document, or one with a file, which is read to disk as it streams by."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest
from rest_framework.request import Request

from foundation.api.parsers import parse_strict
from foundation.api.problems import InvalidBody, Malformed, TooLarge
from integration.api import problems
from integration.flows import attachments
from integration.flows.attachments import Attachment, Received
from integration.flows.contract import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a call brought: the document, its bytes as they came, and the file if there is one."""

    document: Any
    raw: bytes
    attachment: Attachment | None = None


@contextlib.contextmanager
def body_of(request: Request) -> Iterator[Body]:
    """
    Give the body of a call; its file lies on disk for as long as the context lasts.

    :raises Problem: its subclasses say why the body is refused.
    """
    if not attachments.is_multipart(request.content_type or ""):
        # Read before the parser does: the bytes are stored as they came.
        raw = request.body
        yield Body(document=request.data, raw=raw)
        return
    with tempfile.NamedTemporaryFile(dir=_directory()) as sink:
        received = _received(request, cast("IO[bytes]", sink))
        yield Body(document=parse_strict(received.request), raw=received.request, attachment=received.attachment)


def _received(request: Request, sink: IO[bytes]) -> Received:
    plain = request._request
    if hasattr(plain, "_files"):
        # The check of a session's token has read the form already.
        raise Malformed("Send a file with Basic credentials or a token, not from a browser's session.")
    declared = str(plain.META.get("CONTENT_LENGTH") or "")
    try:
        return attachments.read(
            _stream(plain),
            content_type=plain.META.get("CONTENT_TYPE", ""),
            content_length=int(declared[:20]) if declared.isdigit() else None,
            limit=settings.UPLOAD_MAX_BYTES,
            sink=sink,
            encoding=request.headers.get("Content-Encoding", ""),
        )
    except attachments.AttachmentTooLarge as error:
        raise TooLarge(str(error)) from None
    except attachments.AttachmentTypeRefused as error:
        raise problems.MediaTypeRefused(str(error)) from None
    except attachments.AttachmentMalformed as error:
        if not error.pointer:
            raise Malformed(str(error)) from None
        finding = Finding(pointer=error.pointer, code=error.code, message=str(error))
        raise InvalidBody(str(error), **problems.business([finding], "")) from None


def _stream(request: HttpRequest) -> IO[bytes]:
    # Django reads a body of undeclared length as an empty one; a server that ends it itself gives all of it.
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        return cast("IO[bytes]", request.META["wsgi.input"])
    return cast("IO[bytes]", request)


def _directory() -> str | None:
    """Give a place beside the stored files, so that storing one is no copy across disks."""
    try:
        place = Path(default_storage.path(""))
    except NotImplementedError:
        return None
    place.mkdir(parents=True, exist_ok=True)
    return str(place)
