"""The work queue: To Dos by age, each opening the workbench of its IMD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import ModelAdmin
from foundation.words import in_words
from vee import queries, search_queries
from vee.admin import many, todo_queue, workbench
from vee.admin.imds import ActsOnImds
from vee.admin.todo_queue import AgeFilter, AssignedFilter, OpenFilter
from vee.choices import OPEN_TODO_STATUSES
from vee.models import ToDo, ToDoType
from vee.operations import todos


@admin.register(ToDo)
class ToDoAdmin(ActsOnImds):
    """To Dos: evidence whose verbs are claim, release, assign and the actions on the IMD."""

    list_display = ["summary", "component", "type", "role", "status_badge", "assigned_to", "age"]
    list_filter = [OpenFilter, AssignedFilter, AgeFilter, "type", "role"]
    list_select_related = ["imd", "type", "role", "assigned_to"]
    list_before_template = "admin/vee/todo_views.html"
    search_fields = ["summary", "imd__component_identifier", "imd__external_id"]
    search_condition = staticmethod(search_queries.todos)
    search_help_text = _(
        "The start of a measuring component's identifier, a whole external id, or a part of an open To Do's summary."
    )
    ordering = ["created_at", "pk"]
    actions = ["claim", "release", "assign", *ActsOnImds.actions]

    def imd_ids(self, queryset: QuerySet[Any]) -> list[int]:
        return list(queryset.values_list("imd_id", flat=True))

    @display(description=_("measuring component"), ordering="imd__component_identifier")
    def component(self, todo: ToDo) -> str:
        return todo.imd.component_identifier

    @display(
        description=_("status"),
        ordering="status",
        label={"OPEN": "warning", "BEING_WORKED_ON": "info", "COMPLETE": "success"},
    )
    def status_badge(self, todo: ToDo) -> tuple[str, str]:
        return todo.status, todo.get_status_display()

    @display(description=_("age"), ordering="created_at")
    def age(self, todo: ToDo) -> str:
        return timesince(todo.created_at)

    def has_claim_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.perform_vee") or request.user.has_perm("vee.assign_todo")

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.assign_todo")

    @admin.action(description=_("Claim"), permissions=["claim"])
    def claim(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> HttpResponse | None:
        return many.change_todos(self, request, queryset, change=todos.claim, label=_("Claim"))

    @admin.action(description=_("Release"), permissions=["claim"])
    def release(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> HttpResponse | None:
        return many.change_todos(self, request, queryset, change=todos.release, label=_("Release"))

    @admin.action(description=_("Assign"), permissions=["assign"])
    def assign(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> HttpResponse | None:
        return many.assign_todos(self, request, queryset)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with the views that are asked for most above it."""
        views = {"quick_views": todo_queue.quick_views(request)}
        answer: HttpResponse = super().changelist_view(request, {**views, **(extra_context or {})})
        return answer

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:todo_id>/next/", wrap(self.next_view), name="vee_todo_next"),
            path("<int:todo_id>/<str:verb>/", wrap(self.verb_view), name="vee_todo_verb"),
            *super().get_urls(),
        ]

    def verb_view(self, request: HttpRequest, todo_id: int, verb: str) -> HttpResponse:
        """Claim, release or assign one To Do from its page."""
        if verb == "change":
            return self.change_view(request, str(todo_id))
        if verb == "history":
            return self.history_view(request, str(todo_id))
        operations: dict[str, Callable[..., ToDo]] = {
            "claim": todos.claim,
            "release": todos.release,
            "assign": todos.assign,
        }
        if verb not in operations or request.method != "POST":
            raise Http404
        allowed = self.has_assign_permission if verb == "assign" else self.has_claim_permission
        if not allowed(request):
            raise PermissionDenied
        arguments = {"to": many.person_asked_for(request)} if verb == "assign" else {}
        try:
            operations[verb](todo_id=todo_id, by=request.user, at=timezone.now(), **arguments)
        except todos.UnableToChangeToDo as error:
            self.message_user(request, str(error), messages.WARNING)
        page = reverse("admin:vee_todo_change", args=[todo_id])
        return HttpResponseRedirect(workbench.next_address(request, page))

    def next_view(self, request: HttpRequest, todo_id: int) -> HttpResponse:
        """
        Lead on to the next To Do of the list that the person came from.

        With `finished`, what the last action left of this To Do's data comes first.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        todo = ToDo.objects.filter(pk=todo_id).first()
        if todo is None:
            raise Http404
        if "finished" in request.GET:
            left = queries.open_todos(imd_id=todo.imd_id).values_list("pk", flat=True).first()
            if left is not None:
                return HttpResponseRedirect(self._page(request, left))
        following = todo_queue.next_id(self, request, after=todo)
        if following is None:
            self.message_user(request, _("That was the last one: nothing else of this list is open."))
            return HttpResponseRedirect(self._page(request, todo_id))
        return HttpResponseRedirect(self._page(request, following))

    def _page(self, request: HttpRequest, todo_id: int) -> str:
        return todo_queue.with_filters(reverse("admin:vee_todo_change", args=[todo_id]), request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        todo = ToDo.objects.select_related("type", "role", "assigned_to").filter(pk=object_id).first()
        if todo is None:
            raise Http404
        detail = queries.imd_detail(todo.imd_id)
        is_open = todo.status in OPEN_TODO_STATUSES
        next_page = reverse("admin:vee_todo_next", args=[todo.pk])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": in_words(todo.summary),
            "is_fullwidth": "1",
            "todo": todo,
            "todo_open": is_open,
            "mine": todo.assigned_to_id == request.user.pk,
            "may_claim": self.has_claim_permission(request),
            "may_release": todo.assigned_to_id is not None
            and (todo.assigned_to_id == request.user.pk or self.has_assign_permission(request)),
            "people": todos.people_to_assign_to() if is_open and self.has_assign_permission(request) else [],
            "next": request.get_full_path(),
            "done": todo_queue.with_filters(next_page, request, finished="1"),
            "next_todo_address": todo_queue.with_filters(next_page, request),
            "list_address": todo_queue.list_address(request),
            **workbench.context(request, detail),
        }
        return TemplateResponse(request, "admin/vee/imd.html", context)


@admin.register(ToDoType)
class ToDoTypeAdmin(ModelAdmin):
    """Kinds of work and who does them."""

    list_display = ["code", "description", "role"]
    list_select_related = ["role"]
    ordering = ["code"]
    search_fields = ["code", "description"]
