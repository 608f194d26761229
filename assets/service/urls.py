"""DACS's own addresses, below `/dacs/`."""

from __future__ import annotations

from django.urls import path

from assets.service import views


urlpatterns = [
    path("rest/apis/common/healthCheck", views.HealthCheck.as_view()),
]
