"""Where peers call flows: at the guide's addresses and at the short ones."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.api.problems import IdempotencyKeyReused, InvalidBody, RequestInProgress
from integration.api import documents, problems
from integration.flows.contract import MessageInProgress, MessageKeyReused, MessageRefused
from integration.operations import messages
from integration.operations.flows import FlowNotAvailable


_CORRELATION = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class FlowCall(APIView):
    """A message for a flow."""

    rights = {"POST": ["integration.call_flow"]}
    identifier = ""
    uri = ""

    def call(self, request: Request, identifier: str, uri: str) -> HttpResponse:
        """Hand the message over and give the flow's answer as it is."""
        # Read before the parser does: the bytes are stored as they came.
        raw = request.body
        correlation_id = request.headers.get("X-Correlation-Id", "")
        try:
            reply = messages.handle_message(
                identifier=identifier,
                uri=uri,
                document=request.data,
                raw=raw,
                media_type=request.content_type or "application/json",
                account=request.user,
                correlation_id=correlation_id if _CORRELATION.fullmatch(correlation_id) else "",
                clock=timezone.now,
            )
        except messages.FlowUnknown as error:
            raise problems.FlowNotFound(str(error)) from None
        except FlowNotAvailable as error:
            raise problems.FlowNotAvailable(str(error)) from None
        except messages.FlowNotActive as error:
            raise problems.FlowNotActive(str(error)) from None
        except MessageRefused as error:
            raise InvalidBody(str(error), **problems.business(error.findings, error.message_id)) from None
        except MessageKeyReused as error:
            raise IdempotencyKeyReused(str(error), **problems.business(error.findings, error.message_id)) from None
        except MessageInProgress as error:
            raise RequestInProgress(str(error)) from None
        response = HttpResponse(reply.body, status=reply.status, content_type="application/json")
        response["X-Flow-Run"] = reply.run_id
        if reply.repeated:
            response["Idempotency-Replayed"] = "true"
        return response


class AnyFlow(FlowCall):
    """Every address of the two trees that is not written out: short names, folded codes, flows of later versions."""

    @extend_schema(exclude=True)
    def post(self, request: Request, identifier: str, uri: str = "", family: str = "") -> HttpResponse:
        """Hand the message over."""
        return self.call(request, identifier, uri)


class EnrollmentRequest(FlowCall):
    """Enrollment Request, DERMS to DACS."""

    @extend_schema(
        tags=["flows"],
        summary="Enrollment Request",
        description=(
            "A collection of enrollments for DACS. Each record gets its answer in the order of the request; "
            "`ackType` is the worst of them. The same messageId with the same body gets the original answer."
        ),
        request={"application/json": documents.ENROLLMENT_COLLECTION},
        responses={
            200: OpenApiResponse(response=documents.MESSAGE_ACKNOWLEDGEMENT, description="Processed"),
            400: documents.problem("Malformed, empty, or without one valid record"),
            404: documents.problem("The flow is not active"),
            409: documents.problem("A messageId with another body, or one that is being worked on"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Enroll."""
        return self.call(request, self.identifier, self.uri)


class ReceiveMessage(FlowCall):
    """Common Error Handler."""

    @extend_schema(
        tags=["flows"],
        summary="Common Error Handler",
        description="An integration reports a fault. People are told at once, then in digests; one thread per cause.",
        request={"application/json": documents.ERROR_MESSAGE},
        responses={
            202: OpenApiResponse(response=documents.ACCEPTED, description="Stored"),
            400: documents.problem("Malformed"),
            404: documents.problem("The flow is not active"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Report."""
        return self.call(request, self.identifier, self.uri)


CALLS: dict[str, Any] = {"enrollment_request": EnrollmentRequest, "error_handler": ReceiveMessage}
