"""API addresses of the DACS side, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assets.api import control_scores, performance, programs, sync_requests


urlpatterns = [
    path("contacts/", programs.Contacts.as_view()),
    path("controllable-devices/", programs.ControllableDevices.as_view()),
    path("program-subscriptions/", programs.ProgramSubscriptions.as_view()),
    path("enrollments/", programs.Enrollments.as_view()),
    path("control-scores/", control_scores.ControlScores.as_view()),
    path("event-performance/", performance.EventPerformances.as_view()),
    path("sync-requests/", sync_requests.SyncRequestList.as_view(), name="sync-requests"),
    path("sync-requests/<str:sync_request_id>/", sync_requests.SyncRequestDetail.as_view(), name="sync-request"),
    path("sync-requests/<str:sync_request_id>/retry/", sync_requests.Retry.as_view(), name="sync-request-retry"),
    path("sync-requests/<str:sync_request_id>/cancel/", sync_requests.Cancel.as_view(), name="sync-request-cancel"),
]
