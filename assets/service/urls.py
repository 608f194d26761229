"""DACS's own addresses, below `/dacs/`."""

from __future__ import annotations

from django.urls import path

from assets.service import device_status, enrollment, participation, sync_requests, views


_ENROLLMENTS = "rest/apis/cross/digitalAssets/programEnrollments"
_PARTICIPATION = "rest/apis/cross/service/programEventParticipation"

urlpatterns = [
    path("rest/apis/common/healthCheck", views.HealthCheck.as_view()),
    path(f"{_ENROLLMENTS}/enroll", enrollment.Enroll.as_view()),
    path(f"{_ENROLLMENTS}/enroll/<str:identifier>", enrollment.ProgramEnrollment.as_view()),
    path(f"{_ENROLLMENTS}/unenroll", enrollment.Unenroll.as_view()),
    path(f"{_ENROLLMENTS}/unenroll/<str:identifier>", enrollment.ProgramUnenrollment.as_view()),
    path(
        "rest/apis/cross/digitalAssets/controllableDeviceStatus/response",
        device_status.DeviceStatusResponse.as_view(),
    ),
    path("rest/apis/common/sync/syncRequest/<str:sync_request_id>", sync_requests.SyncRequestService.as_view()),
    path(f"{_PARTICIPATION}/reserveDevice", participation.ReserveDevice.as_view()),
    path(f"{_PARTICIPATION}/preEventCancellation", participation.PreEventCancellation.as_view()),
    path(f"{_PARTICIPATION}/postEventOutcome", participation.PostEventOutcome.as_view()),
]
