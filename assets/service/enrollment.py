"""X1-ProgramEnrollment: enrollProgram, unenrollProgram, and what became of either (`integration.md` 3.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from assets import queries, refusals
from assets.choices import EnrollmentKind
from assets.models import Enrollment
from assets.operations import enrollments
from assets.service.enrollment_documents import document_of
from assets.service.views import Refusal, ServiceView, read_document
from assets.service_forms import FormRefused


class _Requests(ServiceView):
    kind = EnrollmentKind.ENROLL

    @extend_schema(exclude=True)
    def post(self, request: Request) -> HttpResponse:
        """Store a request and answer with what became of it so far."""
        return self.answer(request)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """Give the request with its id and status; one that is refused for a reason of business has status VALERROR."""
        try:
            enrollment = enrollments.receive(
                kind=self.kind, document=read_document(request), by=request.user.get_username(), at=timezone.now()
            )
        except FormRefused as error:
            raise Refusal(str(error), number=refusals.NOT_VALID) from None
        except enrollments.AlreadyExists as known:
            raise _already_exists(known) from None
        return document_of(queries.enrollment(identifier=enrollment.identifier) or enrollment)


class _Request(ServiceView):
    kind = EnrollmentKind.ENROLL

    @extend_schema(exclude=True)
    def get(self, request: Request, identifier: str) -> HttpResponse:
        """Tell where a request stands."""
        return self.answer(request, identifier=identifier)

    def handle(self, request: Request, **path: Any) -> dict[str, Any]:
        """Give the request with its id and status as it is now."""
        found = queries.enrollment(identifier=path["identifier"], kind=self.kind)
        if found is None:
            what = self.kind.label.lower()
            raise Refusal(
                f"There is no request to {what} with id {path['identifier'][:60]}.",
                number=refusals.NOT_KNOWN,
                status=HTTPStatus.NOT_FOUND,
            )
        return document_of(found)


class Enroll(_Requests):
    """`…/programEnrollments/enroll`."""


class Unenroll(_Requests):
    """`…/programEnrollments/unenroll`."""

    kind = EnrollmentKind.UNENROLL


class ProgramEnrollment(_Request):
    """`…/programEnrollments/enroll/{enrollmentId}`."""


class ProgramUnenrollment(_Request):
    """`…/programEnrollments/unenroll/{unenrollmentId}`."""

    kind = EnrollmentKind.UNENROLL


def _already_exists(known: enrollments.AlreadyExists) -> Refusal:
    enrollment: Enrollment = known.enrollment
    if known.same:
        return Refusal(
            f"Enrollment request with transaction ID {enrollment.transaction_id} already exists.",
            number=refusals.ALREADY_EXISTS,
        )
    return Refusal(
        f"Transaction ID {enrollment.transaction_id} came before with another request.",
        number=refusals.CONTENT_DIFFERS,
        status=HTTPStatus.CONFLICT,
    )
