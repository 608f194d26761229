"""What the home page remembers: when each person looked, and how many steps of the set-up are open."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class HomeLook(models.Model):
    """When a person looked at the home page: the last time, and the time from which failures are new to them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="home_look"
    )
    looked_at = models.DateTimeField(help_text=_("The last time that the page was opened."))
    since = models.DateTimeField(help_text=_("What failed after this is new to the person."))

    class Meta:
        verbose_name = _("look at the home page")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user_id} {self.looked_at:%Y-%m-%d %H:%M}"


class SetupReview(models.Model):
    """Which steps of the set-up were open when they were last reviewed; one row."""

    reviewed_at = models.DateTimeField()
    open_steps = models.JSONField(default=list, help_text=_("Of each its key and the right of whoever may see it."))

    class Meta:
        verbose_name = _("review of the set-up")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.reviewed_at:%Y-%m-%d %H:%M}: {len(self.open_steps)}"
