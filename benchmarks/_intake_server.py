"""
The two views of `intake_throughput.py`, served by gunicorn: what a batch of records costs before anything is stored.

`/ours`: the parser and the checks of the product under Django REST framework's APIView. `/serializer`: its JSON parser
and a serializer with `many=True`. Both are without middleware and ask nobody who they are; both answer with the
messageIds.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import msgspec  # noqa: E402  Django has to be set up first
from django.conf import settings  # noqa: E402  Django has to be set up first
from django.core.wsgi import get_wsgi_application  # noqa: E402  Django has to be set up first
from django.http import HttpResponse  # noqa: E402  Django has to be set up first
from django.urls import path  # noqa: E402  Django has to be set up first
from rest_framework.parsers import JSONParser  # noqa: E402  Django has to be set up first
from rest_framework.request import Request  # noqa: E402  Django has to be set up first
from rest_framework.views import APIView  # noqa: E402  Django has to be set up first

from benchmarks._intake_serializers import enrollment_serializer  # noqa: E402  Django has to be set up first
from foundation.api.parsers import StrictJSONParser  # noqa: E402  Django has to be set up first
from integration.flows import enrollment_payload  # noqa: E402  Django has to be set up first


def _answer(message_ids: list[str]) -> HttpResponse:
    body = msgspec.json.encode(message_ids)
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": str(len(body))})


class _Open(APIView):
    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()


class Ours(_Open):
    """The product's parser and checks."""

    parser_classes = (StrictJSONParser,)

    def post(self, request: Request) -> HttpResponse:
        """Check the records."""
        records = enrollment_payload.check_collection(request.data)
        return _answer([record.message_id for record in records if record.valid])


class BySerializer(_Open):
    """Contender: a serializer of Django REST framework."""

    parser_classes = (JSONParser,)
    serializer = enrollment_serializer()

    def post(self, request: Request) -> HttpResponse:
        """Check the records."""
        each = self.serializer(data=request.data["params"], many=True)
        each.is_valid(raise_exception=True)
        return _answer([record["messageId"] for record in each.validated_data])


urlpatterns = [path("ours", Ours.as_view()), path("serializer", BySerializer.as_view())]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
settings.ALLOWED_HOSTS = ["127.0.0.1"]
application = get_wsgi_application()
# As `integration.wsgi` does.
gc.freeze()
