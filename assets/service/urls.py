"""DACS's own addresses, below `/dacs/`."""

from __future__ import annotations

from django.urls import path

from assets.service import sync_requests, views


urlpatterns = [
    path("rest/apis/common/healthCheck", views.HealthCheck.as_view()),
    path("rest/apis/common/sync/syncRequest/<str:sync_request_id>", sync_requests.SyncRequestService.as_view()),
]
