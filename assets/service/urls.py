"""DACS's own addresses, below `/dacs/`."""

from __future__ import annotations

from django.urls import path

from assets.service import participation, views


PARTICIPATION = "rest/apis/cross/service/programEventParticipation"

urlpatterns = [
    path("rest/apis/common/healthCheck", views.HealthCheck.as_view()),
    path(f"{PARTICIPATION}/reserveDevice", participation.ReserveDevice.as_view()),
    path(f"{PARTICIPATION}/preEventCancellation", participation.PreEventCancellation.as_view()),
    path(f"{PARTICIPATION}/postEventOutcome", participation.PostEventOutcome.as_view()),
]
