"""VEE exceptions and To Dos: work and its evidence."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.api import problems
from foundation.api.decoding import convert_body
from vee import models
from vee.api import filters, shapes
from vee.operations import todos


_TODOS = models.ToDo.objects.select_related("imd", "role", "assigned_to").prefetch_related("imd__exceptions")


class VeeExceptions(ListAPIView[Any]):
    """What rules found."""

    rights = {"GET": ["vee.view_veeexception"]}
    queryset = models.VeeException.objects.select_related("imd").order_by("pk")
    serializer_class = shapes.VeeException
    filterset_class = filters.VeeExceptionFilter


class ToDos(ListAPIView[Any]):
    """Work for people, oldest first."""

    rights = {"GET": ["vee.view_todo"]}
    queryset = _TODOS.order_by("created_at", "pk")
    serializer_class = shapes.ToDoWithExceptions
    filterset_class = filters.ToDoFilter


class ToDoDetail(RetrieveAPIView[Any]):
    """One To Do."""

    rights = {"GET": ["vee.view_todo"]}
    queryset = _TODOS
    serializer_class = shapes.ToDoWithExceptions


_ANSWERS = {200: shapes.ToDo, 403: shapes.Problem, 404: shapes.Problem, 409: shapes.Problem}


class _Change(APIView):
    rights = {"POST": ["vee.view_todo"]}

    def _answer(self, operation: Any, pk: int, **arguments: Any) -> Response:
        try:
            operation(todo_id=pk, by=self.request.user, at=timezone.now(), **arguments)
        except todos.ToDoNotPermitted as error:
            raise PermissionDenied(str(error)) from None
        except todos.UnableToChangeToDo as error:
            if not models.ToDo.objects.filter(pk=pk).exists():
                raise Http404(str(error)) from None
            raise problems.StateConflict(str(error)) from None
        row = models.ToDo.objects.select_related("imd", "role", "assigned_to").get(pk=pk)
        return Response(shapes.ToDo(row).data)


class Claim(_Change):
    """Take an open To Do for oneself."""

    @extend_schema(request=None, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Claim; 409 when somebody else has it."""
        return self._answer(todos.claim, pk)


class Release(_Change):
    """Give a To Do back."""

    @extend_schema(request=None, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Release; 409 when it is not being worked on by the caller."""
        return self._answer(todos.release, pk)


class _AssignBody(msgspec.Struct, forbid_unknown_fields=True):
    to: str


class Assign(_Change):
    """Give a To Do to a person."""

    rights = {"POST": ["vee.assign_todo"]}

    @extend_schema(request=shapes.AssignRequest, responses={**_ANSWERS, 400: shapes.Problem})
    def post(self, request: Request, pk: int) -> Response:
        """Assign to the user named in `to`."""
        body = convert_body(request.data, _AssignBody)
        person = get_user_model()._default_manager.filter(username=body.to, is_active=True).first()
        if person is None:
            message = f"There is no active user {body.to!a}."
            raise problems.InvalidBody(message, errors=[{"pointer": "/to", "code": "unknown_user", "message": message}])
        return self._answer(todos.assign, pk, to=person)
