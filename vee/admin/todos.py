"""The work queue: To Dos by age, each opening the workbench of its IMD."""

from __future__ import annotations

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
from vee import queries
from vee.admin import workbench
from vee.admin.imds import ActsOnImds
from vee.choices import OPEN_TODO_STATUSES, ToDoStatus
from vee.models import ToDo, ToDoType
from vee.operations import todos


class AssignedFilter(admin.SimpleListFilter):
    """Mine, nobody's, or everybody's."""

    title = _("assigned")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("To me")), ("nobody", _("To nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> QuerySet[ToDo]:
        if self.value() == "me":
            return queryset.filter(assigned_to_id=request.user.pk)
        if self.value() == "nobody":
            return queryset.filter(assigned_to__isnull=True)
        return queryset


class OpenFilter(admin.SimpleListFilter):
    """Open work unless something else is asked for."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All")), *ToDoStatus.choices]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Open work"),
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> QuerySet[ToDo]:
        if self.value() is None:
            return queryset.filter(status__in=OPEN_TODO_STATUSES)
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value())


@admin.register(ToDo)
class ToDoAdmin(ActsOnImds):
    """To Dos: evidence whose verbs are claim, release and the actions on the IMD."""

    list_display = ["summary", "component", "type", "role", "status_badge", "assigned_to", "age"]
    list_filter = [OpenFilter, AssignedFilter, "type", "role"]
    list_select_related = ["imd", "type", "role", "assigned_to"]
    search_fields = ["summary", "imd__component_identifier", "imd__external_id"]
    ordering = ["created_at", "pk"]
    actions = ["claim", *ActsOnImds.actions]

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

    @admin.action(description=_("Claim"), permissions=["claim"])
    def claim(self, request: HttpRequest, queryset: QuerySet[ToDo]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        results = todos.claim_many(todo_ids=ids, by=request.user, at=timezone.now())
        done = sum(1 for result in results if not result.error)
        if done:
            self.message_user(request, _("%(done)d To Do(s) are yours.") % {"done": done})
        for result in results:
            if result.error:
                self.message_user(request, result.error, messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:todo_id>/<str:verb>/", wrap(self.claim_view), name="vee_todo_verb"),
            *super().get_urls(),
        ]

    def claim_view(self, request: HttpRequest, todo_id: int, verb: str) -> HttpResponse:
        """Claim or release one To Do from its page."""
        if verb == "change":
            return self.change_view(request, str(todo_id))
        if verb == "history":
            return self.history_view(request, str(todo_id))
        if verb not in ("claim", "release") or request.method != "POST":
            raise Http404
        if not self.has_claim_permission(request):
            raise PermissionDenied
        operation = todos.claim if verb == "claim" else todos.release
        try:
            operation(todo_id=todo_id, by=request.user, at=timezone.now())
        except todos.UnableToChangeToDo as error:
            self.message_user(request, str(error), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:vee_todo_change", args=[todo_id]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        todo = ToDo.objects.select_related("type", "role", "assigned_to").filter(pk=object_id).first()
        if todo is None:
            raise Http404
        detail = queries.imd_detail(todo.imd_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": todo.summary,
            "is_fullwidth": "1",
            "todo": todo,
            "todo_open": todo.status in OPEN_TODO_STATUSES,
            "mine": todo.assigned_to_id == request.user.pk,
            "may_claim": self.has_claim_permission(request),
            "next": request.get_full_path(),
            "next_todo": queries.next_todo_id(after=todo),
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
