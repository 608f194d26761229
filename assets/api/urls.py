"""Addresses below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assets.api import control_scores, performance


urlpatterns = [
    path("control-scores/", control_scores.ControlScores.as_view()),
    path("event-performance/", performance.EventPerformances.as_view()),
]
