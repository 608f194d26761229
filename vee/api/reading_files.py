"""Reading files: taken in as they stream by, reported row by row."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import Http404, HttpResponse, QueryDict
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import idempotency, problems
from vee import models
from vee.api import filters, shapes
from vee.operations import intake, reading_files


# What a form needs around the file itself.
_ENVELOPE = 64 * 1024
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"", "false", "0", "no", "off"})


class ReadingFiles(ListAPIView[Any]):
    """Reading files: the list, and the door for new ones."""

    rights = {"GET": ["vee.view_readingfile"], "POST": ["vee.add_readingfile"]}
    parser_classes = [MultiPartParser]
    queryset = models.ReadingFile.objects.select_related("component_type").order_by("-created_at", "pk")
    serializer_class = shapes.ReadingFileBrief
    filterset_class = filters.ReadingFileFilter

    @extend_schema(
        summary="Upload a reading file",
        request={"multipart/form-data": shapes.ReadingFileUpload},
        responses={
            202: shapes.ReadingFileReceived,
            400: shapes.Problem,
            409: shapes.Problem,
            413: shapes.Problem,
        },
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Store the file and answer; it is loaded after the answer, and its report is at the address given."""
        quota = _limit_upload(request)
        file = request.FILES.get("file")
        if quota.exceeded:
            raise _too_large()
        if not isinstance(file, UploadedFile):
            raise _invalid("/file", "required", "The form has no file in its field file.")
        options = _options(request)
        digest = _digest(file, options)
        return idempotency.answer_once(request, digest=digest, respond=lambda: _receive(request, file, options))


def _limit_upload(request: Request) -> _Quota:
    plain = request._request
    limit = settings.UPLOAD_MAX_BYTES
    quota = _Quota(limit)
    try:
        declared = int(plain.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        declared = 0
    if declared > limit + _ENVELOPE:
        raise _too_large()
    # The check of a session's token may have read the form already; then the limit is applied to what it read.
    if not hasattr(plain, "_files"):
        plain.upload_handlers.insert(0, quota)
    return quota


def _too_large() -> problems.TooLarge:
    return problems.TooLarge(f"The file is larger than {settings.UPLOAD_MAX_BYTES} bytes.")


class _Quota(FileUploadHandler):
    """Counts what streams by, and ends the upload when it is too much."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._seen = 0
        self.exceeded = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._seen += len(raw_data)
        if self._seen > self._limit:
            self.exceeded = True
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def _options(request: Request) -> dict[str, Any]:
    given: QueryDict = request.POST
    for name in given:
        if name not in ("format", "auto_register", "type"):
            raise _invalid(f"/{problems.escape_pointer(name)}", "unknown_field", f"{name!a} is not a known field.")
        if len(given.getlist(name)) > 1:
            raise _invalid(f"/{name}", "duplicate_key", f"{name} stands twice.")
    wanted = str(given.get("format", ""))
    if not wanted:
        raise _invalid("/format", "required", "format is required.")
    auto_register = str(given.get("auto_register", "")).strip().lower()
    if auto_register not in _TRUE | _FALSE:
        raise _invalid("/auto_register", "invalid", "auto_register is true or false.")
    kind = str(given.get("type", ""))
    if "\x00" in kind:
        raise _invalid("/type", "invalid_character", "type holds a NUL character.")
    return {"format": wanted, "auto_register": auto_register in _TRUE, "component_type": kind or None}


def _digest(file: UploadedFile[Any], options: dict[str, Any]) -> str:
    digest = hashlib.sha256(repr(sorted(options.items())).encode())
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _receive(request: Request, file: UploadedFile[Any], options: dict[str, Any]) -> Response:
    try:
        row = intake.receive_file(name=file.name or "", stream=file, by=request.user, at=timezone.now(), **options)
    except reading_files.FileTooLarge:
        raise _too_large() from None
    except reading_files.UnableToReceiveFile as error:
        raise _invalid(f"/{error.field}", error.code, str(error)) from None
    return Response({"id": str(row.pk)}, status=202, headers={"Location": f"{request.path}{row.pk}/"})


def _invalid(pointer: str, code: str, message: str) -> problems.InvalidBody:
    return problems.InvalidBody(message, errors=[{"pointer": pointer, "code": code, "message": message}])


class ReadingFile(APIView):
    """The report of one reading file."""

    rights = {"GET": ["vee.view_readingfile"]}

    @extend_schema(responses={200: shapes.ReadingFileDetail, 404: shapes.Problem})
    def get(self, request: Request, pk: Any) -> Response:
        """Give status, counts and the first 1,000 errors."""
        row = models.ReadingFile.objects.select_related("component_type").filter(pk=pk).first()
        if row is None:
            raise Http404(f"There is no reading file {pk}.")
        row.first_errors = row.errors.order_by("line", "pk")[: reading_files.MAX_ERRORS]  # type: ignore[attr-defined]
        return Response(shapes.ReadingFileDetail(row).data)
