"""Addresses below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assets.api import control_scores


urlpatterns = [
    path("control-scores/", control_scores.ControlScores.as_view()),
]
