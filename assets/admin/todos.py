"""The work queue of the DACS side: To Dos by age, each leading to what it is about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from unfold.decorators import action, display

from assets.admin import asking, badges
from assets.choices import OPEN_TODO_STATUSES
from assets.models import AssetToDo
from assets.operations import todos
from foundation.admin import EvidenceAdmin
from vee.admin import todo_queue


class AssignedFilter(todo_queue.AssignedFilter):
    """Mine, nobody's, or everybody's."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("To me")), ("nobody", _("To nobody"))]


@admin.register(AssetToDo)
class AssetToDoAdmin(EvidenceAdmin):
    """To Dos: evidence whose verbs are assign and complete. Most complete themselves when the thing is well again."""

    list_display = ["summary", "type", "subject_link", "status_badge", "assigned_to", "age"]
    list_filter = [todo_queue.OpenFilter, AssignedFilter, todo_queue.AgeFilter, "type"]
    list_select_related = ["assigned_to"]
    search_fields = ["summary", "subject_id"]
    ordering = ["created_at", "pk"]
    fields = [
        *("summary", "type", "subject_link", "status", "assigned_to", "created_at"),
        *("completed_at", "completed_by", "completion"),
    ]
    readonly_fields = ["subject_link"]
    actions = ["claim", "release"]
    actions_detail = ["assign", "complete"]

    @display(description=_("status"), ordering="status", label=badges.TODO)
    def status_badge(self, todo: AssetToDo) -> tuple[str, str]:
        return todo.status, todo.get_status_display()

    @display(description=_("age"), ordering="created_at")
    def age(self, todo: AssetToDo) -> str:
        return timesince(todo.created_at)

    @display(description=_("about"))
    def subject_link(self, todo: AssetToDo) -> Any:
        try:
            address = reverse(f"admin:assets_{todo.subject}_change", args=[todo.subject_id])
        except NoReverseMatch:
            return f"{todo.subject} {todo.subject_id}"
        return format_html('<a href="{}" class="text-primary-600">{}</a>', address, _("open"))

    # --- Verbs

    def has_work_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("assets.change_assettodo"))

    def has_work_one_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("assets.change_assettodo"):
            return False
        return AssetToDo.objects.filter(pk=object_id, status__in=OPEN_TODO_STATUSES).exists()

    @admin.action(description=_("Work on it"), permissions=["work"])
    def claim(self, request: HttpRequest, queryset: QuerySet[AssetToDo]) -> None:
        self._assigned(
            request,
            queryset,
            request.user,
            ngettext_lazy("%(done)d To Do is yours.", "%(done)d To Dos are yours.", "done"),
        )

    @admin.action(description=_("Give back"), permissions=["work"])
    def release(self, request: HttpRequest, queryset: QuerySet[AssetToDo]) -> None:
        self._assigned(
            request,
            queryset,
            None,
            ngettext_lazy("%(done)d To Do is nobody's.", "%(done)d To Dos are nobody's.", "done"),
        )

    @action(description=_("Assign"), icon="person_add", permissions=["work_one"], url_path="assign")
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask who works on it."""
        people = get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")
        form = asking.AssignForm(request.POST or None, people=people)
        if request.method == "POST" and form.is_valid():
            return self._done(
                request, object_id, lambda: todos.assign(todo_id=int(object_id), to=form.cleaned_data["to"])
            )
        explanation = _("Whoever works on it finds it under To me.")
        return self._ask(request, object_id, title=_("Assign"), explanation=explanation, form=form, button=_("Assign"))

    @action(description=_("Complete"), icon="check", permissions=["work_one"], url_path="complete")
    def complete(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what was done."""
        form = asking.CompletionForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._done(
                request,
                object_id,
                lambda: todos.complete(
                    todo_id=int(object_id),
                    by=request.user.get_username(),
                    completion=form.cleaned_data["completion"],
                    at=timezone.now(),
                ),
            )
        explanation = _("The To Do is closed; what it is about stays as it is.")
        return self._ask(
            request, object_id, title=_("Complete"), explanation=explanation, form=form, button=_("Complete")
        )

    def _assigned(self, request: HttpRequest, queryset: QuerySet[AssetToDo], to: Any, said: Any) -> None:
        done = 0
        for key in list(queryset.order_by("pk").values_list("pk", flat=True)):
            try:
                todos.assign(todo_id=key, to=to)
            except todos.UnableToChangeToDo as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                done += 1
        if done:
            self.message_user(request, said % {"done": done})

    def _done(self, request: HttpRequest, object_id: str, operation: Any) -> HttpResponse:
        try:
            operation()
        except todos.UnableToChangeToDo as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("Done."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:assets_assettodo_change", args=[object_id]))

    def _ask(self, request: HttpRequest, object_id: str, **words: Any) -> HttpResponse:
        return asking.ask(self, request, back=reverse("admin:assets_assettodo_change", args=[object_id]), **words)
