"""Addresses below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assets.api import performance


urlpatterns = [
    path("event-performance/", performance.EventPerformances.as_view()),
]
